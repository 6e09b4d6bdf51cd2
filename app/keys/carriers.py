"""What a person has in hand: a key file, a QR picture, a link, a code, or the key's own text. No network here."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from app.core.errors import BadInput
from app.core.short_codes import looks_like_code, normalised
from app.keys.qr import PICTURE_MAX_BYTES, is_picture, read_qr

SCHEME = "invigil://"
TEXT_MAX_BYTES = 1_000_000
"""More than the longest key; a password around it makes it a third longer."""

_KEY = re.compile(r"e[yw][A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){2}((\.[A-Za-z0-9_-]*){2})?")
"""Signed (RFC 7515) or encrypted (RFC 7516); base64 of a header, a JSON object, begins so, and few file names do."""
_SESSION = re.compile(r"[A-Za-z0-9_.~-]{8,512}")
_BACKEND_CHARS_MAX = 500
_PATH_CHARS_MAX = 4096
_HEAD_BYTES = 16
_NO_KEY = "This is not an Invigil key; use the whole file, link or text that you were sent."
_BAD_LINK = "This link is damaged; copy the whole link that you were sent."


@dataclass(frozen=True, slots=True)
class KeyText:
    """A key by its shape alone: signed, or encrypted with a password."""

    token: str


@dataclass(frozen=True, slots=True)
class Code:
    """A short code in its normal form, and the backend that its link names."""

    code: str
    backend: str | None


@dataclass(frozen=True, slots=True)
class SessionToken:
    """What a learning platform's link carries: a backend exchanges it for a key."""

    token: str
    backend: str | None


Carrier = KeyText | Code | SessionToken


def read_carrier(argument: str) -> Carrier:
    """From a path, a link or a text; white space that mail programs put into long texts is taken out.

    Raises BadInput. May take two seconds (a picture's QR code), so not for the UI thread.
    """
    text = argument.strip()
    if _joined(text).lower().startswith(SCHEME):
        return read_link(text)
    try:
        data = _file(text)
    except (OSError, ValueError) as error:
        carrier = _of_text(text)
        if carrier is not None:
            return carrier
        raise BadInput(_nothing(text, error)) from error
    if is_picture(data):
        return _of_picture(data)
    try:
        carrier = _of_text(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInput(_NO_KEY) from error
    if carrier is None:
        raise BadInput(_NO_KEY)
    return carrier


def read_link(text: str) -> Carrier:
    """What an ``invigil://`` link carries. Raises BadInput."""
    joined = _joined(text)
    try:
        parts = urlsplit(joined)
        kind, query = parts.netloc.lower(), parse_qs(parts.query, keep_blank_values=True, max_num_fields=10)
    except ValueError as error:
        raise BadInput(_BAD_LINK) from error
    body = unquote(parts.path.strip("/"))
    if kind == "key" and not query and _is_key(body):
        return KeyText(body)
    if set(query) > {"backend"}:
        raise BadInput(_BAD_LINK)
    if kind == "code":
        return Code(normalised(body), _backend(query.get("backend", [])))
    if kind == "session" and _SESSION.fullmatch(body):
        return SessionToken(body, _backend(query.get("backend", [])))
    raise BadInput(_BAD_LINK)


def _of_text(text: str) -> Carrier | None:
    """None where the text is no carrier at all."""
    joined = _joined(text)
    if joined.lower().startswith(SCHEME):
        return read_link(joined)
    if _is_key(joined):
        return KeyText(joined)
    if joined.lower().startswith(("https://", "http://")):
        raise BadInput("This is the address of a web page; open it in a browser, and there the link to Invigil.")
    if len(text) <= _PATH_CHARS_MAX and looks_like_code(text.strip()):
        return Code(normalised(text.strip()), None)
    return None


def _of_picture(data: bytes) -> Carrier:
    texts = read_qr(data)
    links = [text for text in texts if _joined(text).lower().startswith((SCHEME, "https://"))]
    if not links:
        raise BadInput("The QR code in this picture is not one of an exam; use the one that you were sent.")
    carrier = _of_text(links[0])
    if carrier is None or len(set(links)) > 1:
        raise BadInput("There are several QR codes in this picture; cut out the one of your exam.")
    return carrier


def _is_key(joined: str) -> bool:
    return _KEY.fullmatch(joined) is not None


def _backend(given: list[str]) -> str | None:
    """Whether it may be asked is decided elsewhere; here it only has to be an address that can be shown as it is."""
    if not given:
        return None
    [address, *more] = given
    if more or not address.isascii() or not address.isprintable() or len(address) > _BACKEND_CHARS_MAX:
        raise BadInput(_BAD_LINK)
    if not address.lower().startswith(("https://", "http://")) or set(address) & set(' \\"<>'):
        raise BadInput(_BAD_LINK)
    return address


def _file(text: str) -> bytes:
    """A regular file's content. Raises OSError or ValueError for what is none, BadInput when it is too large."""
    if len(text) > _PATH_CHARS_MAX:
        raise ValueError("too long for a path")
    path = Path(text)
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for ever
        raise OSError(None, "this is not a file")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        most = PICTURE_MAX_BYTES if is_picture(head) else TEXT_MAX_BYTES
        data = head + file.read(most + 1 - len(head))
    if len(data) > most:
        raise BadInput(f"{path.name!r} is larger than {most // 1_000_000} MB, which no key is.")
    return data


def _nothing(text: str, error: Exception) -> str:
    """Names the argument where it looks like a path: anything else may be a secret that was mistyped."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "this is not a path"
    path = len(text) <= 200 and text.isprintable() and ("." in text or "/" in text or "\\" in text)
    named = repr(text) if path else "This"
    return f"{named} is neither a key, a link that begins with {SCHEME}, a code, nor a key file ({reason})."


def _joined(text: str) -> str:
    return "".join(text.split())
