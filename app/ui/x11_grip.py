"""What a kiosk on X11 holds besides the keyboard: the pointer, and what was copied in the exam. UI thread only.

Both have to be done on Qt's own connection to the X server.
"""

from __future__ import annotations

from PySide6.QtCore import QAbstractNativeEventFilter, QByteArray
from PySide6.QtGui import QGuiApplication, QInputDevice, QNativeInterface

from app.lockdown.linux import xcb

_SELECTIONS = ("CLIPBOARD", "PRIMARY", "SECONDARY")


class PointerGrip:
    """Keeps the pointer inside our window: no screen corner, edge, desktop or panel of another program answers it.

    Not taken where there is a touch screen: X would turn touches into clicks. Does nothing outside X11.
    """

    def __init__(self) -> None:
        self._held = False

    def hold(self, window: int) -> bool:
        """Takes it, or takes it again after a menu or another program had it; True while it is held."""
        connection = _connection()
        if not connection or not window or _has_touch_screen():
            return False
        self._held = xcb.grab_pointer(connection, window) or self._held
        return self._held

    def release(self) -> None:
        connection = _connection()
        if connection and self._held:
            xcb.ungrab_pointer(connection)
        self._held = False


class CopiesKept(QAbstractNativeEventFilter):
    """While installed, other programs that ask for what was copied in the exam get nothing. Pasting in the exam works:
    Qt does that without asking the X server. What the contents are is not looked at."""

    def __init__(self) -> None:
        super().__init__()
        self._selections: frozenset[int] = frozenset()

    def install(self) -> None:
        """Does nothing outside X11, or where it is installed already."""
        connection, application = _connection(), QGuiApplication.instance()
        if connection and application is not None and not self._selections:
            self._selections = frozenset(xcb.atom(connection, name) for name in _SELECTIONS) - {0}
            application.installNativeEventFilter(self)

    def remove(self) -> None:
        application = QGuiApplication.instance()
        if application is not None and self._selections:
            application.removeNativeEventFilter(self)
        self._selections = frozenset()

    def nativeEventFilter(self, kind: QByteArray | bytes | bytearray | memoryview, message: int) -> tuple[bool, int]:
        address = int(message)
        if xcb.requested_selection(address) not in self._selections:
            return False, 0
        connection = _connection()
        if connection:
            xcb.refuse_selection(connection, address)
        return True, 0


def _connection() -> int:
    """Qt's connection as an address; 0 outside X11."""
    application = QGuiApplication.instance()
    if not isinstance(application, QGuiApplication):
        return 0
    native = application.nativeInterface()
    return int(native.connection()) if isinstance(native, QNativeInterface.QX11Application) else 0


def _has_touch_screen() -> bool:
    return any(device.type() == QInputDevice.DeviceType.TouchScreen for device in QInputDevice.devices())
