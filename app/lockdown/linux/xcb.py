"""The few functions of libxcb that have to be called on a toolkit's own connection: there, a grab or an answer of
another connection would be another program's. No Qt here: the connection is given as its address.

The library is loaded at the first call, so that this module can be imported everywhere.
"""

from __future__ import annotations

import ctypes
import functools
import struct

_SELECTION_REQUEST = 30
_SELECTION_NOTIFY = 31
_BUTTON_AND_MOTION = (1 << 2) | (1 << 3) | (1 << 4) | (1 << 5) | (1 << 6)
_ASYNC = 1
_SUCCESS = 0
_NO_TIME = 0
_EVENT_BYTES = 32


class _Cookie(ctypes.Structure):
    _fields_ = (("sequence", ctypes.c_uint),)


class _AtomReply(ctypes.Structure):
    _fields_ = (
        ("response_type", ctypes.c_uint8),
        ("pad", ctypes.c_uint8),
        ("sequence", ctypes.c_uint16),
        ("length", ctypes.c_uint32),
        ("atom", ctypes.c_uint32),
    )


class _GrabReply(ctypes.Structure):
    _fields_ = (
        ("response_type", ctypes.c_uint8),
        ("status", ctypes.c_uint8),
        ("sequence", ctypes.c_uint16),
        ("length", ctypes.c_uint32),
    )


@functools.cache
def _library() -> ctypes.CDLL:
    """As declared in xcb/xproto.h."""
    xcb = ctypes.CDLL("libxcb.so.1")
    address, byte, word, number = ctypes.c_void_p, ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32
    xcb.xcb_grab_pointer.argtypes = [address, byte, number, word, byte, byte, number, number, number]
    xcb.xcb_grab_pointer.restype = _Cookie
    xcb.xcb_grab_pointer_reply.argtypes = [address, _Cookie, address]
    xcb.xcb_grab_pointer_reply.restype = ctypes.POINTER(_GrabReply)
    xcb.xcb_ungrab_pointer.argtypes = [address, number]
    xcb.xcb_ungrab_pointer.restype = _Cookie
    xcb.xcb_intern_atom.argtypes = [address, byte, word, ctypes.c_char_p]
    xcb.xcb_intern_atom.restype = _Cookie
    xcb.xcb_intern_atom_reply.argtypes = [address, _Cookie, address]
    xcb.xcb_intern_atom_reply.restype = ctypes.POINTER(_AtomReply)
    xcb.xcb_send_event.argtypes = [address, byte, number, number, ctypes.c_char_p]
    xcb.xcb_send_event.restype = _Cookie
    xcb.xcb_flush.argtypes = [address]
    xcb.xcb_flush.restype = ctypes.c_int
    return xcb


@functools.cache
def _free() -> ctypes.CDLL:
    """xcb's answers are given back with the C library's ``free``."""
    c = ctypes.CDLL(None)
    c.free.argtypes = [ctypes.c_void_p]
    c.free.restype = None
    return c


def grab_pointer(connection: int, window: int) -> bool:
    """Keeps the pointer inside the window, for this connection's windows only; True when it is held. Waits for the server."""
    xcb = _library()
    cookie = xcb.xcb_grab_pointer(connection, 1, window, _BUTTON_AND_MOTION, _ASYNC, _ASYNC, window, 0, _NO_TIME)
    reply = xcb.xcb_grab_pointer_reply(connection, cookie, None)
    if not reply:
        return False
    try:
        return int(reply.contents.status) == _SUCCESS
    finally:
        _free().free(reply)


def ungrab_pointer(connection: int) -> None:
    xcb = _library()
    xcb.xcb_ungrab_pointer(connection, _NO_TIME)
    xcb.xcb_flush(connection)


def atom(connection: int, name: str) -> int:
    """The number of a name; 0 when the server does not answer."""
    xcb = _library()
    encoded = name.encode("ascii")
    reply = xcb.xcb_intern_atom_reply(connection, xcb.xcb_intern_atom(connection, 0, len(encoded), encoded), None)
    if not reply:
        return 0
    try:
        return int(reply.contents.atom)
    finally:
        _free().free(reply)


def requested_selection(event: int) -> int:
    """The selection that the event at this address asks for; 0 when it is another kind of event."""
    data = ctypes.string_at(event, _EVENT_BYTES)
    if data[0] & 0x7F != _SELECTION_REQUEST:
        return 0
    return int(struct.unpack_from("=I", data, 16)[0])


def refuse_selection(connection: int, event: int) -> None:
    """Answers the request at this address with nothing (ICCCM 2.2), so that who asked does not wait."""
    _, requestor, selection, target = _request(event)
    time = struct.unpack_from("=I", ctypes.string_at(event, _EVENT_BYTES), 4)[0]
    answer = struct.pack("=BxHIIIII8x", _SELECTION_NOTIFY, 0, time, requestor, selection, target, 0)
    xcb = _library()
    xcb.xcb_send_event(connection, 0, requestor, 0, answer)
    xcb.xcb_flush(connection)


def _request(event: int) -> tuple[int, int, int, int]:
    """Owner, requestor, selection and target."""
    owner, requestor, selection, target = struct.unpack_from("=IIII", ctypes.string_at(event, _EVENT_BYTES), 8)
    return owner, requestor, selection, target
