"""Declaring functions of a DLL. A DLL is loaded at the first call, so that declarations can be read on any platform."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

if sys.platform == "win32":
    CALLBACK = ctypes.WINFUNCTYPE

    def _load(name: str) -> ctypes.CDLL:
        return ctypes.WinDLL(name, use_last_error=True)

    def last_error() -> int:
        """Windows' error code of this thread's last failed call (GetLastError)."""
        return ctypes.get_last_error()

    def failure(what: str, code: int | None = None) -> OSError:
        """The error to raise for a failed call: what was tried, and Windows' own words. ``code``: else GetLastError's."""
        number = ctypes.get_last_error() if code is None else code
        return OSError(None, f"{what}: {ctypes.FormatError(number).strip()}", None, number)
else:
    CALLBACK = ctypes.CFUNCTYPE

    def _load(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}.dll is a part of Windows; this is {sys.platform}.")

    def last_error() -> int:
        return 0

    def failure(what: str, code: int | None = None) -> OSError:
        return OSError(code or 0, what)


class Library:
    """One DLL, by its name without ``.dll``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._dll: ctypes.CDLL | None = None

    def function(self, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
        """A function of the DLL with its ctypes types; ``result`` None is C's void. Raises OSError when called where
        this Windows does not have it."""
        known: list[Callable[..., Any]] = []

        def call(*values: object) -> Any:
            if not known:
                known.append(self._declared(name, result, arguments))
            return known[0](*values)

        return call

    def _declared(self, name: str, result: Any, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        if self._dll is None:
            self._dll = _load(self._name)
        try:
            function = self._dll[name]
        except AttributeError as error:
            raise OSError(f"This Windows has no {name} in {self._name}.dll.") from error
        function.restype, function.argtypes = result, arguments
        return function
