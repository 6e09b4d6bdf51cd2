"""Which protections a policy asks of this machine, and which the machine can't give.

Pure: the facts are read by ``app.lockdown.platform``, the operations and watchers are
built there by the names that a plan holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath, PureWindowsPath

from app.core.policy import Policy


class System(StrEnum):
    """What decides which adapter there is."""

    LINUX_X11 = "linux_x11"
    LINUX_WAYLAND = "linux_wayland"
    LINUX_NO_DISPLAY = "linux_no_display"
    WINDOWS = "windows"
    MACOS = "macos"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What is known of the machine before anything is changed.

    ``window_manager``: one answers on the root window. ``randr``: the X server lists
    monitors one by one. ``screen_saver_control``: blanking can be read and set.
    """

    system: System
    window_manager: bool = False
    randr: bool = False
    screen_saver_control: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """``operations`` in the order in which they are performed; ``missing`` are sentences for IT and the proctor."""

    operations: tuple[str, ...] = ()
    watchers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


CLIPBOARD = "clipboard"
KEEP_AWAKE = "keep_awake"
KIOSK = "kiosk"
KEYBOARD = "keyboard"
OPERATIONS = (CLIPBOARD, KEEP_AWAKE, KIOSK, KEYBOARD)

MONITORS = "monitors"
PROCESSES = "processes"
WATCHERS = (MONITORS, PROCESSES)

SYSTEM_NAMES = {
    System.LINUX_X11: "Linux with X11",
    System.LINUX_WAYLAND: "Linux with Wayland",
    System.LINUX_NO_DISPLAY: "Linux without a display",
    System.WINDOWS: "Windows",
    System.MACOS: "macOS",
    System.OTHER: "this operating system",
}

_PROTECTIONS = {
    CLIPBOARD: "the clipboard is not emptied",
    KEEP_AWAKE: "the screen saver and power saving are not held off",
    KIOSK: "the exam window does not cover the screen and other windows can be reached",
    KEYBOARD: "key combinations that leave the exam are not blocked",
    MONITORS: "further monitors are not noticed",
    PROCESSES: "programs that the exam does not allow are not noticed",
}

_TEXT_CONSOLE = (
    "On Linux with X11 a switch to a text console (Ctrl+Alt+F1 to F12) can't be blocked by a program: "
    "set DontVTSwitch in the X server's configuration."
)
_NO_WINDOW_MANAGER = (
    "No window manager runs, so nothing keeps other windows below the exam window: start a desktop session."
)
_NO_SCREEN_SAVER_CONTROL = (
    "The X server has no screen saver settings, so the screen may be blanked during the exam: turn that off by hand."
)
_NO_RANDR = "The X server has no RandR 1.5, so monitors that it joins or adds virtually are not noticed."


def wanted_operations(policy: Policy) -> tuple[str, ...]:
    """The operations that the policy asks for, whatever the machine.

    A practice run (``quit_always``) leaves the clipboard alone: what was in it could not be given back.
    """
    wanted = {
        CLIPBOARD: policy.lockdown.kiosk and not policy.lockdown.quit_always,
        KEEP_AWAKE: policy.lockdown.keep_awake,
        KIOSK: policy.lockdown.kiosk,
        KEYBOARD: policy.lockdown.grab_keyboard,
    }
    return tuple(name for name in OPERATIONS if wanted[name])


def denied_processes(policy: Policy) -> tuple[str, ...]:
    """The programs that may not run, without those that the candidate was granted."""
    granted = {program_name(name) for name in policy.accessibility.assistive_programs}
    return tuple(name for name in policy.lockdown.denied_processes if program_name(name) not in granted)


def program_name(name: str) -> str:
    """A program's name as it is compared: base name, lower case, without ``.exe``."""
    base = PureWindowsPath(PurePosixPath(name.strip()).name).name.lower()
    return base.removesuffix(".exe")


def wanted_watchers(policy: Policy) -> tuple[str, ...]:
    wanted = {MONITORS: policy.lockdown.single_monitor, PROCESSES: bool(denied_processes(policy))}
    return tuple(name for name in WATCHERS if wanted[name])


def plan(policy: Policy, facts: MachineFacts) -> Plan:
    """What to perform and to watch here. Nothing is performed that the policy does not ask for."""
    operations, watchers = wanted_operations(policy), wanted_watchers(policy)
    if facts.system is not System.LINUX_X11:
        name = SYSTEM_NAMES[facts.system]
        missing = (f"On {name} {_PROTECTIONS[what]}: not supported yet." for what in (*operations, *watchers))
        return Plan(missing=tuple(missing))
    can = tuple(name for name in operations if name != KEEP_AWAKE or facts.screen_saver_control)
    return Plan(operations=can, watchers=watchers, missing=_missing_on_x11(operations, watchers, facts))


def _missing_on_x11(operations: tuple[str, ...], watchers: tuple[str, ...], facts: MachineFacts) -> tuple[str, ...]:
    gaps = (
        (KEYBOARD in operations, _TEXT_CONSOLE),
        (KIOSK in operations and not facts.window_manager, _NO_WINDOW_MANAGER),
        (KEEP_AWAKE in operations and not facts.screen_saver_control, _NO_SCREEN_SAVER_CONTROL),
        (MONITORS in watchers and not facts.randr, _NO_RANDR),
    )
    return tuple(sentence for applies, sentence in gaps if applies)
