"""The clipboard emptied for the exam, and watched in it. What is in it, is never read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from app.core import lockdown
from app.core.types import ClipboardUsed, Json, Observation

ANOTHER_PROGRAM = "another program"
ANOTHER_DEVICE = "another device (Universal Clipboard)"
REMOTE_TYPE = "com.apple.is-remote-clipboard"
"""What macOS adds to a copy that came from another device. In no header; a clipboard without it is taken as local."""


class Pasteboard(Protocol):
    """The general pasteboard. Contents are not asked for."""

    def changes(self) -> int:
        """Goes up each time that anyone empties it or puts something in."""

    def types(self) -> Sequence[str]:
        """The kinds of what is in it; empty for nothing."""

    def empty(self) -> int:
        """Returns the number of changes afterwards."""


class ClipboardEmptied:
    """What was copied before the exam can't be pasted in it, and nothing of the exam afterwards."""

    name = lockdown.CLIPBOARD

    def __init__(self, pasteboard: Pasteboard) -> None:
        self._pasteboard = pasteboard

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        self._pasteboard.empty()

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        self._pasteboard.empty()


class ClipboardUse:
    """Reports what others put in, and takes it out again. One thread.

    macOS does not tell who put it there. A change is the exam's own where our program was in front at this poll and at
    the one before; a program that writes behind it is missed, and nobody is accused of what he copied in the exam. What
    came from another device is never ours. What is there at the first poll is no report.
    """

    name = lockdown.CLIPBOARD_USE

    def __init__(self, pasteboard: Pasteboard, in_front: Callable[[], bool]) -> None:
        self._pasteboard = pasteboard
        self._in_front = in_front
        self._was_in_front = True
        self._changes: int | None = None

    def poll(self, now_ns: int) -> Sequence[Observation]:
        was, self._was_in_front = self._was_in_front, self._in_front()
        before, self._changes = self._changes, self._pasteboard.changes()
        if before in {None, self._changes}:
            return ()
        types = self._pasteboard.types()
        remote = REMOTE_TYPE in types
        if not types or (was and self._was_in_front and not remote):
            return ()
        self._changes = self._pasteboard.empty()
        return (ClipboardUsed(now_ns, ANOTHER_DEVICE if remote else ANOTHER_PROGRAM),)

    def listen(self, wake: Callable[[], None]) -> int | None:
        """Polled only: macOS tells nobody of a change."""
        return None

    def close(self) -> None:
        """Nothing is held."""
