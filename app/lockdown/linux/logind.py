"""What the login manager (systemd-logind or elogind) tells of our session, by its documented D-Bus interface
(org.freedesktop.login1). It is the system's own: nobody but an administrator speaks for it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jeepney import HeaderFields, Message

from app.core.errors import LockdownError
from app.lockdown.linux import dbus

NAME = "org.freedesktop.login1"
PATH = "/org/freedesktop/login1"
MANAGER = f"{NAME}.Manager"
SESSION = f"{NAME}.Session"
SEAT = f"{NAME}.Seat"
_USER = f"{NAME}.User"
_LOGIN_SCREENS = frozenset({"greeter", "lock-screen"})
_CONSOLE = "a text console is shown"
_ANOTHER = "another session is shown"


class Told(StrEnum):
    """What a signal says of this very moment; what lasts is read anew."""

    SLEEPING = "sleeping"
    AWAKE = "awake"
    ENDING = "ending"
    STAYING = "staying"
    LOCK = "lock"
    UNLOCK = "unlock"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Login:
    """How our session is now. ``away``: what is shown in its place; empty while it is shown itself."""

    shown: bool
    locked: bool
    away: str
    login_screen: bool
    sleeping: bool
    ending: bool


class Logind:
    """A connection to the login manager about our own session. ``connect`` first; one thread. Raises LockdownError."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._bus = dbus.Bus(dbus.system_bus(environ))
        self._owner = ""
        self._session = ""
        self._seat = ""

    @property
    def connected(self) -> bool:
        return self._bus.connected

    def connect(self) -> None:
        """Returns when our session is known and its signals are on their way; otherwise nothing stays open."""
        try:
            self._bus.connect()
            self._bus.follow_owner(NAME)
            self._owner = self._bus.owner(NAME)
            self._session, self._seat = self._own_session()
            for member in ("PrepareForSleep", "PrepareForShutdown"):
                self._bus.follow(sender=NAME, path=PATH, interface=MANAGER, member=member)
            for path in filter(None, (self._session, self._seat)):
                self._bus.follow(sender=NAME, path=path)
        except LockdownError:
            self.close()
            raise

    def told(self) -> Sequence[Told]:
        """What the signals since the last call say, in order. Does not wait."""
        found = (self._meaning(message) for message in self._bus.signals())
        return [told for told in found if told is not None]

    def read(self) -> Login:
        """Asks anew. Waits a second at most for each of a few answers."""
        session = self._bus.properties(NAME, self._session, SESSION)
        manager = self._bus.properties(NAME, PATH, MANAGER)
        shown = session.get("Active") is True
        away, login_screen = ("", False) if shown else self._in_our_place()
        return Login(
            shown=shown,
            locked=session.get("LockedHint") is True,
            away=away,
            login_screen=login_screen,
            sleeping=manager.get("PreparingForSleep") is True,
            ending=manager.get("PreparingForShutdown") is True,
        )

    def fileno(self) -> int:
        return self._bus.fileno()

    def close(self) -> None:
        self._bus.close()

    def _own_session(self) -> tuple[str, str]:
        """Ours and its seat: that of this process, the user's with a screen, or the one that the environment names.

        The environment comes last, as anybody can set it; a session at a screen comes before one that has none, as
        an exam that is started over the network is seen at the screen all the same.
        """
        found = [path for path in (self._by_pid(), self._by_user(), self._by_name()) if path]
        if not found:
            raise LockdownError("No login manager runs here, or it knows no session of this user.")
        seats = [(path, _path_in(self._bus.properties(NAME, path, SESSION).get("Seat"))) for path in found]
        return next(((path, seat) for path, seat in seats if seat), seats[0])

    def _by_pid(self) -> str:
        return self._path("GetSessionByPID", "u", os.getpid())

    def _by_user(self) -> str:
        user = self._path("GetUser", "u", os.getuid())
        return _path_in(self._bus.properties(NAME, user, _USER).get("Display")) if user else ""

    def _by_name(self) -> str:
        name = self._environ.get("XDG_SESSION_ID", "")
        return self._path("GetSession", "s", name) if name else ""

    def _path(self, member: str, signature: str, about: object) -> str:
        try:
            answer = self._bus.ask(NAME, PATH, MANAGER, member, signature, (about,))
        except dbus.Refused:
            return ""
        return str(answer[0]) if answer else ""

    def _in_our_place(self) -> tuple[str, bool]:
        """What is shown instead of our session, and whether that is a login screen, which is as good as a lock."""
        if not self._seat:
            return "", False
        shown = _path_in(self._bus.properties(NAME, self._seat, SEAT).get("ActiveSession"))
        if shown == self._session:
            return "", False
        if not shown:
            return _CONSOLE, False
        try:
            other = self._bus.properties(NAME, shown, SESSION)
        except dbus.Refused:  # it has just ended
            return "", False
        return (_CONSOLE if other.get("Type") == "tty" else _ANOTHER), other.get("Class") in _LOGIN_SCREENS

    def _meaning(self, message: Message) -> Told | None:
        sender, member = dbus.word(message, HeaderFields.sender), dbus.word(message, HeaderFields.member)
        if sender == dbus.BUS and member == "NameOwnerChanged":
            match message.body:
                case (str(name), str(), str(owner)) if name == NAME:
                    self._owner = owner
                    return Told.CHANGED
            return None
        if sender != self._owner:  # a program can send us what it likes, under its own name
            return None
        now = message.body[:1] == (True,)
        match member:
            case "PrepareForSleep":
                return Told.SLEEPING if now else Told.AWAKE
            case "PrepareForShutdown":
                return Told.ENDING if now else Told.STAYING
            case "Lock":
                return Told.LOCK
            case "Unlock":
                return Told.UNLOCK
            case "PropertiesChanged":
                return Told.CHANGED
            case _:
                return None


def answers(environ: Mapping[str, str]) -> bool:
    """Whether a login manager runs here and knows a session of ours."""
    line = Logind(environ)
    try:
        line.connect()
    except LockdownError:
        return False
    finally:
        line.close()
    return True


def _path_in(value: object) -> str:
    """Of a pair of a name and a path; the path ``/`` is nobody's."""
    match value:
        case (_, str(path)) if path != "/":
            return path
        case _:
            return ""
