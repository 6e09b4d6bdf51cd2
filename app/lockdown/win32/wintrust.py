"""wintrust.dll: who signed a program file (Authenticode)."""

from __future__ import annotations

from ctypes import POINTER, Structure, Union, byref, c_long, c_ubyte, c_uint16, c_uint32, c_void_p, cast, sizeof
from ctypes.wintypes import BOOL, DWORD, HANDLE, HWND, LPCWSTR, LPVOID

from app.lockdown.win32 import crypt32
from app.lockdown.win32.library import Library

_NO_WINDOW = -1
_UI_NONE = 2
_REVOKE_NONE = 0
_CHOICE_FILE = 1
_STATE_VERIFY = 1
_STATE_CLOSE = 2
_NO_REVOCATION_CHECK = 0x10
_NO_NETWORK = 0x1000


class _Guid(Structure):
    _fields_ = (("data1", c_uint32), ("data2", c_uint16), ("data3", c_uint16), ("data4", c_ubyte * 8))


_GENERIC_VERIFY_V2 = _Guid(0x00AAC56B, 0xCD44, 0x11D0, (c_ubyte * 8)(0x8C, 0xC2, 0x00, 0xC0, 0x4F, 0xC2, 0x95, 0xEE))


class _FileInfo(Structure):
    """WINTRUST_FILE_INFO."""

    _fields_ = (("size", DWORD), ("path", LPCWSTR), ("file", HANDLE), ("subject", c_void_p))


class _Choice(Union):
    _fields_ = (("file", POINTER(_FileInfo)),)


class _TrustData(Structure):
    """WINTRUST_DATA."""

    _fields_ = (
        ("size", DWORD),
        ("policy_callback", LPVOID),
        ("sip_client", LPVOID),
        ("ui_choice", DWORD),
        ("revocation", DWORD),
        ("union_choice", DWORD),
        ("choice", _Choice),
        ("state_action", DWORD),
        ("state", HANDLE),
        ("url", LPCWSTR),
        ("flags", DWORD),
        ("ui_context", DWORD),
        ("signature_settings", c_void_p),
    )


class _ProviderCertificate(Structure):
    """The beginning of CRYPT_PROVIDER_CERT."""

    _fields_ = (("size", DWORD), ("certificate", c_void_p))


_wintrust = Library("wintrust")
_WinVerifyTrust = _wintrust.function("WinVerifyTrust", c_long, HWND, POINTER(_Guid), POINTER(_TrustData))
_WTHelperProvDataFromStateData = _wintrust.function("WTHelperProvDataFromStateData", c_void_p, HANDLE)
_WTHelperGetProvSignerFromChain = _wintrust.function(
    "WTHelperGetProvSignerFromChain", c_void_p, c_void_p, DWORD, BOOL, DWORD
)
_WTHelperGetProvCertFromChain = _wintrust.function("WTHelperGetProvCertFromChain", c_void_p, c_void_p, DWORD)


def signer(file: str) -> str:
    """The subject of the certificate whose signature in the file Windows found whole and trusts; otherwise empty.

    No network: revocation is not asked for. Signatures in Windows' catalogues, which its own programs have, are not looked up.
    """
    return verify(file)[1]


def verify(file: str) -> tuple[int, str]:
    """WinVerifyTrust's answer, 0 when all is well, and the signer's name where it is."""
    info = _FileInfo(size=sizeof(_FileInfo), path=file)
    data = _TrustData(
        size=sizeof(_TrustData),
        ui_choice=_UI_NONE,
        revocation=_REVOKE_NONE,
        union_choice=_CHOICE_FILE,
        choice=_Choice(_pointer(info)),
        state_action=_STATE_VERIFY,
        flags=_NO_REVOCATION_CHECK | _NO_NETWORK,
    )
    answer = int(_WinVerifyTrust(_NO_WINDOW, byref(_GENERIC_VERIFY_V2), byref(data)))
    try:
        return answer, _name(data) if answer == 0 else ""
    finally:
        data.state_action = _STATE_CLOSE
        _WinVerifyTrust(_NO_WINDOW, byref(_GENERIC_VERIFY_V2), byref(data))


def _pointer(info: _FileInfo) -> object:
    return cast(byref(info), POINTER(_FileInfo))


def _name(data: _TrustData) -> str:
    provider = _WTHelperProvDataFromStateData(data.state)
    signed_by = _WTHelperGetProvSignerFromChain(provider, 0, False, 0) if provider else None
    found = _WTHelperGetProvCertFromChain(signed_by, 0) if signed_by else None
    if not found:
        return ""
    certificate = cast(found, POINTER(_ProviderCertificate)).contents.certificate
    return crypt32.subject(certificate) if certificate else ""
