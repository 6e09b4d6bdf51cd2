"""Giving a machine back after a run that was cut off: at the next start of another, and at the next login."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from app.core.errors import LockdownError
from app.core.lockdown import AUTOSTART
from app.lockdown.journal import RestoreJournal
from app.lockdown.platform import all_operations, operations_named
from app.lockdown.sequence import revert_all
from app.lockdown.setting import OperationSetting
from app.runtime.options import self_command

DEMO_FOLDER = "invigil-demo-"
"""How a demo's temporary folder begins. ``client`` in it is the data folder of the demo's client."""


def restore_leftovers() -> list[str]:
    """What exams and demos of this user left changed, without one that still runs. Returns a sentence for each problem.

    For a start on the person's own desktop; a client with a data folder of its own keeps to that.
    """
    problems: list[str] = []
    demos = Path(tempfile.gettempdir()).glob(f"{DEMO_FOLDER}*/client/restore.jsonl")
    for path in (RestoreJournal.default_path(), *(demo for demo in demos if _is_ours(demo))):
        journal = RestoreJournal(path)
        try:
            if journal.intents():
                problems += revert_all(journal, all_operations())
        except LockdownError as error:
            problems.append(str(error))
    return problems


def _is_ours(path: Path) -> bool:
    """Anybody may put something into the folder for temporary files."""
    try:
        return not hasattr(os, "getuid") or path.lstat().st_uid == os.getuid()
    except OSError:
        return False


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
