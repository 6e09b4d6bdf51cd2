"""What Quartz (Core Graphics) tells of displays, windows and the session, as our own types. Any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

import psutil
import Quartz

from app.core.lockdown import program_name
from app.lockdown.macos.displays import Display
from app.lockdown.macos.windows import TopLevel, is_of_macos

_MOST_DISPLAYS = 32
_SUCCESS, _NO_DISPLAY = 0, 0
"""kCGErrorSuccess and kCGNullDirectDisplay (CoreGraphics: CGError.h, CGDirectDisplay.h)."""
_ON_SCREEN, _THAT_WINDOW, _WITHOUT_DESKTOP, _NO_WINDOW, _SHARING_NONE = 1, 8, 16, 0, 0
"""kCGWindowListOptionOnScreenOnly, ...IncludingWindow, kCGWindowListExcludeDesktopElements, kCGNullWindowID and
kCGWindowSharingNone (CGWindow.h)."""


def online_displays() -> list[Display]:
    """Those that show something, mirror another or are asleep. Raises OSError where macOS does not tell."""
    error, displays, _ = Quartz.CGGetOnlineDisplayList(_MOST_DISPLAYS, None, None)
    if error != _SUCCESS:
        raise OSError(f"macOS does not tell which displays there are (error {error}).")
    return [
        Display(
            bool(Quartz.CGDisplayIsBuiltin(display)),
            Quartz.CGDisplayMirrorsDisplay(display) != _NO_DISPLAY,
            Quartz.CGDisplayVendorNumber(display),
            Quartz.CGDisplayModelNumber(display),
        )
        for display in displays
    ]


def tell_of_displays(wake: Callable[[], None]) -> Callable[[], None]:
    """``wake`` is called on the main thread before and after each change, until what is returned is called."""

    def changed(display: int, flags: int, info: object) -> None:
        del display, flags, info
        wake()

    Quartz.CGDisplayRegisterReconfigurationCallback(changed, None)

    def end() -> None:
        Quartz.CGDisplayRemoveReconfigurationCallback(changed, None)

    return end


def shown_windows() -> list[TopLevel]:
    """Those that are on a screen, the uppermost first. Titles are not asked for; they would need a permission."""
    chosen = _ON_SCREEN | _WITHOUT_DESKTOP
    listed = Quartz.CGWindowListCopyWindowInfo(chosen, _NO_WINDOW) or ()
    files: dict[int, str | None] = {}
    found = []
    for window in listed:
        pid = int(window["kCGWindowOwnerPID"])
        if pid not in files:
            files[pid] = _file_of(pid)
        found.append(_described(window, pid, files[pid]))
    return found


def owner_of(window: int) -> int | None:
    """The process of a window by its number; None when it is gone."""
    listed = Quartz.CGWindowListCopyWindowInfo(_THAT_WINDOW, window) or ()
    return next((int(each["kCGWindowOwnerPID"]) for each in listed), None)


def session() -> Mapping[str, object] | None:
    """What macOS tells of the login session; None outside of one."""
    found = Quartz.CGSessionCopyCurrentDictionary()
    return None if found is None else dict(found)


def shielding_level() -> int:
    """Above menus, notifications and the screen saver."""
    return int(Quartz.CGShieldingWindowLevel())


def _described(window: Mapping[str, Any], pid: int, file: str | None) -> TopLevel:
    bounds = window["kCGWindowBounds"]
    x, y, width, height = (_number(bounds, side) for side in ("X", "Y", "Width", "Height"))
    owner = str(window.get("kCGWindowOwnerName") or "unknown program")
    return TopLevel(
        int(_number(window, "kCGWindowNumber")),
        pid,
        program_name(PurePosixPath(file).name if file else owner),
        int(_number(window, "kCGWindowLayer")),
        (x, y, width, height),
        _number(window, "kCGWindowAlpha"),
        int(_number(window, "kCGWindowSharingState")) != _SHARING_NONE,
        file is None or is_of_macos(file),
    )


def _number(of: Mapping[str, Any], key: str) -> float:
    return float(of.get(key, 0))


def _file_of(pid: int) -> str | None:
    """None for a process whose file macOS does not tell this user: one of the system's own users'."""
    try:
        return psutil.Process(pid).exe() or None
    except psutil.Error:
        return None
