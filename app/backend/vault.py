"""Secrets that the backend has to know again, such as the keys of HMACs: encrypted wherever they are kept."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.errors import BadInput

_KEY_BYTES = 32
_NONCE_BYTES = 12


def secret_of(path: Path, size_bytes: int) -> bytes:
    """The secret in this file, for its owner only; made on the first start."""
    if not path.exists() or path.stat().st_size < size_bytes:  # a crash cut it short
        part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
        part.touch(mode=0o600, exist_ok=False)
        part.write_bytes(secrets.token_bytes(size_bytes))
        part.replace(path)
    return path.read_bytes()


class Vault:
    """AES-256-GCM with a key that lies beside the database, not in it. start() before use; any thread."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file
        self._cipher: AESGCM | None = None

    def start(self) -> None:
        self._cipher = AESGCM(secret_of(self._key_file, _KEY_BYTES)[:_KEY_BYTES])

    def seal(self, text: str, purpose: str) -> bytes:
        """Only the same ``purpose``, which names the row as well, opens it again."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._opened().encrypt(nonce, text.encode(), purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> str:
        """BadInput when the key file is not the one that it was sealed with, or it was sealed for something else."""
        try:
            plain = self._opened().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except InvalidTag as error:
            raise BadInput(
                f"A stored secret can't be read: {self._key_file.name} is not the file that belongs to this database; "
                "bring it back."
            ) from error
        return plain.decode()

    def _opened(self) -> AESGCM:
        if self._cipher is None:
            raise RuntimeError("the vault was not started")
        return self._cipher
