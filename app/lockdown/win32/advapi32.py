"""advapi32.dll: the registry.

``winreg`` of the standard library does the same but exists on Windows only, and what can't be imported can't be checked.
Functions raise OSError with Windows' own words; ``winerror`` of it is one of the ERROR_ values here.
"""

from __future__ import annotations

from ctypes import POINTER, byref, c_long, c_void_p, create_string_buffer
from ctypes.wintypes import DWORD, HKEY, LPCWSTR

from app.lockdown.win32.library import Library, failure

_advapi32 = Library("advapi32")

HKEY_CURRENT_USER = 0x80000001
HKEY_LOCAL_MACHINE = 0x80000002
KEY_QUERY_VALUE = 0x1
KEY_SET_VALUE = 0x2
KEY_CREATE_SUB_KEY = 0x4
REG_SZ = 1
REG_DWORD = 4
ERROR_FILE_NOT_FOUND = 2
ERROR_ACCESS_DENIED = 5

_RegOpenKeyExW = _advapi32.function("RegOpenKeyExW", c_long, HKEY, LPCWSTR, DWORD, DWORD, POINTER(HKEY))
_RegCreateKeyExW = _advapi32.function(
    "RegCreateKeyExW", c_long, HKEY, LPCWSTR, DWORD, LPCWSTR, DWORD, DWORD, c_void_p, POINTER(HKEY), POINTER(DWORD)
)
_RegQueryValueExW = _advapi32.function(
    "RegQueryValueExW", c_long, HKEY, LPCWSTR, c_void_p, POINTER(DWORD), c_void_p, POINTER(DWORD)
)
_RegSetValueExW = _advapi32.function("RegSetValueExW", c_long, HKEY, LPCWSTR, DWORD, DWORD, c_void_p, DWORD)
_RegDeleteValueW = _advapi32.function("RegDeleteValueW", c_long, HKEY, LPCWSTR)
_RegDeleteKeyW = _advapi32.function("RegDeleteKeyW", c_long, HKEY, LPCWSTR)
_RegQueryInfoKeyW = _advapi32.function(
    "RegQueryInfoKeyW", c_long, HKEY,
    c_void_p, c_void_p, c_void_p, POINTER(DWORD), c_void_p, c_void_p, POINTER(DWORD),
    c_void_p, c_void_p, c_void_p, c_void_p,
)  # fmt: skip
_RegFlushKey = _advapi32.function("RegFlushKey", c_long, HKEY)
_RegCloseKey = _advapi32.function("RegCloseKey", c_long, HKEY)


def open_key(root: int, path: str, access: int) -> int:
    """Close the handle."""
    handle = HKEY()
    _check("RegOpenKeyEx", _RegOpenKeyExW(root, path, 0, access, byref(handle)))
    return handle.value or 0


def create_key(root: int, path: str, access: int) -> int:
    """Opens the key, made with all its parents where absent. Close the handle."""
    handle = HKEY()
    _check("RegCreateKeyEx", _RegCreateKeyExW(root, path, 0, None, 0, access, None, byref(handle), None))
    return handle.value or 0


def query_value(key: int, name: str) -> tuple[int, bytes] | None:
    """Type and data of a value; None when there is none."""
    kind, size = DWORD(0), DWORD(0)
    code = _RegQueryValueExW(key, name, None, byref(kind), None, byref(size))
    if code == ERROR_FILE_NOT_FOUND:
        return None
    _check("RegQueryValueEx", code)
    data = create_string_buffer(size.value)
    _check("RegQueryValueEx", _RegQueryValueExW(key, name, None, byref(kind), data, byref(size)))
    return int(kind.value), data.raw[: size.value]


def set_value(key: int, name: str, kind: int, data: bytes) -> None:
    _check("RegSetValueEx", _RegSetValueExW(key, name, 0, kind, data, len(data)))


def delete_value(key: int, name: str) -> None:
    """No error when it is gone already."""
    code = _RegDeleteValueW(key, name)
    if code != ERROR_FILE_NOT_FOUND:
        _check("RegDeleteValue", code)


def delete_key(root: int, path: str) -> None:
    """A key without keys in it; its values go with it. No error when it is gone already."""
    code = _RegDeleteKeyW(root, path)
    if code != ERROR_FILE_NOT_FOUND:
        _check("RegDeleteKey", code)


def is_empty(key: int) -> bool:
    """Whether there are neither keys nor values in it."""
    keys, values = DWORD(0), DWORD(0)
    code = _RegQueryInfoKeyW(key, None, None, None, byref(keys), None, None, byref(values), None, None, None, None)
    _check("RegQueryInfoKey", code)
    return not keys.value and not values.value


def flush_key(key: int) -> None:
    """Returns when what was changed is on the disk."""
    _check("RegFlushKey", _RegFlushKey(key))


def close_key(key: int) -> None:
    _RegCloseKey(key)


def _check(what: str, code: int) -> None:
    if code != 0:
        raise failure(what, code)
