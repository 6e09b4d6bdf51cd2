"""The demo on a person's own desktop: it takes what the machine has, and lets go at any time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.core.types import Json
from app.lockdown.journal import RestoreJournal
from app.runtime.attempts import is_begun
from app.runtime.status import StatusReader
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import WAIT_S, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

QUIT = "ctrl+alt+shift+q"


class PersonalDemo:
    """``invigil demo`` in front of a person: what it said, what it shows, and the person's hands."""

    def __init__(self, desktop: VirtualDesktop, folder: Path) -> None:
        self.folder = folder
        self._desktop = desktop
        self._out = folder / "terminal"
        self._status = StatusReader(folder / "demo" / "status.jsonl")
        self._facts: list[dict[str, Json]] = []
        folder.mkdir()
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "demo", "--dir", str(folder / "demo")],
                env=os.environ | desktop.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def said(self) -> str:
        return self._out.read_text(encoding="utf-8")

    def _read(self) -> list[dict[str, Json]]:
        self._facts += self._status.new()
        return self._facts

    def await_page(self, page: str) -> None:
        until(f"the page {page}", lambda: {"page": page} in self._read())

    def await_fact(self, name: str, value: Json) -> None:
        until(f"{name}={value}", lambda: any(fact.get(name) == value for fact in self._read()))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.xdotool("key", "--clearmodifiers", key)
            time.sleep(0.15)  # no person types faster, and focus has to follow

    def click_quit(self) -> None:
        """At the right end of the line above the page."""
        x, y, width, _ = self.window()
        self.xdotool("mousemove", str(x + width - 60), str(y + 30), "click", "1")

    def window(self) -> tuple[int, int, int, int]:
        shown = self.xdotool("getactivewindow", "getwindowgeometry", "--shell")
        values = dict(line.split("=") for line in shown.splitlines())
        return int(values["X"]), int(values["Y"]), int(values["WIDTH"]), int(values["HEIGHT"])

    def xdotool(self, *words: str) -> str:
        environment = os.environ | self._desktop.environment
        done = subprocess.run(
            ["xdotool", *words], env=environment, capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout

    def reach(self, page: str) -> None:
        """Goes on as a person would, until this page is shown and ready."""
        self.await_fact("checks", "passed")
        if page == "checks":
            return
        self.press("Return")
        self.await_page("consent")
        if page == "consent":
            return
        self.press("space", "Return")
        self.await_page("identity")
        if page == "identity":
            return
        until("the photo", self._photo_taken)
        self.await_fact("command", "start_monitoring")
        self.await_fact("page_ready", True)

    def _photo_taken(self) -> bool:
        if {"page": "exam"} in self._read():
            return True
        self.press("Return")
        return False

    def left_behind(self) -> list[str]:
        """Processes of this demo that still run, and protections that are still in place."""
        running = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
        left = [words for words in running if str(self.folder) in words]
        return left + [op for op, _ in RestoreJournal(self.folder / "demo" / "client" / "restore.jsonl").outstanding()]


@contextmanager
def personal_demo(desktop: VirtualDesktop, folder: Path) -> Iterator[PersonalDemo]:
    demo = PersonalDemo(desktop, folder)
    try:
        yield demo
    finally:
        demo.process.terminate()
        demo.process.wait(WAIT_S)


@pytest.mark.parametrize("page", ["checks", "consent", "identity"])
def test_quitting_before_the_exam_ends_the_demo_and_leaves_nothing(
    own_desktop: VirtualDesktop, tmp_path: Path, page: str
) -> None:
    with personal_demo(own_desktop, tmp_path / "run") as demo:
        demo.reach(page)
        if page == "checks":
            demo.click_quit()
        else:
            demo.press(QUIT)
        assert demo.process.wait(WAIT_S) == 0
    assert "nothing was recorded" in demo.said()
    assert "No camera gives a picture here, so a film plays in its place." in demo.said()
    assert "No microphone gives sound here, so the demo goes without one." in demo.said()
    assert demo.left_behind() == []
    assert list((tmp_path / "run" / "demo" / "client" / "attempts").glob("*")) == []


@pytest.mark.parametrize("way", ["button", "keys"])
def test_quitting_the_exam_hands_in_what_was_recorded_and_says_where_the_report_is(
    own_desktop: VirtualDesktop, tmp_path: Path, way: str
) -> None:
    with personal_demo(own_desktop, tmp_path / "run") as demo:
        demo.reach("exam")
        if way == "keys":
            demo.press(QUIT)
        else:
            demo.press("F6", "shift+Tab", "Return")  # Quit lies before Finish
            demo.press("shift+Tab", "Return")  # "Leave now", past "Stay"
        demo.await_page("done")
        demo.press(QUIT)
        assert demo.process.wait(WAIT_S) == 0
    assert "report.html" in demo.said()
    assert "error" not in demo.said().lower()
    assert demo.left_behind() == []


def test_ctrl_c_in_the_terminal_gives_the_machine_back_and_hands_nothing_in(
    own_desktop: VirtualDesktop, tmp_path: Path
) -> None:
    with personal_demo(own_desktop, tmp_path / "run") as demo:
        demo.reach("exam")
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(WAIT_S) == 130
    assert demo.left_behind() == []
    (attempt,) = (tmp_path / "run" / "demo" / "client" / "attempts").iterdir()
    assert is_begun(attempt)
    assert "Traceback" not in demo.said()
