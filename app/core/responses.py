"""What follows a violation: which program is asked to close and when, when the exam is held, when it ends. Pure.

    following = opened(following, violation, response, now_ns)
    following = seen(following, observation)
    following, steps = due(following, now_ns, kill=policy.lockdown.kill_processes)

Guarantees, each held by a test:

- Nothing happens for ``record`` and ``warn``; each violation holds or ends the exam once at most.
- A program is asked before it is ended, and only ended where the policy allows it, ``ASK_NS`` later.
- What does not close holds the exam, with the program's name; what the system does not let us close does so at once.
- What a held exam waits for is closed as well where the candidate wants it, in the same way, and only then.
- Leaving the window, or a device that gives nothing, because the screen was locked or the machine slept neither holds
  nor ends an exam.
- After ``excused`` nothing that was open then is followed any more; what opens anew is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.core.policy import Response
from app.core.rule_table import FOCUS_LOST, FOREIGN_WINDOW, GAP, PROCESS
from app.core.types import NS_PER_S, Observation, ProcessesSeen, SessionSeen, SessionState, Violation, WindowsSeen

ASK_NS = 5 * NS_PER_S
"""How long a program has to close by itself once it was asked."""
END_NS = 3 * NS_PER_S
"""How long an ended program has to be gone."""
SETTLE_NS = 2 * NS_PER_S
"""How long it is waited, after the focus was lost, for the system to say that its screen was locked."""
WAKING_NS = 15 * NS_PER_S
"""How long devices may take after that to give something again."""
CLOSABLE = frozenset({PROCESS, FOREIGN_WINDOW})
"""Violations of something that can be closed; for others ``close`` is ``hold``."""
FOLLOWED: frozenset[Response] = frozenset({"hold", "close", "end"})
_OF_NORMAL_LIFE = frozenset({FOCUS_LOST, GAP})
NORMAL_LIFE = frozenset({SessionState.LOCKED, SessionState.ASLEEP})


@dataclass(frozen=True, slots=True)
class Program:
    """A window of a program, or a process. ``name`` is for people."""

    name: str
    window: int | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Effort:
    """What was tried with a program. ``refusal`` is the system's answer in a sentence; ``over``: nothing more is tried."""

    asked_ns: int
    ended_ns: int | None = None
    refusal: str = ""
    over: bool = False


@dataclass(frozen=True, slots=True)
class Cause:
    """A violation with a response of ``FOLLOWED``. ``due_ns``: when it holds or ends the exam, None once it did."""

    number: int
    code: int
    response: Response
    since_ns: int
    detail: str = ""
    due_ns: int | None = None
    open: bool = True
    excused: bool = False


@dataclass(frozen=True, slots=True)
class Following:
    """``causes`` by violation number; ``programs`` that can be closed now, by code. ``absent``: the screen is locked or
    the machine sleeps; ``back_ns``: when that was last over.
    """

    causes: Mapping[int, Cause] = field(default_factory=dict)
    programs: Mapping[int, tuple[Program, ...]] = field(default_factory=dict)
    efforts: Mapping[Program, Effort] = field(default_factory=dict)
    absent: bool = False
    back_ns: int | None = None


@dataclass(frozen=True, slots=True)
class AskToClose:
    program: Program
    by_candidate: bool = False


@dataclass(frozen=True, slots=True)
class EndProgram:
    program: Program


@dataclass(frozen=True, slots=True)
class Hold:
    cause: Cause


@dataclass(frozen=True, slots=True)
class EndAttempt:
    cause: Cause


Step = AskToClose | EndProgram | Hold | EndAttempt


def opened(state: Following, violation: Violation, response: Response, now_ns: int) -> Following:
    """Takes a violation that has just opened, what has no duration included (then ``closed`` follows)."""
    if response not in FOLLOWED or _is_normal_life(state, violation.code, now_ns):
        return state
    if response == "close" and violation.code not in CLOSABLE:
        response = "hold"
    settle_ns = SETTLE_NS if violation.code in _OF_NORMAL_LIFE else 0
    due_ns = None if response == "close" else now_ns + settle_ns
    cause = Cause(violation.number, violation.code, response, now_ns, violation.detail, due_ns)
    return replace(state, causes={**state.causes, cause.number: cause})


def closed(state: Following, number: int) -> Following:
    """The violation is over. What it is to bring about comes about all the same, except that nothing is left to close."""
    cause = state.causes.get(number)
    if cause is None:
        return state
    others = {key: kept for key, kept in state.causes.items() if key != number}
    if cause.due_ns is None:
        return replace(state, causes=others)
    return replace(state, causes={**others, number: replace(cause, open=False)})


def seen(state: Following, observation: Observation) -> Following:
    """Takes what is there to be closed, and whether the screen is locked."""
    if isinstance(observation, ProcessesSeen):
        names = ", ".join(name for name, _ in observation.found)
        return _there(state, PROCESS, tuple(Program(names, pid=pid) for pid in observation.pids))
    if isinstance(observation, WindowsSeen):
        windows = tuple(Program(one.program, one.handle or None, one.pid) for one in observation.found)
        return _there(state, FOREIGN_WINDOW, windows)
    if not isinstance(observation, SessionSeen):
        return state
    if observation.state in NORMAL_LIFE:
        stays = {n: c for n, c in state.causes.items() if c.code not in _OF_NORMAL_LIFE or c.due_ns is None}
        return replace(state, causes=stays, absent=True)
    return replace(state, absent=False, back_ns=observation.at_ns if state.absent else state.back_ns)


