"""version.dll: what a program's maker built into its file."""

from __future__ import annotations

from ctypes import POINTER, byref, c_uint16, c_void_p, cast, create_string_buffer, wstring_at
from ctypes.wintypes import BOOL, DWORD, LPCWSTR, UINT

from app.lockdown.win32.library import Library

_version = Library("version")
_GetFileVersionInfoSizeW = _version.function("GetFileVersionInfoSizeW", DWORD, LPCWSTR, POINTER(DWORD))
_GetFileVersionInfoW = _version.function("GetFileVersionInfoW", BOOL, LPCWSTR, DWORD, DWORD, c_void_p)
_VerQueryValueW = _version.function("VerQueryValueW", BOOL, c_void_p, LPCWSTR, POINTER(c_void_p), POINTER(UINT))


def original_name(file: str) -> str:
    """OriginalFilename of the file's version resource, in the first language that has one; empty without it.

    Of a file whose texts lie in a language file of its own Windows gives that one's name: without its ``.mui``.
    """
    ignored = DWORD()
    size = int(_GetFileVersionInfoSizeW(file, byref(ignored)))
    if not size:
        return ""
    block = create_string_buffer(size)
    if not _GetFileVersionInfoW(file, 0, size, block):
        return ""
    names = (_text(block, f"\\StringFileInfo\\{language}\\OriginalFilename") for language in _languages(block))
    found = next(filter(None, names), "")
    return found[: -len(".mui")] if found.lower().endswith(".mui") else found


def _languages(block: object) -> list[str]:
    """As they stand in the names of the resource: eight hexadecimal digits each."""
    value, size = c_void_p(), UINT()
    if not _VerQueryValueW(block, "\\VarFileInfo\\Translation", byref(value), byref(size)) or not value.value:
        return ["040904b0", "040904e4"]  # what makers without a list use: English, Unicode or Latin
    count = size.value // 4
    pairs = cast(value, POINTER(c_uint16 * (2 * count))).contents
    return [f"{pairs[2 * n]:04x}{pairs[2 * n + 1]:04x}" for n in range(count)]


def _text(block: object, query: str) -> str:
    value, length = c_void_p(), UINT()
    if not _VerQueryValueW(block, query, byref(value), byref(length)) or not value.value or not length.value:
        return ""
    return wstring_at(value.value, length.value).split("\0", 1)[0].strip()
