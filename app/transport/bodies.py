"""Request bodies that are read from disk while they are sent, with their length known beforehand."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import InvigilError
from app.core.types import Json

CHUNK_BYTES = 48 * 1024
"""Divisible by 3, so that base64 can be made chunk by chunk."""


class LocalFileError(InvigilError):
    """A file that was to be sent can't be read, or is not the one that was promised. The server keeps nothing of it."""


def _ignore(_: int) -> None:
    return


@dataclass(frozen=True, slots=True)
class FilePart:
    """``size_bytes`` of ``path`` are sent. With ``sha256`` given, a file that differs is never sent to its end."""

    name: str
    path: Path
    size_bytes: int
    mime: str
    file_name: str
    sha256: str | None = None
    progress: Callable[[int], None] = _ignore

    @classmethod
    def of(cls, name: str, path: Path, mime: str) -> FilePart:
        try:
            size_bytes = path.stat().st_size
        except OSError as error:
            raise _unreadable(path) from error
        return cls(name, path, size_bytes, mime, f"{name}{path.suffix}")

    def chunks(self) -> Iterator[bytes]:
        """All bytes; ``progress`` hears how many were handed on. LocalFileError when they are not as promised."""
        digest = hashlib.sha256()
        sent_bytes = 0
        try:
            with self.path.open("rb") as file:
                while sent_bytes < self.size_bytes:
                    chunk = file.read(min(CHUNK_BYTES, self.size_bytes - sent_bytes))
                    digest.update(chunk)
                    sent_bytes += len(chunk)
                    last = sent_bytes == self.size_bytes
                    if not chunk or (last and self.sha256 not in (None, digest.hexdigest())):
                        raise LocalFileError(
                            f"The file {self.path.name} was changed since it was recorded; it is kept."
                        )
                    yield chunk
                    self.progress(sent_bytes)
        except OSError as error:
            raise _unreadable(self.path) from error


class MultipartBody:
    """multipart/form-data of texts, then files. May be iterated once per request."""

    def __init__(self, fields: Sequence[tuple[str, str]], files: Sequence[FilePart]) -> None:
        self._boundary = f"invigil-{secrets.token_hex(16)}"
        self._heads = [self._head(name) + text.encode("utf-8") + b"\r\n" for name, text in fields]
        self._files = [(self._head(part.name, part), part) for part in files]
        self._end = f"--{self._boundary}--\r\n".encode("ascii")

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self._boundary}"

    def __len__(self) -> int:
        files = sum(len(head) + part.size_bytes + 2 for head, part in self._files)
        return sum(len(head) for head in self._heads) + files + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        yield b"".join(self._heads)
        for head, part in self._files:
            yield head
            yield from part.chunks()
            yield b"\r\n"
        yield self._end

    def _head(self, name: str, part: FilePart | None = None) -> bytes:
        """Names are ours and plain: no quoting is needed."""
        lines = [f"--{self._boundary}", f'Content-Disposition: form-data; name="{name}"']
        if part is not None:
            lines[1] += f'; filename="{part.file_name}"'
            lines.append(f"Content-Type: {part.mime}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


class JsonBody:
    """A JSON object whose files are base64 data URLs, as in the contract's second form. Once per request."""

    def __init__(self, fields: Mapping[str, Json], files: Iterable[FilePart]) -> None:
        self._pieces: list[bytes | FilePart] = []
        self._start = b"{"
        for name, value in fields.items():
            self._add(name, json.dumps(value).encode("ascii"))
        for part in files:
            about = json.dumps({"filename": part.file_name, "mimeType": part.mime})[:-1].encode("ascii")
            self._add(part.name, about + f', "data": "data:{part.mime};base64,'.encode("ascii"))
            self._pieces += [part, b'"}']
        self._pieces.append(b"}" if self._pieces else b"{}")

    content_type = "application/json"

    def __len__(self) -> int:
        return sum(len(one) if isinstance(one, bytes) else -(-one.size_bytes // 3) * 4 for one in self._pieces)

    def __iter__(self) -> Iterator[bytes]:
        for one in self._pieces:
            if isinstance(one, bytes):
                yield one
            else:
                yield from map(base64.b64encode, one.chunks())

    def _add(self, name: str, value: bytes) -> None:
        self._pieces.append(self._start + json.dumps(name).encode("ascii") + b": " + value)
        self._start = b", "


def _unreadable(path: Path) -> LocalFileError:
    return LocalFileError(f"The file {path.name} can't be read on this computer any more.")
