"""The restore journal: what is about to be changed on the machine, written down before it is changed.

One JSON object per line. ``{"do": "intend", "op", "before", "pid", "started", "sum"}`` precedes a
change, ``{"do": "reverted", "op", "sum"}`` follows its undoing. What is intended and not
reverted is outstanding. Whoever outlives the client restores from this file alone.

``sum`` is the beginning of the SHA-256 of the line's other members. It tells a value that was edited or went bad from
one that was written here; whoever reads this file can make a new one, so operations trust no value all the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psutil

from app.core.errors import LockdownError
from app.core.types import Json

if sys.platform == "win32":
    import msvcrt

    _FAR = 2**31 - 2
    """A byte that is never written: locking it keeps others out and hinders no reader of the lines."""

    _LOCK_WAIT_S = 10.0

    def _lock(handle: int) -> None:
        """Tries again and again: Windows' own way to wait looks once a second, and whoever comes often is never let in."""
        deadline_s = time.monotonic() + _LOCK_WAIT_S
        while True:
            os.lseek(handle, _FAR, os.SEEK_SET)
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            except OSError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.005)
            else:
                return

    def _unlock(handle: int) -> None:
        os.lseek(handle, _FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that made a change: its id and its start (seconds since the epoch), since ids are used again."""

    pid: int
    started_s: float

    def alive(self) -> bool:
        """False for one that has ended and was not yet taken notice of by its parent, too."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_s) < 1.0
            return same and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, ValueError):  # the latter for what is no process id: anybody can edit the file
            return False


@dataclass(frozen=True, slots=True)
class Intent:
    """One change that was intended and not undone. ``before`` is the machine's state before the first of them."""

    op: str
    before: Mapping[str, Json]
    owner: Owner


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that was left out. ``altered``: it is whole, but not as it was written; otherwise it was cut off, as by a
    loss of power.
    """

    number: int
    altered: bool

    @property
    def sentence(self) -> str:
        how = "was altered" if self.altered else "is damaged"
        return f"Line {self.number} of the restore journal {how} and was left out."


def this_process() -> Owner:
    return Owner(os.getpid(), psutil.Process().create_time())


class RestoreJournal:
    """Appends are on disk when a call returns. Damaged lines are reported by ``problems()``, never raised.

    Several processes may use one journal (it is locked meanwhile); what a live process did is told apart by its owner.
    Raises LockdownError when the file can't be written or read.
    """

    def __init__(self, path: Path, owner: Callable[[], Owner] = this_process) -> None:
        self._path = path
        self._owner = owner

    @classmethod
    def default_path(cls) -> Path:
        """The one of this user's exams, in their data folder: it has to be found again by whoever starts next."""
        return platformdirs.user_data_path("invigil", appauthor=False) / "restore.jsonl"

    @property
    def path(self) -> Path:
        return self._path

    def owner(self) -> Owner:
        """The process that this journal writes for."""
        return self._owner()

    def intend(self, op: str, before: Mapping[str, Json]) -> Mapping[str, Json]:
        """Writes the intent and returns the state to go back to.

        That is ``before``, unless the operation is outstanding already (after a crash, or by another
        process): then the machine is changed, and only the first ``before`` tells how it was.
        """
        owner = self.owner()
        with self._locked() as handle:
            intents, _ = _parse(_content(handle))
            first = next((i.before for i in intents if i.op == op), dict(before))
            line: dict[str, Json] = {"do": "intend", "op": op, "before": dict(first)}
            self._append(handle, line | {"pid": owner.pid, "started": owner.started_s})
        return first

    def reverted(self, op: str) -> None:
        with self._locked() as handle:
            self._append(handle, {"do": "reverted", "op": op})

    def outstanding(self) -> list[tuple[str, Mapping[str, Json]]]:
        """Operation and state before, newest first: the order in which to restore."""
        return [(i.op, i.before) for i in self.intents()]

    def intents(self) -> list[Intent]:
        """As ``outstanding``, with who made the change."""
        return self._read()[0]

    def problems(self) -> list[str]:
        """A sentence for each line that can't be used."""
        return [damage.sentence for damage in self.damages()]

    def damages(self) -> list[Damage]:
        """What was left out, in the order of the file."""
        return self._read()[1]

    def clear(self) -> bool:
        """Empties the file when nothing is outstanding; returns whether it did."""
        if not self._path.exists():
            return True
        with self._locked() as handle:
            if _parse(_content(handle))[0]:
                return False
            os.ftruncate(handle, 0)
            os.fsync(handle)
        return True

    def _read(self) -> tuple[list[Intent], list[Damage]]:
        if not self._path.exists():
            return [], []
        with self._locked() as handle:
            return _parse(_content(handle))

    def _append(self, handle: int, line: Mapping[str, Json]) -> None:
        data = json.dumps(dict(line) | {"sum": _sum(line)}, sort_keys=True).encode() + b"\n"
        content = _content(handle)
        if content and not content.endswith(b"\n"):
            data = b"\n" + data  # the torn line stays a line of its own
        os.lseek(handle, 0, os.SEEK_END)
        while data:
            data = data[os.write(handle, data) :]
        os.fsync(handle)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = not self._path.exists()
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
            handle = os.open(self._path, flags, 0o600)
            try:
                _lock(handle)
                try:
                    if new:
                        _sync_folder(self._path.parent)
                    yield handle
                finally:
                    _unlock(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise LockdownError(
                f"The restore journal {self._path} can't be used ({error.strerror}); free the disk or its permissions."
            ) from error


def _sync_folder(folder: Path) -> None:
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _content(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    parts = []
    while part := os.read(handle, 65536):
        parts.append(part)
    return b"".join(parts)


def _parse(content: bytes) -> tuple[list[Intent], list[Damage]]:
    """Outstanding intents, newest first, and each line that was left out."""
    open_: dict[str, Intent] = {}
    damages = []
    for number, raw in enumerate(content.split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            whole = json.loads(raw)
        except (ValueError, RecursionError):
            damages.append(Damage(number, altered=False))
            continue
        line = _line(whole)
        if isinstance(line, Intent):
            first = open_.pop(line.op, line)
            open_[line.op] = Intent(line.op, first.before, line.owner)
        elif isinstance(line, str):
            open_.pop(line, None)
        else:
            damages.append(Damage(number, altered=True))
    return list(reversed(open_.values())), damages


def _line(whole: Json) -> Intent | str | None:
    """An intent, the name of a reverted operation, or None for what was not written here."""
    try:
        if not isinstance(whole, dict) or whole.get("sum") != _sum(whole):
            return None
    except RecursionError:
        return None
    match whole:
        case {"do": "reverted", "op": str(op)}:
            return op
        case {"do": "intend", "op": str(op), "before": dict(before), "pid": int(pid), "started": int() | float() as at}:
            with contextlib.suppress(OverflowError):  # as written by hand
                return Intent(op, before, Owner(pid, float(at)))
    return None


def _sum(line: Mapping[str, Json]) -> str:
    rest = {name: value for name, value in line.items() if name != "sum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]
