"""JSON bodies read as they arrive: strings that are long, such as base64 videos, go to disk instead of memory."""

from __future__ import annotations

import json
import re
import secrets
from itertools import accumulate

from fastapi.concurrency import run_in_threadpool
from pydantic import JsonValue
from starlette.requests import Request

from app.backend.errors import invalid, too_large
from app.backend.files import FileStore, PartFile
from app.backend.multipart import base64_size, decode_base64, pump

_SPILL_AT_BYTES = 64 * 1024
_STRING_STOP = re.compile(rb'["\\]')
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SPILLS_MAX = 16
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
DEPTH_MAX = 100
"""Levels of objects and lists: more than any document here has, and fewer than any reader of JSON can take."""


class JsonReader:
    """Fed with the body's chunks; value() then gives the JSON, in which a mark stands for each string on disk.

    ``max_text_bytes`` bounds what is held in memory, ``max_spill_bytes`` each string on disk. One thread at a time.
    """

    def __init__(self, store: FileStore, max_text_bytes: int, max_spill_bytes: int) -> None:
        self._store = store
        self._max_text_bytes = max_text_bytes
        self._max_spill_bytes = max_spill_bytes
        self._mark = f"spill-{secrets.token_hex(16)}-"
        self._text = bytearray()
        self._string: bytearray | None = None
        self._escaped = False
        self._spill: PartFile | None = None
        self._spills: list[PartFile] = []
        self._made: list[PartFile] = []
        self._too_long: set[int] = set()
        self._full = False

    def feed(self, chunk: bytes) -> None:
        at = 0
        while at < len(chunk):
            at = self._outside(chunk, at) if self._string is None else self._inside(chunk, at)

    def value(self) -> JsonValue:
        """ApiError 400 when the body is no JSON or too large."""
        if self._full:
            raise too_large("body", self._max_text_bytes)
        try:
            return _loaded(self._text)
        except (ValueError, RecursionError) as error:
            raise invalid("body", "The body is not valid JSON") from error

    def file(self, value: str, name: str, max_file_bytes: int) -> PartFile:
        """The file whose base64 text or data URL the string is; gone at close() unless it was kept."""
        number = self._number(value)
        if number in self._too_long:
            raise too_large(name, max_file_bytes)
        if number is not None:
            text = self._spills[number]
        else:
            text = self._store.new_part()
            self._made.append(text)
            text.write(value.encode("utf-8", errors="replace"))
            text.close()
        decoded = decode_base64(self._store, text, name, max_file_bytes)
        self._made.append(decoded)
        return decoded

    def restored(self, value: JsonValue) -> JsonValue:
        """The same value with the strings on disk brought back, within ``max_text_bytes`` each."""
        if isinstance(value, str):
            return self._restored_text(value)
        if isinstance(value, list):
            return [self.restored(item) for item in value]
        if isinstance(value, dict):
            return {key: self.restored(item) for key, item in value.items()}
        return value

    def close(self) -> None:
        for spill in (*self._spills, *self._made):
            spill.discard()

    def _outside(self, chunk: bytes, at: int) -> int:
        quote = chunk.find(b'"', at)
        end = len(chunk) if quote < 0 else quote + 1
        self._keep(chunk[at:end])
        if quote >= 0:
            self._string = bytearray()
        return end

    def _inside(self, chunk: bytes, at: int) -> int:
        if self._escaped:
            self._escaped = False
            self._add(chunk[at : at + 1])
            return at + 1
        found = _STRING_STOP.search(chunk, at)
        end = len(chunk) if found is None else found.start()
        self._add(chunk[at:end])
        if found is None:
            return end
        if found[0] == b"\\":
            self._escaped = True
            self._add(b"\\")
        else:
            self._end_string()
        return end + 1

    def _add(self, data: bytes) -> None:
        if self._string is None or not data:
            return
        if self._spill is None:
            self._string += data
            if len(self._string) > _SPILL_AT_BYTES:
                self._start_spill()
        elif self._spill.size_bytes + len(data) > self._max_spill_bytes:
            self._too_long.add(len(self._spills) - 1)
        else:
            self._spill.write(data)

    def _start_spill(self) -> None:
        if len(self._spills) >= _SPILLS_MAX:
            self._keep(bytes(self._string or b""))
            self._string = bytearray()
            return
        self._spill = self._store.new_part()
        self._spills.append(self._spill)
        self._spill.write(bytes(self._string or b""))
        self._string = bytearray()

    def _end_string(self) -> None:
        if self._spill is None:
            self._keep(bytes(self._string or b"") + b'"')
        else:
            self._keep(f'{self._mark}{len(self._spills) - 1}"'.encode())
            self._spill.close()
            self._spill = None
        self._string = None

    def _keep(self, data: bytes) -> None:
        if len(self._text) + len(data) > self._max_text_bytes:
            self._full = True
        else:
            self._text += data

    def _number(self, value: str) -> int | None:
        return int(value.removeprefix(self._mark)) if value.startswith(self._mark) else None

    def _restored_text(self, value: str) -> str:
        number = self._number(value)
        if number is None:
            return value
        spill = self._spills[number]
        if number in self._too_long or spill.size_bytes > self._max_text_bytes:
            raise too_large("body", self._max_text_bytes)
        try:
            return str(_loaded(b'"' + spill.path.read_bytes() + b'"'))
        except ValueError as error:
            raise invalid("body", "The body is not valid JSON") from error


async def fill(request: Request, reader: JsonReader, files: int, max_file_bytes: int, max_text_bytes: int) -> JsonValue:
    """Reads the whole body into ``reader`` and gives its value."""
    allowed_bytes = max_text_bytes + files * base64_size(max_file_bytes)
    await pump(request, reader.feed, allowed_bytes, too_large("body", allowed_bytes))
    return await run_in_threadpool(reader.value)


def object_of(value: JsonValue, name: str) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise invalid(name, "An object is needed")
    return value


def parsed(text: str, name: str) -> JsonValue:
    """The JSON in a form's text field."""
    try:
        return _loaded(text.encode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise invalid(name, "The field is not valid JSON") from error


def _loaded(text: bytes | bytearray) -> JsonValue:
    """Strict: ValueError also for what Python would read but no database or other language could hold."""
    if is_deep(text):
        raise ValueError("too deep")
    value: JsonValue = json.loads(text, parse_constant=_no_constant)
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a character fails here, whole pairs do not
    return value


def is_deep(text: bytes | bytearray) -> bool:
    """Whether JSON has more than ``DEPTH_MAX`` levels. In linear time, whatever the text is."""
    if text.count(b"[") + text.count(b"{") <= DEPTH_MAX:
        return False
    brackets = _STRING.sub(b"", text).translate(None, _NOT_BRACKETS)
    return any(level > DEPTH_MAX for level in accumulate(1 if one in b"[{" else -1 for one in brackets))


def has_broken_text(body: bytes) -> bool:
    """Whether a JSON body spells half of a character, which Python reads but nothing can store or send."""
    if not _SURROGATE.search(body):
        return False
    try:
        _loaded(body)
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False  # no JSON at all: whoever reads it will say so
    return False


def _no_constant(name: str) -> JsonValue:
    """Python reads NaN and Infinity, which are no JSON."""
    raise ValueError(name)
