"""Whether something keeps the machine's clock right, as Linux's kernel knows it (adjtimex(2)); it needs no rights to ask."""

from __future__ import annotations

import ctypes
import functools

_UNSYNCHRONISED = 0x40
"""STA_UNSYNC in linux/timex.h: the kernel sets it whenever the clock is set, and time services take it back."""


class _Timex(ctypes.Structure):
    """``modes`` 0 changes nothing. The rest is as long as any system's."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("max_error", ctypes.c_long),
        ("estimated_error", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


@functools.cache
def _library() -> ctypes.CDLL:
    c = ctypes.CDLL(None)
    c.adjtimex.argtypes = [ctypes.POINTER(_Timex)]
    c.adjtimex.restype = ctypes.c_int
    return c


def is_kept_right() -> bool:
    """False where a person set the clock last, and where the kernel does not tell."""
    state = _Timex()
    try:
        answer = int(_library().adjtimex(ctypes.byref(state)))
    except (AttributeError, OSError):
        return False
    return answer >= 0 and not state.status & _UNSYNCHRONISED
