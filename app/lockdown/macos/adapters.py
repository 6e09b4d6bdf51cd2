"""What macOS has. Imported on macOS only."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import psutil

from app.core import lockdown
from app.core.lockdown import MachineFacts, System, allowed_windows, denied_processes
from app.core.machine import FoundSignal
from app.core.policy import Policy
from app.core.ports import Closer, LockdownOperation, Watcher
from app.core.types import Device
from app.lockdown.input_log import InputLog
from app.lockdown.input_use import InputUse
from app.lockdown.machine import Machine
from app.lockdown.macos import assessment, capture_devices, cocoa, coregraphics, machine, system
from app.lockdown.macos.autostart import AutostartEntry
from app.lockdown.macos.awake import KeepAwake
from app.lockdown.macos.capture_exclusion import CaptureExclusion
from app.lockdown.macos.clipboard import ClipboardEmptied, ClipboardUse
from app.lockdown.macos.devices import Devices, storage_of
from app.lockdown.macos.displays import Displays
from app.lockdown.macos.event_tap import EventTap
from app.lockdown.macos.keyboard import KeyboardTap, counts_injected
from app.lockdown.macos.kiosk import KioskWindowOperation, Presentation
from app.lockdown.macos.programs import MacCloser, MacPrograms
from app.lockdown.macos.session import Session
from app.lockdown.macos.windows import ForeignWindows
from app.lockdown.processes import Processes, reasons
from app.lockdown.setting import OperationSetting, WatchSetting


class MacAdapters:
    """Answers ``platform.Adapters``."""

    def facts(self, environ: Mapping[str, str]) -> MachineFacts:
        return MachineFacts(
            System.MACOS,
            window_manager=True,
            screen_saver_control=True,
            login_session=True,
            input_devices=True,
            clipboard_events=False,
            event_tap=system.may_see_keys(),
            assessment=assessment.is_granted(),
        )

    def operations(self, setting: OperationSetting) -> tuple[LockdownOperation, ...]:
        granted = assessment.is_granted()
        return (
            AutostartEntry(setting.restore_command),
            ClipboardEmptied(cocoa.GeneralPasteboard()),
            KeepAwake(cocoa.keep_awake),
            KioskWindowOperation(setting.window, setting.policy, _presentation(granted)),
            KeyboardTap(setting.policy, _tap(setting.input_log), system.may_see_keys, granted),
            CaptureExclusion(setting.window, cocoa.share_windows, cocoa.share_windows_later),
        )

    def watcher(self, name: str, setting: WatchSetting) -> Watcher | None:
        made = _WATCHERS.get(name)
        return None if made is None else made(setting)

    def closer(self) -> Closer:
        return MacCloser(cocoa.RunningApplications())

    def active_window(self) -> str:
        return cocoa.in_front()[1]


def _presentation(granted: bool) -> Presentation:
    options = cocoa.CocoaPresentation()
    return assessment.AssessmentMode(options) if granted else options


def _tap(log: InputLog) -> Callable[[Policy], EventTap]:
    return lambda policy: EventTap(log, count_injected=counts_injected(policy))


def _processes(setting: WatchSetting) -> Watcher:
    why = reasons(denied_processes(setting.policy), setting.known)
    return Processes(why, _own_pids(setting), MacPrograms(cocoa.applications))


def _windows(setting: WatchSetting) -> Watcher:
    return ForeignWindows(coregraphics.shown_windows, _own_pids(setting), allowed_windows(setting.policy))


def _clipboard(setting: WatchSetting) -> Watcher:
    own = _own_pids(setting)
    return ClipboardUse(cocoa.GeneralPasteboard(), lambda: cocoa.in_front()[0] in own)


def _machine(setting: WatchSetting) -> Watcher:
    def signals() -> tuple[FoundSignal, ...]:
        guest = system.sysctl_number("kern.hv_vmm_present") == 1
        model, cameras = system.sysctl_text("hw.model"), capture_devices.camera_names()
        readings = machine.read(os.environ, model, guest=guest, cameras=cameras)
        return machine.machine_signals(readings, setting.signs, setting.known)

    return Machine(signals, machine.MACHINE_EVERY_S)


def _present_devices() -> dict[str, Device]:
    mounted = ((each.device, each.mountpoint) for each in psutil.disk_partitions())
    return capture_devices.capture_devices() | storage_of(mounted)


def _own_pids(setting: WatchSetting) -> frozenset[int]:
    return setting.own_pids | {os.getpid()}


_WATCHERS: Mapping[str, Callable[[WatchSetting], Watcher]] = {
    lockdown.MONITORS: lambda _: Displays(coregraphics.online_displays, coregraphics.tell_of_displays),
    lockdown.PROCESSES: _processes,
    lockdown.WINDOWS: _windows,
    lockdown.CLIPBOARD_USE: _clipboard,
    lockdown.INPUT: lambda setting: InputUse(setting.input_log),
    lockdown.SESSION: lambda _: Session(coregraphics.session, cocoa.tell_of_session),
    lockdown.DEVICES: lambda _: Devices(_present_devices),
    lockdown.MACHINE: _machine,
}
