"""Qt's key events as the combinations that ``core`` judges."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent

from app.core.key_combinations import QUIT, KeyPress

_K = Qt.Key
_NAMES: dict[int, str] = {
    _K.Key_Backtab: "Tab",
    _K.Key_Print: "PrintScreen",
    _K.Key_SysReq: "SysRq",
    _K.Key_Meta: "Super",
    _K.Key_Super_L: "Super",
    _K.Key_Super_R: "Super",
    _K.Key_Hyper_L: "Hyper",
    _K.Key_Hyper_R: "Hyper",
    _K.Key_Enter: "Return",
    _K.Key_Launch0: "MyComputer",
    _K.Key_Launch1: "Calculator",
    _K.Key_ScreenSaver: "Screensaver",
}
_MAC_NAMES: dict[int, str] = {_K.Key_Meta: "Control", _K.Key_Control: "Cmd"}
_LAUNCH_MEDIA = range(int(_K.Key_Launch2), int(_K.Key_LaunchF) + 1)
_MODIFIER = Qt.KeyboardModifier


def key_press(event: QKeyEvent) -> KeyPress:
    """The combination as it is named in ``core``. Modifier keys themselves have their name, AltGr is no Alt."""
    if QGuiApplication.platformName() == "cocoa":
        return mac_key_press(event)
    held = event.modifiers()
    return KeyPress(
        _name(event),
        ctrl=bool(held & _MODIFIER.ControlModifier),
        alt=bool(held & _MODIFIER.AltModifier),
        shift=bool(held & _MODIFIER.ShiftModifier),
        meta=bool(held & _MODIFIER.MetaModifier),
    )


def mac_key_press(event: QKeyEvent) -> KeyPress:
    """The same on macOS, where Qt calls Cmd Control, and Control Meta.

    Cmd stands for Ctrl, as it does what Ctrl does elsewhere. Control alone edits text and moves VoiceOver, and Option alone
    writes characters and moves by words, so neither makes a combination here; what macOS itself does with them, the event
    tap swallows. The way out of practice runs has Control, since Cmd+Option+Shift+Q would log out; Q with Cmd
    is blocked.
    """
    held, name = event.modifiers(), _MAC_NAMES.get(event.key()) or _name(event)
    control, option = bool(held & _MODIFIER.MetaModifier), bool(held & _MODIFIER.AltModifier)
    command, shift = bool(held & _MODIFIER.ControlModifier), bool(held & _MODIFIER.ShiftModifier)
    if name == QUIT.key and control and option and shift and not command:
        return QUIT
    if name == QUIT.key and command:
        return KeyPress(name, alt=option, shift=shift, meta=True)
    return KeyPress(name, ctrl=command, alt=command and option, shift=shift)


def _name(event: QKeyEvent) -> str:
    key = event.key()
    if key in _NAMES:
        return _NAMES[key]
    if key in _LAUNCH_MEDIA:
        return "LaunchApp"
    try:
        return Qt.Key(key).name.removeprefix("Key_")
    except ValueError:
        return hex(key)
