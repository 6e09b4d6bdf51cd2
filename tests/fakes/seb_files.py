"""Writes .seb files as Safe Exam Browser does, step by step from the published formats."""

from __future__ import annotations

import gzip
import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
    '<plist version="1.0">\n'
)


def packed(data: bytes) -> bytes:
    """gzip without the time of day, so that tests are named the same in every process."""
    return gzip.compress(data, mtime=0)


def plist(inner: str) -> bytes:
    """The property list whose one dictionary holds this XML."""
    return f"{HEAD}<dict>{inner}</dict>\n</plist>\n".encode()


def rncrypted(content: bytes, secret: bytes, version: int = 3) -> bytes:
    """RNCryptor's layout, with salts and initialisation vector that are no secret here."""
    salt, hmac_salt, iv = bytes(range(8)), bytes(range(8, 16)), bytes(range(16, 32))
    padded = content + bytes([16 - len(content) % 16]) * (16 - len(content) % 16)
    encryptor = Cipher(algorithms.AES256(_key(secret, salt)), modes.CBC(iv)).encryptor()
    message = bytes([version, 1]) + salt + hmac_salt + iv + encryptor.update(padded) + encryptor.finalize()
    return message + hmac.digest(_key(secret, hmac_salt), message, "sha256")


def plain_seb(xml: bytes) -> bytes:
    return packed(b"plnd" + packed(xml))


def exam_seb(xml: bytes, password: str, version: int = 3) -> bytes:
    return packed(b"pswd" + rncrypted(packed(xml), password.encode(), version))


def client_seb(xml: bytes, password: str) -> bytes:
    """Configures a client: the secret is the password's SHA-256 in hexadecimal, or empty without a password."""
    secret = hashlib.sha256(password.encode()).hexdigest() if password else ""
    return packed(b"pwcc" + rncrypted(packed(xml), secret.encode(), 2))


def _key(secret: bytes, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha1", secret, salt, 10_000, 32)
