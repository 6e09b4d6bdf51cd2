"""Files that come as base64 text or data URLs, decoded without holding them in memory."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from app.backend.files import PartFile

_PREFIX = re.compile(rb"\s*data:[^,\"]{0,200};base64,")
_PREFIX_MAX_BYTES = 256
_ESCAPE = re.compile(rb"\\u00([0-9a-fA-F]{2})")
_ESCAPE_BYTES = 6
_NOISE = re.compile(rb"\\[nrt]|[\\\s]+")
"""White space, JSON's escapes of it, and the backslash of ``\\/`` that some encoders write."""


def decode(chunks: Iterable[bytes], into: PartFile, limit_bytes: int) -> bool:
    """Writes the decoded bytes; False when there are more than ``limit_bytes``. ValueError when it is not base64.

    The text may still carry JSON's escapes.
    """
    pending = b""
    for block in _payload(chunks):
        text = pending + block
        cut = text.find(b"\\", max(0, len(text) - _ESCAPE_BYTES))
        held = b"" if cut < 0 else text[cut:]
        clean = _plain(text if cut < 0 else text[:cut])
        usable = len(clean) // 4 * 4
        into.write(_decoded(clean[:usable]))
        pending = clean[usable:] + held
        if into.size_bytes > limit_bytes:
            return False
    rest = _plain(pending)
    into.write(_decoded(rest + b"=" * (-len(rest) % 4)))
    return into.size_bytes <= limit_bytes


def decode_bytes(text: str, limit_bytes: int) -> bytes:
    """A small file from its text. ValueError when it is not base64, OverflowError when it is too large."""
    raw = text.encode("utf-8")
    clean = _NOISE.sub(b"", raw[_prefix_length(raw[:_PREFIX_MAX_BYTES]) :])
    if len(clean) // 4 * 3 > limit_bytes + 3:
        raise OverflowError
    data = _decoded(clean + b"=" * (-len(clean) % 4))
    if len(data) > limit_bytes:
        raise OverflowError
    return data


def _payload(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The text after the data URL's head, if it has one."""
    head: bytes | None = b""
    for chunk in chunks:
        if head is None:
            yield chunk
            continue
        head += chunk
        if len(head) >= _PREFIX_MAX_BYTES:
            yield head[_prefix_length(head) :]
            head = None
    if head:
        yield head[_prefix_length(head) :]


def _prefix_length(head: bytes) -> int:
    found = _PREFIX.match(head.replace(b"\\", b""))
    if found is None:
        return 0
    return head.index(b",") + 1


def _plain(text: bytes) -> bytes:
    unescaped = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), text)
    return _NOISE.sub(b"", unescaped)


def _decoded(clean: bytes) -> bytes:
    try:
        return base64.b64decode(clean, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
