"""Whether the person's session is in use: a plain lock, sleep and another user's session told apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from app.core import lockdown
from app.core.types import NS_PER_S, Observation, SessionSeen, SessionState

ON_CONSOLE = "kCGSSessionOnConsoleKey"
LOCKED = "CGSSessionScreenIsLocked"
"""In no header; it is in the session's dictionary while the screen is locked."""
_ANOTHER = "another user's session is shown"
_NOTICE_AHEAD_NS = 2 * NS_PER_S
_FALLING_ASLEEP_NS = 30 * NS_PER_S
"""How long macOS waits for programs after it told of sleep (NSWorkspaceWillSleepNotification)."""


class Notice(StrEnum):
    """What macOS tells. The names of the two locks are in no header; without them a lock is seen at the next poll."""

    SLEEP = "NSWorkspaceWillSleepNotification"
    WAKE = "NSWorkspaceDidWakeNotification"
    AWAY = "NSWorkspaceSessionDidResignActiveNotification"
    BACK = "NSWorkspaceSessionDidBecomeActiveNotification"
    LOCK = "com.apple.screenIsLocked"
    UNLOCK = "com.apple.screenIsUnlocked"


DISTRIBUTED = frozenset({Notice.LOCK, Notice.UNLOCK})
"""Posted between programs; the others come from the shared workspace's own centre."""


class SessionStates:
    """What the notices add up to. Sleep outweighs being away, that outweighs a lock. Pure."""

    def __init__(self) -> None:
        self._asleep = self._away = self._locked = False

    def told(self, notice: Notice) -> None:
        match notice:
            case Notice.SLEEP | Notice.WAKE:
                self._asleep = notice is Notice.SLEEP
            case Notice.AWAY | Notice.BACK:
                self._away = notice is Notice.AWAY
            case Notice.LOCK | Notice.UNLOCK:
                self._locked = notice is Notice.LOCK

    def asked(self, session: Mapping[str, object]) -> None:
        """What macOS says when it is asked, which outweighs notices that any program can make up.

        Whoever is asked is awake.
        """
        self._asleep = False
        self._away = session.get(ON_CONSOLE) in {False}
        self._locked = bool(session.get(LOCKED))

    def now(self) -> tuple[SessionState, str]:
        if self._asleep:
            return SessionState.ASLEEP, ""
        if self._away:
            return SessionState.AWAY, _ANOTHER
        return (SessionState.LOCKED if self._locked else SessionState.HERE), ""


class Session:
    """Reports the session's state at the first poll and at every change, each step of several at once. One thread.

    ``tell`` has macOS call something with each notice, on any thread, and returns what ends that. ``ask`` gives the
    session's dictionary, None where there is none; not until 2 s after a notice, which is ahead of it, and 30 s after one
    of sleep.
    """

    name = lockdown.SESSION

    def __init__(
        self,
        ask: Callable[[], Mapping[str, object] | None],
        tell: Callable[[Callable[[Notice], None]], Callable[[], None]],
    ) -> None:
        self._ask = ask
        self._tell = tell
        self._notices: deque[Notice] = deque()
        self._states = SessionStates()
        self._seen: tuple[SessionState, str] | None = None
        self._ask_from_ns = 0
        self._end: Callable[[], None] | None = None

    def poll(self, now_ns: int) -> Sequence[Observation]:
        found: list[Observation] = []
        while self._notices:
            notice = self._notices.popleft()
            self._states.told(notice)
            self._ask_from_ns = now_ns + (_FALLING_ASLEEP_NS if notice is Notice.SLEEP else _NOTICE_AHEAD_NS)
            found += self._news(now_ns)
        session = self._ask() if now_ns >= self._ask_from_ns else None
        if session is not None:
            self._states.asked(session)
        return found + self._news(now_ns)

    def listen(self, wake: Callable[[], None]) -> int | None:
        def on_notice(notice: Notice) -> None:
            self._notices.append(notice)
            wake()

        self._end = self._tell(on_notice)
        return None

    def close(self) -> None:
        if self._end is not None:
            self._end()
            self._end = None

    def _news(self, now_ns: int) -> list[Observation]:
        state, detail = self._states.now()
        if (state, detail) == self._seen:
            return []
        self._seen = state, detail
        return [SessionSeen(now_ns, state, detail)]
