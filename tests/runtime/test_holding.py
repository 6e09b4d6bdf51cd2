"""A held exam in a whole session without windows: how it comes to be held, and every way on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from app.core import unlock
from app.core.errors import EvidenceError
from app.core.hold import FREE_TRIES, HoldView
from app.core.policy import Detection, Live, Lockdown, Response, RuleSetting
from app.core.session import By, Event, EventName, Phase
from app.core.types import (
    ClockSet,
    DisplaysSeen,
    EntryKind,
    FocusChanged,
    ForeignWindow,
    Json,
    KeyBlocked,
    Observation,
    ProcessesSeen,
    SessionSeen,
    SessionState,
    WindowIs,
    WindowsSeen,
)
from app.evidence.verify import verify
from app.runtime.clock_moves import Moved
from tests.fakes.control_server import control_server
from tests.fakes.shell import Machine, Run, client, machine

SALT = b"sixteen bytes at least"
PASSWORD = "let them go on"
STORED = unlock.make(PASSWORD, SALT)
CHAT = (("chat", "messenger"),)


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return machine(tmp_path, photo=False)


def responds(on: Machine, lockdown: Lockdown | None = None, **responses: Response) -> None:
    """Sets what follows: ``c5007="hold"``."""
    rules = {int(code[1:]): RuleSetting(response=response) for code, response in responses.items()}
    on.policy = replace(
        on.policy, detection=Detection(enabled=False, rules=rules), lockdown=lockdown or on.policy.lockdown
    )


def see(run: Run, on: Machine, make: Callable[[int], Observation]) -> None:
    run.controller.post_observation(make(on.clock.now().mono_ns))
    run.do(lambda: None)
    run.do(lambda: None)


def monitors(count: int) -> Callable[[int], Observation]:
    return lambda at_ns: DisplaysSeen(at_ns, count, ("HDMI-1",) * (count - 1))


def programs(*pids: int) -> Callable[[int], Observation]:
    return lambda at_ns: ProcessesSeen(at_ns, CHAT if pids else (), pids)


def shown(run: Run) -> HoldView:
    return run.face.holds[-1]


def held_by_monitor(run: Run, on: Machine) -> None:
    run.reach_exam()
    see(run, on, monitors(2))
    until_held(run)


def until_held(run: Run) -> None:
    """Until the lock screen is shown."""
    run.until(lambda: run.phase is Phase.HELD and run.face.shown[-1].startswith("hold: "), "the lock screen")


def phases(run: Run) -> list[tuple[Json, Json]]:
    return [(b["phase"], b.get("by")) for b in run.bodies(name="phase")]


def enter(run: Run, password: str) -> None:
    run.do(lambda: run.shell.holding.try_password(run.controller.state, password))
    run.do(lambda: None)


def go_on(run: Run) -> None:
    run.do(lambda: run.shell.holding.go_on(run.controller.state))
    run.do(lambda: None)


def test_a_violation_holds_the_exam_and_it_goes_on_when_the_cause_is_gone_and_the_candidate_says_so(
    here: Machine,
) -> None:
    responds(here, c5007="hold")
    with client(here) as run:
        held_by_monitor(run, here)
        assert [one.names for one in shown(run).still_open] == ["HDMI-1"]
        go_on(run)
        assert run.phase is Phase.HELD
        see(run, here, monitors(1))
        run.until(lambda: not shown(run).still_open, "the list to empty")
        assert run.phase is Phase.HELD
        go_on(run)
        run.until_phase(Phase.RUNNING)
        assert run.face.shown[-1] == "no hold"
        run.finish()
        assert verify(run.attempt.root).ok
        assert [pair for pair in phases(run) if pair[1]] == [("held", "rule"), ("running", "candidate")]
        report = json.loads((run.attempt.root / "report.json").read_text(encoding="utf-8"))
    log = [(e.get("phase"), e.get("by")) for e in report["events"] if e["event"] == "phase"]
    assert ("held", "rule") in log


def test_what_is_only_recorded_is_not_told_and_what_warns_is(here: Machine) -> None:
    responds(here, c5007="record", c5121="warn")
    with client(here) as run:
        run.reach_exam()
        see(run, here, monitors(2))
        assert run.face.notices == []
        see(run, here, lambda at_ns: KeyBlocked(at_ns, "Alt+Tab", capture=False))
        assert len(run.face.notices) == 1
        assert run.phase is Phase.RUNNING


def test_a_denied_program_is_asked_to_close_and_that_is_written_down(here: Machine) -> None:
    responds(here, c5111="close")
    with client(here) as run:
        run.reach_exam()
        see(run, here, programs(4242))
        assert here.closer.asked == [4242]
        see(run, here, programs())
        here.clock.leap(60)
        run.do(lambda: None)
        assert run.phase is Phase.RUNNING
        assert [b["program"] for b in run.bodies(name="asked_to_close")] == ["chat"]


def test_a_program_that_stays_is_ended_where_the_policy_says_so_and_otherwise_holds_the_exam(here: Machine) -> None:
    responds(here, Lockdown(kill_processes=True), c5111="close")
    with client(here) as run:
        run.reach_exam()
        see(run, here, programs(4242))
        here.clock.leap(5)
        run.until(lambda: here.closer.ended == [4242], "the end of the program")
        here.clock.leap(3)
        until_held(run)
        assert [one.names for one in shown(run).still_open] == ["chat"]
        assert [b["program"] for b in run.bodies(name="program_ended")] == ["chat"]


def test_a_program_that_can_not_be_closed_holds_the_exam_with_the_system_s_reason(here: Machine) -> None:
    responds(here, c5111="close")
    here.closer.refusal = "This user may not close it; ask whoever runs the machine."
    with client(here) as run:
        run.reach_exam()
        see(run, here, programs(4242))
        until_held(run)
        assert [one.advice for one in shown(run).still_open] == [here.closer.refusal]
        assert [b["sentence"] for b in run.bodies(name="close_refused")] == [here.closer.refusal]


def test_the_exam_itself_is_never_closed(here: Machine) -> None:
    responds(here, Lockdown(kill_processes=True), c5111="close")
    with client(here) as run:
        run.reach_exam()
        see(run, here, programs(os.getpid(), os.getppid(), 1))
        until_held(run)
        assert (here.closer.asked, here.closer.ended) == ([], [])


def test_a_rule_that_ends_the_attempt_has_its_evidence_sealed_and_delivered_with_the_reason(here: Machine) -> None:
    responds(here, c5111="end")
    with client(here) as run:
        run.reach_exam()
        see(run, here, programs(4242))
        run.until_handed_in()
        assert verify(run.attempt.root).ok
        report = json.loads((run.attempt.root / "report.json").read_text(encoding="utf-8"))
    because = "ended by the exam's rules: A program was running that the exam does not allow."
    assert report["attempt"]["ended_because"] == because
    assert here.backend.calls[-1] == "submit"


def test_what_was_about_to_follow_when_a_pause_began_does_not_follow_after_it(here: Machine) -> None:
    responds(here, c5005="hold")
    with client(here) as run:
        run.reach_exam()
        see(run, here, lambda at_ns: FocusChanged(at_ns, False, "a game"))
        run.controller.post_event(Event(EventName.PAUSE_REQUESTED, "a fire drill"))
        see(run, here, lambda at_ns: FocusChanged(at_ns, True))
        here.clock.leap(60)
        run.controller.post_event(Event(EventName.RESUME_REQUESTED))
        run.do(lambda: None)
        here.clock.leap(60)
        run.do(lambda: None)
        run.do(lambda: None)
        assert run.phase is Phase.RUNNING


# ---- ways on


def close_for_me(run: Run) -> None:
    run.do(lambda: run.shell.holding.close_for_me(run.controller.state))


def test_a_program_that_holds_the_exam_is_closed_for_the_candidate_who_wants_it(here: Machine) -> None:
    responds(here, c5111="hold")
    with client(here) as run:
        run.reach_exam()
        close_for_me(run)
        see(run, here, programs(4242))
        until_held(run)
        assert (here.closer.asked, shown(run).to_close, shown(run).closing) == ([], ("chat",), False)
        close_for_me(run)
        assert (here.closer.asked, shown(run).closing) == ([4242], True)
        assert [(b["program"], b["by"]) for b in run.bodies(name="asked_to_close")] == [("chat", "candidate")]
        see(run, here, programs())
        run.until(lambda: not shown(run).still_open, "the list to empty")
        go_on(run)
        run.until_phase(Phase.RUNNING)


def test_a_window_that_holds_the_exam_is_closed_for_the_candidate_and_its_process_stays(here: Machine) -> None:
    responds(here, c5122="hold")
    window = ForeignWindow("game", WindowIs.ABOVE, 7, 4242)
    with client(here) as run:
        run.reach_exam()
        see(run, here, lambda at_ns: WindowsSeen(at_ns, (window,)))
        here.clock.leap(1)
        see(run, here, lambda at_ns: WindowsSeen(at_ns, (window,)))
        until_held(run)
        close_for_me(run)
        assert here.closer.asked_windows == [7]
        here.clock.leap(60)
        run.until(lambda: "still there" in shown(run).still_open[0].advice, "the advice")
        assert (shown(run).to_close, here.closer.ended) == ((), [])


def test_a_program_that_can_not_be_closed_for_the_candidate_says_why(here: Machine) -> None:
    responds(here, c5111="hold")
    here.closer.refusal = "This user may not close it; ask whoever runs the machine."
    with client(here) as run:
        run.reach_exam()
        see(run, here, programs(4242))
        until_held(run)
        close_for_me(run)
        run.until(lambda: not shown(run).to_close, "the button to go")
        assert [one.advice for one in shown(run).still_open] == [here.closer.refusal]
        assert [(b["sentence"], b["by"]) for b in run.bodies(name="close_refused")] == [
            (here.closer.refusal, "candidate")
        ]


def test_the_password_lets_the_exam_go_on_as_things_are_and_is_in_no_file(here: Machine) -> None:
    responds(here, Lockdown(hold_release="proctor", unlock_password=STORED), c5007="hold")
    with client(here) as run:
        held_by_monitor(run, here)
        assert (shown(run).password, shown(run).continues) == (True, False)
        enter(run, "a guess of mine")
        assert (run.phase, shown(run).problem) == (Phase.HELD, "That password is wrong.")
        enter(run, PASSWORD)
        run.until_phase(Phase.RUNNING)
        here.clock.leap(60)
        run.do(lambda: None)
        assert run.phase is Phase.RUNNING
        assert [b["tries"] for b in run.bodies(name="unlock_refused")] == [1]
        assert phases(run)[-1] == ("running", "supervisor")
        files = [path.read_bytes() for path in here.folder.rglob("*") if path.is_file()]
        assert not [data for data in files if b"a guess of mine" in data or PASSWORD.encode() in data]


def test_after_some_wrong_passwords_it_has_to_be_waited_even_across_a_restart(here: Machine) -> None:
    responds(here, Lockdown(unlock_password=STORED), c5007="hold")
    with client(here) as run:
        held_by_monitor(run, here)
        for _ in range(FREE_TRIES):
            enter(run, "guess")
        assert shown(run).wait_s > 0
        enter(run, PASSWORD)
        assert run.phase is Phase.HELD
    with client(here) as run:
        until_held(run)
        assert shown(run).wait_s > 0
        enter(run, PASSWORD)
        assert run.phase is Phase.HELD
        here.clock.leap(10)
        run.until(lambda: shown(run).wait_s == 0, "the wait to end")
        enter(run, PASSWORD)
        run.until_phase(Phase.RUNNING)


def test_on_a_full_disk_wrong_passwords_are_counted_and_the_right_one_is_taken(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    responds(here, Lockdown(hold_release="proctor", unlock_password=STORED), c5007="hold")

    def refused(_name: str, _value: str) -> None:
        raise EvidenceError("The disk is full; free some of it.")

    with client(here) as run:
        held_by_monitor(run, here)
        monkeypatch.setattr(run.attempt.store, "set_meta", refused)
        for _ in range(FREE_TRIES):
            enter(run, "guess")
        assert shown(run).wait_s > 0
        here.clock.leap(10)
        enter(run, PASSWORD)
        run.until(lambda: run.phase is Phase.RUNNING and run.face.shown[-1] == "no hold", "the exam to go on")


def test_a_hold_survives_a_crash_and_can_be_released_after_it(here: Machine) -> None:
    responds(here, c5007="hold")
    with client(here) as run:
        held_by_monitor(run, here)
    with client(here) as run:
        until_held(run)
        assert run.controller.state.held_by is By.RULE
        see(run, here, monitors(2))
        run.until(lambda: shown(run).still_open, "what is still open")
        go_on(run)
        assert run.phase is Phase.HELD
        see(run, here, monitors(1))
        go_on(run)
        run.until_phase(Phase.RUNNING)


def test_a_held_exam_can_be_handed_in(here: Machine) -> None:
    responds(here, Lockdown(hold_release="proctor", unlock_password=STORED), c5007="hold")
    with client(here) as run:
        held_by_monitor(run, here)
        run.do(lambda: run.shell.holding.leave(run.controller.state))
        run.until_handed_in()
        assert verify(run.attempt.root).ok


@pytest.mark.parametrize("by", [By.RULE, By.PROCTOR])
def test_an_exam_whose_time_ends_while_it_is_held_is_handed_in(here: Machine, by: By) -> None:
    responds(here, Lockdown(hold_release="proctor", unlock_password=STORED))
    here.policy = replace(here.policy, exam=replace(here.policy.exam, duration_min=1))
    with client(here) as run:
        run.reach_exam()
        run.controller.post_event(Event(EventName.HOLD_REQUESTED, "Wait.", by))
        until_held(run)
        here.clock.leap(61)
        run.until_handed_in()
        assert phases(run)[-1][0] != "held"
        assert run.controller.state.reason == "1 minute is over"
        assert verify(run.attempt.root).ok


def test_what_is_asked_of_a_hold_that_is_over_changes_nothing(here: Machine) -> None:
    responds(here, Lockdown(unlock_password=STORED))
    with client(here) as run:
        run.reach_exam()
        go_on(run)
        enter(run, "guess")
        run.do(lambda: run.shell.holding.leave(run.controller.state))
        assert run.phase is Phase.RUNNING
        assert run.bodies(name="unlock_refused") == []


def test_a_proctor_holds_the_exam_lets_it_go_on_and_is_told_how_it_is(here: Machine) -> None:
    with control_server() as server:
        here.policy = replace(here.policy, live=Live(endpoint=server.url))
        with client(here) as run:
            run.reach_exam()
            server.next()
            server.send({"type": "unlock", "seq": 1})
            answer = server.next()
            assert (answer["status"], answer["reason"]) == ("refused", "the exam is not held")
            server.send({"type": "lock", "seq": 2, "reason": "Wait for me."})
            assert server.next()["status"] == "applied"
            until_held(run)
            assert (shown(run).reason, shown(run).by_proctor, shown(run).continues) == ("Wait for me.", True, False)
            go_on(run)
            assert run.phase is Phase.HELD
            server.send({"type": "lock", "seq": 3})
            assert server.next()["status"] == "refused"
            server.until(lambda: told(server.states), "the hold to be told")
            assert not shown(run).line_down
            server.refusals = 1_000
            server.cut()
            run.until(lambda: shown(run).line_down, "the cut to be shown")
            server.refusals = 0
            run.until(lambda: not shown(run).line_down, "the line to be back")
            server.send({"type": "unlock", "seq": 4, "reason": "All is well."})
            answers = iter(server.next, None)  # those from before the cut are said again
            assert next(one for one in answers if one.get("seq") == 4)["status"] == "applied"
            run.until_phase(Phase.RUNNING)
            server.until(lambda: not told(server.states), "the release to be told")
            assert [p for p in phases(run) if p[1]] == [("held", "proctor"), ("running", "proctor")]


def told(states: list[dict[str, Json]]) -> Mapping[str, Json] | None:
    """The last word, when it says that the exam is held."""
    return states[-1] if states and states[-1]["held"] else None


# ---- normal life


def session_is(state: SessionState) -> Callable[[int], Observation]:
    return lambda at_ns: SessionSeen(at_ns, state)


@pytest.mark.parametrize("state", [SessionState.LOCKED, SessionState.ASLEEP])
def test_a_locked_screen_or_sleep_is_written_down_and_holds_nothing(here: Machine, state: SessionState) -> None:
    responds(here, c5005="hold")
    with client(here) as run:
        run.reach_exam()
        see(run, here, session_is(state))
        see(run, here, lambda at_ns: FocusChanged(at_ns, False, "a screen locker"))
        here.clock.leap(600)
        see(run, here, session_is(SessionState.HERE))
        see(run, here, lambda at_ns: FocusChanged(at_ns, True))
        here.clock.leap(60)
        run.do(lambda: None)
        assert run.phase is Phase.RUNNING
        assert [b["code"] for b in run.bodies(EntryKind.VIOLATION) if b["code"] == 5005] == []
        assert [b["state"] for b in run.bodies(name="session")] == [state.value, "here"]


@pytest.mark.parametrize("first", ["the lock", "the focus"])
def test_a_window_that_stays_left_after_the_screen_was_unlocked_counts_from_then(here: Machine, first: str) -> None:
    responds(here, c5005="hold")
    lost = [session_is(SessionState.LOCKED), lambda at_ns: FocusChanged(at_ns, False, "a game")]
    with client(here) as run:
        run.reach_exam()
        for one in lost if first == "the lock" else reversed(lost):
            see(run, here, one)
        before = len(run.bodies(name="violation_opened"))
        here.clock.leap(60)
        see(run, here, session_is(SessionState.HERE))
        here.clock.leap(3)
        run.do(lambda: None)
        assert len(run.bodies(name="violation_opened")) == before, "a slow machine shows its windows one by one"
        here.clock.leap(3)
        run.until(lambda: len(run.bodies(name="violation_opened")) == before + 1, "the violation")
        here.clock.leap(3)
        until_held(run)


def test_screen_and_keyboard_are_taken_again_after_a_lock_until_both_are_ours(here: Machine) -> None:
    with client(here) as run:
        run.reach_exam()
        see(run, here, session_is(SessionState.LOCKED))
        assert here.kiosk.taken_again == 0
        see(run, here, session_is(SessionState.HERE))
        run.until(lambda: here.kiosk.taken_again == 1, "the first try")
        here.clock.leap(6)
        run.until(lambda: here.kiosk.taken_again == 2, "the second try")
        here.clock.leap(60)
        run.do(lambda: None)
        assert here.kiosk.taken_again == 2


def test_a_clock_that_was_set_is_told_in_the_log_and_judged_where_nothing_explains_it(here: Machine) -> None:
    with client(here) as run:
        run.reach_exam()
        run.shell.clock_was_set(Moved(3600))
        run.until(lambda: run.bodies(EntryKind.VIOLATION), "the violation")
        assert [b["code"] for b in run.bodies(EntryKind.VIOLATION)] == [5118]
        run.shell.clock_was_set(Moved(-7200, "after sleep"))
        run.until(lambda: len(run.bodies(name="clock_changed")) == 2, "the second move")
        told = [(b["seconds"], b.get("explained")) for b in run.bodies(name="clock_changed")]
        assert told == [(3600, None), (-7200, "after sleep")]
        assert len(run.bodies(EntryKind.VIOLATION)) == 1
        see(run, here, lambda at_ns: ClockSet(at_ns, -5))
        assert run.phase is Phase.RUNNING


def test_each_minute_it_is_written_down_that_the_watchers_watch(here: Machine) -> None:
    with client(here) as run:
        run.reach_exam()
        run.do(lambda: None)
        here.clock.leap(61)
        run.until(lambda: len(run.bodies(name="watching")) == 1, "the first entry")
        here.clock.leap(61)
        run.until(lambda: len(run.bodies(name="watching")) == 2, "the second entry")
        entry = run.bodies(name="watching")[0]
        assert entry["watchers"] == {"monitors": {"polls": 60, "failures": 0}}
        assert (entry["missing"], entry["dropped"]) == (["windows"], 0)
