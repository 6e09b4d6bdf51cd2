"""The attempt's state machine: pure, one table of legal moves.

``step(state, event, policy) -> (state, commands)``. The shell executes commands in
order and feeds their outcomes back as events; it decides nothing. An event that has no
meaning in the present phase (a second click, a late answer) changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from app.core.policy import Policy


class Phase(StrEnum):
    CREATED = "created"
    CONFIGURED = "configured"
    CHECKED = "checked"
    CONSENTED = "consented"
    VERIFIED = "verified"
    LOCKED = "locked"
    RUNNING = "running"
    PAUSED = "paused"
    HELD = "held"
    FINISHING = "finishing"
    UPLOADING = "uploading"
    DONE = "done"
    ABORTED = "aborted"


MOVES: dict[Phase, frozenset[Phase]] = {
    Phase.CREATED: frozenset({Phase.CONFIGURED, Phase.ABORTED}),
    Phase.CONFIGURED: frozenset({Phase.CHECKED, Phase.ABORTED}),
    Phase.CHECKED: frozenset({Phase.CONSENTED, Phase.ABORTED, Phase.CONFIGURED}),
    Phase.CONSENTED: frozenset({Phase.VERIFIED, Phase.ABORTED}),
    Phase.VERIFIED: frozenset({Phase.LOCKED, Phase.FINISHING, Phase.ABORTED}),
    Phase.LOCKED: frozenset({Phase.RUNNING, Phase.PAUSED, Phase.HELD, Phase.FINISHING, Phase.ABORTED, Phase.VERIFIED}),
    Phase.RUNNING: frozenset({Phase.PAUSED, Phase.HELD, Phase.FINISHING, Phase.ABORTED, Phase.VERIFIED}),
    Phase.PAUSED: frozenset({Phase.RUNNING, Phase.HELD, Phase.FINISHING, Phase.ABORTED, Phase.VERIFIED}),
    Phase.HELD: frozenset({Phase.RUNNING, Phase.PAUSED, Phase.FINISHING, Phase.ABORTED, Phase.VERIFIED}),
    Phase.FINISHING: frozenset({Phase.UPLOADING}),
    Phase.UPLOADING: frozenset({Phase.DONE}),
    Phase.DONE: frozenset(),
    Phase.ABORTED: frozenset(),
}
"""Every legal change of phase. A restart returns an interrupted exam to ``verified``, from where it is locked again."""

TERMINAL = frozenset({Phase.DONE, Phase.ABORTED})
UNDER_WAY = frozenset({Phase.LOCKED, Phase.RUNNING, Phase.PAUSED, Phase.HELD})


class EventName(StrEnum):
    KEY_ACCEPTED = "key_accepted"
    CHECKS_PASSED = "checks_passed"
    CHECKS_FAILED = "checks_failed"
    CHECKS_REPEATED = "checks_repeated"
    CONSENT_GIVEN = "consent_given"
    CONSENT_DECLINED = "consent_declined"
    IDENTITY_TAKEN = "identity_taken"
    LOCKDOWN_PERFORMED = "lockdown_performed"
    LOCKDOWN_FAILED = "lockdown_failed"
    LOCKDOWN_RETRIED = "lockdown_retried"
    CAPTURE_STARTED = "capture_started"
    PAUSE_REQUESTED = "pause_requested"
    RESUME_REQUESTED = "resume_requested"
    HOLD_REQUESTED = "hold_requested"
    RELEASE_REQUESTED = "release_requested"
    FINISH_REQUESTED = "finish_requested"
    TIME_UP = "time_up"
    ABORT_REQUESTED = "abort_requested"
    SEALED = "sealed"
    UPLOADED = "uploaded"
    RESTARTED = "restarted"


class By(StrEnum):
    """Who held the exam, or let it go on."""

    RULE = "rule"
    PROCTOR = "proctor"
    SUPERVISOR = "supervisor"
    CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True)
class Event:
    """``reason`` says why, in words, and ``by`` who, where the event has one."""

    name: EventName
    reason: str = ""
    by: By | None = None


class Command(StrEnum):
    RUN_CHECKS = "run_checks"
    SHOW_CHECKS = "show_checks"
    SHOW_CONSENT = "show_consent"
    SHOW_IDENTITY = "show_identity"
    SKIP_IDENTITY = "skip_identity"
    PERFORM_LOCKDOWN = "perform_lockdown"
    SHOW_LOCKDOWN_PROBLEM = "show_lockdown_problem"
    START_CAPTURE = "start_capture"
    START_MONITORING = "start_monitoring"
    PAUSE_MONITORING = "pause_monitoring"
    RESUME_MONITORING = "resume_monitoring"
    SHOW_HOLD = "show_hold"
    HIDE_HOLD = "hide_hold"
    STOP_CAPTURE = "stop_capture"
    SEAL = "seal"
    REVERT_LOCKDOWN = "revert_lockdown"
    UPLOAD = "upload"
    FORGET = "forget"
    SHOW_ABORTED = "show_aborted"
    SHOW_DONE = "show_done"


@dataclass(frozen=True, slots=True)
class State:
    """``session`` counts runs of the client for this attempt, from 1. ``paused`` outlives a hold and a restart.

    ``held`` says why the attempt is held, None when it is not; it outlives a restart too, and so does ``held_by``, which
    decides who may let it go on. ``begun``: the exam was locked once, so there may be evidence that only delivery may
    take from this machine.
    """

    phase: Phase = Phase.CREATED
    session: int = 1
    paused: bool = False
    reason: str = ""
    held: str | None = None
    held_by: By | None = None
    begun: bool = False

    @property
    def monitored(self) -> bool:
        """Whether what is observed now counts, and time runs."""
        return self.phase is Phase.RUNNING or (self.phase is Phase.HELD and not self.paused)

    @property
    def ended(self) -> bool:
        return self.phase in TERMINAL


Step = tuple[State, tuple[Command, ...]]

_AFTER_RESTART: dict[Phase, tuple[Phase, tuple[Command, ...]]] = {
    Phase.CREATED: (Phase.CONFIGURED, (Command.RUN_CHECKS,)),
    Phase.CONFIGURED: (Phase.CONFIGURED, (Command.RUN_CHECKS,)),
    Phase.CHECKED: (Phase.CONFIGURED, (Command.RUN_CHECKS,)),
    Phase.FINISHING: (Phase.FINISHING, (Command.SEAL, Command.REVERT_LOCKDOWN)),
    Phase.UPLOADING: (Phase.UPLOADING, (Command.REVERT_LOCKDOWN, Command.UPLOAD)),
    Phase.DONE: (Phase.DONE, (Command.SHOW_DONE,)),
    Phase.ABORTED: (Phase.ABORTED, (Command.SHOW_ABORTED,)),
}


_PLAIN: dict[tuple[Phase, EventName], tuple[Phase, tuple[Command, ...]]] = {
    (Phase.CREATED, EventName.KEY_ACCEPTED): (Phase.CONFIGURED, (Command.RUN_CHECKS,)),
    (Phase.CONFIGURED, EventName.CHECKS_PASSED): (Phase.CHECKED, (Command.SHOW_CONSENT,)),
    (Phase.CONFIGURED, EventName.CHECKS_FAILED): (Phase.CONFIGURED, (Command.SHOW_CHECKS,)),
    (Phase.CONFIGURED, EventName.CHECKS_REPEATED): (Phase.CONFIGURED, (Command.RUN_CHECKS,)),
    (Phase.CONSENTED, EventName.IDENTITY_TAKEN): (Phase.VERIFIED, (Command.PERFORM_LOCKDOWN,)),
    (Phase.VERIFIED, EventName.LOCKDOWN_PERFORMED): (Phase.LOCKED, (Command.START_CAPTURE,)),
    (Phase.VERIFIED, EventName.LOCKDOWN_FAILED): (
        Phase.VERIFIED,
        (Command.REVERT_LOCKDOWN, Command.SHOW_LOCKDOWN_PROBLEM),
    ),
    (Phase.VERIFIED, EventName.LOCKDOWN_RETRIED): (Phase.VERIFIED, (Command.PERFORM_LOCKDOWN,)),
    (Phase.FINISHING, EventName.SEALED): (Phase.UPLOADING, (Command.UPLOAD,)),
    (Phase.UPLOADING, EventName.UPLOADED): (Phase.DONE, (Command.SHOW_DONE,)),
}
"""Events that need nothing but the phase to be answered; the rest are in ``step``."""

LEFT = "aborted: "
"""How the reason of an exam begins that was ended before it was finished."""

ENDED = "ended by the exam's rules: "
"""How it begins where a rule ended the attempt."""

_FINISH = (Command.STOP_CAPTURE, Command.SEAL, Command.REVERT_LOCKDOWN)


def step(state: State, event: Event, policy: Policy) -> Step:
    """The next state and what to do, in order. Total: every event is answered in every phase."""
    plain = _PLAIN.get((state.phase, event.name))
    if plain is not None:
        keep = state.reason if plain[0] in (Phase.UPLOADING, Phase.DONE) else event.reason
        return replace(state, phase=plain[0], reason=keep, begun=state.begun or plain[0] is Phase.LOCKED), plain[1]
    match state.phase, event.name:
        case _, EventName.RESTARTED:
            return _restarted(state, policy)
        case _, EventName.ABORT_REQUESTED:
            return _aborted(state, event.reason)
        case Phase.CHECKED, EventName.CONSENT_GIVEN:
            return replace(state, phase=Phase.CONSENTED), (_identity(policy),)
        case Phase.CHECKED, EventName.CONSENT_DECLINED:
            declined = replace(state, phase=Phase.ABORTED, reason="consent declined")
            return declined, (Command.FORGET, Command.SHOW_ABORTED)
        case Phase.LOCKED, EventName.CAPTURE_STARTED:
            return _started(state)
        case Phase.RUNNING, EventName.PAUSE_REQUESTED:
            paused = replace(state, phase=Phase.PAUSED, paused=True, reason=event.reason)
            return paused, (Command.PAUSE_MONITORING,)
        case Phase.PAUSED, EventName.RESUME_REQUESTED:
            return replace(state, phase=Phase.RUNNING, paused=False, reason=""), (Command.RESUME_MONITORING,)
        case ((Phase.LOCKED | Phase.RUNNING | Phase.PAUSED | Phase.HELD), EventName.HOLD_REQUESTED):
            return _held(state, event)
        case ((Phase.LOCKED | Phase.HELD), EventName.RELEASE_REQUESTED):
            return _released(state, event)
        case phase, (EventName.FINISH_REQUESTED | EventName.TIME_UP) if phase in UNDER_WAY:
            return replace(state, phase=Phase.FINISHING, reason=event.reason or event.name.value), _FINISH
        case _:
            return state, ()


def _started(state: State) -> Step:
    commands = (Command.START_MONITORING, Command.PAUSE_MONITORING) if state.paused else (Command.START_MONITORING,)
    if state.held is not None:
        return replace(state, phase=Phase.HELD, reason=state.held), (*commands, Command.SHOW_HOLD)
    if state.paused:
        return replace(state, phase=Phase.PAUSED), commands
    return replace(state, phase=Phase.RUNNING, reason=""), commands


def _held(state: State, event: Event) -> Step:
    """A proctor may hold what a rule held already, and then decides alone; a rule never takes over."""
    if state.held is not None and (event.by is not By.PROCTOR or state.held_by is By.PROCTOR):
        return state, ()
    held = replace(state, held=event.reason, held_by=event.by or By.RULE)
    if state.phase is Phase.LOCKED:
        return held, ()  # it is held as soon as it runs
    return replace(held, phase=Phase.HELD, reason=event.reason), (Command.SHOW_HOLD,)


def _released(state: State, event: Event) -> Step:
    """The candidate alone can't end what a proctor began."""
    if state.held is None or (event.by is By.CANDIDATE and state.held_by is By.PROCTOR):
        return state, ()
    freed = replace(state, held=None, held_by=None)
    if state.phase is Phase.LOCKED:
        return freed, ()
    return replace(freed, phase=Phase.PAUSED if state.paused else Phase.RUNNING, reason=""), (Command.HIDE_HOLD,)


