"""Sealing: the last entry, its signature, and the two files that carry the manifest away from this machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.core.manifest import Seal, entry_to_json, seal_to_json
from app.core.types import Entry
from app.evidence.attempt_key import public_key_hex
from app.evidence.spool import as_evidence_error, replace_durably

MANIFEST_NAME = "manifest.jsonl"
SEAL_NAME = "seal.json"


def sign(private_key: Ed25519PrivateKey, head: str) -> Seal:
    """Signs the 32 bytes of the seal entry's hash."""
    return Seal(head, private_key.sign(bytes.fromhex(head)).hex(), public_key_hex(private_key))


def signature_ok(seal: Seal) -> bool:
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal.public_key))
        public.verify(bytes.fromhex(seal.signature), bytes.fromhex(seal.head))
    except (InvalidSignature, ValueError):
        return False
    return True


def write_manifest(root: Path, entries: Iterable[Entry]) -> None:
    lines = "".join(entry_to_json(entry) + "\n" for entry in entries)
    with as_evidence_error(f"The evidence manifest can't be written to {root}"):
        replace_durably(root / MANIFEST_NAME, lines.encode("utf-8"))


def write_seal(root: Path, seal: Seal) -> None:
    with as_evidence_error(f"The evidence seal can't be written to {root}"):
        replace_durably(root / SEAL_NAME, seal_to_json(seal).encode("utf-8") + b"\n")
