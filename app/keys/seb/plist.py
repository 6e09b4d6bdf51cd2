"""XML property lists, read strictly and within bounds.

``plistlib`` has no limit of depth, takes the last of two equal keys and passes over what it does not know; a Config Key
made from that would be another than Safe Exam Browser's own. Source of the form: Apple's PropertyList-1.0.dtd.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import math
import re
from datetime import UTC, datetime
from xml.parsers import expat

from app.core.errors import BadInput

Value = str | int | float | bool | bytes | datetime | list["Value"] | dict[str, "Value"]
"""What a property list may hold. Dates are in UTC."""

MAX_DEPTH = 64
MAX_ELEMENTS = 200_000

_ENCODINGS = ("utf-8", "utf8", "us-ascii", "ascii")
_COLLECTIONS = ("dict", "array")
_LEAVES = ("key", "string", "integer", "real", "true", "false", "date", "data")
_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,30})")
_INTEGERS = range(-(2**63), 2**64)
_REAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})")
_SPACE = " \t\r\n"
_MOST_SHOWN = 60


def parse_plist(xml: bytes) -> dict[str, Value]:
    """The dictionary that an XML property list holds.

    Raises BadInput, with the line and never a value: not well-formed, not UTF-8, entities or a DTD of its own, a key
    twice, anything but a property list, nested or numerous beyond bounds, numbers beyond 64 bits, impossible dates.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise BadInput(_sentence(expat.ErrorString(error.code), error.lineno)) from error
    except _Wrong as wrong:
        raise BadInput(_sentence(str(wrong), reader.parser.CurrentLineNumber)) from None
    if reader.root is None:
        raise BadInput(_sentence("there is no dictionary in it", None))
    return reader.root


def _sentence(what: str, line: int | None) -> str:
    where = "" if line is None else f" (line {line})"
    return f"The settings of this .seb file can't be read: {what}{where}; save the file again with Safe Exam Browser."


class _Wrong(Exception):
    """What is wrong at the place where the parser is."""


class _Reader:
    """Builds the value while expat walks through the text; never recurses."""

    def __init__(self) -> None:
        self.root: dict[str, Value] | None = None
        self._open: list[str] = []
        self._collections: list[dict[str, Value] | list[Value]] = []
        self._keys: list[str | None] = []
        self._text: list[str] = []
        self._elements = 0
        self.parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise _Wrong("its encoding has to be UTF-8")

    def _doctype(self, _name: str, _system: str | None, _public: str | None, internal: int) -> None:
        if internal:
            raise _Wrong("declarations of its own are not allowed in its DOCTYPE")

    def _entity(self, *_of: object) -> None:
        raise _Wrong("it uses an entity that property lists do not have")

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise _Wrong(f"there are more than {MAX_ELEMENTS} elements")
        if len(self._open) >= MAX_DEPTH:
            raise _Wrong(f"it is nested more than {MAX_DEPTH} deep")
        self._check_place(name)
        self._open.append(name)
        self._text.clear()
        if name == "dict":
            self._collections.append({})
            self._keys.append(None)
        elif name == "array":
            self._collections.append([])

    def _check_place(self, name: str) -> None:
        """Whether the element may begin here."""
        parent = self._open[-1] if self._open else ""
        if not parent:
            if name != "plist":
                raise _Wrong("it is no property list")
        elif name not in _COLLECTIONS and name not in _LEAVES:
            raise _Wrong(f"<{name[:_MOST_SHOWN]}> is not an element of property lists")
        elif parent == "plist":
            if name != "dict" or self.root is not None:
                raise _Wrong("it has to hold one dictionary")
        elif parent in _LEAVES:
            raise _Wrong(f"<{parent}> has another element inside")
        elif (name == "key") != (parent == "dict" and self._keys[-1] is None):
            raise _Wrong(
                "keys and values have to take turns in a dictionary"
                if parent == "dict"
                else "a key is not in a dictionary"
            )

    def _characters(self, text: str) -> None:
        if self._open and self._open[-1] in _LEAVES:
            self._text.append(text)
        elif text.strip(_SPACE):
            raise _Wrong("there is text between the elements")

    def _end(self, name: str) -> None:
        self._open.pop()
        text = "".join(self._text)
        self._text.clear()
        if name == "key":
            self._key(text)
        elif name == "dict":
            self._end_dict()
        elif name == "array":
            self._add(self._collections.pop())
        elif name != "plist":
            self._add(_leaf(name, text))

    def _key(self, text: str) -> None:
        holder = self._collections[-1]
        if text in holder:
            raise _Wrong(f"the key {text[:_MOST_SHOWN]!r} is there twice")
        self._keys[-1] = text

    def _end_dict(self) -> None:
        if self._keys.pop() is not None:
            raise _Wrong("the last key of a dictionary has no value")
        found = self._collections.pop()
        if self._open != ["plist"]:
            self._add(found)
        elif isinstance(found, dict):
            self.root = found

    def _add(self, value: Value) -> None:
        holder = self._collections[-1]
        if isinstance(holder, list):
            holder.append(value)
        elif (key := self._keys[-1]) is not None:
            holder[key] = value
            self._keys[-1] = None


def _leaf(name: str, text: str) -> Value:
    if name == "string":
        return text
    text = text.strip(_SPACE)
    if name in ("true", "false"):
        if text:
            raise _Wrong(f"<{name}> has text inside")
        return name == "true"
    if name == "integer":
        return _integer(text)
    if name == "real":
        return _real(text)
    return _date(text) if name == "date" else _data(text)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise _Wrong("an <integer> is not a whole number")
    value = int(text, 16 if "x" in text.lower() else 10)
    if value not in _INTEGERS:
        raise _Wrong("an <integer> does not fit into 64 bits")
    return value


def _real(text: str) -> float:
    if len(text) > 400 or not _REAL.fullmatch(text):
        raise _Wrong("a <real> is not a number")
    value = float(text)
    if not math.isfinite(value):
        raise _Wrong("a <real> is too large")
    return value


def _date(text: str) -> datetime:
    if _DATE.fullmatch(text):
        with contextlib.suppress(ValueError, OverflowError):
            return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)
    raise _Wrong("a <date> is not a date like 2026-12-01T09:00:00Z")


def _data(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _Wrong("a <data> is not Base64") from None
