"""The monitors of an X server, as RandR and screeninfo see them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import screeninfo
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, XError
from Xlib.ext import randr

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.types import NS_PER_S, DisplaysSeen, Observation
from app.lockdown.linux.x11 import open_display

_SCREENINFO_EVERY_NS = 30 * NS_PER_S


class Monitors:
    """Reports the monitors at the first poll and at every change. One thread.

    RandR's monitor list also has virtual monitors (``xrandr --setmonitor``) and, per monitor, the
    outputs that show the same picture; screeninfo is asked beside it at the start, when RandR's answer
    changes and every 30 s. The larger count holds. Raises LockdownError when the X server is gone.
    """

    name = lockdown.MONITORS

    def __init__(self) -> None:
        self._display: Display | None = None
        self._seen: tuple[str, ...] | None = None
        self._randr: tuple[str, ...] | None = None
        self._screeninfo: tuple[str, ...] = ()
        self._screeninfo_at_ns = 0

    def poll(self, now_ns: int) -> Sequence[Observation]:
        listed = self._by_randr()
        if listed != self._randr or now_ns - self._screeninfo_at_ns >= _SCREENINFO_EVERY_NS:
            self._screeninfo, self._screeninfo_at_ns = _by_screeninfo(), now_ns
        self._randr = listed
        names = max(listed, self._screeninfo, key=len)
        if names == self._seen:
            return ()
        self._seen = names
        return (DisplaysSeen(now_ns, len(names), names),)

    def listen(self, wake: Callable[[], None]) -> int | None:
        return None

    def close(self) -> None:
        if self._display is not None:
            with contextlib.suppress(XError, ConnectionClosedError, OSError):
                self._display.close()
            self._display = None

    def _by_randr(self) -> tuple[str, ...]:
        try:
            if self._display is None:
                self._display = open_display()
            return monitor_names(self._display)
        except (XError, ConnectionClosedError, OSError) as error:
            self.close()
            raise LockdownError(f"The X server does not answer ({error}); the monitors can't be watched.") from error


def monitor_names(display: Display) -> tuple[str, ...]:
    """One name per display: monitors, and outputs that mirror one. Empty without RandR 1.5."""
    if not has_monitor_list(display):
        return ()
    root = display.screen().root
    names: list[str] = []
    for monitor in randr.get_monitors(root).monitors:
        name = str(display.get_atom_name(monitor.name))
        # python-xlib calls them crtcs; the protocol says outputs
        names += [name, *(f"{name} mirror {n}" for n in range(1, len(monitor.crtcs)))]
    return tuple(sorted(names))


def is_xwayland(display: Display) -> bool:
    """Whether this X server is a window of a Wayland session, which our lockdown does not reach."""
    outputs = (name.upper().startswith("XWAYLAND") for name in monitor_names(display))
    return display.has_extension("XWAYLAND") or any(outputs)


def has_monitor_list(display: Display) -> bool:
    if not display.has_extension(randr.extname):
        return False
    version = randr.query_version(display)
    return (int(version.major_version), int(version.minor_version)) >= (1, 5)


def _by_screeninfo() -> tuple[str, ...]:
    try:
        monitors = screeninfo.get_monitors()
    except screeninfo.ScreenInfoError:
        return ()
    return tuple(sorted(m.name or f"{m.width}x{m.height}+{m.x}+{m.y}" for m in monitors))
