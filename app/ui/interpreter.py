"""A repair of the interpreter that has to be made before Qt is used."""

from __future__ import annotations

import ctypes
import sys

_NEVER_REACHED = 1 << 40


def keep_singletons_alive() -> None:
    """Keeps None, True, False and NotImplemented from being freed under PySide6. Any thread; safe to repeat.

    WORKAROUND(PySide6 6.12 on Python 3.11): its wheels return these objects without taking a reference,
    as is right from Python 3.12 on, where they are immortal (PEP 683). Before that every call of a Qt
    method that returns nothing takes one reference of None away, and after some thousands the interpreter
    aborts with "none_dealloc: deallocating None". Here they get more references than an exam can use up.
    """
    if sys.version_info >= (3, 12) or sys.implementation.name != "cpython":
        return
    for singleton in (None, True, False, NotImplemented):
        count = ctypes.c_ssize_t.from_address(id(singleton))
        if count.value < _NEVER_REACHED:
            count.value += _NEVER_REACHED
