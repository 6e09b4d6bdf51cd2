"""A held exam: the lock screen, and every way on from it. What is shown is decided by ``core.hold``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from app.core.control import LOCK, UNLOCK, Answer, ControlMessage, held_state, reason_of
from app.core.hold import HoldView, hold_view, may_continue
from app.core.policy import Policy
from app.core.responses import blocking
from app.core.session import UNDER_WAY, By, Event, EventName, Phase, State
from app.core.types import Json
from app.runtime.attempts import Attempt
from app.runtime.responding import Responding
from app.runtime.status import StatusFile
from app.runtime.unlock_tries import WRONG, UnlockTries


class HoldFace(Protocol):
    """What holding asks of the windows. Any thread; nothing waits for the UI."""

    def show_hold(self, view: HoldView) -> None:
        """Shows the lock screen, or what has changed on it."""

    def hide_hold(self) -> None: ...


class HoldLine(Protocol):
    """What holding asks of the line to the backend. Session thread."""

    @property
    def is_down(self) -> bool:
        """Whether there should be a connection and is none."""

    def say(self, body: Mapping[str, Json]) -> None: ...


class Holding:
    """Session thread, but for ``told``. ``line`` gives the line to the backend, which is made later."""

    def __init__(
        self,
        policy: Policy,
        attempt: Attempt,
        face: HoldFace,
        status: StatusFile,
        responding: Responding,
        tries: UnlockTries,
        post: Callable[[Event], None],
        line: Callable[[], HoldLine],
    ) -> None:
        self._policy = policy
        self._attempt = attempt
        self._face = face
        self._status = status
        self._responding = responding
        self._tries = tries
        self._post = post
        self._line = line
        self._shown: HoldView | None = None
        self._problem = ""

    def use_policy(self, policy: Policy) -> None:
        self._policy = policy

    def show(self, state: State) -> None:
        """From here on the lock screen follows what happens."""
        self._problem = ""
        self._tries.begin()
        self._shown = None
        self._refresh(state)
        self._line().say(held_state(state.held, state.held_by))
        self._status.write(held=state.held or "", by=state.held_by)

    def hide(self) -> None:
        """A person or the end of the cause let the exam go on: what is open now is not followed any more."""
        self._shown = None
        self._responding.excuse()
        self._line().say(held_state(None, None))
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

    def close_for_me(self, state: State) -> None:
        """The candidate wants closed what the exam is held for; it does nothing where nothing can be asked."""
        if state.phase is Phase.HELD:
            self._responding.close_for_candidate()
            self._refresh(state)

    def try_password(self, state: State, password: str) -> None:
        if state.phase is not Phase.HELD:
            return
        fits = self._tries.fits(self._policy.lockdown.unlock_password, password)
        if fits:
            self._post(Event(EventName.RELEASE_REQUESTED, "unlocked with the supervisor's password", By.SUPERVISOR))
        elif fits is False:
            self._problem = WRONG
            self._refresh(state)
            self._status.write(unlock="refused", tries=self._tries.failures)

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
        view = hold_view(
            state, self._responding.following, self._policy, problem=self._problem, wait_ns=self._tries.wait_ns,
            line_down=self._line().is_down,
        )  # fmt: skip
        if view != self._shown:
            self._shown = view
            self._face.show_hold(view)
