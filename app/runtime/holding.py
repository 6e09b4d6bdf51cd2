"""A held exam: the lock screen, and every way on from it. What is shown is decided by ``core.hold``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from app.core.control import LOCK, UNLOCK, Answer, ControlMessage, held_state, reason_of
from app.core.hold import HoldView, hold_view, may_continue, wait_after
from app.core.policy import Policy
from app.core.ports import Clock
from app.core.responses import blocking
from app.core.session import UNDER_WAY, By, Event, EventName, Phase, State
from app.core.types import NS_PER_S, Json
from app.runtime.attempts import Attempt
from app.runtime.responding import Responding
from app.runtime.status import StatusFile

log = structlog.get_logger()

WRONG = "That password is wrong."
_FAILURES = "unlock_failures"

Matches = Callable[[str, str], bool]
"""The stored form of the unlock password, and what was typed: whether they fit."""


class HoldFace(Protocol):
    """What holding asks of the windows. Any thread; nothing waits for the UI."""

    def show_hold(self, view: HoldView) -> None:
        """Shows the lock screen, or what has changed on it."""

    def hide_hold(self) -> None: ...


class Holding:
    """Session thread, but for ``told``. Wrong passwords are counted beyond a restart; the password itself is nowhere."""

    def __init__(
        self,
        policy: Policy,
        attempt: Attempt,
        clock: Clock,
        face: HoldFace,
        status: StatusFile,
        responding: Responding,
        matches: Matches,
        post: Callable[[Event], None],
        journal: Callable[[dict[str, Json]], None],
        tell: Callable[[Mapping[str, Json]], None],
    ) -> None:
        self._policy = policy
        self._attempt = attempt
        self._clock = clock
        self._face = face
        self._status = status
        self._responding = responding
        self._matches = matches
        self._post = post
        self._journal = journal
        self._tell = tell
        self._shown: HoldView | None = None
        self._problem = ""
        self._next_try_ns = 0

    def use_policy(self, policy: Policy) -> None:
        self._policy = policy

    def show(self, state: State) -> None:
        """From here on the lock screen follows what happens."""
        self._problem = ""
        self._next_try_ns = self._clock.now().mono_ns + wait_after(self._failures()) * NS_PER_S
        self._shown = None
        self._refresh(state)
        self._tell(held_state(state.held, state.held_by))
        self._status.write(held=state.held or "", by=state.held_by)

    def hide(self) -> None:
        """A person or the end of the cause let the exam go on: what is open now is not followed any more."""
        self._shown = None
        self._responding.excuse()
        self._tell(held_state(None, None))
        self._face.hide_hold()

    def tick(self, state: State) -> None:
        if state.phase is Phase.HELD:
            self._refresh(state)

    def told(self) -> list[Mapping[str, Json]]:
        """What the backend is told at each connection. Any thread."""
        state = self._attempt.state
        return [held_state(state.held, state.held_by)]

    # ---- ways on

    def go_on(self, state: State) -> None:
        """The candidate pressed Continue; it does nothing while something is still open."""
        if state.phase is Phase.HELD and may_continue(state, self._policy) and not blocking(self._responding.following):
            self._post(Event(EventName.RELEASE_REQUESTED, "the cause is gone", By.CANDIDATE))

    def try_password(self, state: State, password: str) -> None:
        stored, now_ns = self._policy.lockdown.unlock_password, self._clock.now().mono_ns
        if state.phase is not Phase.HELD or not stored or now_ns < self._next_try_ns:
            return
        if self._matches(stored, password):
            self._attempt.store.set_meta(_FAILURES, "0")
            self._post(Event(EventName.RELEASE_REQUESTED, "unlocked with the supervisor's password", By.SUPERVISOR))
            return
        failures = self._failures() + 1
        self._attempt.store.set_meta(_FAILURES, str(failures))
        self._journal({"event": "unlock_refused", "tries": failures})
        log.warning("a wrong unlock password", tries=failures)
        self._problem = WRONG
        self._next_try_ns = self._clock.now().mono_ns + wait_after(failures) * NS_PER_S
        self._refresh(state)
        self._status.write(unlock="refused", tries=failures)

    def leave(self, state: State) -> None:
        """The candidate hands in from the lock screen: possible at any time."""
        if state.phase is Phase.HELD:
            self._post(
                Event(EventName.FINISH_REQUESTED, "handed in by the candidate while the exam was held", By.CANDIDATE)
            )

    def handle(self, message: ControlMessage) -> Answer | None:
        """A proctor's ``lock`` or ``unlock``; None for other messages."""
        if message.type not in (LOCK, UNLOCK):
            return None
        state = self._attempt.state
        reason = reason_of(message)
        if state.phase not in UNDER_WAY:
            return Answer(message.seq, "refused", "the exam is not running")
        if message.type == LOCK:
            if state.held_by is By.PROCTOR:
                return Answer(message.seq, "refused", "a proctor holds the exam already")
            self._post(Event(EventName.HOLD_REQUESTED, reason or "Your proctor holds the exam.", By.PROCTOR))
        else:
            if state.held is None:
                return Answer(message.seq, "refused", "the exam is not held")
            self._post(Event(EventName.RELEASE_REQUESTED, reason or "released by a proctor", By.PROCTOR))
        return Answer(message.seq, "applied")

    def _refresh(self, state: State) -> None:
        wait_ns = self._next_try_ns - self._clock.now().mono_ns
        view = hold_view(
            state, self._responding.following, self._policy, problem=self._problem, wait_ns=max(0, wait_ns)
        )
        if view != self._shown:
            self._shown = view
            self._face.show_hold(view)

    def _failures(self) -> int:
        try:
            return max(0, int(self._attempt.store.get_meta(_FAILURES) or 0))
        except ValueError:
            return 0
