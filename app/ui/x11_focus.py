"""The focus on X11, as the X server tells it: Qt waits a tenth of a second for it to come back before it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSocketNotifier, QTimer, Signal
from PySide6.QtGui import QGuiApplication

if TYPE_CHECKING:
    from app.lockdown.linux.x11_focus import Focus

_CONFIRMED_MS = 30
"""A focus that only passes through another window on its way is nobody's doing."""


class FocusSense(QObject):
    """UI thread. ``taken(program)`` when another program has had the focus for 30 ms. Does nothing outside X11."""

    taken = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._focus: Focus | None = None
        self._window = 0
        self._notifier: QSocketNotifier | None = None
        self._confirming = QTimer(self)
        self._confirming.setSingleShot(True)
        self._confirming.setInterval(_CONFIRMED_MS)
        self._confirming.timeout.connect(self._confirm)

    def follow(self, window: int) -> None:
        """Our window's number; called again with the same one it does nothing."""
        if window == self._window or not window or QGuiApplication.platformName() != "xcb":
            return
        from app.lockdown.linux.x11_focus import Focus

        self._window = window
        self._focus = self._focus or Focus()
        descriptor = self._focus.watch(window)
        self._ignore()
        if descriptor is not None:
            self._notifier = QSocketNotifier(descriptor, QSocketNotifier.Type.Read, self)
            self._notifier.activated.connect(self._heard)

    def taken_by(self) -> str:
        """The program that has the focus now, empty where it is us or nobody can tell."""
        return "" if self._focus is None else self._focus.taken_by()

    def stop(self) -> None:
        """Safe to call twice."""
        self._confirming.stop()
        self._ignore()
        if self._focus is not None:
            self._focus.close()
        self._focus, self._window = None, 0

    def _heard(self) -> None:
        if self._focus is None or not self._focus.hear():
            self._ignore()  # a connection that broke would be readable for ever; Qt still tells
            return
        if not self._confirming.isActive():
            self._confirming.start()

    def _confirm(self) -> None:
        if program := self.taken_by():
            self.taken.emit(program)

    def _ignore(self) -> None:
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier.deleteLater()
            self._notifier = None
