"""Wayland's wire protocol without its socket: requests to bytes, bytes to events.

Source: "The Wayland Protocol", chapter 4 (wire format), and the protocol files of wayland and wlr-protocols for
the numbers of requests and events. Pure: who uses it sends and receives.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.core.errors import BadInput

DISPLAY = 1
"""The object that every connection begins with."""
_HEADER = struct.Struct("=II")
_WORD = struct.Struct("=I")
_MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Event:
    """``sender`` is the object that it is about, ``number`` the event's place in its interface."""

    sender: int
    number: int
    body: bytes

    def fields(self, shape: str) -> tuple[int | str, ...]:
        """The arguments: ``u`` unsigned, ``i`` signed (objects are ``u``), ``s`` a string. Raises BadInput."""
        found: list[int | str] = []
        at = 0
        for letter in shape:
            if at + 4 > len(self.body):
                raise BadInput("A Wayland event is shorter than its arguments.")
            word: int = struct.unpack_from("=i" if letter == "i" else "=I", self.body, at)[0]
            at += 4
            if letter != "s":
                found.append(word)
                continue
            if word == 0 or at + word > len(self.body):
                raise BadInput("A Wayland event is shorter than its text.")
            found.append(self.body[at : at + word - 1].decode("utf-8", errors="replace"))
            at += (word + 3) & ~3
        return tuple(found)

    def number_at(self, index: int) -> int:
        """One argument of an event whose arguments are all unsigned numbers. Raises BadInput."""
        if len(self.body) < 4 * (index + 1):
            raise BadInput("A Wayland event is shorter than its arguments.")
        return int(_WORD.unpack_from(self.body, 4 * index)[0])


@dataclass(frozen=True, slots=True)
class Global:
    """Something that the compositor offers: ``name`` is its number for ``bind``."""

    name: int
    interface: str
    version: int


def request(sender: int, number: int, *arguments: int | str) -> bytes:
    """One request as it is sent. File descriptors travel beside it and are no arguments here."""
    body = b"".join(_argument(each) for each in arguments)
    return _HEADER.pack(sender, (_HEADER.size + len(body)) << 16 | number) + body


def _argument(value: int | str) -> bytes:
    if isinstance(value, int):
        return _WORD.pack(value & 0xFFFFFFFF)
    text = value.encode() + b"\0"
    return _WORD.pack(len(text)) + text + b"\0" * (-len(text) % 4)


class Events:
    """Cuts what was received into events, wherever the pieces begin and end."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Event]:
        """Raises BadInput for what is no event."""
        self._rest += data
        while len(self._rest) >= _HEADER.size:
            sender, word = _HEADER.unpack_from(self._rest)
            size = word >> 16
            if size < _HEADER.size or size % 4 or size > _MOST_BYTES:
                raise BadInput("The Wayland compositor sent something that is no event.")
            if len(self._rest) < size:
                return
            body, self._rest = self._rest[_HEADER.size : size], self._rest[size:]
            yield Event(sender, word & 0xFFFF, body)


_SYNC, _GET_REGISTRY = 0, 1
_BIND = 0
_GLOBAL, _GLOBAL_REMOVE = 0, 1
_ERROR = 0


@dataclass
class Registry:
    """What the compositor offers now, and the numbers of our own objects.

    ``hello()`` is the first that is sent; every event goes through ``take``. Ids are never used twice.
    """

    offered: dict[int, Global] = field(default_factory=dict)
    _last_id: int = DISPLAY + 1

    def hello(self) -> bytes:
        return request(DISPLAY, _GET_REGISTRY, DISPLAY + 1)

    def new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def sync(self) -> tuple[int, bytes]:
        """The callback that gets an event once everything before is answered, and the request."""
        callback = self.new_id()
        return callback, request(DISPLAY, _SYNC, callback)

    def bind(self, what: Global, version: int) -> tuple[int, bytes]:
        """The new object's number, and the request."""
        made = self.new_id()
        return made, request(DISPLAY + 1, _BIND, what.name, what.interface, version, made)

    def all_of(self, interface: str) -> tuple[Global, ...]:
        """In the order in which they were offered."""
        return tuple(each for each in self.offered.values() if each.interface == interface)

    def take(self, event: Event) -> bool:
        """Whether what is offered has changed. Raises BadInput when the compositor says that we made an error."""
        if event.sender == DISPLAY and event.number == _ERROR:
            raise BadInput(f"The Wayland compositor refused a request: {event.fields('uus')[2]}.")
        if event.sender != DISPLAY + 1:
            return False
        if event.number == _GLOBAL:
            name, interface, version = event.fields("usu")
            self.offered[int(name)] = Global(int(name), str(interface), int(version))
        elif event.number == _GLOBAL_REMOVE:
            self.offered.pop(event.number_at(0), None)
        return True
