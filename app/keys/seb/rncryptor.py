"""RNCryptor's data format, versions 2 and 3, with a password: how .seb files are encrypted.

Version, options, 8 bytes of salt for the encryption and 8 for the HMAC, 16 of initialisation vector, AES-256-CBC with
PKCS #7 padding, and at the end an HMAC-SHA256 over all that comes before it. Keys are PBKDF2-HMAC-SHA1, 10 000
iterations, 32 bytes. Source: github.com/RNCryptor/RNCryptor-Spec.
"""

from __future__ import annotations

import hashlib
import hmac

from app.core.errors import BadInput

VERSIONS = (2, 3)
ITERATIONS = 10_000
_WITH_PASSWORD = 0x01
_SALT_BYTES = 8
_BLOCK_BYTES = 16
_HMAC_BYTES = 32
_HEADER_BYTES = 2 + 2 * _SALT_BYTES + _BLOCK_BYTES


def decrypt(sealed: bytes, password: str) -> bytes | None:
    """The content; None when the password is wrong or the data was altered, which nobody can tell apart.

    The HMAC is compared in constant time, before anything is decrypted.
    Raises BadInput for what is no such data: too short, another version, encrypted without a password.
    """
    _check_form(sealed)
    for secret in _secrets(password, sealed[0]):
        if hmac.compare_digest(hmac.digest(_key(secret, sealed[10:18]), sealed[:-_HMAC_BYTES], "sha256"), sealed[-32:]):
            return _decrypted(sealed, _key(secret, sealed[2:10]))
    return None


def _check_form(sealed: bytes) -> None:
    body = len(sealed) - _HEADER_BYTES - _HMAC_BYTES
    if body < _BLOCK_BYTES or body % _BLOCK_BYTES:
        raise BadInput("This .seb file is damaged: its encrypted part is cut off; get the whole file again.")
    if sealed[0] not in VERSIONS:
        raise BadInput(
            f"This .seb file is encrypted in format {sealed[0]}, and only 2 and 3 are known; "
            "save it again with a current version of Safe Exam Browser."
        )
    if sealed[1] != _WITH_PASSWORD:
        raise BadInput("This .seb file is not encrypted with a password; save it again with a password.")


def _secrets(password: str, version: int) -> list[bytes]:
    """What the keys may be derived from.

    RNCryptor 2 on macOS took as many *bytes* of the UTF-8 text as the password has UTF-16 *units*, a fault that
    version 3 mended. SEB for Windows writes version 2 with the whole text. Both are the same for ASCII.
    """
    whole = password.encode("utf-8", "surrogatepass")
    cut = whole[: len(password.encode("utf-16-le", "surrogatepass")) // 2]
    return [whole] if version == 3 or cut == whole else [whole, cut]


def _key(secret: bytes, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha1", secret, salt, ITERATIONS, 32)


def _decrypted(sealed: bytes, key: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    iv = sealed[_HEADER_BYTES - _BLOCK_BYTES : _HEADER_BYTES]
    decryptor = Cipher(algorithms.AES256(key), modes.CBC(iv)).decryptor()
    padded = decryptor.update(sealed[_HEADER_BYTES:-_HMAC_BYTES]) + decryptor.finalize()
    unpadder = PKCS7(8 * _BLOCK_BYTES).unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise BadInput("This .seb file is damaged inside its encrypted part; save it again.") from error
