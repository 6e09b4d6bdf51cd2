"""Programs that an exam does not allow, found among the running processes. How a system lists them is a small port."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from app.core import lockdown
from app.core.errors import BadInput, LockdownError
from app.core.lockdown import program_name
from app.core.machine_signals import BY_PROGRAM
from app.core.types import Observation, ProcessesSeen
from app.lockdown.file_hashes import FileHashes

_SETTLING_POLLS = 3
_RECHECK_EVERY_POLLS = 10
_BY_HASH = "sha256:"
_BY_ITS_FILE = "its file is one that the exam does not allow, whatever it is called"


@dataclass(frozen=True, slots=True)
class ListedProcess:
    """One entry of the list: a program's process name, its kind, and why it matters in an exam.

    ``original_names`` are those that its maker built into the file, where they differ: they stay when the file is renamed.
    ``signal`` is what its running says of the machine (one of ``core.machine_signals.BY_PROGRAM``); empty for nothing.
    """

    name: str
    kind: str
    why: str
    original_names: tuple[str, ...] = ()
    signal: str = ""


def load_process_list(path: Path) -> tuple[ListedProcess, ...]:
    """Reads ``[{"name", "kind", "why", "original_names"?, "signal"?}, ...]``. Raises BadInput that names the file and
    the entry."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"The process list {path} can't be read ({error}); restore the file.") from error
    return read_process_list(entries, path)


def read_process_list(entries: object, path: Path) -> tuple[ListedProcess, ...]:
    """The same for what was read from ``path``."""
    if not isinstance(entries, list):
        raise BadInput(f"The process list {path} is not a JSON array; restore the file.")
    found = []
    for number, entry in enumerate(entries, start=1):
        match entry:
            case {"name": str(name), "kind": str(kind), "why": str(why)} if program_name(name):
                names, signal = _original_names(entry, number, path), _signal_of(entry, number, path)
                found.append(ListedProcess(name, kind, why, names, signal))
            case _:
                raise BadInput(f"Entry {number} of the process list {path} needs name, kind and why; correct it.")
    return tuple(found)


def _original_names(entry: Mapping[str, object], number: int, path: Path) -> tuple[str, ...]:
    names = entry.get("original_names", [])
    if isinstance(names, list) and all(isinstance(name, str) and program_name(name) for name in names):
        return tuple(names)
    raise BadInput(
        f"Entry {number} of the process list {path} has original_names that are not a list of names; correct it."
    )


def _signal_of(entry: Mapping[str, object], number: int, path: Path) -> str:
    signal = entry.get("signal", "")
    if isinstance(signal, str) and (not signal or signal in BY_PROGRAM):
        return signal
    raise BadInput(
        f"Entry {number} of the process list {path} has a signal that there is not; there are "
        f"{', '.join(sorted(BY_PROGRAM))}."
    )


def reasons(denied: Iterable[str], known: Iterable[ListedProcess] = ()) -> dict[str, str]:
    """Why each denied name is denied, by normalised name: from the list, otherwise that the exam says so.

    The original names of a listed program are denied with it, for the same reason.
    """
    listed = {program_name(entry.name): entry for entry in known}
    found: dict[str, str] = {}
    for name in filter(None, map(program_name, denied)):
        entry = listed.get(name)
        if entry is None:
            found.setdefault(name, _BY_ITS_FILE if name.startswith(_BY_HASH) else "not allowed in this exam")
        else:
            names = (name, *map(program_name, entry.original_names))
            found |= dict.fromkeys(names, f"{entry.kind}: {entry.why}")
    return found


@dataclass(frozen=True, slots=True)
class Program:
    """What a process runs: every name it goes by, and the path of its file, empty where that is not told."""

    names: tuple[str, ...]
    file: str = ""


class RunningPrograms(Protocol):
    """How a system lists its processes. One thread. Nothing is kept of command lines."""

    def pids(self) -> Collection[int]:
        """Of all processes that run now. Called once per poll, before ``program``."""

    def program(self, pid: int) -> Program | None:
        """None when it has ended, or nothing is told of it."""

    def signer(self, file: str) -> str:
        """Who signed the file, where the system checked that and trusts the signature; otherwise empty."""


