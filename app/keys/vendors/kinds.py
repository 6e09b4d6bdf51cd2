"""What a vendor's setting may be, and what it is in a policy's terms."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.core.types import Json
from app.keys.bounds import CONTROL, MAX_LINE, is_loopback

_CONTROL = re.compile(rf"{CONTROL}|[\ud800-\udfff]")
_WHOLE = re.compile(r"-?\d{1,9}")
_FOLDER = r"(?!\.{1,2}(?:/|\Z))[^/\\]+"
_FOLDERS = re.compile(rf"(?:{_FOLDER}(?:/{_FOLDER})*)?")
_DECIMAL = re.compile(r"-?\d{1,9}(\.\d{1,9})?")
_MOST_REGEX = 200
_MOST_ADDRESS = 2000
_MOST_PREFIX = 100
_LONGEST_MS = 600_000
_SHORTEST_MS = 100


@dataclass(frozen=True, slots=True)
class Kind:
    """``accepts`` ends a sentence that begins "has to be"; ``read`` raises ValueError for everything else.

    ``may_be_blank``: an empty text is a form's field that nobody filled in.
    """

    accepts: str
    read: Callable[[Json], Json]
    may_be_blank: bool = False


def _refuse(value: Json) -> Json:
    raise ValueError(type(value).__name__)


def _strictly_yes_no(value: Json) -> Json:
    return value if isinstance(value, bool) else _refuse(value)


def _yes_no(value: Json) -> Json:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in {"0", "1", "true", "false"}:
        return value.strip().lower() in {"1", "true"}
    return _refuse(value)


def _text(value: Json) -> Json:
    if not isinstance(value, str) or len(value) > MAX_LINE or _CONTROL.search(value):
        return _refuse(value)
    return value


def _name(value: Json) -> Json:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    return value if isinstance(value, str) and value.strip() and _text(value) else _refuse(value)


def _credential(value: Json) -> Json:
    return value if isinstance(value, str) and value.strip() else _name(value)


def _number(value: Json) -> float:
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 10**9 or not math.isfinite(value):
        raise ValueError(type(value).__name__)
    return float(value)


def _milliseconds(value: Json) -> Json:
    number = _number(value)
    if number and not _SHORTEST_MS <= number <= _LONGEST_MS:
        return _refuse(value)
    return round(number / 1000, 3)


def _address(value: Json) -> Json:
    if not isinstance(value, str) or len(value) > _MOST_ADDRESS or _CONTROL.search(value):
        return _refuse(value)
    if not value:
        return value
    parts = urlsplit(value)
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not secure or not parts.hostname or parts.port == 0 or re.search(r"[\s\\]", value):
        return _refuse(value)
    return value if parts.username is None and parts.password is None else _refuse(value)


def _expression(value: Json) -> Json:
    if not isinstance(value, str) or len(value) > _MOST_REGEX or not isinstance(_text(value), str):
        return _refuse(value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(value)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise ValueError("expression") from error
    return value


def _element(value: Json) -> Json:
    name = str(_name(value))
    return _refuse(value) if re.search(r"\s", name) else name


def _prefix(value: Json) -> Json:
    text = str(_text(value))
    return _refuse(value) if len(text) > _MOST_PREFIX or re.search(r"[/\\]", text) else text


def _folders(value: Json) -> Json:
    text = str(_text(value)).strip("/")
    return text if _FOLDERS.fullmatch(text) else _refuse(value)


def number(least: float, most: float) -> Kind:
    def read(value: Json) -> Json:
        found = _number(value)
        return found if least <= found <= most else _refuse(value)

    return Kind(f"a number from {least:g} to {most:g}", read, may_be_blank=True)


def whole(least: int, most: int, unit: str = "") -> Kind:
    """A whole number, as a number or as a text of digits."""

    def read(value: Json) -> Json:
        if isinstance(value, str) and not _WHOLE.fullmatch(value.strip()):
            return _refuse(value)
        found = _number(value)
        return int(found) if found.is_integer() and least <= found <= most else _refuse(value)

    return Kind(f"a whole number{unit} from {least} to {most}", read, may_be_blank=True)


def one_of(choices: Mapping[str, Json], *, any_case: bool = False) -> Kind:
    """One of the vendor's words; it becomes what the mapping says."""

    def read(value: Json) -> Json:
        word = value.lower() if any_case and isinstance(value, str) else value
        return choices[word] if isinstance(word, str) and word in choices else _refuse(value)

    *others, last = choices
    return Kind(f"{', '.join(others)} or {last}", read)


YES_NO = Kind("true or false", _strictly_yes_no)
YES_NO_OR_NUMBER = Kind("true, false, 0 or 1", _yes_no)
TEXT = Kind(f"a text of at most {MAX_LINE} characters on one line", _text)
NAME = Kind(f"a text of 1 to {MAX_LINE} characters on one line, or a whole number", _name)
ANY_NUMBER = Kind("a number", _number, may_be_blank=True)
MILLISECONDS = Kind(
    f"a number of milliseconds, 0 or from {_SHORTEST_MS} to {_LONGEST_MS}", _milliseconds, may_be_blank=True
)
ADDRESS = Kind("an address that begins with https://, without user name and password", _address)
ELEMENT = Kind("the id of an element, without white space", _element)
PREFIX = Kind(f"a text of at most {_MOST_PREFIX} characters without / and \\", _prefix)
FOLDERS = Kind("names of folders with / between them, without . and ..", _folders)
EXPRESSION = Kind(f"a regular expression of at most {_MOST_REGEX} characters", _expression)
ANYTHING = Kind("anything", lambda value: value)
CREDENTIAL = Kind("a text that is not empty, or a whole number", _credential)
"""Its value is never shown, and is no part of a policy."""
