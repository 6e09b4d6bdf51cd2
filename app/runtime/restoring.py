"""The command that gives a machine back, and the entry that runs it at the next login."""

from __future__ import annotations

from pathlib import Path

from app.core.errors import LockdownError
from app.core.lockdown import AUTOSTART
from app.lockdown.platform import operations_named
from app.lockdown.setting import OperationSetting
from app.runtime.options import self_command


def restore_command(journal: Path) -> tuple[str, ...]:
    """What the autostart entry runs. The same for one journal each time, as the entry is found again by it."""
    return tuple(self_command("lockdown", "restore", "--quiet", "--journal", str(journal.absolute())))


def forget_entry(journal: Path) -> list[str]:
    """Removes this journal's entry, which outlives its journal when that is lost (a temporary folder after a power cut).

    Only when nothing is outstanding in the journal. Returns a sentence for each problem.
    """
    entry = operations_named(OperationSetting(restore_command=restore_command(journal))).get(AUTOSTART)
    if entry is None:
        return []
    try:
        entry.revert(entry.before())
    except (LockdownError, OSError) as error:
        return [f"The entry that restores at the next login could not be removed ({error})."]
    return []
