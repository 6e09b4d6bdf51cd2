"""Protections on Linux with X11, through python-xlib. No Qt: the guardian uses this module too.

Each call opens its own connection and closes it, so that any thread and any process may call.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
from Xlib import X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError, XError
from Xlib.ext import dpms
from Xlib.xobject.drawable import Window

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.ports import KioskWindow
from app.core.types import Json

_SOCKETS = Path("/", "tmp", ".X11-unix")  # fixed by the X protocol's local transport


def open_display() -> Display:
    """Opens the local display that DISPLAY names. Raises LockdownError."""
    name = os.environ.get("DISPLAY", "")
    if not _listens(name):
        raise LockdownError(
            f"The X display '{name}' does not answer on this machine; start the exam in a desktop session."
        )
    try:
        return Display(name)
    except (DisplayError, ConnectionClosedError, OSError) as error:
        raise LockdownError(f"The X display can't be opened ({error}); start the exam in a desktop session.") from error


def _listens(name: str) -> bool:
    """Whether a local X server listens there. python-xlib would try the network, too, and leave its sockets open."""
    matched = re.fullmatch(r"(?:unix)?:(\d{1,5})(?:\.\d+)?", name)
    if matched is None:
        return False
    path = str(_SOCKETS / f"X{matched[1]}")
    for address in (f"\0{path}", path):
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.settimeout(1.0)
            probe.connect(address)
            return True
    return False


@contextlib.contextmanager
def connection() -> Iterator[Display]:
    """A connection to the X server of this environment. Raises LockdownError when there is none or it breaks."""
    display = open_display()
    try:
        yield display
        display.sync()
    except (XError, ConnectionClosedError, OSError) as error:
        raise LockdownError(f"The X server refused a request ({error}); try again.") from error
    finally:
        with contextlib.suppress(XError, ConnectionClosedError, OSError):
            display.close()


def display_problem() -> str | None:
    """None when the X server answers, otherwise a sentence."""
    try:
        with connection():
            return None
    except LockdownError as error:
        return str(error)


def has_window_manager(display: Display) -> bool:
    check = display.intern_atom("_NET_SUPPORTING_WM_CHECK")
    return display.screen().root.get_full_property(check, X.AnyPropertyType) is not None


def active_window() -> str:
    """The program whose window is active: its class and process name, empty when unknown. Never the window's title."""
    try:
        with connection() as display:
            root = display.screen().root
            found = root.get_full_property(display.intern_atom("_NET_ACTIVE_WINDOW"), X.AnyPropertyType)
            if found is None or not found.value or not found.value[0]:
                return ""
            return _program_of(display, display.create_resource_object("window", int(found.value[0])))
    except LockdownError:
        return ""


def _program_of(display: Display, window: Window) -> str:
    hint = window.get_wm_class()
    name = hint[1] if hint else ""
    found = window.get_full_property(display.intern_atom("_NET_WM_PID"), X.AnyPropertyType)
    if found is None or not found.value:
        return name
    try:
        process = psutil.Process(int(found.value[0])).name()
    except psutil.Error:
        return name
    return f"{name} ({process})" if name else process


class KioskWindowOperation:
    """Our window full-screen and above all others. Without a window (in the guardian) there is nothing to undo:
    the X server drops a client's windows with the client."""

    name = lockdown.KIOSK

    def __init__(self, window: KioskWindow | None) -> None:
        self._window = window

    def check(self) -> str | None:
        return display_problem()

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        _needed(self._window).set_kiosk(True)

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        if self._window is not None:
            self._window.set_kiosk(False)


class KeyboardGrab:
    """Every key goes to our window, past the window manager. Ends with the client if nobody reverts it."""

    name = lockdown.KEYBOARD

    def __init__(self, window: KioskWindow | None) -> None:
        self._window = window

    def check(self) -> str | None:
        return display_problem()

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        if not _needed(self._window).grab_keyboard(True):
            raise LockdownError(
                "Another program holds the keyboard, so the exam can't be locked; close open menus and screen lockers."
            )

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        if self._window is not None:
            self._window.grab_keyboard(False)


class KeepAwake:
    """The X server neither blanks the screen nor saves its power. Both outlive the client, so both are restored."""

    name = lockdown.KEEP_AWAKE

    def check(self) -> str | None:
        return display_problem()

    def before(self) -> dict[str, Json]:
        with connection() as display:
            saver = display.get_screen_saver()
            state: dict[str, Json] = {
                "timeout_s": int(saver.timeout),
                "interval_s": int(saver.interval),
                "prefer_blanking": int(saver.prefer_blanking),
                "allow_exposures": int(saver.allow_exposures),
            }
            if _has_dpms(display):
                times = dpms.get_timeouts(display)
                state["dpms"] = bool(dpms.info(display).state)
                state["dpms_timeouts_s"] = [
                    int(times.standby_timeout), int(times.suspend_timeout), int(times.off_timeout),
                ]  # fmt: skip
            return state

    def perform(self) -> None:
        with connection() as display:
            saver = display.get_screen_saver()
            display.set_screen_saver(0, int(saver.interval), int(saver.prefer_blanking), int(saver.allow_exposures))
            display.force_screen_saver(X.ScreenSaverReset)
            if _has_dpms(display):
                dpms.disable(display)

    def revert(self, before: Mapping[str, Json]) -> None:
        with connection() as display:
            display.set_screen_saver(
                _number(before, "timeout_s"),
                _number(before, "interval_s"),
                _number(before, "prefer_blanking"),
                _number(before, "allow_exposures"),
            )
            if "dpms" in before and _has_dpms(display):
                match before.get("dpms_timeouts_s"):
                    case [int(standby), int(suspend), int(off)]:
                        dpms.set_timeouts(display, standby, suspend, off)
                if before["dpms"] is True:
                    dpms.enable(display)


class ClipboardEmptied:
    """What was copied before the exam can't be pasted in it, and nothing of the exam afterwards. Contents are never read."""

    name = lockdown.CLIPBOARD

    def check(self) -> str | None:
        return display_problem()

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        _empty_selections()

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        _empty_selections()


def _empty_selections() -> None:
    with connection() as display:
        window = display.screen().root.create_window(-1, -1, 1, 1, 0, X.CopyFromParent)
        for name in ("CLIPBOARD", "PRIMARY", "SECONDARY"):
            window.set_selection_owner(display.intern_atom(name), X.CurrentTime)
        window.destroy()  # a selection whose owner is destroyed has none


def _has_dpms(display: Display) -> bool:
    return display.has_extension(dpms.extname) and bool(dpms.capable(display).capable)


def _needed(window: KioskWindow | None) -> KioskWindow:
    if window is None:
        raise LockdownError("The exam window is locked by the client only; start the exam with 'invigil take'.")
    return window


def _number(before: Mapping[str, Json], name: str) -> int:
    value = before.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not -1 <= value <= 32767:
        raise LockdownError(f"The restore journal has no usable '{name}'; set the screen saver in the system settings.")
    return value
