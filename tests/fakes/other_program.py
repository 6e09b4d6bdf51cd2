"""Starts ``other_window.py`` as a process of its own and talks to it; and our side of an X server without Qt."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from Xlib import X
from Xlib.display import Display

PROGRAM = str(Path(__file__).resolve().with_name("other_window.py"))


class OtherProgram:
    """``window`` is the one that it opens first."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.window = int(self.line())

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, command: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self.line()

    def open(self, *words: str) -> int:
        return int(self.tell(" ".join(("open", *words))))

    def unmap(self, *windows: int) -> None:
        for window in windows:
            self.tell(f"unmap {window}")


@contextmanager
def other_program(*words: str, program: str = sys.executable) -> Iterator[OtherProgram]:
    process = subprocess.Popen(
        [program, PROGRAM, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        yield OtherProgram(process)
    finally:
        process.communicate()


class OurWindow:
    """Answers ``KioskWindow`` with a bare X window of 600 x 400 pixels at 100, 100, outside the window manager."""

    def __init__(self) -> None:
        self.display = Display()
        root = self.display.screen().root
        self._window = root.create_window(
            100, 100, 600, 400, 0, X.CopyFromParent, X.InputOutput, X.CopyFromParent, override_redirect=True
        )
        self._window.map()
        self.display.sync()

    def set_kiosk(self, on: bool) -> None:
        if on:
            self.raise_()

    def grab_keyboard(self, on: bool) -> bool:
        return on

    def handle(self) -> int:
        return int(self._window.id)

    def raise_(self) -> None:
        self._window.raise_window()
        self.display.sync()

    def lower(self) -> None:
        self._window.configure(stack_mode=X.Below)
        self.display.sync()

    def is_above(self, other: int) -> bool:
        order = [child.id for child in self.display.screen().root.query_tree().children]
        return order.index(self.handle()) > order.index(other)

    def copy(self, selection: str) -> None:
        self._window.set_selection_owner(self.display.intern_atom(selection), X.CurrentTime)
        self.display.sync()

    def owner(self, selection: str) -> int:
        found = self.display.get_selection_owner(self.display.intern_atom(selection))
        return int(getattr(found, "id", found))

    def close(self) -> None:
        self.display.close()


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)
