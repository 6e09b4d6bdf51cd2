"""Files by content: written to ``.part``, synced, renamed to their SHA-256. Names never come from a client."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from app.core.types import NS_PER_S

_SHA256 = re.compile(r"[0-9a-f]{64}")
_STALE_PART_S = 24 * 3600
_HEAD_BYTES = 16

_BIN = ("bin", "application/octet-stream")
_MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x1aE\xdf\xa3", "webm", "video/webm"),
    (4, b"ftyp", "mp4", "video/mp4"),
    (0, b"\xff\xd8\xff", "jpeg", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "png", "image/png"),
    (0, b"OggS", "ogg", "audio/ogg"),
    (8, b"WAVE", "wav", "audio/wav"),
    (8, b"WEBP", "webp", "image/webp"),
)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """``format`` and ``mime`` are told from the content, never taken from a client."""

    sha256: str
    size_bytes: int
    format: str
    mime: str


def kind_of(head: bytes) -> tuple[str, str]:
    """Format and media type from a file's first bytes."""
    for offset, magic, name, mime in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name, mime
    return _BIN


class PartFile:
    """A file that is being received. It stays only if keep() is called; discard() is safe at any time."""

    def __init__(self, path: Path, home: FileStore) -> None:
        self.path = path
        self.size_bytes = 0
        self._home = home
        self._file = path.open("xb")
        self._hash = hashlib.sha256()
        self._head = b""

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.size_bytes += len(data)
        if len(self._head) < _HEAD_BYTES:
            self._head = (self._head + data)[:_HEAD_BYTES]

    def close(self) -> None:
        """Ends writing; the part is on the disk then and can be read at ``path``."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def keep(self) -> StoredFile:
        """Durable under its hash when it returns."""
        self.close()
        target = self._home.path(self.sha256)
        target.parent.mkdir(exist_ok=True)
        self.path.replace(target)
        _sync_folder(target.parent)
        name, mime = kind_of(self._head)
        return StoredFile(self.sha256, self.size_bytes, name, mime)

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


class FileStore:
    """The files of a backend under one folder. Any thread; several processes may share it."""

    def __init__(self, root: Path) -> None:
        self._files = root / "files"
        self._incoming = root / "incoming"

    def start(self, now_utc_ns: int) -> None:
        """Makes the folders and removes parts that nobody can be writing any more."""
        self._files.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in self._incoming.glob("*.part"):
            if now_utc_ns - part.stat().st_mtime_ns > _STALE_PART_S * NS_PER_S:
                part.unlink(missing_ok=True)

    def new_part(self) -> PartFile:
        return PartFile(self._incoming / f"{secrets.token_hex(16)}.part", self)

    def put(self, data: bytes) -> StoredFile:
        part = self.new_part()
        part.write(data)
        return part.keep()

    def path(self, sha256: str) -> Path:
        """Where the file with this hash is, or would be. ValueError when it is no hash."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError("not a SHA-256")
        return self._files / sha256[:2] / sha256


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
