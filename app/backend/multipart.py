"""multipart/form-data read as it arrives: files go to disk, hashed and bounded; only short texts stay in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi.concurrency import run_in_threadpool
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from app.backend import base64_files
from app.backend.errors import ApiError, invalid, too_large
from app.backend.files import FileStore, PartFile

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_PARTS_MAX = 100
_HEADER_MAX_BYTES = 4096
_CHUNK_BYTES = 64 * 1024
_DRAIN_FACTOR = 3


@dataclass(slots=True)
class Form:
    """``files`` holds the fields that the endpoint takes as files, received but kept only if it says so."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, PartFile] = field(default_factory=dict)

    def text(self, *names: str) -> str | None:
        """The first of these fields that was sent and is not empty (camelCase and snake_case, for instance)."""
        return next((self.texts[name] for name in names if self.texts.get(name)), None)


@dataclass(slots=True)
class _Part:
    name: str
    text: bytearray | None
    file: PartFile | None
    is_upload: bool
    """False when it came without a file name: then a file field carries base64 text."""


class FormReader:
    """Fed with the body's chunks in order; finish() gives the form or raises ApiError. One thread at a time.

    After the first problem it only reads on. close() removes the files that nobody kept.
    """

    def __init__(
        self, content_type: str, store: FileStore, file_fields: frozenset[str], max_file: int, max_text: int
    ) -> None:
        self._store = store
        self._file_fields = file_fields
        self._max_file_bytes = max_file
        self._max_text_bytes = max_text
        self._text_bytes = 0
        self._parts: list[_Part] = []
        self._headers: dict[bytes, bytes] = {}
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._decoded: list[PartFile] = []
        self._ended = False
        self.problem: ApiError | None = None
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise invalid("body", "multipart/form-data with a boundary is needed")
        self._parser = MultipartParser(boundary, self._callbacks())

    def feed(self, chunk: bytes) -> None:
        if self.problem is not None:
            return
        try:
            self._parser.write(chunk)
        except FormParserError:
            self.problem = invalid("body", "The multipart form is malformed")
        except ApiError as problem:
            self.problem = problem

    def finish(self) -> Form:
        if self.problem is None and not self._ended:
            self.problem = invalid("body", "The multipart form is incomplete")
        if self.problem is not None:
            raise self.problem
        form = Form()
        for part in self._parts:
            if part.file is not None:
                form.files[part.name] = self._received(part, part.file)
            else:
                form.texts[part.name] = bytes(part.text or b"").decode("utf-8", errors="replace")
        return form

    def close(self) -> None:
        for part in self._parts:
            if part.file is not None:
                part.file.discard()
        for file in self._decoded:
            file.discard()

    def _received(self, part: _Part, file: PartFile) -> PartFile:
        """A file, or the file whose base64 text came in its place."""
        file.close()
        if part.is_upload:
            return file
        decoded = decode_base64(self._store, file, part.name, self._max_file_bytes)
        self._decoded.append(decoded)
        return decoded

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._collect(self._header_name),
            "on_header_value": self._collect(self._header_value),
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_data,
            "on_end": self._on_end,
        }

    def _collect(self, into: bytearray) -> Callable[[bytes, int, int], None]:
        def add(data: bytes, start: int, end: int) -> None:
            into.extend(data[start:end])
            if len(into) > _HEADER_MAX_BYTES:
                raise invalid("body", "A part's header is too long")

        return add

    def _on_header_end(self) -> None:
        self._headers[bytes(self._header_name).lower()] = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", errors="replace")
        if not name:
            raise invalid("body", "A part has no name")
        if len(self._parts) >= _PARTS_MAX:
            raise invalid("body", f"The form has more than {_PARTS_MAX} parts")
        if any(part.name == name for part in self._parts):
            raise invalid(name, "The field was sent more than once")
        is_file = name in self._file_fields
        self._parts.append(
            _Part(
                name,
                text=None if is_file else bytearray(),
                file=self._store.new_part() if is_file else None,
                is_upload=b"filename" in options or b"filename*" in options,
            )
        )

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        part = self._parts[-1]
        chunk = data[start:end]
        if part.file is not None:
            limit = self._max_file_bytes if part.is_upload else base64_size(self._max_file_bytes)
            if part.file.size_bytes + len(chunk) > limit:
                raise too_large(part.name, self._max_file_bytes)
            part.file.write(chunk)
        elif part.text is not None:
            self._text_bytes += len(chunk)
            if self._text_bytes > self._max_text_bytes:
                raise too_large(part.name, self._max_text_bytes)
            part.text.extend(chunk)

    def _on_end(self) -> None:
        self._ended = True


@asynccontextmanager
async def read_form(
    request: Request, store: FileStore, file_fields: frozenset[str], max_file: int, max_text: int
) -> AsyncIterator[Form]:
    """The request's form. ApiError 400 when it is malformed, incomplete or too large. Files not kept inside are gone after."""
    reader = FormReader(request.headers.get("content-type", ""), store, file_fields, max_file, max_text)
    allowed_bytes = max_text + len(file_fields) * base64_size(max_file)
    try:
        await pump(request, reader.feed, allowed_bytes, too_large(" ".join(sorted(file_fields)), max_file))
        yield await run_in_threadpool(reader.finish)
    finally:
        reader.close()


async def pump(request: Request, feed: Callable[[bytes], None], allowed_bytes: int, refusal: ApiError) -> None:
    """Feeds the body, off the event loop, until it ends. ``refusal`` when it is far longer than allowed.

    An answer sent while the client still sends may never reach it: so up to three times what is allowed is read.
    """
    limit_bytes = allowed_bytes * _DRAIN_FACTOR
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > limit_bytes:
        raise refusal
    seen_bytes = 0
    async for chunk in request.stream():
        seen_bytes += len(chunk)
        if seen_bytes > limit_bytes:
            raise refusal
        if chunk:
            await run_in_threadpool(feed, chunk)


def base64_size(size_bytes: int) -> int:
    """The most that base64 text of so many bytes can take, with a data URL's head and line ends."""
    return size_bytes * 3 // 2 + 1024


def decode_base64(store: FileStore, text: PartFile, name: str, max_file_bytes: int) -> PartFile:
    """The file whose base64 text is in ``text`` (closed). ApiError 400 when it is not base64 or too large."""
    part = store.new_part()
    try:
        with text.path.open("rb") as source:
            fits = base64_files.decode(iter(lambda: source.read(_CHUNK_BYTES), b""), part, max_file_bytes)
        if not fits:
            raise too_large(name, max_file_bytes)
        part.close()
    except ValueError as error:
        part.discard()
        raise invalid(name, "The file is not valid base64") from error
    except ApiError:
        part.discard()
        raise
    return part
