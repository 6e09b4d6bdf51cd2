"""What the lock screen says, and who may let an exam go on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import codes
from app.core.hold import FREE_TRIES, hold_reason, hold_view, may_continue, wait_after
from app.core.policy import Exam, Live, Lockdown, Policy, Upload
from app.core.responses import ASK_NS, Cause, Following, due, opened, refused, seen, wanted
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


def open_program(*pids: int) -> Following:
    return seen(open_(PROCESS), ProcessesSeen(0, (("chat", "messenger"), ("obs", "recorder")), pids))


def test_programs_that_hold_the_exam_are_offered_to_be_closed_by_their_names() -> None:
    view = hold_view(BY_RULE, open_program(4, 5), policy())
    assert (view.to_close, view.closing) == (("chat", "obs"), False)
    assert "button" in view.still_open[0].advice
    unnamed = seen(open_(FOREIGN_WINDOW), WindowsSeen(0, (ForeignWindow("", WindowIs.ABOVE, 7),)))
    assert hold_view(BY_RULE, unnamed, policy()).to_close == ("",)


def test_what_nobody_can_ask_is_not_offered() -> None:
    unknown = seen(open_(FOREIGN_WINDOW), WindowsSeen(0, (ForeignWindow("game", WindowIs.ABOVE, 0),)))
    for following in (open_program(), unknown, open_(MONITORS)):
        view = hold_view(BY_RULE, following, policy())
        assert view.to_close == ()
        assert "button" not in view.still_open[0].advice


def test_while_it_closes_it_says_so_and_when_it_stays_it_says_what_else_helps() -> None:
    following, _ = wanted(open_program(4), 0)
    view = hold_view(BY_RULE, following, policy())
    assert (view.to_close, view.closing) == (("chat", "obs"), True)
    assert "a few seconds" in view.still_open[0].advice
    following, _ = due(following, ASK_NS, kill=False)
    view = hold_view(BY_RULE, following, policy())
    assert (view.to_close, view.closing) == ((), False)
    assert "still there. Ask for help, or hand in." in view.still_open[0].advice


def test_what_began_while_something_closes_is_offered_after_it() -> None:
    following, _ = wanted(open_program(4), 0)
    later = ProcessesSeen(1, (("obs", "recorder"),), (5,))
    following = seen(opened(following, Violation(9, PROCESS, 1, None, 0.5, 1.0), "hold", 1), later)
    assert hold_view(BY_RULE, following, policy()).to_close == ("obs",)


def test_that_the_line_is_down_is_said_where_a_proctor_on_it_has_to_help() -> None:
    for state, told in ((BY_PROCTOR, True), (BY_RULE, False)):
        assert hold_view(state, NOTHING, policy(live=LINE), line_down=True).line_down is told
    assert not hold_view(BY_PROCTOR, NOTHING, policy(live=LINE)).line_down


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
    assert hold_reason(cause) == "More than one monitor was connected: HDMI-2."
    assert hold_reason(replace(cause, detail="")) == "More than one monitor was connected."


@given(st.integers(0, 10_000))
def test_waits_after_wrong_passwords_grow_to_a_bound(failures: int) -> None:
    assert (wait_after(failures) == 0) == (failures < FREE_TRIES)
    assert wait_after(failures) <= wait_after(failures + 1) <= 300
