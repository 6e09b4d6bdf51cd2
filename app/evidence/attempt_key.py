"""The attempt's signing key: Ed25519, kept beside the evidence for its user alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import EvidenceError
from app.evidence.spool import as_evidence_error, sync_dir

_NAME = "attempt.key"


@dataclass(frozen=True, slots=True)
class AttemptKey:
    private_key: Ed25519PrivateKey

    @classmethod
    def load_or_create(cls, root: Path) -> AttemptKey:
        """The key in ``root`` (hex of its 32 bytes, mode 0600), made on first use. Raises EvidenceError."""
        path = root / _NAME
        with as_evidence_error(f"The attempt's signing key {path} can't be read or written"):
            if not path.exists():
                return cls._create(path)
            text = path.read_text(encoding="ascii", errors="replace").strip()
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text)))
        except ValueError as error:
            raise EvidenceError(
                f"The attempt's signing key {path} is damaged; start the attempt again from its config key."
            ) from error

    @property
    def public_key_hex(self) -> str:
        return public_key_hex(self.private_key)

    @classmethod
    def _create(cls, path: Path) -> AttemptKey:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        part = path.with_name(path.name + ".tmp")
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key.private_bytes_raw().hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_dir(path.parent)
        return cls(key)


def public_key_hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()
