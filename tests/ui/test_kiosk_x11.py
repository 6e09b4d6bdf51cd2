"""What a kiosk holds on an X server besides the keyboard: the pointer, its copies, and the screen without a window manager."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLineEdit, QMainWindow, QMenu
from pytestqt.qtbot import QtBot
from Xlib import X
from Xlib.display import Display

from app.ui.kiosk import Kiosk
from app.ui.x11_focus import FocusSense
from tests.fakes.other_program import other_program, until

pytestmark = [pytest.mark.desktop, pytest.mark.usefixtures("desktop")]
ALONE = str(Path(__file__).resolve().parents[1] / "fakes" / "kiosk_alone.py")


@pytest.fixture
def line(qtbot: QtBot) -> Iterator[QLineEdit]:
    """In a locked window."""
    window, edit = QMainWindow(), QLineEdit()
    window.setCentralWidget(edit)
    qtbot.addWidget(window)
    kiosk = Kiosk(window)
    kiosk.keep_copies(True)
    kiosk.set_kiosk(True)
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    edit.setFocus()
    qtbot.waitUntil(lambda: kiosk.grab_keyboard(True))
    yield edit
    kiosk.release()


def pointer_is_free() -> bool:
    """Whether another program can have the pointer; it gives it back at once."""
    display = Display()
    try:
        got = display.screen().root.grab_pointer(True, 0, X.GrabModeAsync, X.GrabModeAsync, 0, 0, X.CurrentTime)
        display.ungrab_pointer(X.CurrentTime)
        return int(got) == X.GrabSuccess
    finally:
        display.close()


def test_another_program_can_not_have_the_pointer_until_it_is_released(line: QLineEdit, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not pointer_is_free())
    menu = QMenu(line.window())
    menu.addAction("one")
    menu.popup(line.mapToGlobal(line.rect().center()))
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is menu)
    menu.close()
    qtbot.waitUntil(lambda: not pointer_is_free())


def test_what_is_copied_in_the_exam_is_pasted_in_it_and_nowhere_else(line: QLineEdit, qtbot: QtBot) -> None:
    line.setText("the question")
    line.selectAll()
    line.copy()
    asking = subprocess.Popen(
        ["xclip", "-selection", "clipboard", "-o"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    qtbot.waitUntil(lambda: asking.poll() is not None)
    assert asking.communicate()[0] == b""
    line.clear()
    line.paste()
    assert line.text() == "the question"


def test_another_program_that_takes_the_focus_is_named_until_the_exam_has_it_again(
    line: QLineEdit, qtbot: QtBot
) -> None:
    told: list[str] = []
    sense = FocusSense()
    sense.taken.connect(told.append)
    sense.follow(int(line.window().winId()))
    display = Display()
    with other_program("override") as other:
        display.set_input_focus(other.window, X.RevertToPointerRoot, X.CurrentTime)
        display.sync()
        qtbot.waitUntil(lambda: bool(told))
        assert told[0].startswith("OtherProgram (")
        qtbot.waitUntil(lambda: sense.taken_by() == "")  # the locked window takes it back
    display.close()
    sense.stop()


# ---- without a window manager


@pytest.fixture(scope="module")
def bare_display() -> Iterator[str]:
    """An X server on which nobody manages windows."""
    reader, writer = os.pipe()
    words = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(words, pass_fds=(writer,), stderr=subprocess.DEVNULL)
    os.close(writer)
    number = b""
    while not number.endswith(b"\n") and (part := os.read(reader, 16)):
        number += part
    os.close(reader)
    yield f":{number.decode().strip()}"
    server.terminate()
    server.wait(10)


def test_without_a_window_manager_ours_covers_the_screen_and_stays_above(
    bare_display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", bare_display)
    environment = os.environ | {"QT_QPA_PLATFORM": "xcb"}
    kiosk = subprocess.Popen(
        [sys.executable, ALONE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert kiosk.stdout is not None
    display = Display(bare_display)
    try:
        assert kiosk.stdout.readline() == "locked\n"
        until(lambda: size(display, lowest_first(display)[-1]) == (800, 600))
        ours = lowest_first(display)[-1]
        with other_program() as other:
            others = {other.window, other.open("override", "at=10,10,300,200")}
            until(lambda: lowest_first(display)[-1] == ours)
            assert others < set(lowest_first(display))
    finally:
        display.close()
        kiosk.communicate(timeout=20)


def lowest_first(display: Display) -> list[int]:
    return [int(child.id) for child in display.screen().root.query_tree().children]


def size(display: Display, window: int) -> tuple[int, int]:
    found = display.create_resource_object("window", window).get_geometry()
    return int(found.width), int(found.height)
