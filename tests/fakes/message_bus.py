"""A real message bus of the tests' own, and services on it that answer as logind and desktops do."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import open_dbus_connection

Answer = tuple[str, tuple[object, ...]]
"""A signature and what it describes."""
_PROPERTIES = "org.freedesktop.DBus.Properties"
_BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
_CONFIG = """<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>"""


class MessageBus:
    """``dbus-daemon`` with nothing on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = f"unix:path={folder / 'bus'}"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        config = self._folder / "bus.conf"
        config.write_text(_CONFIG.format(path=self._folder / "bus"))
        self._process = subprocess.Popen(
            ["dbus-daemon", "--nofork", "--nopidfile", "--print-address", f"--config-file={config}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("unix:"), "dbus-daemon did not start"

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
            self._process = None


class Service:
    """A program on the bus under the given names. Answers on a thread; ``answers`` by path, interface and member."""

    def __init__(self, address: str, *names: str) -> None:
        self._address = address
        self._names = names
        self.answers: dict[tuple[str, str, str], Answer] = {}
        self.properties: dict[tuple[str, str], dict[str, Answer]] = {}
        self.calls: list[Message] = []
        self._sending = threading.Lock()

    def start(self) -> None:
        self._connection = open_dbus_connection(self._address, enable_fds=True)
        for name in self._names:
            self._connection.send_and_get_reply(new_method_call(_BUS, "RequestName", "su", (name, 0)))
        self._thread = threading.Thread(target=self._serve, name="fake-service", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()

    def emit(
        self, path: str, interface: str, member: str, signature: str = "", *body: object, to: str | None = None
    ) -> None:
        """A signal for whoever follows it, or for one alone."""
        message = new_signal(DBusAddress(path, interface=interface), member, signature or None, body)
        if to is not None:
            message.header.fields[HeaderFields.destination] = to
        self._send(message)

    def change(self, path: str, interface: str, **values: Answer) -> None:
        """Properties change, and everybody is told."""
        self.properties[path, interface].update(values)
        told = {name: (signature, value[0]) for name, (signature, value) in values.items()}
        self.emit(path, _PROPERTIES, "PropertiesChanged", "sa{sv}as", interface, told, [])

    def callers(self, member: str) -> list[str]:
        """Who called it, by their names on the bus."""
        return [_field(call, HeaderFields.sender) for call in self.calls if _field(call, HeaderFields.member) == member]

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                message = self._connection.receive()
                if message.header.message_type is MessageType.method_call:
                    self.calls.append(message)
                    self._send(self._answer(message))

    def _answer(self, call: Message) -> Message:
        path, interface = _field(call, HeaderFields.path), _field(call, HeaderFields.interface)
        member = _field(call, HeaderFields.member)
        if interface == _PROPERTIES and (path, str(call.body[0])) in self.properties:
            found = self.properties[path, str(call.body[0])]
            return new_method_return(call, "a{sv}", ({key: (kind, value[0]) for key, (kind, value) in found.items()},))
        if (path, interface, member) not in self.answers:
            return new_error(call, "org.freedesktop.DBus.Error.UnknownMethod")
        return new_method_return(call, *self.answers[path, interface, member])

    def _send(self, message: Message) -> None:
        with self._sending:
            self._connection.send(message)


_LOGIN = "org.freedesktop.login1"
_ROOT = "/org/freedesktop/login1"
OURS = f"{_ROOT}/session/_32"
OTHER = f"{_ROOT}/session/c1"
SEAT = f"{_ROOT}/seat/seat0"


class FakeLogind(Service):
    """One session of ours at a seat, shown and unlocked; and another one."""

    def __init__(self, address: str) -> None:
        super().__init__(address, _LOGIN)
        for member in ("GetSessionByPID", "GetSession"):
            self.answers[_ROOT, f"{_LOGIN}.Manager", member] = ("o", (OURS,))
        self.reset()

    def reset(self) -> None:
        self.properties[_ROOT, f"{_LOGIN}.Manager"] = {
            "PreparingForSleep": ("b", (False,)),
            "PreparingForShutdown": ("b", (False,)),
        }
        self.properties[OURS, f"{_LOGIN}.Session"] = {
            "Active": ("b", (True,)),
            "LockedHint": ("b", (False,)),
            "Seat": ("(so)", (("seat0", SEAT),)),
            "Type": ("s", ("x11",)),
            "Class": ("s", ("user",)),
        }
        self.properties[OTHER, f"{_LOGIN}.Session"] = {"Type": ("s", ("wayland",)), "Class": ("s", ("user",))}
        self.properties[SEAT, f"{_LOGIN}.Seat"] = {"ActiveSession": ("(so)", (("2", OURS),))}

    def grants_inhibition(self) -> int:
        """Once; returns what is at its end when everybody closed the file that is given out."""
        reads, self._given = os.pipe()
        self.answers[_ROOT, f"{_LOGIN}.Manager", "Inhibit"] = ("h", (self._given,))
        return reads

    def let_go(self) -> None:
        """Closes our own hold on the file that was given out."""
        os.close(self._given)

    def locks(self, on: bool) -> None:
        self.change(OURS, f"{_LOGIN}.Session", LockedHint=("b", (on,)))

    def sleeps(self, on: bool) -> None:
        self.properties[_ROOT, f"{_LOGIN}.Manager"]["PreparingForSleep"] = ("b", (on,))
        self.emit(_ROOT, f"{_LOGIN}.Manager", "PrepareForSleep", "b", on)

    def shuts_down(self) -> None:
        self.properties[_ROOT, f"{_LOGIN}.Manager"]["PreparingForShutdown"] = ("b", (True,))
        self.emit(_ROOT, f"{_LOGIN}.Manager", "PrepareForShutdown", "b", True)

    def shows(self, path: str, *, kind: str = "wayland", of: str = "user") -> None:
        """Another session, an empty console (``/``), or ours again."""
        self.properties[OTHER, f"{_LOGIN}.Session"] = {"Type": ("s", (kind,)), "Class": ("s", (of,))}
        self.properties[SEAT, f"{_LOGIN}.Seat"]["ActiveSession"] = ("(so)", (("" if path == "/" else "s", path),))
        self.change(OURS, f"{_LOGIN}.Session", Active=("b", (path == OURS,)))

    def asks_to_lock(self, member: str = "Lock") -> None:
        self.emit(OURS, f"{_LOGIN}.Session", member)


def environment(bus: MessageBus, **more: str) -> Mapping[str, str]:
    """Both buses are this one."""
    return {"DBUS_SYSTEM_BUS_ADDRESS": bus.address, "DBUS_SESSION_BUS_ADDRESS": bus.address, **more}


NO_BUS = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere", "DBUS_SESSION_BUS_ADDRESS": "disabled:"}


def _field(message: Message, field: HeaderFields) -> str:
    return str(message.header.fields.get(field, ""))
