"""The few functions of macOS outside of AppKit and Quartz that we ask, by ctypes. Each library is loaded at its first use."""

from __future__ import annotations

import ctypes
import functools
import sys
from ctypes import byref, c_bool, c_char_p, c_int, c_size_t, c_uint32, c_ulong, c_void_p, create_string_buffer

_FRAMEWORKS = "/System/Library/Frameworks"
_UTF8 = 0x08000100
"""kCFStringEncodingUTF8 (CoreFoundation, CFString.h)."""
_LONGEST_VALUE = 256
ASSESSMENT_ENTITLEMENT = "com.apple.developer.automatic-assessment-configuration"


def may_see_keys() -> bool:
    """Whether this person allowed our program in Privacy & Security, Accessibility (AXIsProcessTrusted). Asks nobody."""
    function = _library("ApplicationServices").AXIsProcessTrusted
    function.restype, function.argtypes = c_bool, ()
    return bool(function())


def sysctl_text(name: str) -> str:
    """A text of the kernel (sysctl(3)); empty where there is none of that name."""
    value = _sysctl(name)
    return value.rstrip(b"\0").decode("utf-8", "replace")


def sysctl_number(name: str) -> int:
    """A 32-bit number of the kernel; 0 where there is none of that name."""
    return int.from_bytes(_sysctl(name)[:4], sys.byteorder)


def _sysctl(name: str) -> bytes:
    function = ctypes.CDLL(None).sysctlbyname
    function.restype = c_int
    function.argtypes = (c_char_p, c_void_p, c_void_p, c_void_p, c_size_t)
    size, buffer = c_size_t(_LONGEST_VALUE), create_string_buffer(_LONGEST_VALUE)
    failed = function(name.encode(), buffer, byref(size), None, 0) != 0
    return b"" if failed else buffer.raw[: size.value]


def has_entitlement(name: str) -> bool:
    """Whether our program was signed with this right, set to true (SecTaskCopyValueForEntitlement)."""
    core, security = _core_foundation(), _security()
    task = security.SecTaskCreateFromSelf(None)
    if not task:
        return False
    key = core.CFStringCreateWithCString(None, name.encode(), _UTF8)
    value = security.SecTaskCopyValueForEntitlement(task, key, None)
    try:
        is_boolean = bool(value) and core.CFGetTypeID(value) == core.CFBooleanGetTypeID()
        return is_boolean and bool(core.CFBooleanGetValue(value))
    finally:
        for owned in (value, key, task):
            if owned:
                core.CFRelease(owned)


@functools.cache
def _core_foundation() -> ctypes.CDLL:
    core = _library("CoreFoundation")
    core.CFStringCreateWithCString.restype = c_void_p
    core.CFStringCreateWithCString.argtypes = (c_void_p, c_char_p, c_uint32)
    core.CFGetTypeID.restype, core.CFGetTypeID.argtypes = c_ulong, (c_void_p,)
    core.CFBooleanGetTypeID.restype, core.CFBooleanGetTypeID.argtypes = c_ulong, ()
    core.CFBooleanGetValue.restype, core.CFBooleanGetValue.argtypes = c_bool, (c_void_p,)
    core.CFRelease.restype, core.CFRelease.argtypes = None, (c_void_p,)
    return core


@functools.cache
def _security() -> ctypes.CDLL:
    security = _library("Security")
    security.SecTaskCreateFromSelf.restype, security.SecTaskCreateFromSelf.argtypes = c_void_p, (c_void_p,)
    security.SecTaskCopyValueForEntitlement.restype = c_void_p
    security.SecTaskCopyValueForEntitlement.argtypes = (c_void_p, c_void_p, c_void_p)
    return security


@functools.cache
def _library(name: str) -> ctypes.CDLL:
    return ctypes.CDLL(f"{_FRAMEWORKS}/{name}.framework/{name}")
