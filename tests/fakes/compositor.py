"""Wayland compositors for tests: the real one without a screen, and one that does what a test says."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from app.core.wayland_wire import Event, Events, request
from app.runtime.virtual_desktop import DIE_WITH_US

AS_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000") if os.geteuid() == 0 else ()
"""cage refuses root."""


class HeadlessCage:
    """cage without a screen or devices; ``environment`` is what its clients need."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="invigil-cage-")
        self.environment = {"XDG_RUNTIME_DIR": self._folder.name, "WAYLAND_DISPLAY": "wayland-0"}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        headless = {"WLR_BACKENDS": "headless", "WLR_RENDERER": "pixman", "WLR_XWAYLAND": "/bin/false"}
        environment = os.environ | self.environment | headless | {"LIBSEAT_BACKEND": "noop"}
        environment = {name: value for name, value in environment.items() if not name.endswith("DISPLAY")}
        self._process = subprocess.Popen(
            [*AS_USER, *DIE_WITH_US, "cage", "-d", "--", "sleep", "infinity"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while not Path(self._folder.name, "wayland-0").exists():
            assert time.monotonic() < deadline, "cage did not start"
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


@functools.cache
def shared_cage() -> HeadlessCage:
    """One for the whole test process, and ended with it."""
    cage = HeadlessCage()
    cage.start()
    return cage


@dataclass
class ScriptedCompositor:
    """Answers one client at a time as a compositor with screencopy would, on a thread that ends with ``stop``.

    ``outputs`` are names and places; ``pixels`` is what every output shows, rows of four bytes in ``layout``.
    """

    folder: Path
    outputs: dict[int, tuple[str, int]] = field(default_factory=lambda: {10: ("TEST-1", 0)})
    size: tuple[int, int] = (2, 2)
    pixels: bytes = bytes(16)
    layout: int = 1
    inverted: bool = False
    failing: bool = False
    screencopy: bool = True
    output_version: int = 4
    garbage: bool = False

    def __post_init__(self) -> None:
        self.environment = {"XDG_RUNTIME_DIR": str(self.folder), "WAYLAND_DISPLAY": "wayland-9"}
        self._listener = socket.socket(socket.AF_UNIX)
        self._thread = threading.Thread(target=self._serve, name="scripted-compositor")
        self._client: socket.socket | None = None
        self._kinds: dict[int, str] = {}
        self._descriptors: list[int] = []

    def start(self) -> None:
        self._listener.bind(str(self.folder / "wayland-9"))
        self._listener.listen()
        self._thread.start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        self._thread.join()
        self._listener.close()

    def __enter__(self) -> ScriptedCompositor:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def hang_up(self) -> None:
        """The client's connection breaks."""
        if self._client is not None:
            self._client.shutdown(socket.SHUT_RDWR)

    def plug(self, number: int, name: str, x_px: int) -> None:
        self.outputs[number] = (name, x_px)
        assert self._client is not None
        self._client.sendall(self._offer(number, "wl_output", self.output_version))

    def unplug(self, number: int) -> None:
        del self.outputs[number]
        assert self._client is not None
        self._client.sendall(request(2, 1, number))

    # ---- the thread

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                self._kinds, self._client = {1: "wl_display"}, client
                with contextlib.suppress(OSError):  # who asked may have heard enough, and be gone
                    self._talk(client)
                self._client = None

    def _talk(self, client: socket.socket) -> None:
        events = Events()
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(client, 65536, 4)
            except OSError:
                return
            if not data:
                return
            self._descriptors += descriptors
            if self.garbage:
                client.sendall(b"\1\0\0\0\0\0\3\0")
                continue
            for asked in events.feed(data):
                self._answer(client, asked)

    def _answer(self, client: socket.socket, asked: Event) -> None:
        match self._kinds.get(asked.sender), asked.number:
            case "wl_display", 0:
                client.sendall(request(asked.number_at(0), 0, 0) + request(1, 1, asked.number_at(0)))
            case "wl_display", 1:
                self._kinds[asked.number_at(0)] = "wl_registry"
                client.sendall(self._globals())
            case "wl_registry", 0:
                self._bound(client, asked)
            case "manager", 0:
                frame = asked.number_at(0)
                self._kinds[frame] = "frame"
                width, height = self.size
                client.sendall(request(frame, 0, self.layout, width, height, width * 4))
            case "wl_shm", 0:
                self._kinds[asked.number_at(0)] = "pool"
            case "frame", 0:
                client.sendall(self._picture(asked.sender))
            case _:
                pass

    def _globals(self) -> bytes:
        offered = [(1, "wl_shm", 1), *((2, "zwlr_screencopy_manager_v1", 3) for _ in range(self.screencopy))]
        offered += [(number, "wl_output", self.output_version) for number in self.outputs]
        return b"".join(self._offer(*each) for each in offered)

    def _offer(self, number: int, interface: str, version: int) -> bytes:
        return request(2, 0, number, interface, version)

    def _bound(self, client: socket.socket, asked: Event) -> None:
        number, interface, version, made = asked.fields("usuu")
        kinds = {"wl_shm": "wl_shm", "zwlr_screencopy_manager_v1": "manager", "wl_output": "output"}
        self._kinds[int(made)] = kinds[str(interface)]
        if interface == "wl_shm":
            client.sendall(request(int(made), 0, 0) + request(int(made), 0, 1))
        elif interface == "wl_output":
            name, x_px = self.outputs[int(number)]
            client.sendall(request(int(made), 0, x_px, 0, 0, 0, 0, "maker", "model", 0))
            if int(version) >= 4:
                client.sendall(request(int(made), 4, name))

    def _picture(self, frame: int) -> bytes:
        memory = self._descriptors.pop()
        os.pwrite(memory, self.pixels, 0)
        os.close(memory)
        if self.failing:
            return request(frame, 3)
        return request(frame, 1, int(self.inverted)) + request(frame, 2, 0, 0, 0)