def refused(state: Following, program: Program, sentence: str) -> Following:
    """The system did not let us close the program."""
    effort = state.efforts.get(program)
    if effort is None:
        return state
    return replace(state, efforts={**state.efforts, program: replace(effort, refusal=sentence)})


def excused(state: Following) -> Following:
    """A person let the exam go on as things are."""
    return replace(state, causes={n: replace(c, excused=True, due_ns=None) for n, c in state.causes.items() if c.open})


def blocking(state: Following) -> tuple[Cause, ...]:
    """What has to be gone before a held exam can go on by itself, in the order in which it began."""
    return tuple(sorted((c for c in state.causes.values() if c.open and not c.excused), key=lambda c: c.number))


def closable(state: Following) -> tuple[Program, ...]:
    """What keeps a held exam from going on and can be asked to close, each once."""
    found = (program for cause in blocking(state) for program in state.programs.get(cause.code, ()))
    return tuple(dict.fromkeys(p for p in found if p.window is not None or p.pid is not None))


def offered(state: Following) -> tuple[Program, ...]:
    """What of it was not asked yet: the candidate may want it to be."""
    return tuple(program for program in closable(state) if program not in state.efforts)


def closing(state: Following) -> tuple[Program, ...]:
    """What of it was asked and still has time to close."""
    return tuple(p for p in closable(state) if p in state.efforts and not state.efforts[p].over)


def wanted(state: Following, now_ns: int) -> tuple[Following, tuple[AskToClose, ...]]:
    """The candidate wants closed what is ``offered``. From here on ``due`` goes on with it."""
    programs = offered(state)
    efforts = {**state.efforts, **{program: Effort(now_ns) for program in programs}}
    return replace(state, efforts=efforts), tuple(AskToClose(program, by_candidate=True) for program in programs)


def due(state: Following, now_ns: int, *, kill: bool) -> tuple[Following, tuple[Step, ...]]:
    """What has to be done now, and the state that takes it as done."""
    efforts = dict(state.efforts)
    steps: list[Step] = []
    for cause in blocking(state):
        for program in state.programs.get(cause.code, ()):
            if cause.response == "close" or program in efforts:
                steps += _tried(program, efforts, now_ns, kill=kill)
    causes: dict[int, Cause] = {}
    for number, cause in sorted(state.causes.items()):
        lasting = _judged(cause, state.programs.get(cause.code, ()), efforts, now_ns, kill=kill)
        if lasting.due_ns is not None and lasting.due_ns <= now_ns and not lasting.excused:
            steps.append(EndAttempt(lasting) if lasting.response == "end" else Hold(lasting))
            lasting = replace(
                lasting, due_ns=None, response="hold" if lasting.response == "close" else lasting.response
            )
        if lasting.open or lasting.due_ns is not None:
            causes[number] = lasting
    return replace(state, causes=causes, efforts=efforts), tuple(steps)


def _is_normal_life(state: Following, code: int, now_ns: int) -> bool:
    waking = code == GAP and state.back_ns is not None and now_ns - state.back_ns < WAKING_NS
    return code in _OF_NORMAL_LIFE and (state.absent or waking)


def _there(state: Following, code: int, programs: tuple[Program, ...]) -> Following:
    """What is gone and comes back is asked anew."""
    now = {**state.programs, code: programs}
    known = {program for some in now.values() for program in some}
    return replace(state, programs=now, efforts={p: e for p, e in state.efforts.items() if p in known})


def _tried(program: Program, efforts: dict[Program, Effort], now_ns: int, *, kill: bool) -> list[Step]:
    effort = efforts.get(program)
    if effort is None:
        efforts[program] = Effort(now_ns)
        return [AskToClose(program)]
    waited = bool(effort.refusal) or now_ns - effort.asked_ns >= ASK_NS
    if effort.ended_ns is not None:
        efforts[program] = replace(effort, over=bool(effort.refusal) or now_ns - effort.ended_ns >= END_NS)
    elif not kill or program.pid is None:
        efforts[program] = replace(effort, over=waited)
    elif waited:
        efforts[program] = replace(effort, ended_ns=now_ns, refusal="", over=False)
        return [EndProgram(program)]
    return []


def _judged(
    cause: Cause, programs: tuple[Program, ...], efforts: Mapping[Program, Effort], now_ns: int, *, kill: bool
) -> Cause:
    """The cause, due when its programs had their time, or when one of them can't be closed at all."""
    if cause.response != "close" or cause.excused or not cause.open:
        return cause
    tried = [(program, efforts[program]) for program in programs if program in efforts]
    stuck = any(e.refusal and (not kill or p.pid is None or e.ended_ns is not None) for p, e in tried)
    patience_ns = ASK_NS + (END_NS if kill else 0)
    return replace(cause, due_ns=now_ns) if stuck or now_ns - cause.since_ns >= patience_ns else cause
