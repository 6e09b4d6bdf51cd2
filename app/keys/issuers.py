"""Who may issue config keys: private keys of issuers, and the public ones that this machine trusts."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from app.core.errors import BadInput
from app.core.types import Json

_NAME_LINE = re.compile(r"\AIssuer: (?P<name>[^\n]+)\n")
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Issuer:
    """Someone who can issue keys. ``kid`` is the RFC 7638 thumbprint (SHA-256) of the public key."""

    name: str
    key: OKPKey

    @classmethod
    def create(cls, name: str) -> Issuer:
        """A new Ed25519 key pair. Raises BadInput for an empty name or one of several lines."""
        return cls(_checked(name), OKPKey.generate_key("Ed25519"))

    @property
    def kid(self) -> str:
        return self.key.thumbprint()

    def public(self) -> TrustedIssuer:
        return TrustedIssuer(self.name, self.kid, OKPKey.import_key(self.key.as_dict(private=False)))


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """The public part of an issuer."""

    name: str
    kid: str
    key: OKPKey

    def to_json(self) -> dict[str, Json]:
        jwk = self.key.as_dict(private=False)
        return {"name": self.name, "kid": self.kid, "jwk": {"kty": "OKP", "crv": "Ed25519", "x": str(jwk["x"])}}


@dataclass(frozen=True, slots=True)
class TrustedIssuers:
    """The issuers whose keys are accepted here."""

    issuers: tuple[TrustedIssuer, ...]

    @classmethod
    def of(cls, issuers: Iterable[TrustedIssuer]) -> TrustedIssuers:
        return cls(tuple(issuers))

    @classmethod
    def load(cls, paths: Sequence[Path]) -> TrustedIssuers:
        """The issuers of all files that exist. Raises BadInput when one of them can't be used."""
        found: list[TrustedIssuer] = []
        for path in paths:
            if path.is_file():
                found += _read_trust(path)
        return cls(tuple(found))

    def find(self, kid: str) -> TrustedIssuer | None:
        return next((issuer for issuer in self.issuers if issuer.kid == kid), None)

    def to_json(self) -> dict[str, Json]:
        return {"issuers": [issuer.to_json() for issuer in self.issuers]}


def default_trust_paths() -> list[Path]:
    """Where trusted issuers are looked for: the machine's configuration (IT's), then the user's."""
    return [
        Path(platformdirs.site_config_dir("invigil", appauthor=False)) / "issuers.json",
        Path(platformdirs.user_config_dir("invigil", appauthor=False)) / "issuers.json",
    ]


def save_issuer(path: Path, issuer: Issuer, password: str) -> None:
    """Writes the private key as encrypted PKCS#8 PEM, readable by its owner only, under a line with the name.

    Raises BadInput when the file exists, can't be written, or the password is empty.
    """
    if not password:
        raise BadInput("The issuer's private key needs a password; give one that is not empty.")
    private = issuer.key.private_key
    if not isinstance(private, Ed25519PrivateKey):
        raise BadInput("Only an issuer with a private Ed25519 key can be saved.")
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode()))
    write_new(path, f"Issuer: {issuer.name}\n".encode() + pem, mode=0o600)


def load_issuer(path: Path, password: str) -> Issuer:
    """The issuer that ``save_issuer`` wrote. Raises BadInput: no such file, not an issuer's file, wrong password."""
    data = _read(path, "issuer's file")
    name = _NAME_LINE.match(data.decode("utf-8", errors="replace"))
    if name is None:
        raise BadInput(f"{path} is not an issuer's private key; make one with invigil key new-issuer.")
    try:
        private = load_pem_private_key(data, password.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadInput(f"{path} can't be opened: the password is wrong, or the file is damaged.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise BadInput(f"{path} holds another kind of key; an issuer needs Ed25519.")
    return Issuer(_checked(name["name"]), OKPKey.import_key(private))


def write_new(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Writes a file that must not exist yet, with these permissions from its first byte on. Raises BadInput."""
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise BadInput(f"{path} exists already; choose another name or remove it.") from error
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise BadInput(f"{path} can't be written: {error.strerror}.") from error


def _read_trust(path: Path) -> list[TrustedIssuer]:
    wrong = f"{path} is not a list of trusted issuers"
    try:
        data = json.loads(_read(path, "list of trusted issuers"))
        entries = [(str(e["name"]), str(e["kid"]), OKPKey.import_key(dict(e["jwk"]))) for e in data["issuers"]]
    except (ValueError, KeyError, TypeError, RecursionError, JoseError) as error:
        raise BadInput(f"{wrong}; see docs/config-key.md for its form.") from error
    for name, kid, key in entries:
        if key.is_private:
            raise BadInput(f"{path} holds a private key of {name!r}; remove it, and issue new keys with another one.")
        if key.curve_name != "Ed25519" or key.thumbprint() != kid:
            raise BadInput(f"{wrong}: the kid of {name!r} is not the thumbprint of its Ed25519 key.")
    return [TrustedIssuer(_checked(name), kid, key) for name, kid, key in entries]


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"The {what} {path} can't be read: {error.strerror}.") from error
    if len(data) > _MAX_BYTES:
        raise BadInput(f"{path} is too large for an {what}.")
    return data


def _checked(name: str) -> str:
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise BadInput("An issuer's name has to be one line of 1 to 200 characters.")
    return name.strip()
