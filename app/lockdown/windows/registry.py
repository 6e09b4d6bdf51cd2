"""The registry, as far as lockdown changes it: numbers and texts under two roots."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import PureWindowsPath

from app.core.errors import LockdownError
from app.lockdown.win32 import advapi32


class Root(IntEnum):
    USER = advapi32.HKEY_CURRENT_USER
    MACHINE = advapi32.HKEY_LOCAL_MACHINE


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is: ``name`` in the key ``path`` under ``root``."""

    root: Root
    path: str
    name: str

    def __str__(self) -> str:
        return f"{'HKEY_CURRENT_USER' if self.root is Root.USER else 'HKEY_LOCAL_MACHINE'}\\{self.path}\\{self.name}"


class Registry:
    """Any thread. What is changed is on the disk when a call returns. Raises LockdownError where Windows refuses."""

    def number(self, place: Place) -> int | None:
        """A DWORD; None when there is none, or something of another type."""
        found = self._read(place)
        if found is None or found[0] != advapi32.REG_DWORD or len(found[1]) != 4:
            return None
        return int.from_bytes(found[1], "little")

    def text(self, place: Place) -> str | None:
        """A string; None when there is none, or something of another type."""
        found = self._read(place)
        if found is None or found[0] != advapi32.REG_SZ:
            return None
        return found[1].decode("utf-16-le", "replace").rstrip("\0")

    def exists(self, place: Place) -> bool:
        """Whether there is a value, of whatever type."""
        return self._read(place) is not None

    def set_number(self, place: Place, value: int) -> None:
        self._write(place, advapi32.REG_DWORD, value.to_bytes(4, "little"))

    def set_text(self, place: Place, value: str) -> None:
        self._write(place, advapi32.REG_SZ, f"{value}\0".encode("utf-16-le"))

    def delete(self, place: Place) -> None:
        """Gone afterwards, whether it was there or not."""
        with _said(place):
            key = self._opened(place.root, place.path, advapi32.KEY_SET_VALUE)
            if key is not None:
                with _closing(key):
                    advapi32.delete_value(key, place.name)
                    advapi32.flush_key(key)

    def has_key(self, place: Place) -> bool:
        """Whether the value's key is there."""
        with _said(place):
            key = self._opened(place.root, place.path, advapi32.KEY_QUERY_VALUE)
            if key is None:
                return False
            advapi32.close_key(key)
            return True

    def delete_empty_key(self, place: Place) -> None:
        """Removes the value's key if nothing is in it."""
        with _said(place):
            key = self._opened(place.root, place.path, advapi32.KEY_QUERY_VALUE)
            if key is not None:
                with _closing(key):
                    empty = advapi32.is_empty(key)
                if empty:
                    advapi32.delete_key(place.root, place.path)

    def may_write(self, place: Place) -> bool:
        """Whether this user may set the value. Changes nothing: asks the key, or the nearest one above it that exists."""
        path = PureWindowsPath(place.path)
        access = advapi32.KEY_SET_VALUE
        for existing in (path, *path.parents):
            try:
                key = self._opened(place.root, str(existing), access)
            except OSError:
                return False
            if key is not None:
                advapi32.close_key(key)
                return True
            access = advapi32.KEY_CREATE_SUB_KEY
        return False

    def _read(self, place: Place) -> tuple[int, bytes] | None:
        with _said(place):
            key = self._opened(place.root, place.path, advapi32.KEY_QUERY_VALUE)
            if key is None:
                return None
            with _closing(key):
                return advapi32.query_value(key, place.name)

    def _write(self, place: Place, kind: int, data: bytes) -> None:
        with _said(place):
            key = advapi32.create_key(place.root, place.path, advapi32.KEY_SET_VALUE)
            with _closing(key):
                advapi32.set_value(key, place.name, kind, data)
                advapi32.flush_key(key)

    def _opened(self, root: Root, path: str, access: int) -> int | None:
        """None when there is no such key. Raises OSError for other reasons."""
        try:
            return advapi32.open_key(root, path, access)
        except OSError as error:
            if _number_of(error) == advapi32.ERROR_FILE_NOT_FOUND:
                return None
            raise


def _number_of(error: OSError) -> int | None:
    """Windows' own number of the error; elsewhere there is none."""
    number: int | None = getattr(error, "winerror", None)
    return number


@contextlib.contextmanager
def _closing(key: int) -> Iterator[None]:
    try:
        yield
    finally:
        advapi32.close_key(key)


@contextlib.contextmanager
def _said(place: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LockdownError(
            f"The registry value {place} can't be read or changed ({error}); "
            f"ask whoever runs the machine for the right to it."
        ) from error
