"""Protections under a Wayland compositor, in its own protocol. No Qt: nothing here needs a window system library."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.core import lockdown
from app.core.errors import BadInput, LockdownError
from app.core.lockdown import MachineFacts, System
from app.core.ports import KioskWindow
from app.core.types import DisplaysSeen, Json, Observation
from app.core.wayland_wire import Event, Events, Registry
from app.lockdown.linux import drm, kiosk_compositor

_ANSWER_WAIT_S = 3.0
_OUTPUT_NAME_SINCE = 4
_OUTPUT_NAME = 4
_CREDENTIALS = struct.Struct("3i")


class Line:
    """A connection to the compositor that ``environ`` names. One thread.

    ``connect`` first, ``close`` last. All of it raises LockdownError when there is no compositor or it went away.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._socket: socket.socket | None = None
        self._events = Events()
        self._registry = Registry()
        self._outputs: dict[int, int] = {}
        self._names: dict[int, str] = {}
        self._awaited = 0

    def connect(self) -> None:
        """Returns when the compositor has answered."""
        path = Path(self._environ.get("XDG_RUNTIME_DIR", ""), self._environ.get("WAYLAND_DISPLAY", ""))
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_ANSWER_WAIT_S)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self.close()
            raise _no_answer(error) from error
        self._send(self._registry.hello())
        self._round_trip()
        self._round_trip()  # what was bound in the first one is named in the second

    def server_pid(self) -> int:
        """The process that listens at the other end."""
        line = self._connected()
        pid, _uid, _gid = _CREDENTIALS.unpack(line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        return int(pid)

    def outputs(self) -> tuple[str, ...]:
        """The outputs of now, by name. Waits only for the name of a new one."""
        line = self._connected()
        line.setblocking(False)
        try:
            with contextlib.suppress(BlockingIOError):
                while True:
                    self._receive()
        finally:
            if self._socket is not None:
                line.settimeout(_ANSWER_WAIT_S)
        if set(self._outputs.values()) - self._names.keys():
            self._round_trip()  # one that has just come is named at once
        return tuple(sorted(self._names.get(made, f"screen {made}") for made in self._outputs.values()))

    def fileno(self) -> int:
        return self._connected().fileno()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise LockdownError("The Wayland display is not connected; start the exam again.")
        return self._socket

    def _round_trip(self) -> None:
        self._awaited, words = self._registry.sync()
        self._send(words)
        while self._awaited:
            try:
                self._receive()
            except BlockingIOError as error:
                raise _no_answer(error) from error

    def _send(self, words: bytes) -> None:
        try:
            self._connected().sendall(words)
        except OSError as error:
            raise _no_answer(error) from error

    def _receive(self) -> None:
        """Raises BlockingIOError where there is nothing, and it does not wait."""
        try:
            data = self._connected().recv(65536)
            if not data:
                raise ConnectionResetError(104, "it is gone")
            for event in self._events.feed(data):
                self._take(event)
        except BlockingIOError:
            raise
        except (OSError, BadInput) as error:
            raise _no_answer(error) from error

    def _take(self, event: Event) -> None:
        if self._registry.take(event):
            self._follow_outputs()
        elif event.sender == self._awaited:
            self._awaited = 0
        elif event.number == _OUTPUT_NAME and event.sender in self._outputs.values():
            self._names[event.sender] = str(event.fields("s")[0])

    def _follow_outputs(self) -> None:
        offered = {each.name: each for each in self._registry.all_of("wl_output")}
        self._outputs = {name: made for name, made in self._outputs.items() if name in offered}
        for name, each in offered.items():
            if name not in self._outputs:
                version = min(each.version, _OUTPUT_NAME_SINCE)
                made, words = self._registry.bind(each, version)
                self._outputs[name] = made
                if version < _OUTPUT_NAME_SINCE:
                    self._names[made] = f"screen {name}"
                self._send(words)


def _no_answer(error: Exception) -> LockdownError:
    return LockdownError(f"The Wayland display does not answer ({error}); start the exam again.")


def display_problem(environ: Mapping[str, str]) -> str | None:
    """None when the compositor answers, otherwise a sentence."""
    line = Line(environ)
    try:
        line.connect()
    except LockdownError as error:
        return str(error)
    finally:
        line.close()
    return None


def facts(environ: Mapping[str, str]) -> MachineFacts:
    """A session of its own, or the kiosk compositor that we started."""
    line = Line(environ)
    try:
        line.connect()
        pid = line.server_pid()
    except LockdownError:
        pid = None
    finally:
        line.close()
    installed = kiosk_compositor.installed() is not None
    if pid is None or not kiosk_compositor.is_ours(pid, environ):
        return MachineFacts(System.LINUX_WAYLAND, kiosk_compositor=installed)
    return MachineFacts(System.LINUX_KIOSK, nested=kiosk_compositor.is_nested(pid), kiosk_compositor=installed)


class KioskWindowOperation:
    """Our window full-screen and watched; that it stays the only one is the compositor's doing, and ends with it."""

    name = lockdown.KIOSK

    def __init__(self, window: KioskWindow | None, environ: Mapping[str, str] = os.environ) -> None:
        self._window = window
        self._environ = environ

    def check(self) -> str | None:
        return display_problem(self._environ)

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        if self._window is None:
            raise LockdownError("The exam window is locked by the client only; start the exam with 'invigil take'.")
        self._window.set_kiosk(True)

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        if self._window is not None:
            self._window.set_kiosk(False)


class KeyboardOfCompositor:
    """A kiosk compositor has no key combinations of its own, so every key reaches our window, where the kiosk judges it.

    Holds only where it is our kiosk compositor: ``check`` looks, and ``perform`` looks again.
    """

    name = lockdown.KEYBOARD

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ

    def check(self) -> str | None:
        if facts(self._environ).system is System.LINUX_KIOSK:
            return None
        return "The kiosk compositor does not show this window any more, so the exam can't be locked; start the exam again."

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        problem = self.check()
        if problem is not None:
            raise LockdownError(problem)

    def revert(self, before: Mapping[str, Json]) -> None:
        del before  # nothing was changed


class Monitors:
    """Reports the monitors at the first poll and at every change. One thread.

    The compositor tells of its outputs as they come and go; the kernel's connectors are read beside it at each poll,
    as a compositor may be a window. The larger count holds. Raises LockdownError when the compositor is gone.
    """

    name = lockdown.MONITORS

    def __init__(self, environ: Mapping[str, str] = os.environ, drm_root: Path = drm.ROOT) -> None:
        self._environ = environ
        self._drm_root = drm_root
        self._line: Line | None = None
        self._seen: tuple[str, ...] | None = None

    def poll(self, now_ns: int) -> Sequence[Observation]:
        try:
            names = max(self._connected().outputs(), drm.connected(self._drm_root), key=len)
        except LockdownError:
            self.close()
            raise
        if names == self._seen:
            return ()
        self._seen = names
        return (DisplaysSeen(now_ns, len(names), names),)

    def listen(self, wake: Callable[[], None]) -> int | None:
        del wake
        return self._connected().fileno()

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _connected(self) -> Line:
        if self._line is None:
            line = Line(self._environ)
            line.connect()
            self._line = line
        return self._line
