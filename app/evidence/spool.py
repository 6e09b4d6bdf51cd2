"""The attempt's folder: names, durable writes, hashes, and the reserve that keeps the journal writable.

root/journal.sqlite   journal, with SQLite's -wal and -shm beside it
root/spool/*.part     files that are being written; never evidence
root/files/           finished files, named <sha256>.<ext>
root/reserve          a few MiB that are given up when the disk is full
root/manifest.jsonl, root/seal.json   written when the evidence is sealed
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from app.core.errors import EvidenceError

RESERVE_BYTES = 2 * 1024 * 1024
FLOOR_BYTES = 4 * 1024 * 1024
"""Free space that media leaves alone."""
_EXTENSIONS = {
    "video/webm": ".webm",
    "audio/webm": ".webm",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "application/json": ".json",
    "text/html": ".html",
}


class Spool:
    """Paths and durable file operations below ``root``. Any thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files_dir = root / "files"
        self.parts_dir = root / "spool"
        self._reserve = root / "reserve"
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def create(self) -> None:
        """Makes the folders, for this user only. Raises EvidenceError when the place can't be written."""
        try:
            for folder in (self.root, self.files_dir, self.parts_dir):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self.parts_dir / "probe"
            write_durably(probe, b"")
            probe.unlink()
        except OSError as error:
            raise EvidenceError(
                f"Evidence can't be written to {self.root} ({reason(error)}); free space there or choose another folder."
            ) from error

    def new_part(self, label: str) -> Path:
        """A path that no file has, not even one that an earlier process with this number left behind."""
        with self._lock:
            for number in self._numbers:
                part = self.parts_dir / f"{label}-{os.getpid()}-{number}.part"
                if not part.exists():
                    return part
        raise AssertionError("count() has no end")

    def parts(self) -> list[Path]:
        return sorted(self.parts_dir.glob("*.part"))

    def parts_bytes(self) -> int:
        total = 0
        for part in self.parts_dir.glob("*.part"):
            with contextlib.suppress(OSError):  # finished meanwhile
                total += part.stat().st_size
        return total

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.parts_dir).free

    def adopt(self, part: Path, sha256: str, extension: str) -> Path:
        """Gives a complete part its final name, durably."""
        final = self.files_dir / f"{sha256}{extension}"
        part.replace(final)
        sync_dir(self.files_dir)
        sync_dir(part.parent)
        return final

    def remove(self, name: str) -> None:
        """Deletes a finished file; nothing happens when it is gone."""
        with contextlib.suppress(OSError):  # tried again at the next start
            (self.files_dir / name).unlink(missing_ok=True)

    def fill_reserve(self) -> None:
        """Takes the reserve. A disk without that much room goes without."""
        if self._reserve.exists():
            return
        try:
            write_durably(self._reserve, b"\0" * RESERVE_BYTES)
        except OSError:
            self.release_reserve()

    def release_reserve(self) -> bool:
        """Gives the reserve's room back to the disk; True if there was any."""
        try:
            self._reserve.unlink()
        except OSError:
            return False
        return True


def extension_for(mime: str) -> str:
    """The ending of a file's name; ``.bin`` for what is not known. Parameters of the media type don't matter."""
    return _EXTENSIONS.get(mime.split(";")[0].strip(), ".bin")


def sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_dir(path: Path) -> None:
    """Makes a rename durable, where the system lets one open a folder for it."""
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_durably(path: Path, data: bytes) -> None:
    """Writes ``path`` whole or not at all."""
    part = path.with_name(path.name + ".tmp")
    write_durably(part, data)
    part.replace(path)
    sync_dir(path.parent)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def reason(error: OSError) -> str:
    return error.strerror or str(error)


@contextlib.contextmanager
def as_evidence_error(what: str) -> Iterator[None]:
    """Turns an OSError into EvidenceError that says what failed."""
    try:
        yield
    except OSError as error:
        raise EvidenceError(f"{what} ({reason(error)}); check the disk's space and rights.") from error
