"""SHA-256 of program files, a little at a time, so that the watchers are never held up by large ones."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

_PIECE_BYTES = 1 << 20
BYTES_PER_ROUND = 64 << 20


class FileHashes:
    """``begin`` each round, then ``get`` for any number of files. One thread.

    Each round reads at most 64 MiB (and one piece); a file is read once, as long as it stays the same. What was not
    ready is asked for again in a later round, which goes on where this one stopped.
    """

    def __init__(self, bytes_per_round: int = BYTES_PER_ROUND) -> None:
        self._bytes_per_round = bytes_per_round
        self._left = 0
        self._known: dict[str, tuple[tuple[int, int], str]] = {}
        self._started: dict[str, _Started] = {}

    def begin(self) -> None:
        self._left = self._bytes_per_round

    def get(self, file: str) -> str | None:
        """In hexadecimal digits, small letters; None when it is not ready yet; empty when the file can't be read."""
        try:
            status = Path(file).stat()
        except OSError:
            return ""
        if not stat.S_ISREG(status.st_mode):
            return ""
        state = (status.st_mtime_ns, status.st_size)
        known = self._known.get(file)
        if known is not None and known[0] == state:
            return known[1]
        try:
            digest = self._go_on(file, state)
        except OSError:
            digest = ""
        if digest is not None:
            self._started.pop(file, None)
            self._known[file] = state, digest
        return digest

    def _go_on(self, file: str, state: tuple[int, int]) -> str | None:
        started = self._started.get(file)
        if started is None or started.state != state:
            started = self._started[file] = _Started(state)
        with open(file, "rb", opener=_without_waiting) as opened:
            opened.seek(started.done, os.SEEK_SET)
            while self._left > 0:
                piece = opened.read(_PIECE_BYTES)
                if not piece:
                    return started.hash.hexdigest()
                started.hash.update(piece)
                started.done += len(piece)
                self._left -= len(piece)
        return None


def _without_waiting(file: str, flags: int) -> int:
    """A pipe that was put in the file's place just now would hold the watchers up for ever."""
    return os.open(file, flags | getattr(os, "O_NONBLOCK", 0))


class _Started:
    """A file that is read in part."""

    def __init__(self, state: tuple[int, int]) -> None:
        self.state = state
        self.done = 0
        self.hash = hashlib.sha256()
