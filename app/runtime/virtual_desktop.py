"""A virtual desktop for machines without one: Xvfb with a window manager, and PulseAudio with a null sink.

Used by ``invigil demo --headless`` and by the tests. Linux only; the programs come from
the system's packages (README.md names them).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from app.core.errors import InvigilError
from app.runtime.foreign import foreign_environment

SINK = "fakemic"
DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL")
"""However this process ends, nothing of the desktop is left running. Start it from the main thread."""


class VirtualDesktop:
    """Starts with ``start()``, ends with ``stop()``; also a context manager.

    ``environment`` holds what a child needs to use it: DISPLAY, XDG_RUNTIME_DIR, PULSE_SERVER,
    and the XCB platform of Qt. Nothing of the parent's environment is changed.
    """

    def __init__(self, width_px: int = 1366, height_px: int = 768, *, sound: bool = False) -> None:
        self._size = (width_px, height_px)
        self._sound = sound
        self._processes: list[subprocess.Popen[bytes]] = []
        self._sound_processes: list[subprocess.Popen[bytes]] = []
        self._runtime_dir: Path | None = None
        self.environment: dict[str, str] = {}

    def start(self) -> None:
        """Returns when windows can be opened and, with sound, a microphone can be recorded."""
        programs = ["setpriv", "Xvfb", "openbox", "xdotool", *(["pulseaudio", "pactl", "parec"] if self._sound else [])]
        missing = [p for p in programs if shutil.which(p) is None]
        if missing:
            raise InvigilError(
                f"A virtual desktop needs {', '.join(missing)}; install the system packages that README.md names."
            )
        self._runtime_dir = Path(tempfile.mkdtemp(prefix="invigil-desktop-"))
        self._runtime_dir.chmod(0o700)
        self.environment = {"XDG_RUNTIME_DIR": str(self._runtime_dir), "QT_QPA_PLATFORM": "xcb"}
        try:
            self._start_display()
            if self._sound:
                self.start_sound()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self.stop_sound()
        _end(self._processes)
        if self._runtime_dir is not None:
            shutil.rmtree(self._runtime_dir, ignore_errors=True)
            self._runtime_dir = None

    def __enter__(self) -> VirtualDesktop:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def programs_environment(self) -> dict[str, str]:
        """This process's environment, for the system's programs on this desktop."""
        return foreign_environment(os.environ) | self.environment

    def play(self, wav: Path) -> subprocess.Popen[bytes]:
        """Plays a sound file into the virtual microphone; the caller waits for the process."""
        return subprocess.Popen(
            ["paplay", f"--device={SINK}", str(wav)], env=self.programs_environment(), stdin=subprocess.DEVNULL
        )

    def stop_sound(self) -> None:
        """The sound server goes, as when it crashes; ``start_sound()`` brings it back."""
        _end(self._sound_processes)

    def _spawn(self, *words: str, pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*DIE_WITH_US, *words],
            env=self.programs_environment() | {"XDG_CONFIG_HOME": str(self._runtime_dir)},  # no home has to be writable
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=pass_fds,
        )

    def _start_display(self) -> None:
        width, height = self._size
        reader, writer = os.pipe()
        try:
            server = self._spawn(
                "Xvfb", "-displayfd", str(writer), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp",
                "+extension", "RANDR", "-noreset", pass_fds=(writer,),
            )  # fmt: skip
            self._processes.append(server)
            os.close(writer)
            writer = -1
            number = b""  # Xvfb dies if the pipe is closed before it wrote the end of the line
            while not number.endswith(b"\n") and (part := os.read(reader, 16)):
                number += part
        finally:
            os.close(reader)
            if writer >= 0:
                os.close(writer)
        if not number:
            raise InvigilError("Xvfb did not start; run it by hand to see why.")
        self.environment["DISPLAY"] = f":{number.decode().strip()}"
        self._processes.append(self._spawn("openbox"))
        self._await("openbox", lambda: b"WINDOW" in self._output("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"))

    def start_sound(self) -> None:
        """Returns when a microphone can be recorded."""
        self.environment["PULSE_SERVER"] = f"unix:{self._runtime_dir}/pulse/native"
        server = self._spawn(
            "pulseaudio", "-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no",
            "-L", "module-native-protocol-unix",
            "-L", f"module-null-sink sink_name={SINK}",
            "-L", f"module-remap-source source_name=mic master={SINK}.monitor",
        )  # fmt: skip
        self._sound_processes.append(server)
        self._await("PulseAudio", lambda: b"mic" in self._output("pactl", "list", "short", "sources"))
        # a null sink that nobody hears wakes every two seconds only, and whoever records then waits as long
        self._sound_processes.append(self._spawn("parec", "--device=mic", "--latency-msec=50"))

    def _output(self, *words: str) -> bytes:
        done = subprocess.run(words, env=self.programs_environment(), capture_output=True, check=False, timeout=10)
        return done.stdout

    def _await(self, what: str, ready: Callable[[], bool], timeout_s: float = 15.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not ready():
            if time.monotonic() > deadline:
                raise InvigilError(f"{what} did not start within {timeout_s:.0f} seconds on the virtual desktop.")
            time.sleep(0.05)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ends them, the last one first, and forgets them."""
    for process in reversed(processes):
        process.terminate()
    for process in reversed(processes):
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    processes.clear()
