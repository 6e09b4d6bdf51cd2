"""``invigil bench lockdown``: what the watchers of a strict policy cost, and how soon they notice what they are there for."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import InvigilError
from app.core.types import NS_PER_MS, Json
from app.runtime.benches.figures import Figure, percentile
from app.runtime.virtual_desktop import DIE_WITH_US, VirtualDesktop

if TYPE_CHECKING:
    from app.runtime.benches.intruder import Intruder

NAME = "lockdown"
ABOUT = "processor time and reaction times of the watchers of a strict policy, on a virtual desktop of its own"
SECONDS = 60.0
ROUNDS = 20
CPU_AIM_PERCENT = 1.0
EVENT_AIM_MS = 100.0
POLLED_AIM_MS = 1500.0
_SETTLED_S = 3.0
"""After their start the watchers look at everything once and read each process a few times."""
_PATIENCE_S = 15.0
_POLL_S = 1.0
_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Trial:
    """``word`` is what the subject says when it noticed, ``back`` when it is as before ("" where nothing is said)."""

    what: str
    do: Callable[[], None]
    undo: Callable[[], None]
    word: str
    back: str
    polled: bool = False


def run(seconds: float | None = None) -> list[Figure]:
    """Processor time over ``seconds`` (60) without the watchers and as many with them, then about two minutes of trials."""
    if not sys.platform.startswith("linux") or getattr(sys, "frozen", False):
        raise InvigilError("The lockdown is measured on Linux, from a source tree or an installed wheel; do it there.")
    from app.runtime.benches.intruder import Intruder

    with tempfile.TemporaryDirectory(prefix="invigil-bench-") as folder, VirtualDesktop() as desktop:
        denied = _program(Path(folder))
        with (
            Intruder(desktop.environment["DISPLAY"], denied) as intruder,
            _subject(desktop, denied.name) as subject,
        ):
            return [subject.cost(seconds or SECONDS), *_reactions(subject, intruder)]


class Subject:
    """The process with the exam's window, as ``lockdown_subject`` speaks. Raises InvigilError when it does not."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._told: queue.Queue[Mapping[str, Json]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name="bench-subject", daemon=True)

    def start(self) -> None:
        self._reader.start()
        self._answer("ready")

    def stop(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def cost(self, seconds: float) -> Figure:
        """The watchers run from here on."""
        idle = self._percent(seconds)
        self._command("watch")
        watchers = self._answer("watchers")
        count = len(watchers) if isinstance(watchers, list) else 0
        time.sleep(min(seconds, _SETTLED_S))
        watching = self._percent(seconds)
        what = f"processor time of {count} watchers together, beyond an idle window's, over {seconds:g} s"
        return Figure(what, max(0.0, watching - idle), "% of one core", idle, CPU_AIM_PERCENT)

    def reaction_ms(self, trial: Trial) -> float:
        """From before it is done until it is observed; puts it back and waits for that."""
        self._forget()
        since_ns = time.monotonic_ns()
        trial.do()
        at_ns = self._seen(trial.word, trial.what)
        trial.undo()
        if trial.back:
            self._seen(trial.back, f"the end of: {trial.what}")
        return (at_ns - since_ns) / NS_PER_MS

    def _percent(self, seconds: float) -> float:
        self._command(f"cpu {seconds}")
        told = self._next("cpu_s", seconds + _PATIENCE_S)
        cpu_s, passed_s = told["cpu_s"], told["passed_s"]
        if not isinstance(cpu_s, float) or not isinstance(passed_s, float):
            raise TypeError("times are numbers")
        return 100 * cpu_s / passed_s

    def _command(self, line: str) -> None:
        if self._process.stdin is None:
            raise RuntimeError("started without a pipe")
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _answer(self, name: str) -> Json:
        return self._next(name, _PATIENCE_S * 2)[name]

    def _seen(self, word: str, what: str) -> int:
        deadline_s = time.monotonic() + _PATIENCE_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            told = self._next("seen", left_s, what)
            at_ns = told["at_ns"]
            if told["seen"] == word and isinstance(at_ns, int):
                return at_ns
        raise InvigilError(f"Not noticed within {_PATIENCE_S:.0f} s: {what}.")

    def _next(self, name: str, timeout_s: float, what: str = "an answer") -> Mapping[str, Json]:
        deadline_s = time.monotonic() + timeout_s
        try:
            while True:
                told = self._told.get(timeout=max(0.0, deadline_s - time.monotonic()))
                if name in told:
                    return told
        except queue.Empty:
            raise InvigilError(f"The window to be measured did not tell of {what} within {timeout_s:.0f} s.") from None

    def _forget(self) -> None:
        while not self._told.empty():
            self._told.get_nowait()

    def _read(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                for line in lines:
                    self._told.put(json.loads(line))


@contextmanager
def _subject(desktop: VirtualDesktop, denied: str) -> Iterator[Subject]:
    words = [*DIE_WITH_US, sys.executable, "-m", "app.runtime.benches.lockdown_subject", denied]
    process = subprocess.Popen(
        words,
        env=os.environ | desktop.environment,
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    subject = Subject(process)
    try:
        subject.start()
        yield subject
    finally:
        subject.stop()


def _program(folder: Path) -> Path:
    """A program that ends with its input, by a name that nothing else on this machine has; 15 characters at most."""
    path = folder / f"ivgbench{os.getpid()}"[:15]
    path.write_text("#!/bin/sh\nread -r _\n", encoding="ascii")
    path.chmod(0o700)
    return path


def _reactions(subject: Subject, intruder: Intruder) -> list[Figure]:
    def nothing() -> None:
        """The exam's window takes it back by itself, or there is nothing to undo."""

    trials = (
        Trial("the focus is taken", intruder.take_focus, nothing, "no focus", "focus"),
        Trial("a window over the exam", intruder.show_window, intruder.hide_window, "window", "no window"),
        Trial("a monitor is added", intruder.add_monitor, intruder.remove_monitor, "monitor", "no monitor"),
        Trial("another program copies", intruder.copy, nothing, "clipboard", ""),
        Trial("a denied program starts", intruder.start_process, intruder.end_process, "process", "no process", True),
    )
    events, looks = ([measure() for _ in range(ROUNDS)] for measure in (intruder.bare_event_ms, intruder.bare_look_ms))
    found: list[Figure] = []
    for trial in trials:
        found += _figures(trial, _taken(subject, trial), looks if trial.polled else events)
    return found


def _taken(subject: Subject, trial: Trial) -> list[float]:
    """Spread evenly over the interval of the looks: each begins a little later in it than the one before."""
    taken = []
    for number in range(ROUNDS):
        time.sleep(_POLL_S * number / ROUNDS if trial.polled else 0.05)
        taken.append(subject.reaction_ms(trial))
    return taken


def _figures(trial: Trial, taken: list[float], bare: list[float]) -> list[Figure]:
    aim = POLLED_AIM_MS if trial.polled else EVENT_AIM_MS
    named = (("median", 50), ("95 %", 95))
    return [
        Figure(f"{trial.what}: {name}", percentile(taken, share), "ms", percentile(bare, share), aim)
        for name, share in named
    ]
