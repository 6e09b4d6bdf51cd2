"""What an exam changes on Windows."""

from __future__ import annotations

from app.core.lockdown import types_for_the_candidate
from app.core.ports import LockdownOperation
from app.lockdown.setting import OperationSetting
from app.lockdown.windows.autostart import AutostartEntry
from app.lockdown.windows.awake import KeepAwake
from app.lockdown.windows.capture_exclusion import CaptureExclusion
from app.lockdown.windows.clipboard_emptied import ClipboardEmptied
from app.lockdown.windows.keyboard import KeyboardHooks
from app.lockdown.windows.kiosk import KioskWindowOperation
from app.lockdown.windows.other_windows import OtherWindows
from app.lockdown.windows.own_desktop import OwnDesktop
from app.lockdown.windows.registry import Registry
from app.lockdown.windows.system_keys import SessionHotKeys, SystemKeys


def operations(setting: OperationSetting) -> tuple[LockdownOperation, ...]:
    """All of them; making them changes nothing."""
    registry, policy = Registry(), setting.policy
    assisted = policy is not None and types_for_the_candidate(policy)
    return (
        AutostartEntry(registry, setting.restore_command),
        OwnDesktop(),
        ClipboardEmptied(registry),
        KeepAwake(),
        SystemKeys(registry, SessionHotKeys(), keep_hot_keys=assisted),
        OtherWindows(policy),
        KioskWindowOperation(setting.window, policy),
        KeyboardHooks(policy, setting.input_log),
        CaptureExclusion(setting.window),
    )
