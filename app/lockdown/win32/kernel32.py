"""kernel32.dll: the processes that run, their files, and ending them."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, byref, c_size_t, c_void_p, c_wchar, create_unicode_buffer, sizeof
from ctypes.wintypes import BOOL, DWORD, HANDLE, HMODULE, LONG, LPCWSTR, LPWSTR, UINT
from dataclasses import dataclass

from app.lockdown.win32.library import Library, failure, last_error

_ERROR_ACCESS_DENIED = 5
_ERROR_INVALID_PARAMETER = 87
_PROCESS_TERMINATE = 0x0001
_PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
_TH32CS_SNAPPROCESS = 0x2
_INVALID_HANDLE = c_void_p(-1).value
_LONGEST_PATH = 32768


class _ProcessEntry(Structure):
    """PROCESSENTRY32W."""

    _fields_ = (
        ("size", DWORD),
        ("usage", DWORD),
        ("pid", DWORD),
        ("heap", c_size_t),
        ("module", DWORD),
        ("threads", DWORD),
        ("parent_pid", DWORD),
        ("priority", LONG),
        ("flags", DWORD),
        ("name", c_wchar * 260),
    )


_kernel32 = Library("kernel32")
_CreateToolhelp32Snapshot = _kernel32.function("CreateToolhelp32Snapshot", HANDLE, DWORD, DWORD)
_Process32FirstW = _kernel32.function("Process32FirstW", BOOL, HANDLE, POINTER(_ProcessEntry))
_Process32NextW = _kernel32.function("Process32NextW", BOOL, HANDLE, POINTER(_ProcessEntry))
_OpenProcess = _kernel32.function("OpenProcess", HANDLE, DWORD, BOOL, DWORD)
_CloseHandle = _kernel32.function("CloseHandle", BOOL, HANDLE)
_QueryFullProcessImageNameW = _kernel32.function(
    "QueryFullProcessImageNameW", BOOL, HANDLE, DWORD, LPWSTR, POINTER(DWORD)
)
_TerminateProcess = _kernel32.function("TerminateProcess", BOOL, HANDLE, UINT)
_GetModuleHandleW = _kernel32.function("GetModuleHandleW", HMODULE, LPCWSTR)
_GetProcAddress = _kernel32.function("GetProcAddress", c_void_p, HMODULE, ctypes.c_char_p)
_GetSystemWindowsDirectoryW = _kernel32.function("GetSystemWindowsDirectoryW", UINT, LPWSTR, UINT)


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """``name`` is the file name of the program, as ``notepad.exe``."""

    pid: int
    parent_pid: int
    name: str


def running() -> list[RunningProcess]:
    """Every process, of all users; the idle process (0) is left out. Raises OSError."""
    snapshot = _CreateToolhelp32Snapshot(_TH32CS_SNAPPROCESS, 0)
    if snapshot in {None, _INVALID_HANDLE}:
        raise failure("The running programs can't be listed")
    try:
        entry = _ProcessEntry(size=sizeof(_ProcessEntry))
        found = []
        more = _Process32FirstW(snapshot, byref(entry))
        while more:
            if entry.pid:
                found.append(RunningProcess(int(entry.pid), int(entry.parent_pid), str(entry.name)))
            more = _Process32NextW(snapshot, byref(entry))
        return found
    finally:
        _CloseHandle(snapshot)


def program_of(pid: int) -> str:
    """The file name of the program that a process runs; empty when it has ended. Told of every process."""
    return next((one.name for one in running() if one.pid == pid), "") if pid else ""


def program_file(pid: int) -> str:
    """The path of the program that a process runs; empty when it has ended or this user may not know."""
    process = _OpenProcess(_PROCESS_QUERY_LIMITED_INFORMATION, False, pid)
    if not process:
        return ""
    try:
        length = DWORD(_LONGEST_PATH)
        path = create_unicode_buffer(_LONGEST_PATH)
        return path.value if _QueryFullProcessImageNameW(process, 0, path, byref(length)) else ""
    finally:
        _CloseHandle(process)


def end_process(pid: int) -> None:
    """Ends it at once. Raises PermissionError where this user may not; one that is gone is no error."""
    process = _OpenProcess(_PROCESS_TERMINATE, False, pid)
    if not process:
        if last_error() == _ERROR_INVALID_PARAMETER:
            return
        raise failure(f"Process {pid} can't be opened")
    try:
        # A process that is ending already answers "access denied"; it is then gone in a moment by itself.
        if not _TerminateProcess(process, 1) and last_error() != _ERROR_ACCESS_DENIED:
            raise failure(f"Process {pid} can't be ended")
    finally:
        _CloseHandle(process)


def this_program() -> int:
    """The module handle of the running program."""
    return int(_GetModuleHandleW(None) or 0)


def windows_folder() -> str:
    """Where Windows itself is installed, as C:\\Windows."""
    path = create_unicode_buffer(260)
    return path.value if _GetSystemWindowsDirectoryW(path, 260) else ""


def wine_version() -> str:
    """Wine's version where Windows is Wine, otherwise empty."""
    address = _GetProcAddress(_GetModuleHandleW("ntdll.dll"), b"wine_get_version")
    if not address:
        return ""
    version = ctypes.CFUNCTYPE(ctypes.c_char_p)(address)()
    return version.decode("ascii", "replace") if version else "unknown"
