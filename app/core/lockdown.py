"""Which protections a policy asks of this machine, and which the machine can't give.

Pure: the facts are read by ``app.lockdown.platform``, the operations and watchers are
built there by the names that a plan holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import PurePosixPath, PureWindowsPath

from app.core.policy import Policy


class System(StrEnum):
    """What decides which adapter there is. ``LINUX_KIOSK``: a Wayland compositor that shows one program only (cage)."""

    LINUX_X11 = "linux_x11"
    LINUX_KIOSK = "linux_kiosk"
    LINUX_WAYLAND = "linux_wayland"
    LINUX_NO_DISPLAY = "linux_no_display"
    WINDOWS = "windows"
    MACOS = "macos"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What is known of the machine before anything is changed. What does not exist on a system is False there.

    ``window_manager``: one answers on the X server's root window. ``randr``: the X server lists monitors one by one.
    ``screen_saver_control``: blanking can be read and set. ``nested``: the kiosk compositor is itself a window of another
    session. ``kiosk_compositor``: one is installed and could be started. ``login_session``: the system tells of locking,
    sleep and switching. ``input_devices``: real and injected input can be told apart. ``clipboard_events``: changes of the
    clipboard are told. ``system_policies``: this user may change what Ctrl+Alt+Del offers on Windows. ``event_tap``: macOS
    lets us see keys. ``assessment``: macOS's assessment mode is granted.
    """

    system: System
    window_manager: bool = False
    randr: bool = False
    screen_saver_control: bool = False
    nested: bool = False
    kiosk_compositor: bool = False
    login_session: bool = False
    input_devices: bool = False
    clipboard_events: bool = False
    system_policies: bool = False
    event_tap: bool = False
    assessment: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """``operations`` in the order in which they are performed; ``missing`` are sentences for IT and the proctor."""

    operations: tuple[str, ...] = ()
    watchers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


AUTOSTART = "autostart"
DESKTOP = "desktop"
CLIPBOARD = "clipboard"
KEEP_AWAKE = "keep_awake"
SYSTEM_KEYS = "system_keys"
OTHER_WINDOWS = "other_windows"
KIOSK = "kiosk"
KEYBOARD = "keyboard"
CAPTURE_EXCLUSION = "capture_exclusion"
OPERATIONS = (
    AUTOSTART, DESKTOP, CLIPBOARD, KEEP_AWAKE, SYSTEM_KEYS, OTHER_WINDOWS, KIOSK, KEYBOARD, CAPTURE_EXCLUSION,
)  # fmt: skip
"""In the order in which they are performed. ``AUTOSTART`` is first, so that it outlives every other change."""

LASTING = frozenset({CLIPBOARD, KEEP_AWAKE, SYSTEM_KEYS, OTHER_WINDOWS, DESKTOP})
"""What may outlive the client, and so wants ``AUTOSTART``."""

BY_GUARDIAN = frozenset({DESKTOP})
"""What the guardian performs before it starts the client there: it outlives the client's own end."""

MONITORS = "monitors"
PROCESSES = "processes"
WINDOWS = "windows"
CLIPBOARD_USE = "clipboard_use"
INPUT = "input"
SESSION = "session"
DEVICES = "devices"
MACHINE = "machine"
WATCHERS = (MONITORS, PROCESSES, WINDOWS, CLIPBOARD_USE, INPUT, SESSION, DEVICES, MACHINE)

SYSTEM_NAMES = {
    System.LINUX_X11: "Linux with X11",
    System.LINUX_KIOSK: "Linux in a kiosk compositor",
    System.LINUX_WAYLAND: "Linux with Wayland",
    System.LINUX_NO_DISPLAY: "Linux without a display",
    System.WINDOWS: "Windows",
    System.MACOS: "macOS",
    System.OTHER: "this operating system",
}

CAN: dict[System, frozenset[str]] = {
    System.LINUX_X11: frozenset({AUTOSTART, CLIPBOARD, KEEP_AWAKE, KIOSK, KEYBOARD, *WATCHERS}),
    System.LINUX_KIOSK: frozenset({KIOSK, KEYBOARD, MONITORS, PROCESSES, SESSION, DEVICES, MACHINE}),
    System.LINUX_WAYLAND: frozenset({MONITORS, PROCESSES, SESSION, DEVICES, MACHINE}),
    System.LINUX_NO_DISPLAY: frozenset(),
    System.WINDOWS: frozenset({*OPERATIONS, *WATCHERS}),
    System.MACOS: frozenset({AUTOSTART, CLIPBOARD, KEEP_AWAKE, KIOSK, KEYBOARD, CAPTURE_EXCLUSION, *WATCHERS}),
    System.OTHER: frozenset(),
}
"""What there is an adapter for. In a kiosk compositor nothing needs restoring: it all ends with the compositor."""

