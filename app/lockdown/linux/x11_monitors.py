"""The monitors of an X server, as RandR and screeninfo see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import screeninfo
from Xlib import X
from Xlib.display import Display
from Xlib.error import XError
from Xlib.ext import randr

from app.core import lockdown
from app.core.types import NS_PER_S, DisplayChanged, DisplaysSeen, Observation
from app.lockdown.linux import drm
from app.lockdown.linux.x11_events import EventConnection, drained

_SCREENINFO_EVERY_NS = 30 * NS_PER_S
_CONNECTED = 0  # RandR 1.2, section 5.4


class Monitors:
    """Reports the monitors at the first poll and at every change, at once. One thread.

    RandR's monitor list also has virtual monitors (``xrandr --setmonitor``) and, per monitor, the
    outputs that show the same picture; screeninfo is asked beside it at the start, when RandR's answer
    changes and every 30 s. The larger count holds. Suspected is an output with a monitor on it that shows nothing, and
    a monitor that the kernel's display drivers have switched on and the X server does not show.
    A monitor that comes, goes, or changes its place or size is a ``DisplayChanged``. Raises LockdownError when the X
    server is gone.
    """

    name = lockdown.MONITORS

    def __init__(self, drm_root: Path = drm.ROOT) -> None:
        self._drm_root = drm_root
        self._events = EventConnection(_select_events)
        self._seen: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        self._layout: Mapping[str, str] | None = None
        self._idle: tuple[str, ...] = ()
        self._screeninfo: tuple[str, ...] = ()
        self._screeninfo_at_ns = 0

    def poll(self, now_ns: int) -> Sequence[Observation]:
        with self._events.answering("the monitors") as display:
            told = bool(drained(display))
            layout = monitor_layout(display)
            due = self._layout is None or now_ns - self._screeninfo_at_ns >= _SCREENINFO_EVERY_NS
            if told or due:
                self._idle = suspected_displays(display, self._drm_root)
        changes = () if self._layout is None else layout_changes(self._layout, layout)
        if due or layout != self._layout:
            self._screeninfo, self._screeninfo_at_ns = _by_screeninfo(), now_ns
        self._layout = layout
        names = max(tuple(sorted(layout)), self._screeninfo, key=len)
        found: list[Observation] = [DisplayChanged(now_ns, change) for change in changes]
        if (names, self._idle) != self._seen:
            self._seen = names, self._idle
            found.append(DisplaysSeen(now_ns, len(names), names, self._idle))
        return tuple(found)

    def listen(self, wake: Callable[[], None]) -> int | None:
        with self._events.answering("the monitors") as display:
            return int(display.fileno())

    def close(self) -> None:
        self._events.close()


def monitor_names(display: Display) -> tuple[str, ...]:
    """One name per display: monitors, and outputs that mirror one. Empty without RandR 1.5."""
    return tuple(sorted(monitor_layout(display)))


def monitor_layout(display: Display) -> dict[str, str]:
    """Size and place in pixels by the names of ``monitor_names``."""
    if not has_monitor_list(display):
        return {}
    found: dict[str, str] = {}
    for monitor in randr.get_monitors(display.screen().root).monitors:
        name = str(display.get_atom_name(monitor.name))
        where = f"{monitor.width_in_pixels}x{monitor.height_in_pixels} at {monitor.x},{monitor.y}"
        # python-xlib calls them crtcs; the protocol says outputs
        names = [name, *(f"{name} mirror {n}" for n in range(1, len(monitor.crtcs)))]
        found |= dict.fromkeys(names, where)
    return found


def layout_changes(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each monitor that came, went or changed."""
    came = [f"{name} was connected ({now[name]})" for name in sorted(now.keys() - before.keys())]
    went = [f"{name} was removed" for name in sorted(before.keys() - now.keys())]
    both = sorted(now.keys() & before.keys())
    changed = [f"{name} changed from {before[name]} to {now[name]}" for name in both if before[name] != now[name]]
    return (*came, *went, *changed)


def suspected_displays(display: Display, drm_root: Path = drm.ROOT) -> tuple[str, ...]:
    """A sentence for each monitor that is there and not shown. Does not ask the monitors anew."""
    if not has_monitor_list(display):
        return ()
    resources = randr.get_screen_resources_current(display.screen().root)
    idle, lit = [], []
    for output in resources.outputs:
        try:
            info = randr.get_output_info(display, output, resources.config_timestamp)
        except XError:  # unplugged meanwhile
            continue
        if info.crtc:
            lit.append(str(info.name))
        elif info.connection == _CONNECTED:
            idle.append(f"{info.name} has a monitor that is switched off")
    return (*sorted(idle), *drm.not_shown(lit, drm_root))


def is_xwayland(display: Display) -> bool:
    """Whether this X server is a window of a Wayland session, which our lockdown does not reach."""
    outputs = (name.upper().startswith("XWAYLAND") for name in monitor_names(display))
    return display.has_extension("XWAYLAND") or any(outputs)


def has_monitor_list(display: Display) -> bool:
    if not display.has_extension(randr.extname):
        return False
    version = randr.query_version(display)
    return (int(version.major_version), int(version.minor_version)) >= (1, 5)


def _select_events(display: Display) -> None:
    """Monitors that a person defines change the root window's configuration only."""
    root = display.screen().root
    root.change_attributes(event_mask=X.StructureNotifyMask)
    if has_monitor_list(display):
        mask = randr.RRScreenChangeNotifyMask | randr.RRCrtcChangeNotifyMask | randr.RROutputChangeNotifyMask
        randr.select_input(root, mask)


def _by_screeninfo() -> tuple[str, ...]:
    try:
        monitors = screeninfo.get_monitors()
    except screeninfo.ScreenInfoError:
        return ()
    return tuple(sorted(m.name or f"{m.width}x{m.height}+{m.x}+{m.y}" for m in monitors))
