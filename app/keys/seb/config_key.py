"""Safe Exam Browser's Config Key: SHA-256 of the settings as "SEB-JSON".

Source: safeexambrowser.org, "Config Key"; how we read what it leaves open is in docs/seb.md.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import datetime

from app.keys.seb.plist import Value

EXEMPT = "originatorVersion"

_PUNCTUATION = "\t\n\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
"""ASCII in the order of the Unicode root collation (CLDR), which is culture-invariant."""

SortKey = tuple[tuple[tuple[int, int], ...], tuple[int, ...], tuple[bool, ...], str]


def config_key(settings: Mapping[str, Value]) -> str:
    """64 lower-case hexadecimal digits."""
    return hashlib.sha256(seb_json(settings).encode("utf-8", "surrogatepass")).hexdigest()


def seb_json(settings: Mapping[str, Value]) -> str:
    """The text that is hashed: no white space, nothing escaped, keys sorted, no ``originatorVersion`` at any depth.

    Dictionaries that are empty, or become so, are left out, also of arrays; empty arrays stay. Without any setting
    the text is ``[]``.
    """
    return _dictionary(settings) or "[]"


def sort_key(name: str) -> SortKey:
    """Orders keys as the Unicode root collation does: case and accents count only between names otherwise equal.

    Punctuation comes before digits, digits before letters; then unaccented before accented, lower before upper case.
    """
    primary: list[tuple[int, int]] = []
    marks: list[int] = []
    upper: list[bool] = []
    for char in unicodedata.normalize("NFD", name):
        category = unicodedata.category(char)
        if category[0] == "M":
            marks.append(ord(char))
        elif category not in ("Cc", "Cf") or char in _PUNCTUATION:
            primary += [_weight(folded) for folded in char.casefold()]
            marks.append(0)
            upper.append(char != char.lower())
    return tuple(primary), tuple(marks), tuple(upper), name


def _weight(char: str) -> tuple[int, int]:
    if char in _PUNCTUATION:
        return 0, _PUNCTUATION.index(char)
    if char.isdecimal():
        return 2, unicodedata.decimal(char)
    return (3 if char.isalpha() else 1), ord(char)


def _dictionary(value: Mapping[str, Value]) -> str:
    """Empty where nothing of it counts."""
    written = ((name, _text(value[name])) for name in sorted(value, key=sort_key) if name != EXEMPT)
    inner = ",".join(f'"{name}":{text}' for name, text in written if text)
    return f"{{{inner}}}" if inner else ""


def _text(value: Value) -> str:
    if isinstance(value, Mapping):
        return _dictionary(value)
    if isinstance(value, list):
        return f"[{','.join(filter(None, map(_text, value)))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.15g}" if value else "0"
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode("ascii")
    elif isinstance(value, datetime):
        value = value.isoformat(timespec="seconds")
    return f'"{value}"'
