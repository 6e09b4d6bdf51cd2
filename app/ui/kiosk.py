"""Our window as the only one: full-screen, above all, with the keyboard, and aware of losing the focus."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QThread, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QWindow
from PySide6.QtWidgets import QApplication, QWidget

from app.core.errors import LockdownError
from app.core.key_combinations import QUIT, blocked, is_capture
from app.ui.key_presses import key_press
from app.ui.x11_focus import FocusSense
from app.ui.x11_grip import CopiesKept, PointerGrip

_ANSWER_WAIT_S = 5.0
_GRAB_TRIES = 20
_GRAB_PAUSE_S = 0.1
_HOLD_INTERVAL_MS = 100
_FORWARD_EVERY_TICKS = 5
_SETTLING_S = 2.0
_NUMBERED = frozenset({"xcb", "windows", "cocoa"})
"""Qt's platforms on which ``winId`` is the window system's number."""


class Kiosk(QObject):
    """Answers the ``KioskWindow`` port for a top-level widget. Lives in the UI thread.

    ``set_kiosk`` and ``grab_keyboard`` may be called from any thread; from another one they wait for
    the UI thread, at most 5 s, and then raise LockdownError instead of waiting for ever.
    Signals are emitted in the UI thread: ``focus_changed(focused, detail)`` where the detail names the
    program that took the focus, ``key_blocked(keys, capture)`` once per press of a swallowed
    combination, ``quit_combination()`` for Ctrl+Alt+Shift+Q where ``quit_always`` allows it.
    ``active_window`` names the program whose window is active now; it must not block.
    """

    focus_changed = Signal(bool, str)
    key_blocked = Signal(str, bool)
    quit_combination = Signal()
    _asked = Signal(object)

    def __init__(
        self,
        window: QWidget,
        *,
        quit_always: bool = False,
        active_window: Callable[[], str] = str,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window = window
        self._quit_always = quit_always
        self._active_window = active_window
        self._on = False
        self._grab_wanted = False
        self._grab_held = False
        self._focused = True
        self._taken_by = ""
        self._settles_at_s: float | None = None
        self._normal_flags = window.windowFlags()
        self._normal_state = window.windowState()
        self._ticks = 0
        self._number = 0
        self._pointer = PointerGrip()
        self._copies = CopiesKept()
        self._focus = FocusSense(self)
        self._focus.taken.connect(self._taken)
        self._copies_wanted = False
        self._last_blocked: tuple[str, int] | None = None
        self._last_release: tuple[int, int] | None = None
        self._swallowed: set[int] = set()
        self._holding = QTimer(self)
        self._holding.setInterval(_HOLD_INTERVAL_MS)
        self._holding.timeout.connect(self._hold)
        self._asked.connect(self._answer, Qt.ConnectionType.QueuedConnection)

    # ---- the port

    def allow_quit(self, allowed: bool) -> None:
        """Whether the quit combination works, as the policy says. UI thread."""
        self._quit_always = allowed

    def keep_copies(self, kept: bool) -> None:
        """Whether what is copied in the exam stays in it while the kiosk is on, as the policy says. UI thread."""
        self._copies_wanted = kept

    def set_kiosk(self, on: bool) -> None:
        """Covers the screen and starts to watch keys and focus; False gives all of it back."""
        self._in_ui_thread(self._enter if on else self._leave)

    def grab_keyboard(self, on: bool) -> bool:
        """Takes the keyboard, and the pointer where that can be had, for up to 2 s against another holder when called from
        another thread. What can't be taken then is tried again while the kiosk is on, until False is asked for."""
        if not on:
            self._in_ui_thread(self._ungrab)
            return False
        tries = 1 if self._is_ui_thread() else _GRAB_TRIES
        for attempt in range(tries):
            if attempt:
                time.sleep(_GRAB_PAUSE_S)
            if self._in_ui_thread(self._grab):
                return True
        return False

    def handle(self) -> int:
        """Up to date within 0.1 s while the kiosk is on; 0 before, and where a window has no number (Wayland)."""
        return self._number

    def release(self) -> None:
        """Gives the keyboard, the screen and the other windows back. Any thread, any number of times."""
        self._in_ui_thread(self._leave)

    # ---- UI thread

    def _enter(self) -> bool:
        if self._on:
            return True
        self._on = True
        self._focused, self._settles_at_s = True, None if _is_active() else time.monotonic() + _SETTLING_S
        window = self._window
        self._normal_flags, self._normal_state = window.windowFlags(), window.windowState()
        self._set_flags(self._normal_flags | Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint)
        self._fill_screen()
        self._come_forward()
        application = _application()
        self._filter(self._handle())
        application.focusWindowChanged.connect(self._filter)
        application.applicationStateChanged.connect(self._on_state)
        self._number = self._native_number()
        self._taken_by = ""
        self._focus.follow(self._number)
        if self._copies_wanted:
            self._copies.install()
        self._holding.start()
        return True

    def _native_number(self) -> int:
        """The first web view in a window makes its native window anew, so this is asked again and again.

        Of the handle: the widget goes on telling the number of a native window that is gone.
        """
        handle = self._handle()
        return int(handle.winId()) if handle is not None and QGuiApplication.platformName() in _NUMBERED else 0

    def _leave(self) -> bool:
        self._ungrab()
        if not self._on:
            return True
        self._on = False
        self._focus.stop()
        self._copies.remove()
        self._holding.stop()
        application = _application()
        application.focusWindowChanged.disconnect(self._filter)
        application.applicationStateChanged.disconnect(self._on_state)
        self._swallowed.clear()
        self._set_flags(self._normal_flags)
        self._window.setWindowState(self._normal_state)
        return True

    def _set_flags(self, flags: Qt.WindowType) -> None:
        """On the native window: ``QWidget.setWindowFlags`` would make a new one, and Qt then loses the focus."""
        self._window.winId()  # makes the native window where there is none yet
        handle = self._handle()
        if handle is not None:
            self._window.overrideWindowFlags(flags)
            handle.setFlags(flags)

    @Slot(QWindow)
    def _filter(self, window: QWindow | None) -> None:
        """Every window of ours sees its keys here first: once per window, since Qt moves a repeated filter up.

        Not on the application: a filter there gets every event of the web engine, which crashes PySide.
        """
        if window is not None:
            window.installEventFilter(self)

    def _grab(self) -> bool:
        self._grab_wanted = True
        handle = self._handle()
        self._grab_held = handle is not None and handle.setKeyboardGrabEnabled(True)
        if self._grab_held and QApplication.activePopupWidget() is None:
            self._pointer.hold(self._native_number())
        return self._grab_held

    def _ungrab(self) -> bool:
        handle = self._handle()
        if self._grab_wanted and handle is not None:
            handle.setKeyboardGrabEnabled(False)
        self._pointer.release()
        self._grab_wanted = self._grab_held = False
        return True

    def _handle(self) -> QWindow | None:
        """None before the window was shown for the first time."""
        return self._window.windowHandle()

    def _come_forward(self) -> None:
        self._window.raise_()
        self._window.activateWindow()

    @Slot(Qt.ApplicationState)
    def _on_state(self, state: Qt.ApplicationState) -> None:
        del state
        self._look()

    def _hold(self) -> None:
        """Keeps what a menu or another program took: the place in front and the keyboard."""
        self._ticks += 1
        self._number = self._native_number()
        self._focus.follow(self._number)
        popup = QApplication.activePopupWidget()
        if popup is not None:
            self._filter(popup.window().windowHandle())  # sees it hide
        self._look()
        if self._ticks % _FORWARD_EVERY_TICKS:
            return
        self._cover()
        if not _is_active():
            self._come_forward()
        if popup is None:
            self._grab_again()

    def _fill_screen(self) -> None:
        """On macOS as an ordinary window of the screen's size: a full-screen space of its own has others beside it."""
        if QGuiApplication.platformName() == "cocoa":
            self._window.show()
            self._cover()
        else:
            self._window.showFullScreen()

    def _cover(self) -> None:
        """Without a window manager nobody gives a full-screen window the screen's size, or a new one after a change."""
        handle, screen = self._handle(), self._window.screen()
        if handle is not None and handle.geometry() != screen.geometry():
            handle.setGeometry(screen.geometry())

    def _grab_again(self) -> None:
        if self._grab_wanted:
            self._grab()

    @Slot(str)
    def _taken(self, program: str) -> None:
        """The X server says so before Qt does."""
        self._taken_by = program
        self._look()

    def _look(self) -> None:
        active = self._is_ours()
        if self._settles_at_s is not None:
            # a window that was not shown before has no focus to lose yet
            if not active and time.monotonic() < self._settles_at_s:
                return
            self._settles_at_s = None
        if active == self._focused:
            return
        self._focused = active
        self.focus_changed.emit(active, "" if active else self._taken_by or self._active_window())
        if active:
            self._grab_again()

    def _is_ours(self) -> bool:
        """Whether the focus is; Qt is believed, but for the moment in which it does not know yet that it was taken."""
        if self._taken_by and _is_active():
            self._taken_by = self._focus.taken_by()
        return _is_active() and not self._taken_by

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not self._on:
            return False
        kind = event.type()
        if kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress) and isinstance(event, QKeyEvent):
            return self._swallow(event)
        if kind == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent):
            return self._swallow_release(event)
        if kind == QEvent.Type.Hide:
            self._grab_again()  # Qt gave the keyboard up with its menu
        return False

    def _swallow(self, event: QKeyEvent) -> bool:
        press = key_press(event)
        if press == QUIT and self._quit_always:
            if self._is_new(str(press), event):
                self.quit_combination.emit()
        elif blocked(press):
            if self._is_new(str(press), event):
                self.key_blocked.emit(str(press), is_capture(press))
        else:
            return False
        self._swallowed.add(event.nativeScanCode())
        event.accept()
        return True

    def _swallow_release(self, event: QKeyEvent) -> bool:
        if event.nativeScanCode() not in self._swallowed:
            return False
        self._last_release = (event.nativeScanCode(), event.timestamp())
        if not event.isAutoRepeat():
            self._swallowed.discard(event.nativeScanCode())
        event.accept()
        return True

    def _is_new(self, keys: str, event: QKeyEvent) -> bool:
        """Whether it is a press of its own: no repeat while held, and not the same event on its way to another object."""
        this = (keys, event.timestamp())
        if event.isAutoRepeat() or this == self._last_blocked:
            return False
        self._last_blocked = this
        # X sends a repeat as release and press of one time stamp; Qt knows it only if it read both at once
        return self._last_release != (event.nativeScanCode(), event.timestamp())

    # ---- between threads

    def _is_ui_thread(self) -> bool:
        return QThread.currentThread() is self.thread()

    def _in_ui_thread(self, what: Callable[[], bool]) -> bool:
        if self._is_ui_thread():
            return what()
        call = _Call(what)
        self._asked.emit(call)
        return call.result(_ANSWER_WAIT_S)

    @Slot(object)
    def _answer(self, call: _Call) -> None:
        call.run()


class _Call:
    """One request to the UI thread. A request that nobody waits for any more is not carried out."""

    def __init__(self, what: Callable[[], bool]) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._given_up = False
        self._done = threading.Event()
        self._answer = False

    def run(self) -> None:
        with self._lock:
            if self._given_up:
                return
            try:
                self._answer = self._what()
            finally:
                self._done.set()

    def result(self, timeout_s: float) -> bool:
        if not self._done.wait(timeout_s):
            with self._lock:
                self._given_up = not self._done.is_set()
            if self._given_up:
                raise LockdownError("The exam window did not answer for 5 seconds, so it can't be locked; try again.")
        return self._answer


def _application() -> QApplication:
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        raise LockdownError("There is no window system application to lock; start the exam with 'invigil take'.")
    return application


def _is_active() -> bool:
    return QGuiApplication.applicationState() == Qt.ApplicationState.ApplicationActive
