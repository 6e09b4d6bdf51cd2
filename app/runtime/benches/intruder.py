"""The other side of ``invigil bench lockdown``: a program on an X server that does what an exam has to notice. Linux only."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from Xlib import X, Xatom
from Xlib.display import Display
from Xlib.ext import randr
from Xlib.protocol import rq
from Xlib.xobject.drawable import Window

_MONITOR = "INVIGIL-BENCH"


class _SetMonitor(rq.Request):
    """RandR 1.5, RRSetMonitor. python-xlib's own can't pack its monitor."""

    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(43), rq.RequestLength(), rq.Window("window"), rq.Card32("name"),
        rq.Bool("primary"), rq.Bool("automatic"), rq.LengthOf("outputs", 2), rq.Int16("x"), rq.Int16("y"),
        rq.Card16("width"), rq.Card16("height"), rq.Card32("width_mm"), rq.Card32("height_mm"),
        rq.List("outputs", rq.Card32Obj),
    )  # fmt: skip


class _DeleteMonitor(rq.Request):
    """RandR 1.5, RRDeleteMonitor."""

    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(44), rq.RequestLength(), rq.Window("window"), rq.Card32("name"))


class Intruder:
    """Every method returns when the X server has done what was asked. One thread."""

    def __init__(self, display: str, denied: Path) -> None:
        self._name = display
        self._denied = denied
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._display = Display(self._name)
        self._witness = Display(self._name)
        self._root = self._display.screen().root
        self._window = self._open(200, 200, 300, 200)
        self._focus = self._open(0, 0, 1, 1, input_only=True)
        self._focus.map()
        self._witness.screen().root.change_attributes(event_mask=X.PropertyChangeMask)
        self._display.sync()
        self._witness.sync()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_process()
        self._display.close()
        self._witness.close()

    def take_focus(self) -> None:
        self._focus.set_input_focus(X.RevertToPointerRoot, X.CurrentTime)
        self._display.sync()

    def show_window(self) -> None:
        self._window.map()
        self._window.raise_window()
        self._display.sync()

    def hide_window(self) -> None:
        self._window.unmap()
        self._display.sync()

    def copy(self) -> None:
        owner = self._open(0, 0, 1, 1, input_only=True)
        owner.set_selection_owner(self._display.intern_atom("CLIPBOARD"), X.CurrentTime)
        self._display.sync()

    def add_monitor(self) -> None:
        screen = self._display.screen()
        _SetMonitor(
            display=self._display.display,
            opcode=self._display.display.get_extension_major(randr.extname),
            window=self._root,
            name=self._display.intern_atom(_MONITOR),
            primary=False,
            automatic=False,
            x=screen.width_in_pixels - 100,
            y=0,
            width=100,
            height=100,
            width_mm=30,
            height_mm=30,
            outputs=[],
        )
        self._display.sync()

    def remove_monitor(self) -> None:
        _DeleteMonitor(
            display=self._display.display,
            opcode=self._display.display.get_extension_major(randr.extname),
            window=self._root,
            name=self._display.intern_atom(_MONITOR),
        )
        self._display.sync()

    def start_process(self) -> None:
        self._process = subprocess.Popen([self._denied], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def end_process(self) -> None:
        if self._process is not None:
            self._process.communicate()  # closes its input, at which it ends
            self._process = None

    def bare_event_ms(self) -> float:
        """From a change to a program that waits for nothing else: what no watcher can be faster than."""
        start_ns = time.perf_counter_ns()
        self._root.change_property(self._display.intern_atom("_INVIGIL_BENCH"), Xatom.CARDINAL, 32, [1])
        self._display.flush()
        self._witness.next_event()
        return (time.perf_counter_ns() - start_ns) / 1e6

    def bare_look_ms(self) -> float:
        """From the start of a program to the first of many looks at all that run, one after another, that finds it."""
        start_ns = time.perf_counter_ns()
        self.start_process()
        while self._denied.name not in {each.info["name"] for each in psutil.process_iter(["name"])}:
            pass
        taken_ms = (time.perf_counter_ns() - start_ns) / 1e6
        self.end_process()
        return taken_ms

    def _open(self, x: int, y: int, width: int, height: int, *, input_only: bool = False) -> Window:
        depth, kind = (0, X.InputOnly) if input_only else (self._display.screen().root_depth, X.InputOutput)
        made: Window = self._root.create_window(
            x, y, width, height, 0, depth, kind, X.CopyFromParent, override_redirect=True
        )
        return made
