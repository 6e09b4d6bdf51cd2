"""Keys and clicks that a program makes on an X server, told from those of real devices. Never which key."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from Xlib import X
from Xlib.display import Display
from Xlib.error import XError
from Xlib.ext import ge, xinput
from Xlib.protocol.rq import Event

from app.core import lockdown
from app.core.types import NS_PER_S, InputInjected, Observation
from app.lockdown.linux.x11_events import EventConnection, drained

_SOURCE = "the X server's XTEST extension"
_EVERY_NS = NS_PER_S
_SCROLLING = range(4, 8)
_MOUSE_KEYS_MS = 1000
_TIME_BITS = 32
_NEVER_EMIT = ("xvfb ",)
"""Devices of an X server without a screen: they exist and say nothing, whatever is typed comes through XTEST."""


def has_real_keyboard(display: Display) -> bool:
    """Whether real and injected keys can be told apart here: XInput 2.2, and a keyboard that is not XTEST's."""
    if not _has_xinput(display):
        return False
    injecting = _injecting(display)
    keyboards = (d for d in xinput.query_device(display, xinput.AllDevices).devices if d.use == xinput.SlaveKeyboard)
    return any(k.enabled and k.deviceid not in injecting and not _is_dumb(str(k.name)) for k in keyboards)


class InjectedInput:
    """Counts key presses and clicks that came through XTEST; told at once, and then at most once a second. One thread.

    Left out are scrolling, which gesture programs make, and clicks right after a real key, which mouse keys make
    (XKB sends those through XTEST too). Input that a program makes in a real device's name, or through the kernel's
    uinput, is not told from real. Raises LockdownError when the X server is gone.
    """

    name = lockdown.INPUT

    def __init__(self) -> None:
        self._events = EventConnection(_select_events)
        self._injecting: frozenset[int] | None = None
        self._real_key_ms: int | None = None
        self._count = 0
        self._told_ns: int | None = None

    def poll(self, now_ns: int) -> Sequence[Observation]:
        with self._events.answering("injected input") as display:
            events = drained(display)
            if self._injecting is None or any(_is(each, xinput.HierarchyChanged) for each in events):
                self._injecting = _injecting(display)
                events += drained(display)
            injecting = self._injecting
        presses = [press for each in events if (press := _press(each)) is not None]
        self._count += sum(self._is_injected(press, injecting) for press in presses)
        if not self._count or (self._told_ns is not None and now_ns - self._told_ns < _EVERY_NS):
            return ()
        count, self._count, self._told_ns = self._count, 0, now_ns
        return (InputInjected(now_ns, _SOURCE, count),)

    def listen(self, wake: Callable[[], None]) -> int | None:
        with self._events.answering("injected input") as display:
            return int(display.fileno())

    def close(self) -> None:
        self._events.close()
        self._injecting = None

    def _is_injected(self, press: _Press, injecting: frozenset[int]) -> bool:
        if press.source not in injecting:
            if press.is_key:
                self._real_key_ms = press.at_ms
            return False
        if press.is_key:
            return True
        if press.is_scrolling or self._real_key_ms is None:
            return not press.is_scrolling
        return (press.at_ms - self._real_key_ms) % (1 << _TIME_BITS) > _MOUSE_KEYS_MS


@dataclass(frozen=True, slots=True)
class _Press:
    """``at_ms`` is the X server's time, which wraps around at 32 bits."""

    is_key: bool
    is_scrolling: bool
    source: int
    at_ms: int


def _press(event: Event) -> _Press | None:
    """Of a raw event (XI2 protocol: deviceid, time, detail, sourceid); the number of the key is not looked at."""
    is_key, is_button = _is(event, xinput.RawKeyPress), _is(event, xinput.RawButtonPress)
    if not is_key and not is_button:
        return None
    at_ms, detail, source = struct.unpack_from("=2xIIH", event.data)
    return _Press(is_key, is_button and detail in _SCROLLING, source, at_ms)


def _is(event: Event, kind: int) -> bool:
    return bool(event.type == ge.GenericEventCode and event.evtype == kind)


def _select_events(display: Display) -> None:
    """Master devices only, or each press would come twice. Since XInput 2.1 raw events come past every grab."""
    _has_xinput(display)
    display.screen().root.xinput_select_events(
        [
            (xinput.AllDevices, xinput.HierarchyChangedMask),
            (xinput.AllMasterDevices, xinput.RawKeyPressMask | xinput.RawButtonPressMask),
        ]
    )


def _has_xinput(display: Display) -> bool:
    """Also tells the X server that we know 2.2; python-xlib's own request says 2.0."""
    if not display.has_extension(xinput.extname):
        return False
    major = display.display.get_extension_major(xinput.extname)
    found = xinput.XIQueryVersion(display=display.display, opcode=major, major_version=2, minor_version=2)
    return (int(found.major_version), int(found.minor_version)) >= (2, 2)


def _injecting(display: Display) -> frozenset[int]:
    """The devices that XTEST makes; the X server marks them by a property that nobody else may set."""
    mark = display.intern_atom("XTEST Device")
    return frozenset(
        int(device.deviceid)
        for device in xinput.query_device(display, xinput.AllDevices).devices
        if _marked(display, int(device.deviceid), mark)
    )


def _marked(display: Display, device: int, mark: int) -> bool:
    try:
        found = xinput.get_device_property(display, device, mark, X.AnyPropertyType, 0, 1)
    except XError:  # unplugged meanwhile
        return False
    return bool(found.value) and bool(found.value[0])


def _is_dumb(name: str) -> bool:
    return name.lower().startswith(_NEVER_EMIT)
