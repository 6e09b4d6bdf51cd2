"""What operations and watchers are made with."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.policy import Policy
from app.core.ports import KioskWindow
from app.lockdown.input_log import InputLog
from app.lockdown.machine_signs import MachineSigns
from app.lockdown.processes import ListedProcess


@dataclass(frozen=True, slots=True)
class OperationSetting:
    """``window`` and ``policy`` are None in the guardian and on the command line, where changes are only reverted.

    ``restore_command`` is what gives the machine back at the next login; it is run without a shell. ``input_log`` is
    written by an operation that hooks into the input, and read by the watcher that has the same one.
    """

    window: KioskWindow | None = None
    policy: Policy | None = None
    restore_command: tuple[str, ...] = ()
    input_log: InputLog = field(default_factory=InputLog)


@dataclass(frozen=True, slots=True)
class WatchSetting:
    """``known`` says why programs are denied, ``own_pids`` and ``window`` are never reported. ``window`` None: no exam yet.

    ``signs`` are what virtual machines and cameras are known by.
    """

    policy: Policy
    known: tuple[ListedProcess, ...] = ()
    own_pids: frozenset[int] = frozenset()
    window: KioskWindow | None = None
    input_log: InputLog = field(default_factory=InputLog)
    signs: MachineSigns = field(default_factory=MachineSigns)