class PsutilPrograms:
    """By psutil, which knows no original names and no signers."""

    def pids(self) -> Collection[int]:
        return psutil.pids()

    def program(self, pid: int) -> Program | None:
        try:
            process = psutil.Process(pid)
            with process.oneshot():  # both are in one file of the system's
                if process.status() == psutil.STATUS_ZOMBIE:
                    return None
                name = process.name()
        except psutil.Error:
            return None
        try:
            file = process.exe()
        except psutil.Error:
            return Program((name,))
        return Program((name, file), file)

    def signer(self, file: str) -> str:
        return ""


class Processes:
    """Reports the denied processes that run, at every change. One thread.

    A process is read when it is new, a few polls longer because a program changes its name when it
    starts, and then every tenth poll; one that was found is read each time. A denied program under another name is found by its original
    name, where the system tells (Windows), or by the SHA-256 of its file (``sha256:`` in ``why``), and then told by the name
    that it runs under, which a person can look for. One that a signer of ``allowed_signers`` signed is not reported.
    """

    name = lockdown.PROCESSES

    def __init__(
        self,
        why: Mapping[str, str],
        own_pids: Collection[int] = (),
        programs: RunningPrograms | None = None,
        allowed_signers: Collection[str] = (),
    ) -> None:
        self._why = dict(why)
        self._own = frozenset(own_pids)
        self._programs: RunningPrograms = PsutilPrograms() if programs is None else programs
        self._allowed_signers = frozenset(filter(None, (each.strip().casefold() for each in allowed_signers)))
        self._hashes = FileHashes() if any(name.startswith(_BY_HASH) for name in self._why) else None
        self._unhashed: set[int] = set()
        self._denied: dict[int, tuple[str, str] | None] = {}
        self._age: dict[int, int] = {}
        self._polls = 0
        self._seen: tuple[tuple[tuple[str, str], ...], tuple[int, ...]] = ((), ())

    def poll(self, now_ns: int) -> Sequence[Observation]:
        self._polls += 1
        if self._hashes is not None:
            self._hashes.begin()
        pids = [pid for pid in self._programs.pids() if pid not in self._own]
        self._age = {pid: self._age.get(pid, 0) + 1 for pid in pids}
        self._unhashed &= self._age.keys()
        self._denied = {pid: self._look(pid) for pid in pids}
        by_pid = {pid: denied for pid, denied in self._denied.items() if denied is not None}
        found = tuple(sorted(set(by_pid.values())))
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

    def _look(self, pid: int) -> tuple[str, str] | None:
        """The denied program that it is, and why it is denied, read anew when its turn has come."""
        known = self._denied.get(pid)
        turn = self._age[pid] <= _SETTLING_POLLS or (pid + self._polls) % _RECHECK_EVERY_POLLS == 0
        if known is None and not turn and pid not in self._unhashed:
            return None
        program = self._programs.program(pid)
        if program is None:
            return None
        names = {program_name(name) for name in program.names} | self._hash_of(pid, program)
        denied = sorted(names & self._why.keys(), key=lambda name: (name.startswith(_BY_HASH), name))
        if not denied or self._is_allowed(program):
            return None
        name = program_name(program.names[0]) if denied[0].startswith(_BY_HASH) else denied[0]
        return name, self._why[denied[0]]

    def _hash_of(self, pid: int, program: Program) -> set[str]:
        if self._hashes is None or not program.file:
            return set()
        digest = self._hashes.get(program.file)
        if digest is None:
            self._unhashed.add(pid)
            return set()
        self._unhashed.discard(pid)
        return {_BY_HASH + digest} if digest else set()

    def _is_allowed(self, program: Program) -> bool:
        if not self._allowed_signers or not program.file:
            return False
        return self._programs.signer(program.file).casefold() in self._allowed_signers


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
