"""What several of these tests use."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

TIMEOUT_S = 20.0
_PROGRAM = Path(__file__).with_name("other_program.py")


def until(condition: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> None:
    """Returns when the condition holds; fails the test when it does not in time."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "timed out"
        time.sleep(0.01)


class OtherProgram:
    """``other_program.py`` in a process of its own; a context manager. ``python``: the file to run it with."""

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python

    def __enter__(self) -> OtherProgram:
        self.process = subprocess.Popen(
            [self._python, str(_PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._answer() == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def ask(self, *words: object) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def window(self, left: int, top: int, width: int, height: int) -> int:
        """Shows a window, in pixels; returns its number."""
        return int(self.ask("window", left, top, width, height))

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()
