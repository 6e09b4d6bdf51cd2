"""A connection to a message bus, which never waits for long, whatever is at the other end.

The session bus is a process of the person who is examined: what it says is checked, and it may not hold us up.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections import deque
from collections.abc import Iterator, Mapping

from jeepney import (
    DBusAddress,
    FileDescriptor,
    HeaderFields,
    MatchRule,
    Message,
    MessageFlag,
    MessageType,
    Parser,
    new_method_call,
)
from jeepney.auth import BEGIN, Authenticator
from jeepney.bus import get_connectable_addresses

from app.core.errors import LockdownError

BUS = "org.freedesktop.DBus"
_BUS_PATH = "/org/freedesktop/DBus"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_SYSTEM_BUS = "unix:path=/run/dbus/system_bus_socket"
_ANSWER_WAIT_S = 1.0
_MESSAGE_LIMIT_BYTES = 1 << 20
_SIGNALS_KEPT = 1000
_STUMBLES = (OSError, ValueError, RuntimeError, LookupError, TypeError, ArithmeticError, AssertionError, struct.error)
"""What the library raises, out of the network or out of a message that is none."""


class Refused(LockdownError):
    """The other side answered with an error; the connection goes on."""


def system_bus(environ: Mapping[str, str]) -> str:
    return environ.get("DBUS_SYSTEM_BUS_ADDRESS") or _SYSTEM_BUS


def session_bus(environ: Mapping[str, str]) -> str:
    """The address of the login session's bus; empty where there is none."""
    folder = environ.get("XDG_RUNTIME_DIR")
    return environ.get("DBUS_SESSION_BUS_ADDRESS") or (f"unix:path={folder}/bus" if folder else "")


class Bus:
    """``connect`` first, ``close`` last; one thread. What breaks the connection closes it and raises LockdownError.

    ``descriptors``: answers may hold open files.
    """

    def __init__(self, address: str, *, descriptors: bool = False) -> None:
        self._address = address
        self._descriptors = descriptors
        self._socket: socket.socket | None = None
        self._parser = Parser()
        self._serial = 0
        self._signals: deque[Message] = deque(maxlen=_SIGNALS_KEPT)

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def connect(self) -> None:
        """Returns when the bus has taken us in. Waits for a second at most."""
        with self._unbroken():
            deadline_s = time.monotonic() + _ANSWER_WAIT_S
            path = next(get_connectable_addresses(self._address))
            self._socket = line = socket.socket(socket.AF_UNIX)
            self._parser = Parser()
            line.settimeout(_ANSWER_WAIT_S)
            line.connect(path)
            line.sendall(b"\0")
            conversation = Authenticator(enable_fds=self._descriptors, inc_null_byte=False)
            for words in conversation:
                line.sendall(words)
                line.settimeout(_left_s(deadline_s))
                conversation.feed(_something(line.recv(1024)))
            line.sendall(BEGIN)
        self.ask(BUS, _BUS_PATH, BUS, "Hello")

    def ask(
        self, name: str, path: str, interface: str, member: str, signature: str = "", body: tuple[object, ...] = ()
    ) -> tuple[object, ...]:
        """The answer of a service that runs already. Raises Refused where it is an error; waits for a second at most."""
        line = self._line()
        with self._unbroken():
            request = new_method_call(DBusAddress(path, name, interface), member, signature or None, body)
            request.header.flags = MessageFlag.no_auto_start  # to look is not to start a program
            self._serial += 1
            line.settimeout(_ANSWER_WAIT_S)
            line.sendall(request.serialise(serial=self._serial))
            answer = self._answer(line, self._serial)
        if answer.header.message_type is MessageType.error:
            raise Refused(f"{name} refused '{member}' ({answer.header.fields.get(HeaderFields.error_name)}).")
        return answer.body

    def owner(self, name: str) -> str:
        """Whose name it is now, as its signals are signed; empty when it is nobody's."""
        try:
            answer = self.ask(BUS, _BUS_PATH, BUS, "GetNameOwner", "s", (name,))
        except Refused:
            return ""
        return str(answer[0])

    def properties(self, name: str, path: str, interface: str) -> dict[str, object]:
        """All of them, by name. Raises Refused."""
        answer = self.ask(name, path, _PROPERTIES, "GetAll", "s", (interface,))
        with self._unbroken():
            (found,) = answer
            return {str(key): _plain(value) for key, value in _mapping(found).items()}

    def follow(
        self,
        *,
        sender: str | None = None,
        path: str | None = None,
        interface: str | None = None,
        member: str | None = None,
        first: str | None = None,
    ) -> None:
        """Signals like this one come from now on. ``first`` is their first word."""
        rule = MatchRule(type="signal", sender=sender, path=path, interface=interface, member=member)
        if first is not None:
            rule.add_arg_condition(0, first)
        self.ask(BUS, _BUS_PATH, BUS, "AddMatch", "s", (rule.serialise(),))

    def follow_owner(self, name: str) -> None:
        self.follow(sender=BUS, interface=BUS, member="NameOwnerChanged", first=name)

    def signals(self) -> list[Message]:
        """Those that have come, in order. Does not wait. Anybody can send us one: the sender has to be looked at."""
        line = self._line()
        with self._unbroken():
            line.settimeout(0.0)
            with contextlib.suppress(BlockingIOError):
                for _ in range(16):  # who sends faster than that is heard at the next poll
                    self._receive(line)
            for message in self._messages():
                self._keep(message)
        found = list(self._signals)
        self._signals.clear()
        return found

    def fileno(self) -> int:
        return self._line().fileno()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._signals.clear()

    def _line(self) -> socket.socket:
        if self._socket is None:
            raise LockdownError("The message bus is not connected.")
        return self._socket

    @contextlib.contextmanager
    def _unbroken(self) -> Iterator[None]:
        """Whatever the other side makes us stumble over in here ends the connection."""
        try:
            yield
        except _STUMBLES as error:
            self.close()
            raise LockdownError(f"The message bus does not answer ({str(error) or type(error).__name__}).") from error

    def _answer(self, line: socket.socket, serial: int) -> Message:
        deadline_s = time.monotonic() + _ANSWER_WAIT_S
        while True:
            for message in self._messages():
                if message.header.fields.get(HeaderFields.reply_serial) == serial:
                    return message
                self._keep(message)
            line.settimeout(_left_s(deadline_s))
            self._receive(line)

    def _messages(self) -> Iterator[Message]:
        while (message := self._parser.get_next_message()) is not None:
            yield message

    def _receive(self, line: socket.socket) -> None:
        size = self._parser.bytes_desired()
        if size > _MESSAGE_LIMIT_BYTES:
            raise ValueError("a message is too long")
        if not self._descriptors:
            self._parser.add_data(_something(line.recv(65536)))
            return
        data, received, _, _ = socket.recv_fds(line, size, 16)  # not past one message, so that each keeps its own
        self._parser.add_data(_something(data), [FileDescriptor(each) for each in received])

    def _keep(self, message: Message) -> None:
        if message.header.message_type is MessageType.signal:
            self._signals.append(message)


def word(message: Message, field: HeaderFields) -> str:
    return str(message.header.fields.get(field, ""))


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("it takes too long")
    return left_s


def _something(data: bytes) -> bytes:
    if not data:
        raise ConnectionResetError(104, "it is gone")
    return data


def _mapping(value: object) -> Mapping[object, object]:
    if not isinstance(value, Mapping):
        raise TypeError("an answer has another form than documented")
    return value


def _plain(value: object) -> object:
    """A variant's value without its signature."""
    return value[1] if isinstance(value, tuple) and len(value) == 2 else value
