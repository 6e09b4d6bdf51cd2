"""The client inside a kiosk compositor: guardian -> host -> compositor -> inner -> client. Linux only, no Qt.

The host is what the guardian takes for the client: it starts the compositor, and ends with the client's exit code, which
cage does not pass on. The inner process is the compositor's one program: it starts the client. Host and inner have
a line, a pair of sockets. The host sends its standard error along it, as cage fills its own with what IT rarely needs;
the inner process says "started" and "exit N"; and the end of the host's side, however that came, means that the client
has to end. As only its parent is told when the client is stopped, the inner process notices that in the guardian's place.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from app.core.environment import scrubbed
from app.core.errors import BadInput, LockdownError
from app.lockdown.linux import kiosk_compositor
from app.lockdown.linux.wayland import display_problem
from app.runtime.child import THAW_AFTER_S, Waiting, go_on
from app.runtime.foreign import foreign_environment

logger = logging.getLogger(__name__)

VARIABLE = "INVIGIL_KIOSK_COMPOSITOR"
"""Set to 1 by IT where every exam has to run in a kiosk compositor."""
CRASHED = 70
"""As the client itself says it: the guardian starts it again."""
_KEYBOARD_SETTINGS = Path("/etc/default/keyboard")
_CLIENT_WAIT_S = 8.0
_COMPOSITOR_WAIT_S = 5.0
_LOOK_S = 0.25
_KEPT_OF_WLROOTS = frozenset(
    {"WLR_DRM_DEVICES", "WLR_DRM_NO_ATOMIC", "WLR_DRM_NO_MODIFIERS", "WLR_NO_HARDWARE_CURSORS", "WLR_RENDERER"}
)
"""What a graphics card may need. The others say what is shown where, which is not the candidate's to say."""

_FOR_THE_EXAM = {
    "QT_QPA_PLATFORM": "wayland",
    "QT_WAYLAND_DISABLE_WINDOWDECORATION": "1",
    "WLR_XWAYLAND": "/bin/false",
}
"""No frame with a button to close, and no X server beside the compositor, which would show windows unnoticed."""


def check_available(*, is_root: bool, environ: Mapping[str, str] = os.environ) -> None:
    """Raises BadInput with what to do where no exam can be started in a kiosk compositor."""
    if kiosk_compositor.installed() is None:
        raise BadInput(
            "The kiosk compositor 'cage' is not installed; install it with its libraries "
            "(Debian, Ubuntu: apt install cage libwayland-cursor0 libwayland-egl1)."
        )
    if is_root:
        raise BadInput("The kiosk compositor does not run for root; start the exam as an ordinary user.")
    if not Path(environ.get("XDG_RUNTIME_DIR") or "/nonexistent").is_dir():
        raise BadInput(
            "There is no XDG_RUNTIME_DIR, which the kiosk compositor needs; log in to a text console or a desktop first."
        )


def compositor_environment(environ: Mapping[str, str], keyboard_settings: Path = _KEYBOARD_SETTINGS) -> dict[str, str]:
    """For the compositor and so for the client: Qt on Wayland, the machine's keyboard layout, none of wlroots' tricks."""
    made = {name: value for name, value in environ.items() if not name.startswith("WLR_") or name in _KEPT_OF_WLROOTS}
    if "XKB_DEFAULT_LAYOUT" not in made:
        made |= _keyboard(keyboard_settings)
    return made | _FOR_THE_EXAM | {kiosk_compositor.HOST: str(os.getpid())}


def run_host(inner_command: Callable[[int], Sequence[str]], environ: Mapping[str, str] = os.environ) -> int:
    """Runs the client in the compositor and returns its exit code; CRASHED when the compositor died under it.

    ``inner_command`` is how ``run_inner`` is started, given the number of its end of the line. Main thread only.
    Raises LockdownError when the compositor did not start.
    """
    path = kiosk_compositor.installed()
    if path is None:
        raise LockdownError("The kiosk compositor 'cage' is not installed any more; install it again.")
    ours, theirs = socket.socketpair()
    with ours, _ending(ours):
        with theirs:
            socket.send_fds(ours, [b"stderr"], [sys.stderr.fileno()])
            compositor = subprocess.Popen(
                [str(path), *kiosk_compositor.OPTIONS, *inner_command(theirs.fileno())],
                env=compositor_environment(
                    scrubbed(foreign_environment(environ))[0]
                ),  # what comes back there is anybody's
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
            )
        last_words = _LastWords(compositor)
        said = _listen(ours, compositor)
        code = compositor.wait()
    if b"started" not in said:
        raise LockdownError(
            f"The kiosk compositor did not start (exit code {code}: {last_words.text()}); start it from a text console or "
            "the login screen, as a user who may use the graphics card."
        )
    found = re.search(rb"exit (\d+)", said)
    if found is None or found[1] == str(CRASHED).encode():  # how cage ends after its program says nothing
        logger.warning("the kiosk compositor ended with %s: %s", code, last_words.text())
        return CRASHED
    return int(found[1])


