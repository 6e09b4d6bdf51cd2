"""Which windows lie over ours on an X server, and whose they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from Xlib import X
from Xlib.display import Display
from Xlib.error import XError
from Xlib.ext import shape
from Xlib.xobject.drawable import Window

from app.lockdown.linux.x11_clients import (
    client_of,
    is_our_process,
    is_system_helper,
    pid_of,
    program_names,
    program_of,
    window_manager_pid,
)

_LEAST_PX = 8
"""Smaller than that on the screen is no window that a person could read."""
_TREE_DEPTH = 3
_TYPE_WORDS = {
    "_NET_WM_WINDOW_TYPE_NOTIFICATION": "a notification",
    "_NET_WM_WINDOW_TYPE_DOCK": "a panel",
    "_NET_WM_WINDOW_TYPE_TOOLTIP": "a tooltip",
}


@dataclass(frozen=True, slots=True)
class Above:
    """``frame`` is what is stacked, ``window`` the program's own in it (the same where nothing frames it)."""

    program: str
    frame: int
    window: int
    pid: int | None
    managed: bool


class Stack:
    """Reads only. ``allowed`` are programs by ``core.lockdown.program_name``. One thread.

    Left out: windows of ours, of allowed programs, of input methods and screen lockers that root installed, of the window
    manager itself and of the X server (a compositor's overlay), and what shows nothing: input-only, off the screen,
    smaller than 8 pixels, without a shape, or fully transparent under a compositor.
    """

    def __init__(self, allowed: Collection[str] = (), own_pids: Collection[int] = ()) -> None:
        self._allowed = frozenset(allowed)
        self._own_pids = frozenset(own_pids)
        self._whose: dict[int, tuple[Above, bool]] = {}

    def above(self, display: Display, ours: int) -> tuple[Above, ...]:
        """From the lowest to the highest; empty where our window is not shown. Raises what Xlib raises."""
        frames = _frames_above(display, ours)
        ids = {frame.id for frame, _ in frames}
        self._whose = {number: whose for number, whose in self._whose.items() if number in ids}
        return tuple(found for frame, area in frames if (found := self._foreign(display, frame, area, ours)))

    def _foreign(self, display: Display, frame: Window, area: _Area, ours: int) -> Above | None:
        try:
            if not _shows_something(display, frame, area):
                return None
            if frame.id not in self._whose:
                self._whose[frame.id] = self._identify(display, frame, ours)
        except XError:  # gone meanwhile
            return None
        found, ignored = self._whose[frame.id]
        return None if ignored else found

    def _identify(self, display: Display, frame: Window, ours: int) -> tuple[Above, bool]:
        window, managed = _program_window(display, frame)
        pid = pid_of(display, window)
        words = _type_words(display, window)
        program = program_of(display, window) or "an unknown program"
        found = Above(f"{program}, {words}" if words else program, frame.id, window.id, pid, managed)
        ignored = (
            client_of(display, window.id) in (0, client_of(display, ours))
            or is_our_process(pid, self._own_pids)
            or (pid is not None and pid == window_manager_pid(display))
            or bool(program_names(pid) & self._allowed)
            or is_system_helper(pid)
        )
        return found, ignored


@dataclass(frozen=True, slots=True)
class _Area:
    x: int
    y: int
    width: int
    height: int

    def overlaps(self, other: _Area) -> bool:
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return across >= _LEAST_PX and down >= _LEAST_PX


def top_of(display: Display, window: int) -> Window:
    """The window's ancestor that is stacked: a child of the root. Raises XError when the window is gone."""
    root = display.screen().root
    found = display.create_resource_object("window", window)
    while True:
        parent = found.query_tree().parent
        if not parent or parent.id == root.id:
            return found
        found = parent


def _frames_above(display: Display, ours: int) -> list[tuple[Window, _Area]]:
    """What is stacked above our window, each with our window's area on the screen."""
    if not ours:
        return []
    root = display.screen().root
    try:
        top = top_of(display, ours)
        if top.get_attributes().map_state != X.IsViewable:
            return []
        area = _clipped(_area(top), _area(root))
    except XError:  # closed, or made anew
        return []
    children = list(root.query_tree().children)
    places = [number for number, child in enumerate(children) if child.id == top.id]
    return [(child, area) for child in children[places[0] + 1 :]] if places else []


def _area(window: Window) -> _Area:
    found = window.get_geometry()
    around = 2 * int(found.border_width)
    return _Area(int(found.x), int(found.y), int(found.width) + around, int(found.height) + around)


def _clipped(area: _Area, screen: _Area) -> _Area:
    left, top = max(area.x, 0), max(area.y, 0)
    right, bottom = min(area.x + area.width, screen.width), min(area.y + area.height, screen.height)
    return _Area(left, top, max(0, right - left), max(0, bottom - top))


def _shows_something(display: Display, frame: Window, area: _Area) -> bool:
    if client_of(display, frame.id) == 0:  # the compositor's overlay is the X server's
        return False
    attributes = frame.get_attributes()
    if attributes.map_state != X.IsViewable or attributes.win_class != X.InputOutput:
        return False
    if not _area(frame).overlaps(area):
        return False
    if display.has_extension(shape.extname):
        extents = shape.query_extents(frame)
        if extents.bounding_shaped and 0 in (extents.bounding_width, extents.bounding_height):
            return False
    return not _is_transparent(display, frame)


def _is_transparent(display: Display, frame: Window) -> bool:
    """As EWMH's compositors understand it; without a compositor the property does nothing."""
    opacity = frame.get_full_property(display.intern_atom("_NET_WM_WINDOW_OPACITY"), X.AnyPropertyType)
    if opacity is None or not opacity.value or int(opacity.value[0]) != 0:
        return False
    compositor = display.intern_atom(f"_NET_WM_CM_S{display.get_default_screen()}")
    return display.get_selection_owner(compositor) != X.NONE


def _program_window(display: Display, frame: Window) -> tuple[Window, bool]:
    """The program's window in a window manager's frame, which alone has WM_STATE (ICCCM 4.1.3.1), and whether it has."""
    state = display.intern_atom("WM_STATE")
    for window in _tree(frame, _TREE_DEPTH):
        if window.get_full_property(state, X.AnyPropertyType) is not None:
            return window, True
    return frame, False


def _tree(window: Window, depth: int) -> Iterator[Window]:
    yield window
    if depth:
        for child in window.query_tree().children:
            yield from _tree(child, depth - 1)


def _type_words(display: Display, window: Window) -> str:
    found = window.get_full_property(display.intern_atom("_NET_WM_WINDOW_TYPE"), X.AnyPropertyType)
    names = [] if found is None else [str(display.get_atom_name(int(atom))) for atom in found.value]
    return next((_TYPE_WORDS[name] for name in names if name in _TYPE_WORDS), "")
