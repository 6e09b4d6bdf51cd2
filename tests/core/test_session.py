"""The attempt's state machine: what leads where, and what never happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.policy import Candidate, Exam, Identity, Policy, Upload
from app.core.session import MOVES, TERMINAL, UNDER_WAY, By, Command, Event, EventName, Phase, State, step


def policy(*, photo: bool = True) -> Policy:
    return Policy(
        exam=Exam(id="e", title="E", start_url="https://exam.example/"),
        candidate=Candidate(id="c", name="C"),
        upload=Upload(endpoint="https://api.example", token="t", exam_id="e"),
        identity=Identity(photo=photo),
    )


HAPPY = [
    (EventName.KEY_ACCEPTED, Phase.CONFIGURED),
    (EventName.CHECKS_PASSED, Phase.CHECKED),
    (EventName.CONSENT_GIVEN, Phase.CONSENTED),
    (EventName.IDENTITY_TAKEN, Phase.VERIFIED),
    (EventName.LOCKDOWN_PERFORMED, Phase.LOCKED),
    (EventName.CAPTURE_STARTED, Phase.RUNNING),
    (EventName.FINISH_REQUESTED, Phase.FINISHING),
    (EventName.SEALED, Phase.UPLOADING),
    (EventName.UPLOADED, Phase.DONE),
]


def run(*names: EventName, start: State | None = None, reason: str = "") -> tuple[State, tuple[Command, ...]]:
    state: State = start or State()
    commands: tuple[Command, ...] = ()
    for name in names:
        state, commands = step(state, Event(name, reason), policy())
    return state, commands


def until(phase: Phase) -> State:
    state = State()
    for name, reached in HAPPY:
        state, _ = step(state, Event(name), policy())
        if reached is phase:
            return state
    raise AssertionError(phase)


def test_the_usual_way_goes_through_every_phase_to_done() -> None:
    state = State()
    for name, phase in HAPPY:
        state, _ = step(state, Event(name), policy())
        assert state.phase is phase
    assert state.ended


def test_finishing_stops_then_seals_then_gives_the_machine_back() -> None:
    _, commands = run(EventName.FINISH_REQUESTED, start=until(Phase.RUNNING))
    assert commands == (Command.STOP_CAPTURE, Command.SEAL, Command.REVERT_LOCKDOWN)


@pytest.mark.parametrize(("photo", "command"), [(True, Command.SHOW_IDENTITY), (False, Command.SKIP_IDENTITY)])
def test_consent_leads_to_the_photo_only_where_the_policy_wants_one(photo: bool, command: Command) -> None:
    state, commands = step(until(Phase.CHECKED), Event(EventName.CONSENT_GIVEN), policy(photo=photo))
    assert (state.phase, commands) == (Phase.CONSENTED, (command,))
    assert step(state, Event(EventName.RESTARTED), policy(photo=photo))[1] == (command,)


def test_declined_consent_ends_and_forgets() -> None:
    state, commands = run(EventName.CONSENT_DECLINED, start=until(Phase.CHECKED))
    assert state.phase is Phase.ABORTED
    assert commands == (Command.FORGET, Command.SHOW_ABORTED)


def test_failed_checks_can_be_repeated() -> None:
    assert run(EventName.CHECKS_FAILED, start=until(Phase.CONFIGURED))[1] == (Command.SHOW_CHECKS,)
    assert run(EventName.CHECKS_REPEATED, start=until(Phase.CONFIGURED))[1] == (Command.RUN_CHECKS,)


def test_a_failed_lockdown_gives_the_machine_back_says_why_and_can_be_tried_again() -> None:
    state, commands = run(EventName.LOCKDOWN_FAILED, start=until(Phase.VERIFIED), reason="no X server")
    assert state.reason == "no X server"
    assert commands == (Command.REVERT_LOCKDOWN, Command.SHOW_LOCKDOWN_PROBLEM)
    again, commands = run(EventName.LOCKDOWN_RETRIED, start=state)
    assert (again.phase, again.reason, commands) == (Phase.VERIFIED, "", (Command.PERFORM_LOCKDOWN,))


def test_pause_and_resume() -> None:
    paused, commands = run(EventName.PAUSE_REQUESTED, start=until(Phase.RUNNING), reason="fire alarm")
    assert (paused.phase, paused.reason, commands) == (Phase.PAUSED, "fire alarm", (Command.PAUSE_MONITORING,))
    resumed, commands = run(EventName.RESUME_REQUESTED, start=paused)
    assert (resumed.phase, resumed.paused, commands) == (Phase.RUNNING, False, (Command.RESUME_MONITORING,))


@pytest.mark.parametrize("before", [(), (EventName.PAUSE_REQUESTED,)])
def test_a_hold_goes_back_to_where_it_came_from(before: tuple[EventName, ...]) -> None:
    was, _ = run(*before, start=until(Phase.RUNNING)) if before else (until(Phase.RUNNING), ())
    held, commands = run(EventName.HOLD_REQUESTED, start=was, reason="second monitor")
    assert (held.phase, held.reason, commands) == (Phase.HELD, "second monitor", (Command.SHOW_HOLD,))
    back, commands = run(EventName.RELEASE_REQUESTED, start=held)
    assert (back.phase, commands) == (was.phase, (Command.HIDE_HOLD,))


@pytest.mark.parametrize("phase", sorted(UNDER_WAY))
def test_a_restart_locks_an_interrupted_exam_again_as_the_next_session(phase: Phase) -> None:
    state, commands = run(EventName.RESTARTED, start=State(phase, session=1))
    assert (state.phase, state.session, commands) == (Phase.VERIFIED, 2, (Command.PERFORM_LOCKDOWN,))


def test_a_paused_exam_is_paused_again_after_a_restart() -> None:
    paused, _ = run(EventName.PAUSE_REQUESTED, start=until(Phase.RUNNING))
    state, commands = run(EventName.RESTARTED, EventName.LOCKDOWN_PERFORMED, EventName.CAPTURE_STARTED, start=paused)
    assert state.phase is Phase.PAUSED
    assert commands == (Command.START_MONITORING, Command.PAUSE_MONITORING)


@pytest.mark.parametrize("before", [(), (EventName.PAUSE_REQUESTED,)])
def test_a_held_exam_is_held_again_after_a_restart_until_it_is_released(before: tuple[EventName, ...]) -> None:
    was, _ = run(*before, start=until(Phase.RUNNING)) if before else (until(Phase.RUNNING), ())
    held, _ = run(EventName.HOLD_REQUESTED, start=was, reason="second monitor")
    state, _ = run(EventName.RESTARTED, EventName.LOCKDOWN_PERFORMED, start=held)
    state, commands = run(EventName.CAPTURE_STARTED, start=state)
    assert (state.phase, state.reason, state.monitored) == (Phase.HELD, "second monitor", not before)
    assert commands[0] is Command.START_MONITORING
    assert commands[-1] is Command.SHOW_HOLD
    assert (Command.PAUSE_MONITORING in commands) == bool(before)
    assert run(EventName.RELEASE_REQUESTED, start=state)[0].phase is was.phase


@pytest.mark.parametrize(
    ("phase", "monitored"),
    [(Phase.LOCKED, False), (Phase.RUNNING, True), (Phase.HELD, True), (Phase.PAUSED, False), (Phase.FINISHING, False)],
)
def test_only_a_running_or_held_exam_is_monitored_and_never_while_it_is_paused(phase: Phase, monitored: bool) -> None:
    assert State(phase).monitored is monitored
    assert not State(Phase.HELD, paused=True).monitored


@pytest.mark.parametrize(
    ("phase", "reached", "command"),
    [
        (Phase.CREATED, Phase.CONFIGURED, (Command.RUN_CHECKS,)),
        (Phase.CHECKED, Phase.CONFIGURED, (Command.RUN_CHECKS,)),
        (Phase.FINISHING, Phase.FINISHING, (Command.SEAL, Command.REVERT_LOCKDOWN)),
        (Phase.UPLOADING, Phase.UPLOADING, (Command.REVERT_LOCKDOWN, Command.UPLOAD)),
        (Phase.DONE, Phase.DONE, (Command.SHOW_DONE,)),
        (Phase.ABORTED, Phase.ABORTED, (Command.SHOW_ABORTED,)),
    ],
)
def test_a_restart_goes_on_where_it_was(phase: Phase, reached: Phase, command: tuple[Command, ...]) -> None:
    state, commands = run(EventName.RESTARTED, start=State(phase))
    assert (state.phase, commands) == (reached, command)


def test_an_abort_before_the_lock_forgets_and_after_it_delivers() -> None:
    early, commands = run(EventName.ABORT_REQUESTED, start=until(Phase.CONSENTED), reason="left")
    assert (early.phase, early.reason) == (Phase.ABORTED, "left")
    assert commands == (Command.REVERT_LOCKDOWN, Command.FORGET, Command.SHOW_ABORTED)
    late, commands = run(EventName.ABORT_REQUESTED, start=until(Phase.RUNNING), reason="left")
    assert (late.phase, late.reason) == (Phase.FINISHING, "aborted: left")
    assert Command.SEAL in commands
    assert Command.FORGET not in commands
    delivering = until(Phase.UPLOADING)
    assert run(EventName.ABORT_REQUESTED, start=delivering) == (delivering, ())


def test_evidence_of_an_interrupted_exam_is_delivered_and_never_forgotten_by_an_abort() -> None:
    again, _ = run(EventName.RESTARTED, EventName.LOCKDOWN_FAILED, start=until(Phase.RUNNING))
    assert again.phase is Phase.VERIFIED
    state, commands = run(EventName.ABORT_REQUESTED, start=again, reason="left")
    assert state.phase is Phase.FINISHING
    assert Command.SEAL in commands
    assert Command.FORGET not in commands


states = st.builds(State, st.sampled_from(Phase), st.integers(1, 5), st.booleans(), st.text(max_size=5))
events = st.builds(Event, st.sampled_from(EventName), st.text(max_size=5))


@given(states, events)
def test_every_move_is_in_the_table_of_legal_moves(state: State, event: Event) -> None:
    after, commands = step(state, event, policy())
    if after.phase is not state.phase:
        restart_to_checks = event.name is EventName.RESTARTED and state.phase is Phase.CHECKED
        assert after.phase in MOVES[state.phase] or restart_to_checks
    if state.phase in TERMINAL:
        assert after.phase is state.phase
        assert not set(commands) - {Command.SHOW_DONE, Command.SHOW_ABORTED}


@given(st.lists(events, max_size=40))
def test_no_order_of_events_leaves_a_lock_without_its_reversal_or_evidence_forgotten(happened: list[Event]) -> None:
    state = State()
    done: list[Command] = []
    for event in happened:
        state, commands = step(state, event, policy())
        done += commands
    if Command.PERFORM_LOCKDOWN in done and state.phase in (Phase.UPLOADING, Phase.DONE, Phase.ABORTED):
        last_lock = len(done) - 1 - done[::-1].index(Command.PERFORM_LOCKDOWN)
        assert Command.REVERT_LOCKDOWN in done[last_lock:]
    if Command.START_CAPTURE in done:
        assert Command.FORGET not in done
    if state.phase is Phase.DONE:
        assert done.index(Command.SEAL) < done.index(Command.UPLOAD)
    assert state.session == 1 + sum(e.name is EventName.RESTARTED for e in happened)


def held(by: By) -> State:
    return step(until(Phase.RUNNING), Event(EventName.HOLD_REQUESTED, "why", by), policy())[0]


def test_a_candidate_can_not_end_what_a_proctor_began() -> None:
    release = Event(EventName.RELEASE_REQUESTED, "", By.CANDIDATE)
    assert step(held(By.PROCTOR), release, policy()) == (held(By.PROCTOR), ())
    assert step(held(By.RULE), release, policy())[0].phase is Phase.RUNNING


@pytest.mark.parametrize("by", [By.PROCTOR, By.SUPERVISOR])
@pytest.mark.parametrize("holder", [By.PROCTOR, By.RULE])
def test_a_proctor_and_a_password_end_every_hold(by: By, holder: By) -> None:
    state, commands = step(held(holder), Event(EventName.RELEASE_REQUESTED, "", by), policy())
    assert (state.phase, state.held, state.held_by, commands) == (Phase.RUNNING, None, None, (Command.HIDE_HOLD,))


def test_a_proctor_takes_over_what_a_rule_held_and_no_rule_takes_over_from_a_proctor() -> None:
    taken, commands = step(held(By.RULE), Event(EventName.HOLD_REQUESTED, "wait", By.PROCTOR), policy())
    assert (taken.held, taken.held_by, commands) == ("wait", By.PROCTOR, (Command.SHOW_HOLD,))
    assert step(taken, Event(EventName.HOLD_REQUESTED, "monitor", By.RULE), policy()) == (taken, ())


def test_an_exam_that_is_held_while_its_devices_start_is_held_as_soon_as_it_runs() -> None:
    state, commands = step(until(Phase.LOCKED), Event(EventName.HOLD_REQUESTED, "wait", By.PROCTOR), policy())
    assert (state.phase, commands) == (Phase.LOCKED, ())
    started, commands = run(EventName.CAPTURE_STARTED, start=state)
    assert (started.phase, started.held_by, commands[-1]) == (Phase.HELD, By.PROCTOR, Command.SHOW_HOLD)
    freed, commands = step(state, Event(EventName.RELEASE_REQUESTED, "", By.PROCTOR), policy())
    assert (freed.phase, freed.held, commands) == (Phase.LOCKED, None, ())
    assert run(EventName.CAPTURE_STARTED, start=freed)[0].phase is Phase.RUNNING


@pytest.mark.parametrize("by", sorted(By))
def test_a_held_exam_can_always_be_handed_in(by: By) -> None:
    state, commands = run(EventName.FINISH_REQUESTED, start=held(by), reason="handed in")
    assert (state.phase, state.reason) == (Phase.FINISHING, "handed in")
    assert Command.SEAL in commands
