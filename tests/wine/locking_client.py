"""A client that locks this Windows in earnest: ``locking_client.py JOURNAL WHAT``.

``die-at N`` performs everything and gives it back, and is ended by TerminateProcess at its N-th step: a call of the
system by the main thread, or a line of the journal reaching the disk. With N = 0 it lives and prints how many steps there were. ``crash``
locks and ends without giving anything back, ``wait`` locks and waits. ``move`` asks to be started on a desktop of the exam's own.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from app.lockdown.win32.library import Library

STEPS = itertools.count(1)
_MOVES, _CRASHES = 4, 70


def count_steps(die_at: int) -> None:
    """From here on; to be called before what it counts is imported."""
    declare, sync = Library.function, os.fsync

    def step() -> None:
        if threading.current_thread() is threading.main_thread() and next(STEPS) == die_at:
            windows = ctypes.CDLL("kernel32")
            windows.TerminateProcess(ctypes.c_void_p(-1), 9)

    def counted(library: Library, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
        call = declare(library, name, result, *arguments)

        def stepping(*values: object) -> Any:
            step()
            return call(*values)

        return stepping

    def synced(handle: int) -> None:
        step()
        sync(handle)
        step()

    for owner, name, replaced in ((Library, "function", counted), (os, "fsync", synced)):
        setattr(owner, name, replaced)


def main(journal: Path, what: str, number: int) -> int:
    if what == "die-at":
        count_steps(number)
    from app.core.lockdown import BY_GUARDIAN
    from app.core.policy import Candidate, Exam, Policy, Upload
    from app.lockdown.journal import RestoreJournal
    from app.lockdown.sequence import perform_all, revert_all
    from app.lockdown.setting import OperationSetting
    from app.lockdown.windows import changes
    from app.lockdown.windows.own_desktop import on_own_desktop
    from tests.wine.exam_window import ExamWindow

    policy = Policy(
        exam=Exam(id="e", title="Exam", start_url="http://127.0.0.1/"),
        candidate=Candidate(id="c", name="Sample Candidate"),
        upload=Upload(endpoint="http://127.0.0.1/", token="t", exam_id="e"),
    )
    if what == "move" and not on_own_desktop():
        return _MOVES
    with ExamWindow() as window:
        operations = changes.operations(OperationSetting(window, policy, ("invigil", "lockdown", "restore")))
        # without a display affinity there is no leaving out of captures: see the tests of it
        wanted = [one for one in operations if one.name not in BY_GUARDIAN | {"capture_exclusion"}]
        perform_all(wanted, RestoreJournal(journal))
        if what == "crash":
            os._exit(_CRASHES)
        if what == "wait":
            Path(f"{journal}.locked").touch()
            time.sleep(600)
        problems = revert_all(RestoreJournal(journal), {one.name: one for one in wanted})
    print(next(STEPS), *problems, flush=True)
    return len(problems)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--resume"]
    raise SystemExit(main(Path(words[0]), words[1], int(words[2]) if words[2:] else 0))
