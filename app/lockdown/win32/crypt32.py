"""crypt32.dll: names in certificates."""

from __future__ import annotations

from ctypes import c_void_p, create_unicode_buffer
from ctypes.wintypes import DWORD, LPWSTR

from app.lockdown.win32.library import Library

_SIMPLE_DISPLAY = 4
_CertGetNameStringW = Library("crypt32").function(
    "CertGetNameStringW", DWORD, c_void_p, DWORD, DWORD, c_void_p, LPWSTR, DWORD
)


def subject(certificate: int) -> str:
    """The name that Windows shows for a certificate (a PCCERT_CONTEXT)."""
    name = create_unicode_buffer(512)
    _CertGetNameStringW(certificate, _SIMPLE_DISPLAY, 0, None, name, 512)
    return name.value