NOT_NEEDED: dict[System, frozenset[str]] = {
    System.LINUX_X11: frozenset({DESKTOP, SYSTEM_KEYS, OTHER_WINDOWS}),
    System.LINUX_KIOSK: frozenset(
        {
            AUTOSTART,
            DESKTOP,
            CLIPBOARD,
            KEEP_AWAKE,
            SYSTEM_KEYS,
            OTHER_WINDOWS,
            WINDOWS,
            CLIPBOARD_USE,
            CAPTURE_EXCLUSION,
        }
    ),
    System.MACOS: frozenset({DESKTOP, SYSTEM_KEYS, OTHER_WINDOWS}),
}
"""What another protection does there already: nothing is missing without it."""

_PROTECTIONS = {
    AUTOSTART: "what an exam changed is not given back by itself after a power cut",
    DESKTOP: "the exam has no desktop of its own",
    CLIPBOARD: "the clipboard is not emptied",
    KEEP_AWAKE: "the screen saver and power saving are not held off",
    SYSTEM_KEYS: "the system's own key combinations are not switched off",
    OTHER_WINDOWS: "other windows are not put away",
    KIOSK: "the exam window does not cover the screen and other windows can be reached",
    KEYBOARD: "key combinations that leave the exam are not blocked",
    CAPTURE_EXCLUSION: "the exam window can't be left out of screen captures",
    MONITORS: "further monitors are not noticed",
    PROCESSES: "programs that the exam does not allow are not noticed",
    WINDOWS: "windows of other programs over the exam are not noticed",
    CLIPBOARD_USE: "what other programs put into the clipboard is not noticed",
    INPUT: "keys and clicks that a program makes are not noticed",
    SESSION: "screen locks, sleep and a change of session are not told apart",
    DEVICES: "devices that are plugged in or out are not noticed",
    MACHINE: "virtual machines and remote control are not noticed",
}


def wanted_operations(policy: Policy) -> tuple[str, ...]:
    """The operations that the policy asks for, whatever the machine.

    A practice run (``quit_always``) leaves the clipboard alone: what was in it could not be given back.
    """
    lock = policy.lockdown
    wanted = {
        DESKTOP: lock.separate_desktop and lock.kiosk,
        CLIPBOARD: lock.kiosk and lock.clipboard and not lock.quit_always,
        KEEP_AWAKE: lock.keep_awake,
        SYSTEM_KEYS: lock.grab_keyboard and not lock.quit_always,
        OTHER_WINDOWS: lock.kiosk and not lock.separate_desktop and not lock.quit_always,
        KIOSK: lock.kiosk,
        KEYBOARD: lock.grab_keyboard,
        CAPTURE_EXCLUSION: lock.content_protect and not lock.capture_tools,
    }
    wanted[AUTOSTART] = any(wanted[name] for name in LASTING)
    return tuple(name for name in OPERATIONS if wanted[name])


def denied_processes(policy: Policy) -> tuple[str, ...]:
    """The programs that may not run, without those that the candidate was granted."""
    granted = {program_name(name) for name in policy.accessibility.assistive_programs}
    granted |= {program_name(name) for name in policy.lockdown.capture_tools}
    return tuple(name for name in policy.lockdown.denied_processes if program_name(name) not in granted)


def allowed_windows(policy: Policy) -> frozenset[str]:
    """Programs, by ``program_name``, whose windows are no violation: allowed ones, assistive ones and capture tools."""
    names = (
        *policy.lockdown.allowed_programs,
        *policy.lockdown.capture_tools,
        *policy.accessibility.assistive_programs,
    )
    return frozenset(program_name(name) for name in names)


@lru_cache(maxsize=4096)
def program_name(name: str) -> str:
    """A program's name as it is compared: base name, lower case, without ``.exe``. Remembered: the same ones come each second."""
    base = PureWindowsPath(PurePosixPath(name.strip()).name).name.lower()
    return base.removesuffix(".exe")


TELLS_BLOCKED_KEYS = frozenset({System.WINDOWS, System.MACOS})
"""Where the watcher of input tells blocked combinations too; elsewhere the window does."""


def types_for_the_candidate(policy: Policy) -> bool:
    """Whether the candidate is granted help that works by making keys and clicks: then nobody may be accused of it."""
    return policy.accessibility.screen_reader or bool(policy.accessibility.assistive_programs)


def wanted_watchers(policy: Policy, system: System | None = None) -> tuple[str, ...]:
    """What the policy asks to be watched, on that system or, without one, on every system."""
    lock = policy.lockdown
    wanted = {
        MONITORS: lock.single_monitor,
        PROCESSES: bool(denied_processes(policy)),
        WINDOWS: lock.kiosk and lock.watch_windows,
        CLIPBOARD_USE: lock.kiosk and lock.clipboard and not lock.quit_always,
        INPUT: lock.grab_keyboard and (system in TELLS_BLOCKED_KEYS or not types_for_the_candidate(policy)),
        SESSION: lock.kiosk,
        DEVICES: lock.watch_devices,
        MACHINE: lock.watch_machine,
    }
    return tuple(name for name in WATCHERS if wanted[name])


