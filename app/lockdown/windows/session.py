"""Whether the person's Windows session is in use: a plain lock, sleep and another user's session told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.core import lockdown
from app.core.types import NS_PER_S, Observation, SessionSeen, SessionState
from app.lockdown.win32 import user32_messages as messages
from app.lockdown.win32 import wtsapi32
from app.lockdown.windows.listener import Ear, Listener, Notice, Topic

_ANOTHER = "another user's session is shown"
_CUT = "the remote connection was cut"
_NOTICE_AHEAD_NS = 2 * NS_PER_S
_ENDING = "Windows is shutting down or the user is signing out"


class SessionStates:
    """What Windows' notices add up to. Sleep outweighs being away, that outweighs a lock: after waking the lock is still there.

    Being away is taken back by a connect only, a lock by an unlock only. Pure.
    """

    def __init__(self) -> None:
        self._locked = False
        self._away = ""
        self._asleep = False
        self._ending = False

    def asked(self, state: int, locked: bool) -> None:
        """What Windows says when it is asked; it outweighs the notices, which any program can make up."""
        self._locked = locked
        if state != wtsapi32.STATE_DISCONNECTED:
            self._away = ""
        elif not self._away:
            self._away = _ANOTHER

    def told(self, notice: Notice) -> None:
        match notice.message:
            case messages.WM_POWERBROADCAST:
                self._power(notice.value)
            case messages.WM_ENDSESSION:
                self._ending = notice.value != 0
            case messages.WM_WTSSESSION_CHANGE:
                self._session(notice.value)

    def now(self) -> tuple[SessionState, str]:
        if self._asleep or self._ending:
            return SessionState.ASLEEP, _ENDING if self._ending else ""
        if self._away:
            return SessionState.AWAY, self._away
        return (SessionState.LOCKED if self._locked else SessionState.HERE), ""

    def _power(self, what: int) -> None:
        if what == messages.PBT_APMSUSPEND:
            self._asleep = True
        elif what in {messages.PBT_APMRESUMEAUTOMATIC, messages.PBT_APMRESUMESUSPEND}:
            self._asleep = False

    def _session(self, what: int) -> None:
        match what:
            case wtsapi32.WTS_SESSION_LOCK:
                self._locked = True
            case wtsapi32.WTS_SESSION_UNLOCK:
                self._locked = False
            case wtsapi32.WTS_CONSOLE_DISCONNECT:
                self._away = _ANOTHER
            case wtsapi32.WTS_REMOTE_DISCONNECT:
                self._away = _CUT
            case wtsapi32.WTS_CONSOLE_CONNECT | wtsapi32.WTS_REMOTE_CONNECT:
                self._away = ""


class Session:
    """Reports the session's state at the first poll and at every change, each step of several at once. One thread.

    Windows is asked as well, but not until 2 s after a notice, which is ahead of the answer.
    """

    name = lockdown.SESSION

    def __init__(self, listener: Listener) -> None:
        self._ear = Ear(listener, Topic.SESSION)
        self._states = SessionStates()
        self._seen: tuple[SessionState, str] | None = None
        self._ask_from_ns = 0

    def poll(self, now_ns: int) -> Sequence[Observation]:
        found: list[Observation] = []
        for notice in self._ear.take():
            self._states.told(notice)
            self._ask_from_ns = now_ns + _NOTICE_AHEAD_NS
            found += self._news(now_ns)
        known = wtsapi32.session_state() if now_ns >= self._ask_from_ns else None
        if known is not None:
            self._states.asked(*known)
        return found + self._news(now_ns)

    def listen(self, wake: Callable[[], None]) -> int | None:
        self._ear.listen(wake)
        return None

    def close(self) -> None:
        self._ear.close()

    def _news(self, now_ns: int) -> list[Observation]:
        state, detail = self._states.now()
        if (state, detail) == self._seen:
            return []
        self._seen = state, detail
        return [SessionSeen(now_ns, state, detail)]