def _identity(policy: Policy) -> Command:
    return Command.SHOW_IDENTITY if policy.identity.photo else Command.SKIP_IDENTITY


def _aborted(state: State, reason: str) -> Step:
    """Before the first lock nothing was recorded that the institution needs; after it the evidence is sealed and delivered."""
    if state.phase in UNDER_WAY or (state.phase is Phase.VERIFIED and state.begun):
        return replace(state, phase=Phase.FINISHING, reason=f"{LEFT}{reason}"), _FINISH
    if state.phase in TERMINAL or state.phase in (Phase.FINISHING, Phase.UPLOADING):
        return state, ()
    return replace(state, phase=Phase.ABORTED, reason=reason), (
        Command.REVERT_LOCKDOWN,
        Command.FORGET,
        Command.SHOW_ABORTED,
    )


def _restarted(state: State, policy: Policy) -> Step:
    again = replace(state, session=state.session + 1)
    if state.phase in UNDER_WAY or state.phase is Phase.VERIFIED:
        return replace(again, phase=Phase.VERIFIED, reason="", begun=state.begun or state.phase in UNDER_WAY), (
            Command.PERFORM_LOCKDOWN,
        )
    if state.phase is Phase.CONSENTED:
        return again, (_identity(policy),)
    phase, commands = _AFTER_RESTART[state.phase]
    return replace(again, phase=phase), commands
