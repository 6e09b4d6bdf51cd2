"""What Linux has: X11, a Wayland session, or a kiosk compositor."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.lockdown import MachineFacts, System, allowed_windows, denied_processes
from app.core.ports import Closer, LockdownOperation, Watcher
from app.lockdown.linux import logind, wayland, x11, x11_clipboard, x11_input, x11_kiosk, x11_monitors, x11_windows
from app.lockdown.linux.autostart import AutostartEntry
from app.lockdown.linux.devices import Devices
from app.lockdown.linux.login_session import Session
from app.lockdown.linux.machine import LinuxMachine
from app.lockdown.machine import Machine
from app.lockdown.processes import Processes, reasons
from app.lockdown.setting import OperationSetting, WatchSetting


def facts(environ: Mapping[str, str]) -> MachineFacts:
    found = _display_facts(environ)
    if found.system is System.LINUX_NO_DISPLAY:
        return found
    return replace(found, login_session=logind.answers(environ))


def _display_facts(environ: Mapping[str, str]) -> MachineFacts:
    system = _system(environ)
    if system is System.LINUX_WAYLAND:
        return wayland.facts(environ)
    if system is not System.LINUX_X11:
        return MachineFacts(system)
    try:
        with x11.connection() as display:
            if x11_monitors.is_xwayland(display):  # whatever the environment says
                return wayland.facts(environ)
            return MachineFacts(
                system,
                window_manager=x11.has_window_manager(display),
                randr=x11_monitors.has_monitor_list(display),
                screen_saver_control=True,
                input_devices=x11_input.has_real_keyboard(display),
                clipboard_events=x11_clipboard.has_selection_events(display),
            )
    except LockdownError:
        return MachineFacts(System.LINUX_NO_DISPLAY)


def operations(setting: OperationSetting) -> tuple[LockdownOperation, ...]:
    return (
        AutostartEntry(setting.restore_command),
        x11_clipboard.ClipboardEmptied(setting.window, setting.policy),
        x11.KeepAwake(),
        *_kiosk(setting),
    )


def _kiosk(setting: OperationSetting) -> tuple[LockdownOperation, ...]:
    if _system(os.environ) is System.LINUX_WAYLAND:
        return (wayland.KioskWindowOperation(setting.window), wayland.KeyboardOfCompositor())
    return (
        x11_kiosk.KioskWindowOperation(setting.window, setting.policy),
        x11_kiosk.KeyboardGrab(setting.window),
    )


def watcher(name: str, setting: WatchSetting) -> Watcher | None:
    if name == lockdown.MONITORS:
        return wayland.Monitors() if _system(os.environ) is System.LINUX_WAYLAND else x11_monitors.Monitors()
    if name == lockdown.WINDOWS:
        return x11_windows.Windows(setting.window, allowed_windows(setting.policy), setting.own_pids)
    if name == lockdown.CLIPBOARD_USE:
        return x11_clipboard.ClipboardUse(
            setting.window, x11_clipboard.assistive_names(setting.policy), setting.own_pids
        )
    if name == lockdown.INPUT:
        return x11_input.InjectedInput()
    if name == lockdown.SESSION:
        return Session(os.environ)
    if name == lockdown.DEVICES:
        return Devices()
    if name == lockdown.PROCESSES:
        return Processes(reasons(denied_processes(setting.policy), setting.known), setting.own_pids)
    if name == lockdown.MACHINE:
        return Machine(LinuxMachine(setting.signs, setting.known, os.environ).signals)
    return None


def closer() -> Closer:
    return x11_windows.X11Closer()


def active_window() -> str:
    return x11.active_window()


def _system(environ: Mapping[str, str]) -> System:
    if environ.get("DISPLAY") and environ.get("XDG_SESSION_TYPE") != "wayland":
        # WAYLAND_DISPLAY may be set for a nested compositor; QT_QPA_PLATFORM=xcb then still is the X server's
        wayland = bool(environ.get("WAYLAND_DISPLAY")) and environ.get("QT_QPA_PLATFORM") != "xcb"
        return System.LINUX_WAYLAND if wayland else System.LINUX_X11
    if environ.get("WAYLAND_DISPLAY") or environ.get("XDG_SESSION_TYPE") == "wayland":
        return System.LINUX_WAYLAND
    return System.LINUX_NO_DISPLAY
