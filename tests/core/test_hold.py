"""What the lock screen says, and who may let an exam go on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import codes
from app.core.hold import FREE_TRIES, hold_reason, hold_view, may_continue, wait_after
from app.core.policy import Exam, Live, Lockdown, Policy, Upload
from app.core.responses import Cause, Following, due, opened, refused, seen
from app.core.rule_table import CLIPBOARD, FOREIGN_WINDOW, MONITORS, PROCESS
from app.core.session import By, Phase, State
from app.core.types import NS_PER_S, ForeignWindow, ProcessesSeen, Violation, WindowIs, WindowsSeen

BY_RULE = State(Phase.HELD, held="More than one monitor was connected.", held_by=By.RULE)
BY_PROCTOR = replace(BY_RULE, held="Wait.", held_by=By.PROCTOR)
LINE = Live(endpoint="https://api.example")
NO_LINE = Live()
CAUSE_GONE = Lockdown()
NOTHING = Following()


def policy(lockdown: Lockdown = CAUSE_GONE, live: Live = NO_LINE) -> Policy:
    return Policy(
        exam=Exam(id="e", title="Exam", start_url="https://exam.example/"),
        upload=Upload(endpoint="https://api.example", token="", exam_id="e"),
        lockdown=lockdown,
        live=live,
    )


def open_(code: int, detail: str = "", following: Following = NOTHING) -> Following:
    return opened(following, Violation(code, code, 0, None, 0.5, 1.0, detail), "hold", 0)


def test_the_lock_screen_names_what_is_still_open_and_what_to_do() -> None:
    view = hold_view(BY_RULE, open_(MONITORS, "eDP-1, HDMI-2"), policy())
    (one,) = view.still_open
    assert view.reason == "More than one monitor was connected."
    assert (one.what, one.names) == ("More than one monitor is connected.", "eDP-1, HDMI-2")
    assert "Disconnect" in one.advice


def test_programs_and_windows_are_named_as_they_are_there_now() -> None:
    following = open_(FOREIGN_WINDOW, "old (above)", open_(PROCESS, "gone"))
    following = seen(following, ProcessesSeen(0, (("chat", "messenger"),), (4, 5)))
    windows = tuple(ForeignWindow("game", WindowIs.ABOVE, handle) for handle in (1, 2))
    view = hold_view(BY_RULE, seen(following, WindowsSeen(0, windows)), policy())
    assert [one.names for one in view.still_open] == ["chat", "game"]


def test_what_the_system_says_of_a_program_that_it_does_not_let_us_close_is_the_advice() -> None:
    violation = Violation(1, PROCESS, 0, None, 0.5, 1.0)
    following = seen(opened(Following(), violation, "close", 0), ProcessesSeen(0, (("chat", ""),), (4,)))
    following, _ = due(following, 0, kill=False)
    (program,) = following.efforts
    view = hold_view(BY_RULE, refused(following, program, "Ask whoever runs the machine."), policy())
    assert [one.advice for one in view.still_open] == ["Ask whoever runs the machine."]


def test_a_violation_that_has_no_words_of_its_own_says_its_sentence() -> None:
    (one,) = hold_view(BY_RULE, open_(CLIPBOARD), policy()).still_open
    assert one.what == codes.code(CLIPBOARD).sentence
    assert one.advice


@pytest.mark.parametrize(
    ("state", "lockdown", "live", "continues"),
    [
        (BY_RULE, Lockdown(), Live(), True),
        (BY_RULE, Lockdown(hold_release="proctor", unlock_password="h"), Live(), False),
        (BY_RULE, Lockdown(hold_release="proctor"), LINE, False),
        (BY_RULE, Lockdown(hold_release="proctor"), Live(), True),
        (BY_PROCTOR, Lockdown(), LINE, False),
        (State(Phase.RUNNING), Lockdown(), Live(), False),
    ],
    ids=["cause gone", "password", "proctor", "nobody could ever", "held by a proctor", "not held"],
)
def test_the_candidate_goes_on_alone_only_where_the_policy_lets_or_nobody_else_could(
    state: State, lockdown: Lockdown, live: Live, continues: bool
) -> None:
    assert may_continue(state, policy(lockdown, live)) is continues
    assert hold_view(state, Following(), policy(lockdown, live)).continues is continues


def test_a_view_says_who_can_help_whether_time_runs_and_how_long_to_wait() -> None:
    paused = replace(BY_PROCTOR, paused=True)
    view = hold_view(paused, Following(), policy(Lockdown(unlock_password="h"), LINE), problem="Wrong.", wait_ns=1)
    assert (view.password, view.proctor, view.by_proctor, view.time_runs) == (True, True, True, False)
    assert (view.problem, view.wait_s) == ("Wrong.", 1)
    assert hold_view(BY_RULE, Following(), policy(), wait_ns=3 * NS_PER_S).wait_s == 3


def test_the_reason_of_a_hold_is_the_violation_s_sentence_with_its_detail() -> None:
    cause = Cause(1, MONITORS, "hold", 0, "HDMI-2")
    assert hold_reason(cause) == "More than one monitor was connected. (HDMI-2)"
    assert hold_reason(replace(cause, detail="")) == "More than one monitor was connected."


@given(st.integers(0, 10_000))
def test_waits_after_wrong_passwords_grow_to_a_bound(failures: int) -> None:
    assert (wait_after(failures) == 0) == (failures < FREE_TRIES)
    assert wait_after(failures) <= wait_after(failures + 1) <= 300
