"""What Windows has."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from app.core import lockdown
from app.core.lockdown import MachineFacts, System, allowed_windows, denied_processes, program_name
from app.core.ports import Closer, LockdownOperation, Watcher
from app.lockdown.input_use import InputUse
from app.lockdown.machine import Machine
from app.lockdown.processes import Processes, reasons
from app.lockdown.setting import OperationSetting, WatchSetting
from app.lockdown.win32 import kernel32, user32_windows
from app.lockdown.windows import changes, machine
from app.lockdown.windows.clipboard_use import ClipboardUse
from app.lockdown.windows.closer import WindowsCloser
from app.lockdown.windows.devices import Devices
from app.lockdown.windows.displays import Displays
from app.lockdown.windows.listener import Listener
from app.lockdown.windows.programs import WindowsPrograms
from app.lockdown.windows.registry import Registry
from app.lockdown.windows.session import Session
from app.lockdown.windows.system_keys import may_set_policies
from app.lockdown.windows.windows import ForeignWindows

MACHINE_EVERY_S = 30.0
"""Asking Windows for all its devices takes some 50 ms."""


class WindowsAdapters:
    """Answers ``platform.Adapters``. The watchers that one of them makes share its listener: one hidden window, one thread."""

    def __init__(self) -> None:
        self._listener = Listener()

    def facts(self, environ: Mapping[str, str]) -> MachineFacts:
        return MachineFacts(
            System.WINDOWS,
            window_manager=True,
            screen_saver_control=True,
            login_session=True,
            input_devices=True,
            clipboard_events=True,
            system_policies=may_set_policies(Registry()),
        )

    def operations(self, setting: OperationSetting) -> tuple[LockdownOperation, ...]:
        return changes.operations(setting)

    def watcher(self, name: str, setting: WatchSetting) -> Watcher | None:
        made = self._watchers().get(name)
        return None if made is None else made(setting)

    def closer(self) -> Closer:
        return WindowsCloser()

    def active_window(self) -> str:
        window = user32_windows.foreground_window()
        if not window:
            return ""
        kind = user32_windows.class_name(window)
        program = kernel32.program_of(user32_windows.process_of(window))
        return f"{kind} ({program})" if kind and program else kind or program

    def _watchers(self) -> dict[str, Callable[[WatchSetting], Watcher]]:
        return {
            lockdown.MONITORS: lambda _: Displays(self._listener),
            lockdown.PROCESSES: _processes,
            lockdown.WINDOWS: self._windows,
            lockdown.CLIPBOARD_USE: self._clipboard,
            lockdown.INPUT: lambda setting: InputUse(setting.input_log),
            lockdown.SESSION: lambda _: Session(self._listener),
            lockdown.DEVICES: lambda _: Devices(self._listener),
            lockdown.MACHINE: _machine,
        }

    def _windows(self, setting: WatchSetting) -> Watcher:
        window = setting.window

        def ours() -> int:
            return 0 if window is None else window.handle()

        return ForeignWindows(self._listener, ours, _own_pids(setting), allowed_windows(setting.policy))

    def _clipboard(self, setting: WatchSetting) -> Watcher:
        assistive = frozenset(map(program_name, setting.policy.accessibility.assistive_programs))
        return ClipboardUse(self._listener, _own_pids(setting), assistive)


def _processes(setting: WatchSetting) -> Watcher:
    why = reasons(denied_processes(setting.policy), setting.known)
    return Processes(why, _own_pids(setting), WindowsPrograms(), setting.policy.lockdown.allowed_signers)


def _machine(setting: WatchSetting) -> Watcher:
    return Machine(lambda: machine.machine_signals(setting.signs, setting.known), MACHINE_EVERY_S)


def _own_pids(setting: WatchSetting) -> frozenset[int]:
    return setting.own_pids | {os.getpid()}