def plan(policy: Policy, facts: MachineFacts) -> Plan:
    """What to perform and to watch here. Nothing is performed that the policy does not ask for."""
    operations, watchers = wanted_operations(policy), wanted_watchers(policy, facts.system)
    can = CAN[facts.system] - _without_the_means(facts)
    needless = NOT_NEEDED.get(facts.system, frozenset())
    name = SYSTEM_NAMES[facts.system]
    lacking = [
        f"On {name} {_PROTECTIONS[what]}."
        for what in (*operations, *watchers)
        if what not in CAN[facts.system] and what not in needless
    ]
    doing = tuple(what for what in operations if what in can)
    if not LASTING & set(doing):
        doing = tuple(what for what in doing if what != AUTOSTART)
    return Plan(
        doing,
        tuple(what for what in watchers if what in can),
        (*lacking, *(sentence for what, sentence in _gaps(facts) if what in operations or what in watchers)),
    )


def _without_the_means(facts: MachineFacts) -> frozenset[str]:
    """What there is an adapter for, but not on this machine."""
    x11, macos = facts.system is System.LINUX_X11, facts.system is System.MACOS
    lacking = {
        KEEP_AWAKE: x11 and not facts.screen_saver_control,
        CLIPBOARD_USE: x11 and not facts.clipboard_events,
        INPUT: (x11 and not facts.input_devices) or (macos and not facts.event_tap),
        SESSION: facts.system in _LINUX and not facts.login_session and not x11,
        KEYBOARD: macos and not facts.event_tap and not facts.assessment,
    }
    return frozenset(what for what, lacks in lacking.items() if lacks)


_LINUX = frozenset({System.LINUX_X11, System.LINUX_KIOSK, System.LINUX_WAYLAND})
_TEXT_CONSOLE = (
    "On Linux a switch to a text console (Ctrl+Alt+F1 to F12) can be noticed but not blocked by a program: "
    "set DontVTSwitch in the X server's configuration."
)
_NESTED = (
    "The kiosk compositor is a window of another session, which keeps its own key combinations and windows: "
    "start it from the login screen or a text console."
)


def _gaps(facts: MachineFacts) -> list[tuple[str, str]]:
    """A protection's name, and what is missing of it on this very machine."""
    found: list[tuple[bool, str, str]] = [
        (facts.system is System.LINUX_X11, KEYBOARD, _TEXT_CONSOLE),  # cage switches only where it is told to
        (facts.system is System.LINUX_KIOSK and facts.nested, KIOSK, _NESTED),
    ]
    if facts.system is System.LINUX_X11:
        found += [
            (not facts.window_manager, KIOSK, _NO_WINDOW_MANAGER),
            (not facts.screen_saver_control, KEEP_AWAKE, _NO_SCREEN_SAVER_CONTROL),
            (not facts.randr, MONITORS, _NO_RANDR),
            (not facts.clipboard_events, CLIPBOARD_USE, _NO_XFIXES),
            (not facts.input_devices, INPUT, _NO_XINPUT),
        ]
    if facts.system in _LINUX:
        found.append((not facts.login_session, SESSION, _NO_LOGIND))
    if facts.system is System.WINDOWS:
        found.append((not facts.system_policies, SYSTEM_KEYS, _NO_POLICIES))
    if facts.system is System.MACOS:
        found += [
            (not facts.event_tap and not facts.assessment, KEYBOARD, _NO_EVENT_TAP),
            (not facts.event_tap and facts.assessment, INPUT, _NO_KEYS_SEEN),
            (True, CAPTURE_EXCLUSION, _CAPTURED_BY_MACOS),
        ]
    return [(what, sentence) for applies, what, sentence in found if applies]


_NO_WINDOW_MANAGER = (
    "No window manager runs, so the exam window has to put itself above others each time, and they may be seen for a moment: "
    "start a desktop session."
)
_NO_SCREEN_SAVER_CONTROL = (
    "The X server has no screen saver settings, so the screen may be blanked during the exam: turn that off by hand."
)
_NO_RANDR = "The X server has no RandR 1.5, so monitors that it joins or adds virtually are not noticed."
_NO_XFIXES = "The X server has no XFixes extension, so changes of the clipboard are not noticed."
_NO_XINPUT = "The X server has no keyboard of its own or no XInput 2.2, so keys and clicks that a program makes are not told from real ones."
_NO_LOGIND = "No login manager answers on D-Bus, so screen locks and sleep are only seen as gaps."
_NO_POLICIES = (
    "This user may not change what Ctrl+Alt+Del offers on Windows, so the task manager, locking and signing out stay "
    "reachable there: set DisableTaskMgr and its like by group policy, or use an account that may."
)
_NO_EVENT_TAP = (
    "macOS does not let this application see keys, so key combinations that leave the exam are not blocked: "
    "allow it in System Settings, Privacy & Security, Accessibility."
)
_NO_KEYS_SEEN = (
    "macOS does not let this application see keys, so keys that a program makes are not noticed: "
    "allow it in System Settings, Privacy & Security, Accessibility."
)
_CAPTURED_BY_MACOS = (
    "From macOS 15 on, newer recorders see the exam window although it is left out of captures: deny them by name."
)
