"""Safe Exam Browser's Config Key: SHA-256 of the settings as "SEB-JSON".

Source: safeexambrowser.org, "Config Key"; how we read what it leaves open is in docs/seb.md.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime

from app.keys.seb.plist import Value

EXEMPT = "originatorVersion"

_PUNCTUATION = "\t\n\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
"""ASCII in the order of the Unicode root collation (CLDR), which is culture-invariant."""

SortKey = tuple[str, str, str, str]


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
    text = unicodedata.normalize("NFD", name)
    return text.translate(_LETTERS), text.translate(_ACCENTS), text.translate(_CASES), name


class _Level(dict[int, str]):
    """What one level of the comparison makes of a character, for ``str.translate``; found out once for each."""

    def __init__(self, made: Callable[[str], str]) -> None:
        self._made = made

    def __missing__(self, code: int) -> str:
        char = chr(code)
        found = self[code] = self._made(char)
        return found


def _letter(char: str) -> str:
    return "" if _is_mark(char) or _is_ignored(char) else "".join(map(_weight, char.casefold()))


def _accent(char: str) -> str:
    return char if _is_mark(char) else "" if _is_ignored(char) else "\0"


def _case(char: str) -> str:
    return "" if _is_mark(char) or _is_ignored(char) else "01"[char != char.lower()]


def _weight(char: str) -> str:
    if char in _PUNCTUATION:
        return "\0" + chr(_PUNCTUATION.index(char))
    if char.isdecimal():
        return "\2" + chr(unicodedata.decimal(char))
    return ("\3" if char.isalpha() else "\1") + char


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def _is_ignored(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf") and char not in _PUNCTUATION


_LETTERS, _ACCENTS, _CASES = _Level(_letter), _Level(_accent), _Level(_case)


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
