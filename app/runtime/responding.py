"""Carries out what follows a violation: asks programs to close, has the exam held or ended, and writes all of it down."""

from __future__ import annotations

import os
from collections.abc import Callable

import structlog

from app.core import codes
from app.core.errors import LockdownError
from app.core.hold import hold_reason
from app.core.policy import Policy, Response
from app.core.ports import Clock, Closer
from app.core.responses import (
    AskToClose,
    EndAttempt,
    EndProgram,
    Following,
    Hold,
    Program,
    Step,
    closed,
    due,
    excused,
    opened,
    refused,
    seen,
    wanted,
)
from app.core.session import ENDED, By, Event, EventName
from app.core.types import Json, Observation, Violation

log = structlog.get_logger()


class Responding:
    """Session thread. ``make_closer`` is called at the first program that has to be closed; ``post`` gives the session
    an event; ``journal`` writes one down.
    """

    def __init__(
        self,
        policy: Policy,
        clock: Clock,
        make_closer: Callable[[], Closer],
        post: Callable[[Event], None],
        journal: Callable[[dict[str, Json]], None],
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._make_closer = make_closer
        self._post = post
        self._journal = journal
        self._closer: Closer | None = None
        self.following = Following()

    def use_policy(self, policy: Policy) -> None:
        self._policy = policy

    def opened(self, violation: Violation, response: Response) -> None:
        self.following = opened(self.following, violation, response, self._clock.now().mono_ns)

    def closed(self, violation: Violation) -> None:
        self.following = closed(self.following, violation.number)

    def seen(self, observation: Observation) -> None:
        self.following = seen(self.following, observation)

    def excuse(self) -> None:
        """Somebody let the exam go on as things are."""
        self.following = excused(self.following)

    def act(self) -> None:
        """Does what is due. To be called often."""
        kill = self._policy.lockdown.kill_processes
        self.following, steps = due(self.following, self._clock.now().mono_ns, kill=kill)
        for step in steps:
            self._carry_out(step)

    def close_for_candidate(self) -> None:
        """Asks what keeps a held exam from going on to close, where that was not done yet. ``act`` goes on with it."""
        self.following, steps = wanted(self.following, self._clock.now().mono_ns)
        for step in steps:
            self._carry_out(step)

    def _carry_out(self, step: Step) -> None:
        match step:
            case AskToClose(program, by_candidate):
                by: dict[str, Json] = {"by": By.CANDIDATE.value} if by_candidate else {}
                self._close(program, {"event": "asked_to_close", **by}, self._ask)
            case EndProgram(program):
                self._close(program, {"event": "program_ended"}, self._end)
            case Hold(cause):
                self._post(Event(EventName.HOLD_REQUESTED, hold_reason(cause), By.RULE))
            case EndAttempt(cause):
                reason = f"{ENDED}{codes.code(cause.code).sentence}"
                self._post(Event(EventName.FINISH_REQUESTED, reason, By.RULE))

    def _close(self, program: Program, event: dict[str, Json], act: Callable[[Program], None]) -> None:
        body: dict[str, Json] = {**event, "program": program.name}
        try:
            act(program)
        except LockdownError as error:
            log.warning("a program can't be closed", program=program.name, error=str(error))
            self.following = refused(self.following, program, str(error))
            body |= {"event": "close_refused", "sentence": str(error)}
        self._journal(body)

    def _ask(self, program: Program) -> None:
        if program.window is not None:
            self._machine().ask_window(program.window)
        elif program.pid is not None:
            self._machine().ask_process(_foreign(program.pid))

    def _end(self, program: Program) -> None:
        if program.pid is not None:
            self._machine().end_process(_foreign(program.pid))

    def _machine(self) -> Closer:
        if self._closer is None:
            self._closer = self._make_closer()
        return self._closer


def _foreign(pid: int) -> int:
    """Raises LockdownError for what must never be closed: ourselves, the guardian, and what starts everything else."""
    if pid in (os.getpid(), os.getppid()) or pid <= 1:
        raise LockdownError("This program belongs to the exam or to the system and is not closed.")
    return pid
