"""What this machine is, and the adapters that it has. The one place that asks for the operating system."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.core.errors import LockdownError
from app.core.lockdown import BY_GUARDIAN, DESKTOP, OPERATIONS, SYSTEM_NAMES, MachineFacts, Plan, System, plan
from app.core.policy import Policy
from app.core.ports import Closer, LockdownOperation, Watcher
from app.lockdown.journal import RestoreJournal
from app.lockdown.setting import OperationSetting, WatchSetting

if TYPE_CHECKING:
    from app.lockdown.windows.own_desktop import StartOnOwnDesktop


class Adapters(Protocol):
    """What a module ``app.lockdown.<system>.adapters`` offers. None of it changes anything by being built."""

    def facts(self, environ: Mapping[str, str]) -> MachineFacts:
        """Reads only. A display that does not answer counts as none."""

    def operations(self, setting: OperationSetting) -> tuple[LockdownOperation, ...]:
        """Every operation of this system, in any order."""

    def watcher(self, name: str, setting: WatchSetting) -> Watcher | None:
        """The watcher of that name; None where this system has none."""

    def closer(self) -> Closer: ...

    def active_window(self) -> str:
        """The class and process of the window that is active now, empty where it is not told; never its title."""


def machine_facts(environ: Mapping[str, str] = os.environ) -> MachineFacts:
    """Reads only. A display that does not answer counts as none."""
    adapters = _adapters()
    return MachineFacts(System.OTHER) if adapters is None else adapters.facts(environ)


def unsupported(environ: Mapping[str, str] = os.environ) -> str | None:
    """None where an exam can be locked, otherwise a sentence that says so and what to do."""
    facts = machine_facts(environ)
    if facts.system is System.LINUX_NO_DISPLAY:
        return "There is no display that answers, so no exam can be locked here; start it in a desktop session."
    if facts.system is System.LINUX_WAYLAND:
        kiosk = "start it with 'invigil take --kiosk-compositor' from a text console" if facts.kiosk_compositor else ""
        advice = " or ".join(part for part in ("log in to an X11 session (Xorg)", kiosk) if part)
        return f"On Linux with Wayland a program can't lock the screen for an exam; {advice}."
    if facts.system is System.OTHER:
        return f"Locked exams are not supported on {SYSTEM_NAMES[facts.system]}; use Windows, macOS or Linux."
    return None


def operations_for(plan: Plan, setting: OperationSetting) -> tuple[LockdownOperation, ...]:
    """The plan's operations in its order, without those that are the guardian's."""
    available = operations_named(setting)
    return tuple(available[name] for name in plan.operations if name not in BY_GUARDIAN)


def all_operations() -> dict[str, LockdownOperation]:
    """Every operation of this platform by name, for restoring without a window. Empty where none is supported."""
    return operations_named(OperationSetting())


def start_elsewhere(operations: Mapping[str, LockdownOperation], journal: Path) -> StartOnOwnDesktop | None:
    """How the guardian starts a client for which ``belongs_elsewhere`` holds; None where there is no such place.

    ``operations`` are the guardian's own, by which it comes back from there.
    """
    found: StartOnOwnDesktop | None = None
    if sys.platform == "win32":
        from app.lockdown.windows.own_desktop import OwnDesktop, StartOnOwnDesktop

        operation = operations.get(DESKTOP)
        if isinstance(operation, OwnDesktop):
            found = StartOnOwnDesktop(operation, RestoreJournal(journal))
    return found


def told_of_session_end(ask: Callable[[], None]) -> AbstractContextManager[object]:
    """While open, ``ask`` is called, on another thread, when the login session ends and the system does not say so by a
    signal. The system is kept waiting until this is closed, for some seconds at most."""
    told: AbstractContextManager[object] = nullcontext()
    if sys.platform == "win32":
        from app.lockdown.windows.session_end import SessionEnd

        told = SessionEnd(ask)
    return told


def session_ends() -> bool:
    """Whether the login session is just ending, where the system tells that."""
    ends = False
    if sys.platform == "win32":
        from app.lockdown.windows import session_end

        ends = session_end.session_ends()
    return ends


def is_elsewhere() -> bool:
    """Whether this process's windows are on a desktop of the exam's own."""
    elsewhere = False
    if sys.platform == "win32":
        from app.lockdown.windows.own_desktop import on_own_desktop

        elsewhere = on_own_desktop()
    return elsewhere


def belongs_elsewhere(policy: Policy) -> bool:
    """Whether this client has to be started again on a desktop of the exam's own."""
    return DESKTOP in plan(policy, machine_facts()).operations and not is_elsewhere()


def watchers_for(plan: Plan, setting: WatchSetting) -> tuple[Watcher, ...]:
    """The plan's watchers, in its order."""
    adapters = _adapters()
    if adapters is None:
        return ()
    made = (adapters.watcher(name, setting) for name in plan.watchers)
    return tuple(watcher for watcher in made if watcher is not None)


def closer() -> Closer:
    """Raises LockdownError where programs can't be closed."""
    adapters = _adapters()
    if adapters is None:
        raise LockdownError("Programs can't be closed on this operating system; close them yourself.")
    return adapters.closer()


def active_window() -> str:
    """The class and process of the window that is active now, where this system tells; never its title."""
    adapters = _adapters()
    return "" if adapters is None else adapters.active_window()


def operations_named(setting: OperationSetting) -> dict[str, LockdownOperation]:
    """Every operation of this platform by name, in the order in which they are performed."""
    adapters = _adapters()
    if adapters is None:
        return {}
    by_name = {operation.name: operation for operation in adapters.operations(setting)}
    return {name: by_name[name] for name in OPERATIONS if name in by_name}


def _adapters() -> Adapters | None:
    found: Adapters | None = None
    if sys.platform == "linux":
        from app.lockdown.linux import adapters as linux

        found = linux
    elif sys.platform == "win32":
        from app.lockdown.windows.adapters import WindowsAdapters

        found = WindowsAdapters()
    elif sys.platform == "darwin":
        from app.lockdown.macos.adapters import MacAdapters

        found = MacAdapters()
    return found
