"""advapi32.dll: whether a service or driver runs."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import POINTER, Structure, byref
from ctypes.wintypes import BOOL, DWORD, HANDLE, LPCWSTR

from app.lockdown.win32.library import Library

_SC_MANAGER_CONNECT = 0x1
_SERVICE_QUERY_STATUS = 0x4
_SERVICE_RUNNING = 4


class _ServiceStatus(Structure):
    """SERVICE_STATUS."""

    _fields_ = (
        ("type", DWORD),
        ("state", DWORD),
        ("accepts", DWORD),
        ("exit_code", DWORD),
        ("own_exit_code", DWORD),
        ("check_point", DWORD),
        ("wait_hint_ms", DWORD),
    )


_advapi32 = Library("advapi32")
_OpenSCManagerW = _advapi32.function("OpenSCManagerW", HANDLE, LPCWSTR, LPCWSTR, DWORD)
_OpenServiceW = _advapi32.function("OpenServiceW", HANDLE, HANDLE, LPCWSTR, DWORD)
_QueryServiceStatus = _advapi32.function("QueryServiceStatus", BOOL, HANDLE, POINTER(_ServiceStatus))
_CloseServiceHandle = _advapi32.function("CloseServiceHandle", BOOL, HANDLE)


def running_services(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the named services and drivers that run; none where Windows does not tell."""
    manager = _OpenSCManagerW(None, None, _SC_MANAGER_CONNECT)
    if not manager:
        return ()
    try:
        return tuple(name for name in names if _runs(manager, name))
    finally:
        _CloseServiceHandle(manager)


def _runs(manager: int, name: str) -> bool:
    service = _OpenServiceW(manager, name, _SERVICE_QUERY_STATUS)
    if not service:
        return False
    try:
        status = _ServiceStatus()
        return bool(_QueryServiceStatus(service, byref(status))) and int(status.state) == _SERVICE_RUNNING
    finally:
        _CloseServiceHandle(service)