class _LastWords:
    """Reads what the compositor says, so that it is never held up, and keeps the last line."""

    def __init__(self, compositor: subprocess.Popen[bytes]) -> None:
        self._last = b""
        self._thread = threading.Thread(target=self._read, args=(compositor,), name="compositor-words", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Once the compositor has ended."""
        self._thread.join(1.0)  # a program that it started may still hold the other end
        return self._last.decode(errors="replace").strip() or "it said nothing"

    def _read(self, compositor: subprocess.Popen[bytes]) -> None:
        if compositor.stderr is not None:
            with compositor.stderr as words:
                for line in words:
                    self._last = line


def _listen(ours: socket.socket, compositor: subprocess.Popen[bytes]) -> bytes:
    """Everything that the inner process said, once it and the compositor have closed the line."""
    said = b""
    try:
        while data := ours.recv(1024):
            said += data
            if b"exit" in said:
                ours.settimeout(_COMPOSITOR_WAIT_S)  # the compositor ends with its program
    except ConnectionResetError:
        return said  # it ended before it took what we sent
    except TimeoutError:
        logger.warning("the kiosk compositor goes on without its program; ending it")
        compositor.terminate()
        try:
            compositor.wait(_COMPOSITOR_WAIT_S)
        except subprocess.TimeoutExpired:
            compositor.kill()
    return said


@contextlib.contextmanager
def _ending(line: socket.socket) -> Iterator[None]:
    """Whoever asks this process to end, asks the client."""

    def ask(_number: int, _frame: object) -> None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_WR)

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_inner(
    line_number: int,
    client: Sequence[str],
    stopped: Callable[[float | None], None],
    environ: Mapping[str, str] = os.environ,
    *,
    thaw_after_s: float = THAW_AFTER_S,
) -> int:
    """Runs the client and tells the host how it ended. Ends it when the host or the compositor is gone.

    A client that is stopped by a signal is let go on, and ``stopped`` called, as by ``child.Waiting``.
    """
    # there is no X server behind it
    environment = {name: value for name, value in environ.items() if name != "DISPLAY"}
    with socket.socket(fileno=line_number) as line:
        line.set_inheritable(False)
        _data, (errors,), _flags, _address = socket.recv_fds(line, 16, 1)
        os.dup2(errors, sys.stderr.fileno())
        os.close(errors)
        _say(line, "started")
        child = subprocess.Popen(client, env=environment, stdin=subprocess.DEVNULL)
        with contextlib.suppress(KeyboardInterrupt):
            _wait(child, line, os.getppid(), Waiting(child, stopped, thaw_after_s=thaw_after_s))
        code = child.returncode if child.poll() is not None else _stop(child)
        # Qt ends a client that lost its display with 1, which would be an ending like any other
        crashed = code < 0 or (code != 0 and display_problem(environment) is not None)
        _say(line, f"exit {CRASHED if crashed else code}")
    return 0


def _wait(child: subprocess.Popen[bytes], line: socket.socket, compositor_pid: int, waiting: Waiting) -> None:
    """Until the client has ended or has to."""
    ended = os.pidfd_open(child.pid)
    try:
        while True:
            ready, _, _ = select.select([ended, line.fileno()], [], [], _LOOK_S)
            if ready or os.getppid() != compositor_pid or waiting.look_told():
                return
    finally:
        os.close(ended)


def _stop(child: subprocess.Popen[bytes]) -> int:
    with contextlib.suppress(subprocess.TimeoutExpired):
        return child.wait(0.2)  # it has ended just now
    child.terminate()
    go_on(child.pid)  # a stopped process gets no signal
    try:
        return child.wait(_CLIENT_WAIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _say(line: socket.socket, words: str) -> None:
    with contextlib.suppress(OSError):  # a host that is gone needs no news
        line.sendall(f"{words}\n".encode())


def _keyboard(path: Path) -> dict[str, str]:
    """Debian's keyboard settings as libxkbcommon's variables; cage would take a US layout. Nothing where there are none."""
    try:
        words = shlex.split(path.read_text(encoding="utf-8"), comments=True)
    except (OSError, ValueError):
        return {}
    set_there = dict(word.split("=", 1) for word in words if "=" in word)
    names = {"XKBMODEL": "MODEL", "XKBLAYOUT": "LAYOUT", "XKBVARIANT": "VARIANT", "XKBOPTIONS": "OPTIONS"}
    return {f"XKB_DEFAULT_{ours}": set_there[theirs] for theirs, ours in names.items() if set_there.get(theirs)}
