"""Keeps Chromium from probing the Internet when the whole exam runs on this machine.

Before its first request Chromium asks the kernel for a route to a public IPv6 address, by
connecting a datagram socket: no packet is sent, but it is a look outside. No switch turns it off
(Chromium 140). Where the exam and its backend are on loopback, IPv6 datagram sockets are of no
use, so the kernel is asked to refuse them to this process and its children.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_TSYNC = 1
_AF_INET6 = 10
_SOCK_DGRAM = 2
_EAFNOSUPPORT = 97
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000

_LOAD, _AND, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
# machine: audit architecture, number of socket(2), number of seccomp(2)
_MACHINES = {"x86_64": (0xC000003E, 41, 317), "aarch64": (0xC00000B7, 198, 277)}


def refuse_ipv6_datagrams() -> bool:
    """True when it is in force, for every thread of this process and what it starts, for good.

    False where it is not possible (not Linux, a kernel without seccomp): then nothing is changed
    but that the process can't gain privileges. Call it before the QApplication, and only when
    every host of the exam is a loopback address.
    """
    machine = _MACHINES.get(platform.machine())
    if not sys.platform.startswith("linux") or machine is None:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    code = _filter(*machine[:2])
    buffer = ctypes.create_string_buffer(code, len(code))
    # struct sock_fprog: the number of instructions, padding, a pointer to them
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer)), 16)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    done: int = libc.syscall(
        ctypes.c_long(machine[2]),
        ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER),
        ctypes.c_ulong(_SECCOMP_FILTER_FLAG_TSYNC),
        ctypes.c_void_p(ctypes.addressof(program)),
    )
    return done == 0


def _filter(architecture: int, socket_number: int) -> bytes:
    """A BPF program over struct seccomp_data: number at 0, architecture at 4, arguments from 16."""
    allow_if_other = [
        (_LOAD, 0, 0, 4),
        (_JUMP_IF_EQUAL, 0, 8, architecture),
        (_LOAD, 0, 0, 0),
        (_JUMP_IF_EQUAL, 0, 6, socket_number),
        (_LOAD, 0, 0, 16),
        (_JUMP_IF_EQUAL, 0, 4, _AF_INET6),
        (_LOAD, 0, 0, 24),
        (_AND, 0, 0, 0xF),  # without SOCK_CLOEXEC and SOCK_NONBLOCK
        (_JUMP_IF_EQUAL, 0, 1, _SOCK_DGRAM),
        (_RETURN, 0, 0, _ERRNO | _EAFNOSUPPORT),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in allow_if_other)
