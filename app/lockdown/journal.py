"""The restore journal: what is about to be changed on the machine, written down before it is changed.

One JSON object per line. ``{"do": "intend", "op", "before", "pid", "started", "sum"}`` precedes a
change, ``{"do": "reverted", "op", "sum"}`` follows its undoing. What is intended and not
reverted is outstanding. Whoever outlives the client restores from this file alone.

``sum`` is the beginning of the SHA-256 of the line's other members. It tells a value that was edited or went bad from
one that was written here; whoever reads this file can make a new one, so operations trust no value all the same.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
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

    def _try_lock(handle: int) -> None:
        """Windows' own way to wait looks once a second, and whoever comes often is never let in."""
        os.lseek(handle, _FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _unlock(handle: int) -> None:
        os.lseek(handle, _FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _try_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)


LOCK_WAIT_S = 10.0
LIMIT_BYTES = 1 << 24
"""What lies further back in the file is not ours: it is not read."""
_FLAGS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
"""Nobody waits for a pipe that somebody put in the journal's place."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that made a change: its id and its start (seconds since the epoch), since ids are used again.

    ``mark`` is that start as Linux knows it, with the boot: there the other one moves whenever the machine's clock is set.
    """

    pid: int
    started_s: float
    mark: str = ""

    def alive(self) -> bool:
        """False for one that has ended and was not yet taken notice of by its parent, too."""
        try:
            process = psutil.Process(self.pid)
            now = _mark(self.pid) if self.mark else ""
            same = now == self.mark if now else abs(process.create_time() - self.started_s) < 1.0
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
    return Owner(os.getpid(), psutil.Process().create_time(), _mark(os.getpid()))


def _mark(pid: int) -> str:
    """Empty outside Linux, and for a process that is gone."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()  # proc(5); a name may have any sign
        return f"{boot} {int(fields[19])}"
    except (OSError, ValueError, IndexError):
        return ""


class RestoreJournal:
    """Appends are on disk when a call returns. Damaged lines are reported by ``problems()``, never raised.

    Several processes may use one journal (it is locked meanwhile); what a live process did is told apart by its owner.
    Raises LockdownError when the file can't be written or read. It is read without being written or made, so on a disk
    that takes nothing any more, too, and past a program that holds it for longer than 10 s.
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
            self._append(handle, line | {"pid": owner.pid, "started": owner.started_s, "mark": owner.mark})
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
        with self._answering():
            if not os.path.lexists(self._path):
                return True
        with self._locked() as handle:
            if _parse(_content(handle))[0]:
                return False
            os.ftruncate(handle, 0)
            os.fsync(handle)
        return True

    def _read(self) -> tuple[list[Intent], list[Damage]]:
        with self._answering():
            try:
                handle = _opened(self._path, os.O_RDONLY)
            except FileNotFoundError:
                return [], []
            try:
                held = _lock(handle)
                try:
                    return _parse(_content(handle))
                finally:
                    if held:
                        _unlock(handle)
            finally:
                os.close(handle)

    def _append(self, handle: int, line: Mapping[str, Json]) -> None:
        data = json.dumps(dict(line) | {"sum": _sum(line)}, sort_keys=True).encode() + b"\n"
        content = _content(handle)
        if len(content) >= LIMIT_BYTES:
            raise OSError(errno.EFBIG, "it is too large to be ours")
        if content and not content.endswith(b"\n"):
            data = b"\n" + data  # the torn line stays a line of its own
        os.lseek(handle, 0, os.SEEK_END)
        while data:
            data = data[os.write(handle, data) :]
        os.fsync(handle)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        with self._answering():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = not os.path.lexists(self._path)
            handle = _opened(self._path, os.O_RDWR | os.O_CREAT)
            try:
                if not _lock(handle):
                    raise OSError(errno.EAGAIN, "another program holds it")
                try:
                    if new:
                        _sync_folder(self._path.parent)
                    yield handle
                finally:
                    _unlock(handle)
            finally:
                os.close(handle)

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LockdownError(
                f"The restore journal {self._path} can't be used ({error.strerror}); free the disk or its permissions."
            ) from error


def _opened(path: Path, flags: int) -> int:
    handle = os.open(path, flags | _FLAGS, 0o600)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is not a file")
    return handle


def _lock(handle: int) -> bool:
    """False when another program held it for too long."""
    deadline_s = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            _try_lock(handle)
        except OSError:
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.005)
        else:
            return True


def _sync_folder(folder: Path) -> None:
    if sys.platform != "win32":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _content(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    content = b""
    while len(content) < LIMIT_BYTES and (part := os.read(handle, min(1 << 20, LIMIT_BYTES - len(content)))):
        content += part
    return content


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
                mark = whole.get("mark")
                return Intent(op, before, Owner(pid, float(at), mark if isinstance(mark, str) else ""))
    return None


def _sum(line: Mapping[str, Json]) -> str:
    rest = {name: value for name, value in line.items() if name != "sum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]
