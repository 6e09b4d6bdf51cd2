"""What guardian and client of one run tell each other: a small file that is only ever appended to, synced at each line.

So a client that goes on, after a stop or a crash, learns what its guardian saw meanwhile. No Qt, no native media.
Anybody who may write the user's files can write here too: nothing in it is obeyed beyond a restart that is left out.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.core.types import Json

LIMIT_BYTES = 1_000_000
"""A file of more than this is not ours; nothing is read from it."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The client was stopped by a signal for ``seconds``; None where it was not told for how long."""

    seconds: float | None

    @property
    def sentence(self) -> str:
        how_long = "" if self.seconds is None else f" for {self.seconds:.0f} s"
        return f"the exam client was stopped{how_long} by another program"


@dataclass(frozen=True, slots=True)
class JournalAltered:
    """Lines of the restore journal were not as they were written."""

    lines: int

    @property
    def sentence(self) -> str:
        what = "a line" if self.lines == 1 else f"{self.lines} lines"
        return f"{what} of the restore journal had been altered"


Note = Stopped | JournalAltered


class RunBook:
    """One file per guardian, beside the restore journal. Any process; one thread at a time. Raises OSError."""

    def __init__(self, journal: Path, guardian_pid: int) -> None:
        self._path = journal.with_name(f"run-{guardian_pid}.jsonl")

    def begin(self) -> None:
        """For the guardian at its start. Removes what runs before this one left, when they were cut off."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self._path.parent.glob("run-*.jsonl"):
            if left != self._path and _is_over(left.stem.removeprefix("run-")):
                with contextlib.suppress(OSError):  # what can't be removed is no book, and nobody reads it
                    left.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)

    def end(self) -> None:
        """For the guardian."""
        self._path.unlink(missing_ok=True)

    def tell(self, note: Note) -> None:
        """For the guardian, and for who waits for the client in its place."""
        match note:
            case Stopped(seconds):
                self._append({"note": "stopped", "seconds": seconds})
            case JournalAltered(lines):
                self._append({"note": "journal_altered", "lines": lines})

    def set_restart(self, *, wanted: bool) -> None:
        """For the client: whether it is started again, should it crash."""
        self._append({"note": "restart", "wanted": wanted})

    def start_client(self) -> None:
        """For the guardian: from here on it is another client that writes."""
        self._append({"note": "client"})

    def end_client(self) -> None:
        """For the client, as its last word: it ends of its own accord, whatever its exit code."""
        self._append({"note": "ends"})

    def cut_off(self) -> bool:
        """Whether the client that ran last had an exam and did not say that it ends."""
        said = [line.get("note") for line in self._lines()]
        begun = max((number for number, note in enumerate(said) if note == "client"), default=0)
        since = said[begun:]
        return "restart" in since and "ends" not in since

    def restart_wanted(self) -> bool:
        """As the client said last; True before it says anything."""
        said = [line.get("wanted") for line in self._lines() if line.get("note") == "restart"]
        return not said or said[-1] is not False

    def unread(self) -> list[Note]:
        """What the guardian told and no client took."""
        notes: list[Note] = []
        for line in self._lines():
            match line:
                case {"note": "taken"}:
                    notes.clear()
                case {"note": "stopped", "seconds": None}:
                    notes.append(Stopped(None))
                case {"note": "stopped", "seconds": int() | float() as seconds} if 0 <= seconds < 1e9:
                    notes.append(Stopped(seconds))
                case {"note": "journal_altered", "lines": int(count)}:
                    notes.append(JournalAltered(count))
                case _:
                    continue
        return notes

    def take(self) -> list[Note]:
        """As ``unread``, and they are not told again."""
        notes = self.unread()
        if notes:
            self._append({"note": "taken"})
        return notes

    def _append(self, line: Mapping[str, Json]) -> None:
        handle = self._open(os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(handle, b"\n" + json.dumps(line).encode() + b"\n")  # a line that was cut off stays one of its own
            os.fsync(handle)
        finally:
            os.close(handle)

    def _open(self, flags: int) -> int:
        """Without waiting for anybody: a pipe that somebody put there would hold us up for ever."""
        extra = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
        handle = os.open(self._path, flags | sum(extra), 0o600)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError(errno.EINVAL, "not a file", str(self._path))
        return handle

    def _lines(self) -> list[dict[str, Json]]:
        try:
            with os.fdopen(self._open(os.O_RDONLY), "rb") as file:
                content = file.read(LIMIT_BYTES + 1)
        except FileNotFoundError:
            return []
        if len(content) > LIMIT_BYTES:
            return []
        found = []
        for raw in content.splitlines():
            try:
                line = json.loads(raw)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict):
                found.append(line)
        return found


def _is_over(number: str) -> bool:
    """Whether it names a guardian that does not run; any name may stand in that folder."""
    try:
        return number.isdecimal() and not psutil.pid_exists(int(number))
    except OverflowError:
        return True
