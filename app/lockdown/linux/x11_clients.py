"""Whose an X window is: its program and process, and whether it is ours. A window's title is never read."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import psutil
from Xlib import X
from Xlib.display import Display
from Xlib.error import XError
from Xlib.ext import res
from Xlib.xobject.drawable import Window

from app.core.lockdown import program_name

_WEB_ENGINE = "qtwebengineprocess"
_INPUT_METHODS = frozenset(
    {
        "fcitx", "fcitx5", "gcin", "hime", "ibus-daemon", "ibus-extension-gtk3", "ibus-ui-emojier", "ibus-ui-gtk3",
        "ibus-x11", "kimpanel", "nabi", "scim-panel-gtk", "uim-candwin-gtk3", "uim-candwin-qt5", "uim-candwin-qt6",
    }
)  # fmt: skip
_LOCKERS = frozenset(
    {
        "cinnamon-screensaver", "cinnamon-screensaver-pam-helper", "gnome-screensaver-dialog", "i3lock",
        "kscreenlocker_greet", "light-locker", "mate-screensaver", "mate-screensaver-dialog", "slock", "xfce4-screensaver",
        "xfce4-screensaver-dialog", "xlock", "xscreensaver", "xscreensaver-auth", "xscreensaver-gfx", "xsecurelock", "xtrlock",
    }
)  # fmt: skip
_SYSTEM_PROGRAMS = _INPUT_METHODS | _LOCKERS
"""What normal life puts over other windows: a choice of characters, a lock screen. Trusted only as root installed it."""


def client_of(display: Display, window: int) -> int:
    """The part of a window's number that all resources of one X client share; 0 is the X server's own."""
    return window & ~int(display.display.info.resource_id_mask)


def pid_of(display: Display, window: Window) -> int | None:
    """As the X server knows it (X-Resource 1.2, local clients), otherwise as the window says."""
    if display.has_extension(res.extname):
        answer = res.query_client_ids(display, [(window.id, res.LocalClientPIDMask)])
        for found in answer.ids:
            if found.value:
                return int(found.value[0])
    said = window.get_full_property(display.intern_atom("_NET_WM_PID"), X.AnyPropertyType)
    return int(said.value[0]) if said is not None and said.value else None


def program_of(display: Display, window: Window) -> str:
    """Class and process name, either of them where the other is not known; empty when neither is."""
    hint = window.get_wm_class()
    name = hint[1] if hint else ""
    process = process_name(pid_of(display, window))
    return f"{name} ({process})" if name and process and name != process else name or process


def process_name(pid: int | None) -> str:
    try:
        return "" if pid is None else psutil.Process(pid).name()
    except psutil.Error:
        return ""


def program_names(pid: int | None) -> frozenset[str]:
    """The names that a process goes by, as ``core.lockdown`` compares them."""
    if pid is None:
        return frozenset()
    try:
        process = psutil.Process(pid)
        names = {process.name()}
    except psutil.Error:
        return frozenset()
    try:
        names.add(process.exe())
    except psutil.Error:
        return frozenset(map(program_name, names))
    return frozenset(program_name(name) for name in names if name)


def is_system_helper(pid: int | None) -> bool:
    """An input method or a screen locker whose file belongs to root; one of the candidate's own making is none."""
    if pid is None:
        return False
    try:
        file = Path(psutil.Process(pid).exe())
        return program_name(file.name) in _SYSTEM_PROGRAMS and file.stat().st_uid == 0
    except (psutil.Error, OSError):
        return False


def is_our_process(pid: int | None, own_pids: Collection[int] = ()) -> bool:
    """This process, those named, and the web engine's processes that this one started."""
    if pid is None:
        return False
    if pid == os.getpid() or pid in own_pids:
        return True
    if _WEB_ENGINE not in program_names(pid):
        return False
    try:
        return os.getpid() in {parent.pid for parent in psutil.Process(pid).parents()}
    except psutil.Error:
        return False


def window_manager_pid(display: Display) -> int | None:
    """The process that manages windows, None where none answers."""
    check = display.screen().root.get_full_property(display.intern_atom("_NET_SUPPORTING_WM_CHECK"), X.AnyPropertyType)
    if check is None or not check.value:
        return None
    try:
        return pid_of(display, display.create_resource_object("window", int(check.value[0])))
    except XError:
        return None
