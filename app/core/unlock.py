"""The password that lets a held exam go on: made into a hash for the policy, and compared with what a person types. Pure.

A policy is readable for whoever holds the key, the candidate included, so it carries a hash that is slow to try out:
``scrypt$<log2 n>$<r>$<p>$<salt>$<hash>`` (RFC 7914; salt and hash in base64 with padding). Safe Exam Browser's files
carry a plain SHA-256 of the password (UTF-8, hexadecimal); ``sha256$<64 hex digits>`` takes such a one over, as weak as it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass

LEAST_SALT_BYTES = 16
_LOG2_N, _R, _P = 15, 8, 1
_HASH_BYTES = 32
_SALTS = range(LEAST_SALT_BYTES, 65)
_HASHES = range(_HASH_BYTES, 65)
_COSTS = (range(14, 18), range(8, 17), range(1, 5))
"""log2 n, r and p: less would be guessed quickly, more would stop an honest machine for long (256 MiB at most)."""
_MEMORY_BYTES = 272 * 1024 * 1024

FORM = r"sha256\$[0-9a-f]{64}|scrypt\$1[4-7]\$(?:[89]|1[0-6])\$[1-4]\$[A-Za-z0-9+/]{22,88}={0,2}\$[A-Za-z0-9+/]{43,88}={0,2}"
"""What every stored hash matches; ``is_hash`` also looks at lengths and padding."""
_FORM = re.compile(FORM)


@dataclass(frozen=True, slots=True)
class _Scrypt:
    log2_n: int
    r: int
    p: int
    salt: bytes
    digest: bytes


def make(password: str, salt: bytes) -> str:
    """The hash to store. ``salt`` is at least ``LEAST_SALT_BYTES`` random bytes, new each time. Takes some tenths of a second.

    Raises ValueError for an empty password or a salt of another length.
    """
    if not password:
        raise ValueError("an empty password protects nothing")
    if len(salt) not in _SALTS:
        raise ValueError(f"a salt has {_SALTS.start} to {_SALTS.stop - 1} bytes")
    digest = _scrypt(password, _Scrypt(_LOG2_N, _R, _P, salt, bytes(_HASH_BYTES)))
    return f"scrypt${_LOG2_N}${_R}${_P}${_text(salt)}${_text(digest)}"


def is_hash(stored: str) -> bool:
    """Whether ``matches`` can be asked with it: a form of ours, at costs within bounds."""
    if not _FORM.fullmatch(stored):
        return False
    return stored.startswith("sha256$") or _parsed(stored) is not None


def is_weak(stored: str) -> bool:
    """Whether it is Safe Exam Browser's plain hash, from which a short password can be found out."""
    return stored.startswith("sha256$")


def matches(stored: str, password: str) -> bool:
    """Whether this is the password, compared in constant time. False for what is no hash, and for an empty password."""
    if not password or not is_hash(stored):
        return False
    if is_weak(stored):
        typed = hashlib.sha256(_bytes(password)).hexdigest()
        return hmac.compare_digest(typed, stored.removeprefix("sha256$"))
    known = _parsed(stored)
    return known is not None and hmac.compare_digest(_scrypt(password, known), known.digest)


def _parsed(stored: str) -> _Scrypt | None:
    try:
        _, log2_n, r, p, salt, digest = stored.split("$")
        known = _Scrypt(int(log2_n), int(r), int(p), _raw(salt), _raw(digest))
    except (ValueError, binascii.Error):
        return None
    costs = zip((known.log2_n, known.r, known.p), _COSTS, strict=True)
    fits = all(cost in allowed for cost, allowed in costs)
    return known if fits and len(known.salt) in _SALTS and len(known.digest) in _HASHES else None


def _scrypt(password: str, known: _Scrypt) -> bytes:
    return hashlib.scrypt(
        _bytes(password),
        salt=known.salt,
        n=1 << known.log2_n,
        r=known.r,
        p=known.p,
        maxmem=_MEMORY_BYTES,
        dklen=len(known.digest),
    )


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _raw(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
