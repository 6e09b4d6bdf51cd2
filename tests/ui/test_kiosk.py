"""The kiosk on a real X server with a real window manager, real key events and a second program."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QMainWindow, QMenu
from pytestqt.exceptions import TimeoutError as NotInTime
from pytestqt.qtbot import QtBot
from Xlib import X

from app.core.errors import LockdownError
from app.lockdown.linux import x11
from app.ui.kiosk import Kiosk
from tests.fakes.other_program import other_program

pytestmark = [pytest.mark.desktop, pytest.mark.usefixtures("desktop")]


@dataclass
class Locked:
    """A window in a kiosk, and all that the kiosk reported."""

    window: QMainWindow
    edit: QLineEdit
    kiosk: Kiosk
    keys: list[tuple[str, bool]] = field(default_factory=list)
    focus: list[tuple[bool, str]] = field(default_factory=list)
    quits: list[bool] = field(default_factory=list)


def press(*keys: str) -> None:
    subprocess.run(["xdotool", "key", *keys], check=True, timeout=10)


def active_window_id() -> int:
    found = subprocess.run(["xdotool", "getactivewindow"], capture_output=True, text=True, timeout=10, check=False)
    return int(found.stdout or 0)


@pytest.fixture
def opened(qtbot: QtBot) -> Iterator[Locked]:
    """The window open and active, the kiosk not yet on."""
    window, edit = QMainWindow(), QLineEdit()
    window.setCentralWidget(edit)
    qtbot.addWidget(window)
    window.resize(500, 300)
    window.show()
    window.activateWindow()
    edit.setFocus()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    kiosk = Kiosk(window, quit_always=True, active_window=x11.active_window)
    made = Locked(window, edit, kiosk)
    kiosk.key_blocked.connect(lambda keys, capture: made.keys.append((keys, capture)))
    kiosk.focus_changed.connect(lambda focused, detail: made.focus.append((focused, detail)))
    kiosk.quit_combination.connect(lambda: made.quits.append(True))
    yield made
    kiosk.release()


@pytest.fixture
def locked(opened: Locked, qtbot: QtBot) -> Locked:
    opened.kiosk.set_kiosk(True)
    qtbot.waitUntil(lambda: QApplication.activeWindow() is opened.window)
    qtbot.waitUntil(lambda: opened.kiosk.grab_keyboard(True))
    return opened


def typed(locked: Locked, qtbot: QtBot, text: str) -> None:
    """Types and waits: whatever was pressed before has arrived by then."""
    before = locked.edit.text()
    subprocess.run(["xdotool", "type", text], check=True, timeout=10)
    qtbot.waitUntil(lambda: locked.edit.text() == before + text)


def test_it_covers_the_screen(locked: Locked, qtbot: QtBot) -> None:
    screen = locked.window.screen().geometry()
    qtbot.waitUntil(lambda: locked.window.frameGeometry() == screen)


def test_normal_typing_arrives_and_is_not_reported(locked: Locked, qtbot: QtBot) -> None:
    typed(locked, qtbot, "Hello, World 2")
    assert locked.keys == []


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ("alt+Tab", "Alt+Tab"),
        ("alt+shift+Tab", "Alt+Shift+Tab"),
        ("alt+F4", "Alt+F4"),
        ("alt+Escape", "Alt+Escape"),
        ("super", "Super"),
        ("ctrl+Escape", "Ctrl+Escape"),
        ("ctrl+alt+Left", "Ctrl+Alt+Left"),
        ("ctrl+alt+Delete", "Ctrl+Alt+Delete"),
        ("F11", "F11"),
        ("ctrl+p", "Ctrl+P"),
        ("ctrl+shift+i", "Ctrl+Shift+I"),
    ],
)
def test_a_way_out_is_swallowed_and_reported_once(locked: Locked, qtbot: QtBot, keys: str, name: str) -> None:
    with other_program():
        press(keys)
        qtbot.waitUntil(lambda: bool(locked.keys))
        typed(locked, qtbot, "a")
        assert locked.keys == [(name, False)]
        qtbot.waitUntil(lambda: QApplication.activeWindow() is locked.window)  # the other one may be mapped only now
        assert locked.window.isVisible()


@pytest.mark.parametrize("keys", ["Print", "alt+Print", "ctrl+Print", "shift+Print"])
def test_screenshot_keys_are_reported_as_captures(locked: Locked, qtbot: QtBot, keys: str) -> None:
    press(keys)
    qtbot.waitUntil(lambda: bool(locked.keys))
    typed(locked, qtbot, "a")
    assert [capture for _, capture in locked.keys] == [True]


class PressCounter(QObject):
    """Counts the key presses that reach a window, repeats included."""

    def __init__(self) -> None:
        super().__init__()
        self.presses = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.presses += event.type() == QEvent.Type.KeyPress
        return False


def test_a_held_key_is_one_press(locked: Locked, qtbot: QtBot) -> None:
    counter = PressCounter()
    locked.window.windowHandle().installEventFilter(counter)
    subprocess.run(["xset", "r", "rate", "100", "50"], check=True)
    subprocess.run(["xdotool", "keydown", "F11"], check=True)
    qtbot.waitUntil(lambda: counter.presses >= 4)
    subprocess.run(["xdotool", "keyup", "F11"], check=True)
    subprocess.run(["xset", "r", "rate"], check=True)
    typed(locked, qtbot, "a")
    assert locked.keys == [("F11", False)]


def test_pressing_twice_is_reported_twice(locked: Locked, qtbot: QtBot) -> None:
    press("alt+Tab", "alt+Tab")
    typed(locked, qtbot, "a")
    assert locked.keys == [("Alt+Tab", False)] * 2


def test_the_quit_combination_is_heard_and_is_no_violation(locked: Locked, qtbot: QtBot) -> None:
    press("ctrl+alt+shift+q")
    qtbot.waitUntil(lambda: bool(locked.quits))
    typed(locked, qtbot, "a")
    assert locked.quits == [True]
    assert locked.keys == []


def test_a_stolen_focus_is_reported_with_the_thief_and_taken_back(locked: Locked, qtbot: QtBot) -> None:
    with other_program() as other:
        subprocess.run(["xdotool", "windowactivate", str(other.window)], check=True, timeout=10)
        qtbot.waitUntil(lambda: len(locked.focus) >= 2, timeout=8000)
        assert [focused for focused, _ in locked.focus[:2]] == [False, True]
        assert "OtherProgram" in locked.focus[0][1]
        assert "secret" not in locked.focus[0][1]
        press("alt+Tab")
        qtbot.waitUntil(lambda: bool(locked.keys))
        typed(locked, qtbot, "a")


def test_becoming_full_screen_is_no_loss_of_focus(locked: Locked, qtbot: QtBot) -> None:
    typed(locked, qtbot, "a")
    assert locked.focus == []


def test_the_keyboard_is_not_held_while_another_program_holds_it(opened: Locked, qtbot: QtBot) -> None:
    opened.kiosk.set_kiosk(True)
    with other_program("grab") as other:
        assert other.line() == "grabbed"
        assert not opened.kiosk.grab_keyboard(True)
    qtbot.waitUntil(others_are_refused)  # taken again without being asked to
    opened.kiosk.grab_keyboard(False)
    qtbot.waitUntil(lambda: not others_are_refused())


def others_are_refused() -> bool:
    """Whether somebody else holds the keyboard, as any program finds."""
    with x11.connection() as display:
        got = display.screen().root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
        display.ungrab_keyboard(X.CurrentTime)
    return bool(got == X.AlreadyGrabbed)


def in_thread(qtbot: QtBot, what: Callable[[], object]) -> list[object]:
    """Runs it on another thread while the UI thread handles events; gives its results."""
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(what()), name="caller")
    thread.start()
    qtbot.waitUntil(lambda: not thread.is_alive(), timeout=10_000)
    thread.join()
    return results


def test_another_thread_may_lock_and_release(opened: Locked, qtbot: QtBot) -> None:
    def lock() -> bool:
        opened.kiosk.set_kiosk(True)
        return opened.kiosk.grab_keyboard(True)

    assert in_thread(qtbot, lock) == [True]
    assert opened.window.isFullScreen()
    in_thread(qtbot, opened.kiosk.release)
    assert not opened.window.isFullScreen()


def test_a_ui_thread_that_waits_for_the_caller_does_not_hang_for_ever(
    opened: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.kiosk._ANSWER_WAIT_S", 0.1)
    raised: list[LockdownError] = []

    def lock() -> None:
        try:
            opened.kiosk.set_kiosk(True)
        except LockdownError as error:
            raised.append(error)

    thread = threading.Thread(target=lock, name="caller")
    thread.start()
    thread.join(10)
    QApplication.processEvents()
    assert len(raised) == 1
    assert not opened.window.isFullScreen()


def switched_by_alt_tab(locked: Locked, qtbot: QtBot, held_s: float) -> bool:
    """Whether the window manager goes to the other window when Tab is pressed while Alt is held for that long.

    A window manager that takes the keyboard only after Alt is up again waits for another press, so a busy
    machine needs Alt held longer; Escape ends such a wait.
    """
    words = ["keydown", "alt", "key", "Tab", "sleep", str(held_s), "keyup", "alt"]
    subprocess.run(["xdotool", *words], check=True, timeout=10 + held_s)
    try:
        qtbot.waitUntil(lambda: active_window_id() not in (0, int(locked.window.winId())))
    except NotInTime:
        press("Escape")
        return False
    return True


def test_after_release_the_window_manager_has_its_keys_back(locked: Locked, qtbot: QtBot) -> None:
    with other_program():
        qtbot.waitUntil(lambda: (True, "") in locked.focus, timeout=8000)
        locked.kiosk.release()
        qtbot.waitUntil(lambda: not locked.window.isFullScreen())
        qtbot.waitUntil(lambda: active_window_id() == int(locked.window.winId()))
        assert any(switched_by_alt_tab(locked, qtbot, held_s) for held_s in (0.3, 1.0, 3.0))
        assert locked.keys == []


@pytest.mark.qt_log_ignore("vulkan", "Vulkan", "GPU", "GLX", extend=True)  # what a machine without a GPU says
def test_a_web_page_gets_what_is_typed_and_not_what_leaves(qtbot: QtBot) -> None:
    window, view = QMainWindow(), QWebEngineView()
    window.setCentralWidget(view)
    qtbot.addWidget(window)
    kiosk = Kiosk(window)
    keys: list[str] = []
    titles: list[str] = []
    kiosk.key_blocked.connect(lambda name, _: keys.append(name))
    view.titleChanged.connect(titles.append)
    page = (
        "<textarea autofocus></textarea><script>let n=0;addEventListener('keydown',e=>{n++;"
        "document.title=n+' '+e.key+' '+document.querySelector('textarea').value})</script>"
    )
    with qtbot.waitSignal(view.loadFinished, timeout=20_000):
        view.setHtml(page)
    kiosk.set_kiosk(True)
    try:
        qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
        view.setFocus()
        qtbot.waitUntil(lambda: kiosk.grab_keyboard(True))
        press("Print", "F12", "ctrl+p", "x", "y", "z")
        qtbot.waitUntil(lambda: bool(titles) and titles[-1].endswith("z xy"), timeout=10_000)
        assert keys == ["PrintScreen", "F12", "Ctrl+P"]
        assert titles[-1].startswith("4 ")  # Control, x, y, z
    finally:
        kiosk.release()


def test_an_open_menu_is_no_hole_and_the_keyboard_is_ours_again_afterwards(locked: Locked, qtbot: QtBot) -> None:
    menu = QMenu(locked.window)
    menu.addAction("one")
    with other_program() as other:
        qtbot.waitUntil(lambda: (True, "") in locked.focus, timeout=8000)
        menu.popup(locked.window.mapToGlobal(locked.edit.pos()))
        qtbot.waitUntil(lambda: QApplication.activePopupWidget() is menu)
        press("alt+Tab", "Print")
        qtbot.waitUntil(lambda: len(locked.keys) == 2)
        assert locked.keys == [("Alt+Tab", False), ("PrintScreen", True)]
        menu.close()
        press("alt+Tab")
        qtbot.waitUntil(lambda: len(locked.keys) == 3)
        typed(locked, qtbot, "a")
        assert active_window_id() != other.window


def test_our_own_dialog_is_no_loss_of_focus_and_no_hole(locked: Locked, qtbot: QtBot) -> None:
    dialog = QDialog(locked.window)
    line = QLineEdit(dialog)
    qtbot.addWidget(dialog)
    dialog.open()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is dialog)
    line.setFocus()
    press("alt+F4", "x")
    qtbot.waitUntil(lambda: line.text() == "x")
    assert locked.keys == [("Alt+F4", False)]
    assert dialog.isVisible()
    assert locked.focus == []
