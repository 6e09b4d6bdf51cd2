"""A child process as the guardian sees it: started, waited for, and noticed when somebody stops it without ending it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import psutil

POLL_S = 1.0
"""How often a stop is looked for where the system does not tell it."""
THAW_AFTER_S = 20.0
"""A stopped client holds screen and keyboard and shows nothing: after this it is let go on."""
THAWS_MAX = 3
"""In one run of a client. Whoever stops it again and again, in a debugger say, is not fought for ever."""


class Child(Protocol):
    """What the guardian needs of a process that it started; ``subprocess.Popen`` has all of it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """As ``poll``, when it has ended. Raises subprocess.TimeoutExpired."""

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


Start = Callable[[Sequence[str], Mapping[str, str]], Child]
"""Starts a command in an environment. Raises OSError."""


def start_process(command: Sequence[str], environ: Mapping[str, str]) -> Child:
    """In a process group of its own: Ctrl+C reaches the client once, through us."""
    group = None if sys.platform == "win32" else 0
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP
    return subprocess.Popen(
        command, env=dict(environ), stdin=subprocess.DEVNULL, process_group=group, creationflags=flags
    )


def past_launcher(
    command: Sequence[str],
    environ: Mapping[str, str],
    python: str = sys.executable,
    base: str = getattr(sys, "_base_executable", sys.executable),
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Command and environment by which the program itself becomes our child.

    On Windows the python.exe of a virtual environment only starts the installed one, as a child of its own: whoever waits
    for it would look at, and end, the wrong process. The installed one takes the environment's name from a variable, as
    ``multiprocessing`` has it.
    """
    if sys.platform == "win32" and command[0] == python and os.path.normcase(python) != os.path.normcase(base):
        return (base, *command[1:]), {**environ, "__PYVENV_LAUNCHER__": python}
    return tuple(command), dict(environ)


class Waiting:
    """Waits for one child; ``stopped`` is called, after each stop, with how many seconds it lasted (None: unknown).

    On Linux the kernel tells of stops, elsewhere the process is looked at each second. A signal handler that raises
    ends the wait. What the terminal stops (job control) is nobody's doing and not told.
    """

    def __init__(
        self,
        child: Child,
        stopped: Callable[[float | None], None],
        monotonic_s: Callable[[], float] = time.monotonic,
        thaw_after_s: float = THAW_AFTER_S,
    ) -> None:
        self._child = child
        self._stopped = stopped
        self._monotonic_s = monotonic_s
        self._thaw_after_s = thaw_after_s
        self._since_s: float | None = None
        self._thaws = 0

    def wait(self) -> None:
        if sys.platform == "linux":
            self.wait_told()
        else:
            self.wait_looking()

    def wait_looking(self, poll_s: float = POLL_S) -> None:
        """By looking at the process again and again. Any system.

        A stop that is seen once is not told: a system that wakes lets its programs go on one after the other.
        """
        looks = 0
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(poll_s)
                return
            looks = looks + 1 if _is_stopped(self._child.pid) else 0
            if looks > 1:
                self._begin()
            elif not looks and self._since_s is not None:
                self._end()

    def wait_told(self) -> None:
        """By the kernel's word; without processor time until something happens."""
        while not self.look_told(waits=self._since_s is None):
            if self._since_s is not None:
                time.sleep(0.05)

    def look_told(self, *, waits: bool = False) -> bool:
        """Takes what the kernel tells next, and says whether the child has ended; it is not reaped. Linux only.

        Without ``waits``, for who has more to wait for, it returns at once and is called every now and then.
        """
        if sys.platform == "linux":
            looking = 0 if waits else os.WNOHANG
            seen = os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WSTOPPED | os.WCONTINUED | os.WNOWAIT | looking)
            if seen is None:
                if self._since_s is not None:  # stopped, still
                    self._begin()
            elif seen.si_code in (os.CLD_STOPPED, os.CLD_CONTINUED):
                os.waitid(os.P_PID, self._child.pid, os.WSTOPPED | os.WCONTINUED | os.WNOHANG)
                if seen.si_code == os.CLD_CONTINUED:
                    self._end()
                elif seen.si_status not in (signal.SIGTTIN, signal.SIGTTOU):
                    self._begin()
            else:
                return True
        return False

    def _begin(self) -> None:
        """It is stopped, or still is."""
        now_s = self._monotonic_s()
        if self._since_s is None:
            self._since_s = now_s
        elif now_s - self._since_s >= self._thaw_after_s and self._thaws < THAWS_MAX:
            self._thaws += 1
            self._thaw_after_s *= 2
            go_on(self._child.pid)

    def _end(self) -> None:
        lasted_s = None if self._since_s is None else self._monotonic_s() - self._since_s
        self._since_s = None
        self._stopped(lasted_s)


def go_on(pid: int) -> None:
    """Lets a stopped process go on; nothing for one that runs or is gone."""
    with contextlib.suppress(psutil.Error):
        psutil.Process(pid).resume()


def _is_stopped(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False
