"""Whether the person's login session is in use: a lock, sleep and another session on the screen told apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.types import NS_PER_S, Observation, SessionSeen, SessionState
from app.lockdown.linux import consoles
from app.lockdown.linux.lockers import DesktopLockers
from app.lockdown.linux.logind import Login, Logind, Told

_ENDING = "the machine is shutting down"
_OTHER_CONSOLE = "another console is shown"
_AWAY_LASTS_NS = NS_PER_S
"""A login screen needs a moment to be one: until then it looks like an empty console."""
_LOCK_ASKED_NS = 60 * NS_PER_S
"""A request to lock the screen counts for so long when no locker says that it did."""
_READ_EVERY_NS = 10 * NS_PER_S
_LOOK_FOR_LOGIND_EVERY_NS = 30 * NS_PER_S


class SessionStates:
    """What is known adds up to. Sleep outweighs being away, that outweighs a lock: after waking the lock is still there.

    Only who was here can go away: an exam that runs on no screen, as of a service, is never away. Pure.
    """

    def __init__(self) -> None:
        self._asleep = False
        self._ending = False
        self._hinted = False
        self._login_screen = False
        self._desktop = False
        self._lock_until_ns = 0
        self._was_here = False
        self._away = ""
        self._away_since_ns = 0

    def told(self, what: Told, now_ns: int) -> None:
        match what:
            case Told.SLEEPING | Told.AWAKE:
                self._asleep = what is Told.SLEEPING
            case Told.ENDING | Told.STAYING:
                self._ending = what is Told.ENDING
            case Told.LOCK:
                self._lock_until_ns = now_ns + _LOCK_ASKED_NS
            case Told.UNLOCK:
                self._lock_until_ns = 0

    def read(self, login: Login, now_ns: int) -> None:
        if self._hinted and not login.locked:
            self._lock_until_ns = 0
        self._asleep, self._ending, self._hinted = login.sleeping, login.ending, login.locked
        self._login_screen = login.login_screen
        self.is_shown(login.shown, "" if login.login_screen else login.away, now_ns)

    def is_shown(self, shown: bool, away: str, now_ns: int) -> None:
        """``away``: what is shown in our place, empty where that is not another session."""
        self._was_here = self._was_here or shown
        away = away if self._was_here and not shown else ""
        if away and not self._away:
            self._away_since_ns = now_ns
        self._away = away

    def desktop_locked(self, locked: bool) -> None:
        if self._desktop and not locked:
            self._lock_until_ns = 0
        self._desktop = locked

    def now(self, now_ns: int) -> tuple[SessionState, str]:
        if self._asleep or self._ending:
            return SessionState.ASLEEP, _ENDING if self._ending else ""
        if self._away and now_ns - self._away_since_ns >= _AWAY_LASTS_NS:
            return SessionState.AWAY, self._away
        locked = self._hinted or self._login_screen or self._desktop or now_ns < self._lock_until_ns
        return (SessionState.LOCKED if locked else SessionState.HERE), ""


class Session:
    """Reports the session's state at the first poll and at every change, each step of several at once. One thread.

    The login manager's signals come at once, and it is asked every 10 s; the desktop's screen locker is heard at each
    poll. Without a login manager the shown console is looked at. Raises LockdownError when a login manager that had
    answered does not any more.
    """

    name = lockdown.SESSION

    def __init__(self, environ: Mapping[str, str] = os.environ, console_root: Path = consoles.ROOT) -> None:
        self._environ = environ
        self._console_root = console_root
        self._console: int | None = None
        self._logind = Logind(environ)
        self._lockers = DesktopLockers(environ)
        self._states = SessionStates()
        self._seen: tuple[SessionState, str] | None = None
        self._had_logind = False
        self._look_from_ns = 0
        self._read_from_ns = 0

    def listen(self, wake: Callable[[], None]) -> int | None:
        del wake
        self._console = consoles.ours(self._environ)
        try:
            self._logind.connect()
        except LockdownError:
            return None
        self._had_logind = True
        return self._logind.fileno()

    def poll(self, now_ns: int) -> Sequence[Observation]:
        found: list[Observation] = []
        if self._has_logind(now_ns):
            try:
                found += self._from_logind(now_ns)
            except LockdownError:
                self._logind.close()
                raise
        elif self._console is not None:
            console = consoles.shown(self._console_root)
            if console is not None:
                self._states.is_shown(console == self._console, _OTHER_CONSOLE, now_ns)
        self._states.desktop_locked(self._lockers.locked(now_ns))
        return found + self._news(now_ns)

    def close(self) -> None:
        self._logind.close()
        self._lockers.close()

    def _has_logind(self, now_ns: int) -> bool:
        if self._logind.connected:
            return True
        if not self._had_logind and now_ns < self._look_from_ns:
            return False
        self._look_from_ns, self._read_from_ns = now_ns + _LOOK_FOR_LOGIND_EVERY_NS, 0
        try:
            self._logind.connect()
        except LockdownError:
            if self._had_logind:
                raise
            return False
        self._had_logind = True
        return True

    def _from_logind(self, now_ns: int) -> list[Observation]:
        found: list[Observation] = []
        stale = now_ns >= self._read_from_ns
        for told in self._logind.told():
            self._states.told(told, now_ns)
            stale = True
            found += self._news(now_ns)
        if stale:
            self._states.read(self._logind.read(), now_ns)
            self._read_from_ns = now_ns + _READ_EVERY_NS
        return found

    def _news(self, now_ns: int) -> list[Observation]:
        state, detail = self._states.now(now_ns)
        if (state, detail) == self._seen:
            return []
        self._seen = state, detail
        return [SessionSeen(now_ns, state, detail)]
