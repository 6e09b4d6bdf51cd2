"""What this machine is, and the adapters that it has. The one place that asks for the operating system."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping

from app.core.errors import LockdownError
from app.core.lockdown import (
    MONITORS,
    OPERATIONS,
    PROCESSES,
    SYSTEM_NAMES,
    MachineFacts,
    Plan,
    System,
    denied_processes,
)
from app.core.policy import Policy
from app.core.ports import KioskWindow, LockdownOperation
from app.lockdown.processes import ListedProcess, Processes, reasons
from app.lockdown.watch import MachineWatcher


def machine_facts(environ: Mapping[str, str] = os.environ) -> MachineFacts:
    """Reads only. A display that does not answer counts as none."""
    system = _system(sys.platform, environ)
    if sys.platform == "linux" and system is System.LINUX_X11:
        from app.lockdown import x11, x11_monitors

        try:
            with x11.connection() as display:
                if x11_monitors.is_xwayland(display):  # whatever the environment says
                    return MachineFacts(System.LINUX_WAYLAND)
                return MachineFacts(
                    system,
                    window_manager=x11.has_window_manager(display),
                    randr=x11_monitors.has_monitor_list(display),
                    screen_saver_control=True,
                )
        except LockdownError:
            return MachineFacts(System.LINUX_NO_DISPLAY)
    return MachineFacts(system)


def unsupported(environ: Mapping[str, str] = os.environ) -> str | None:
    """None where an exam can be locked, otherwise a sentence that says so and what to do."""
    system = machine_facts(environ).system
    if system is System.LINUX_X11:
        return None
    if system is System.LINUX_NO_DISPLAY:
        return "There is no display that answers, so no exam can be locked here; start it in a desktop session."
    advice = "log in to an X11 session (Xorg)" if system is System.LINUX_WAYLAND else "use Linux with X11"
    return f"Locked exams are not supported yet on {SYSTEM_NAMES[system]}; {advice}."


def operations_for(plan: Plan, window: KioskWindow | None) -> tuple[LockdownOperation, ...]:
    """The plan's operations in its order."""
    available = _operations(window)
    return tuple(available[name] for name in plan.operations)


def all_operations() -> dict[str, LockdownOperation]:
    """Every operation of this platform by name, for restoring without a window. Empty where none is supported."""
    return _operations(None)


def watchers_for(
    plan: Plan, policy: Policy, known: Iterable[ListedProcess] = (), own_pids: Collection[int] = ()
) -> tuple[MachineWatcher, ...]:
    """The plan's watchers. ``known`` says why a process is denied; ``own_pids`` are never reported."""
    watchers: list[MachineWatcher] = []
    if sys.platform == "linux" and MONITORS in plan.watchers:
        from app.lockdown.x11_monitors import Monitors

        watchers.append(Monitors())
    if PROCESSES in plan.watchers:
        watchers.append(Processes(reasons(denied_processes(policy), known), own_pids))
    return tuple(watchers)


def _operations(window: KioskWindow | None) -> dict[str, LockdownOperation]:
    if sys.platform != "linux":
        return {}
    from app.lockdown import x11

    every: tuple[LockdownOperation, ...] = (
        x11.ClipboardEmptied(),
        x11.KeepAwake(),
        x11.KioskWindowOperation(window),
        x11.KeyboardGrab(window),
    )
    by_name = {operation.name: operation for operation in every}
    return {name: by_name[name] for name in OPERATIONS}


def _system(platform: str, environ: Mapping[str, str]) -> System:
    if platform == "win32":
        return System.WINDOWS
    if platform == "darwin":
        return System.MACOS
    if platform != "linux":
        return System.OTHER
    if environ.get("DISPLAY") and environ.get("XDG_SESSION_TYPE") != "wayland":
        # WAYLAND_DISPLAY may be set for a nested compositor; QT_QPA_PLATFORM=xcb then still is the X server's
        wayland = bool(environ.get("WAYLAND_DISPLAY")) and environ.get("QT_QPA_PLATFORM") != "xcb"
        return System.LINUX_WAYLAND if wayland else System.LINUX_X11
    if environ.get("WAYLAND_DISPLAY") or environ.get("XDG_SESSION_TYPE") == "wayland":
        return System.LINUX_WAYLAND
    return System.LINUX_NO_DISPLAY


def active_window() -> str:
    """The class and process of the window that is active now, where this system tells; never its title."""
    if sys.platform != "linux":
        return ""
    from app.lockdown import x11

    return x11.active_window()
