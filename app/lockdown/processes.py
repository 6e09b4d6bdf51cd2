"""Programs that an exam does not allow, found among the running processes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.core import lockdown
from app.core.errors import BadInput, LockdownError
from app.core.lockdown import program_name
from app.core.types import Observation, ProcessesSeen

_SETTLING_POLLS = 3
_RECHECK_EVERY_POLLS = 10


@dataclass(frozen=True, slots=True)
class ListedProcess:
    """One entry of the list: a program's process name, its kind, and why it matters in an exam."""

    name: str
    kind: str
    why: str


def load_process_list(path: Path) -> tuple[ListedProcess, ...]:
    """Reads ``[{"name", "kind", "why"}, ...]``. Raises BadInput that names the file and the entry."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"The process list {path} can't be read ({error}); restore the file.") from error
    if not isinstance(entries, list):
        raise BadInput(f"The process list {path} is not a JSON array; restore the file.")
    found = []
    for number, entry in enumerate(entries, start=1):
        match entry:
            case {"name": str(name), "kind": str(kind), "why": str(why)} if program_name(name):
                found.append(ListedProcess(name, kind, why))
            case _:
                raise BadInput(f"Entry {number} of the process list {path} needs name, kind and why; correct it.")
    return tuple(found)


def reasons(denied: Iterable[str], known: Iterable[ListedProcess] = ()) -> dict[str, str]:
    """Why each denied name is denied, by normalised name: from the list, otherwise that the exam says so."""
    why = {program_name(entry.name): f"{entry.kind}: {entry.why}" for entry in known}
    names = (program_name(name) for name in denied)
    return {name: why.get(name, "not allowed in this exam") for name in names if name}


class Processes:
    """Reports the denied processes that run, at every change. One thread.

    A process is read when it is new, a few polls longer because a program changes its name when it
    starts, and then every tenth poll; one that was found is read each time. A denied program that hides behind another file name is not found.
    """

    name = lockdown.PROCESSES

    def __init__(self, why: Mapping[str, str], own_pids: Collection[int] = ()) -> None:
        self._why = dict(why)
        self._own = frozenset(own_pids)
        self._names: dict[int, tuple[str, ...]] = {}
        self._age: dict[int, int] = {}
        self._polls = 0
        self._seen: tuple[tuple[tuple[str, str], ...], tuple[int, ...]] = ((), ())

    def poll(self, now_ns: int) -> Sequence[Observation]:
        self._polls += 1
        pids = [pid for pid in psutil.pids() if pid not in self._own]
        self._age = {pid: self._age.get(pid, 0) + 1 for pid in pids}
        self._names = {pid: self._look(pid) for pid in pids}
        by_pid = {pid: names[0] for pid, names in self._names.items() if names}
        found = tuple(sorted((name, self._why[name]) for name in set(by_pid.values())))
        seen = (found, tuple(sorted(by_pid)))
        if seen == self._seen:
            return ()
        self._seen = seen
        return (ProcessesSeen(now_ns, *seen),)

    def listen(self, wake: Callable[[], None]) -> int | None:
        """Polled at the interval only: without special rights no system tells of every new process."""
        return None

    def close(self) -> None:
        """Nothing is held."""

    def _look(self, pid: int) -> tuple[str, ...]:
        """The denied names that the process goes by, read anew when its turn has come."""
        known = self._names.get(pid, ())
        due = known or self._age[pid] <= _SETTLING_POLLS or (pid + self._polls) % _RECHECK_EVERY_POLLS == 0
        if not due:
            return known
        return tuple(sorted({program_name(name) for name in _names_of(pid)} & self._why.keys()))


class ProcessCloser:
    """Answers the ``Closer`` port for processes, wherever psutil does; windows are a window system's matter."""

    def ask_window(self, handle: int) -> None:
        raise LockdownError("Windows of other programs can't be closed here; close them yourself.")

    def ask_process(self, pid: int) -> None:
        _signal(pid, psutil.Process.terminate)

    def end_process(self, pid: int) -> None:
        _signal(pid, psutil.Process.kill)


def _signal(pid: int, act: Callable[[psutil.Process], None]) -> None:
    try:
        act(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as error:
        raise LockdownError(
            f"This user may not close the program with process number {pid}; ask whoever runs the machine."
        ) from error


def _names_of(pid: int) -> tuple[str, ...]:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return ()
        name = process.name()
    except psutil.Error:
        return ()
    try:
        return name, process.exe()
    except psutil.Error:
        return (name,)
