"""What operations and watchers are made with."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.policy import Policy
from app.core.ports import KioskWindow
from app.lockdown.processes import ListedProcess


@dataclass(frozen=True, slots=True)
class OperationSetting:
    """``window`` and ``policy`` are None in the guardian and on the command line, where changes are only reverted.

    ``restore_command`` is what gives the machine back at the next login; it is run without a shell.
    """

    window: KioskWindow | None = None
    policy: Policy | None = None
    restore_command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchSetting:
    """``known`` says why programs are denied, ``own_pids`` and ``window`` are never reported. ``window`` None: no exam yet."""

    policy: Policy
    known: tuple[ListedProcess, ...] = ()
    own_pids: frozenset[int] = frozenset()
    window: KioskWindow | None = None
