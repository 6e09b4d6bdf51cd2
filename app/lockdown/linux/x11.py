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

from Xlib import X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError, XError
from Xlib.ext import dpms

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.types import Json
from app.lockdown.linux.inhibit import Inhibition
from app.lockdown.linux.x11_clients import program_of

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
            return program_of(display, display.create_resource_object("window", int(found.value[0])))
    except LockdownError:
        return ""


class KeepAwake:
    """The X server neither blanks the screen nor saves its power. Both outlive the client, so both are restored.

    The desktop and the login manager are asked not to take the session for idle; that ends with the client by itself.
    """

    name = lockdown.KEEP_AWAKE

    def __init__(self, inhibition: Inhibition | None = None) -> None:
        self._inhibition = inhibition if inhibition is not None else Inhibition()

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
        self._inhibition.hold()
        with connection() as display:
            saver = display.get_screen_saver()
            display.set_screen_saver(0, int(saver.interval), int(saver.prefer_blanking), int(saver.allow_exposures))
            display.force_screen_saver(X.ScreenSaverReset)
            if _has_dpms(display):
                dpms.disable(display)

    def revert(self, before: Mapping[str, Json]) -> None:
        self._inhibition.release()
        saver = (
            _number(before, "timeout_s", _SECONDS),
            _number(before, "interval_s", _SECONDS),
            _number(before, "prefer_blanking", _YES_NO_DEFAULT),
            _number(before, "allow_exposures", _YES_NO_DEFAULT),
        )
        with connection() as display:
            display.set_screen_saver(*saver)
            if "dpms" in before and _has_dpms(display):
                match before.get("dpms_timeouts_s"):
                    case [int(standby), int(suspend), int(off)] if all(
                        each in _DPMS_SECONDS for each in (standby, suspend, off)
                    ):
                        dpms.set_timeouts(display, standby, suspend, off)
                if before["dpms"] is True:
                    dpms.enable(display)


def _has_dpms(display: Display) -> bool:
    return display.has_extension(dpms.extname) and bool(dpms.capable(display).capable)


_SECONDS = range(-1, 32768)
_DPMS_SECONDS = range(65536)
_YES_NO_DEFAULT = range(3)


def _number(before: Mapping[str, Json], name: str, allowed: range) -> int:
    value = before.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        raise LockdownError(f"The restore journal has no usable '{name}'; set the screen saver in the system settings.")
    return value
