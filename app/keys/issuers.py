"""Who may issue config keys: private keys of issuers, and the public ones that are trusted."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from app.core.errors import BadInput
from app.keys.protected import WrongPassword, unwrap, wrap
from app.keys.signed import KeyRefused, Kind, json_object

if TYPE_CHECKING:
    from joserfc.jwk import OKPKey

    from app.core.types import Json

PRIVATE = Kind("issuer's private key", "invigil-issuer+jwe", 10_000)
PRIVATE_CONTENT = "jwk+json"
ITERATIONS = 600_000
"""Many more than for a config key: this file is worth more, and opened more rarely."""
MAX_BYTES = 1_000_000
MAX_ISSUERS = 1000
LIST_OF_ISSUERS = "list of trusted issuers"
_FILE = "issuers.json"


class Issuer(NamedTuple):
    """Someone who can issue keys. ``kid`` is the RFC 7638 thumbprint (SHA-256) of the public key."""

    name: str
    key: OKPKey

    @classmethod
    def create(cls, name: str) -> Issuer:
        """A new Ed25519 key pair. Raises BadInput for an empty name or one of several lines."""
        from joserfc.jwk import OKPKey

        return cls(checked_name(name), OKPKey.generate_key("Ed25519"))

    @property
    def kid(self) -> str:
        return self.key.thumbprint()

    def public(self) -> TrustedIssuer:
        from joserfc.jwk import OKPKey

        return TrustedIssuer(self.name, self.kid, OKPKey.import_key(self.key.as_dict(private=False)))


class TrustedIssuer(NamedTuple):
    """The public part of an issuer. Keys that were issued after ``retired`` are refused."""

    name: str
    kid: str
    key: OKPKey
    retired: datetime | None = None

    def jwk(self) -> dict[str, Json]:
        return {"kty": "OKP", "crv": "Ed25519", "x": str(self.key.as_dict(private=False)["x"])}

    def to_json(self) -> dict[str, Json]:
        data: dict[str, Json] = {"name": self.name, "kid": self.kid, "jwk": self.jwk()}
        return data if self.retired is None else data | {"retired": self.retired.isoformat()}


class TrustedIssuers(NamedTuple):
    """The issuers whose keys are accepted here. One institution may have several, old and new."""

    issuers: tuple[TrustedIssuer, ...] = ()

    @classmethod
    def of(cls, issuers: Iterable[TrustedIssuer]) -> TrustedIssuers:
        return cls(tuple(issuers))

    @classmethod
    def load(cls, paths: Sequence[Path]) -> TrustedIssuers:
        """The issuers of all files that exist, whatever else the files say; see ``keys.trust`` for that.

        Raises BadInput when one of them can't be used.
        """
        found: list[TrustedIssuer] = []
        for path in paths:
            if path.is_file():
                found += read_issuers(read_object(path, LIST_OF_ISSUERS).get("issuers"), str(path))
        return cls(tuple(found))

    def find(self, kid: str) -> TrustedIssuer | None:
        return next((issuer for issuer in self.issuers if issuer.kid == kid), None)

    def to_json(self) -> dict[str, Json]:
        return {"issuers": [issuer.to_json() for issuer in self.issuers]}


def machine_trust_paths() -> list[Path]:
    """IT's files: in the system's folder for all users' configuration, and beside an installed program."""
    frozen = [Path(sys.executable).parent / _FILE] if getattr(sys, "frozen", False) else []
    return [_system_folder() / "invigil" / _FILE, *frozen]


def _system_folder() -> Path:
    """Asked of the system itself: all that the environment says of it (XDG_CONFIG_DIRS, which counts on macOS too, or
    WIN_PD_OVERRIDE_COMMON_APPDATA) is the user's to set.
    """
    if sys.platform == "win32":
        from platformdirs.windows import get_win_folder_via_ctypes

        return Path(get_win_folder_via_ctypes("CSIDL_COMMON_APPDATA"))
    return Path("/Library/Application Support" if sys.platform == "darwin" else "/etc/xdg")


def user_trust_paths() -> list[Path]:
    """The user's own file."""
    import platformdirs

    return [Path(platformdirs.user_config_dir("invigil", appauthor=False)) / _FILE]


def default_trust_paths() -> list[Path]:
    """Where trusted issuers are looked for: the machine's files, then the user's."""
    return [*machine_trust_paths(), *user_trust_paths()]


def fingerprint(kid: str) -> str:
    """A public key's thumbprint for people to compare: 64 hexadecimal digits in groups of four."""
    digits = base64.urlsafe_b64decode(kid + "=" * (-len(kid) % 4)).hex().upper()
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def save_issuer(path: Path, issuer: Issuer, password: str) -> None:
    """Writes the private key and its name as an encrypted JWK (RFC 7517, section 7), readable by its owner only.

    Raises BadInput when the file exists, can't be written, or the password is too short.
    """
    if not issuer.key.is_private:
        raise BadInput("Only an issuer with a private Ed25519 key can be saved.")
    jwk = {**issuer.key.as_dict(private=True), "name": issuer.name}
    text = wrap(json.dumps(jwk).encode(), password, PRIVATE, PRIVATE_CONTENT, ITERATIONS)
    write_new(path, (text + "\n").encode(), mode=0o600)


def load_issuer(path: Path, password: str) -> Issuer:
    """The issuer that ``save_issuer`` wrote. Raises BadInput: no such file, not an issuer's file, wrong password."""
    text = read_bounded(path, "issuer's file").decode("ascii", errors="replace").strip()
    try:
        jwk = json_object(unwrap(text, password, PRIVATE, PRIVATE_CONTENT))
        key = _ed25519(jwk)
    except WrongPassword as error:
        raise BadInput(f"{path} can't be opened: the password is wrong.") from error
    except KeyRefused as error:
        raise BadInput(
            f"{path} is not an issuer's private key, or is damaged; make one with invigil key new-issuer."
        ) from error
    except ValueError as error:
        raise BadInput(f"{path} holds another kind of key; an issuer needs Ed25519.") from error
    if not key.is_private:
        raise BadInput(f"{path} holds a public key only; an issuer needs the private one.")
    return Issuer(checked_name(str(jwk.get("name", ""))), key)


def read_issuers(entries: Json, where: str) -> list[TrustedIssuer]:
    """Public keys as lists of trusted issuers hold them. Raises BadInput, which begins with ``where``."""
    if not isinstance(entries, list) or len(entries) > MAX_ISSUERS:
        raise BadInput(f"{where} is not a list of trusted issuers; see docs/config-key.md for its form.")
    found = [_read_entry(entry, where) for entry in entries]
    for number, issuer in enumerate(found):
        if any(other.kid == issuer.kid for other in found[:number]):
            raise BadInput(f"{where} lists the key of {issuer.name!r} twice; remove one.")
    return found


def read_public_key(name: Json, kid: Json, jwk: Json, retired: datetime | None, where: str) -> TrustedIssuer:
    """One public key. Raises BadInput: no Ed25519 key, a private one, a kid that is not its thumbprint, a wrong name."""
    try:
        key = _ed25519(jwk)
    except ValueError as error:
        raise BadInput(f"{where} holds something else than an Ed25519 key; see docs/config-key.md.") from error
    if key.is_private:
        raise BadInput(f"{where} holds a private key; remove it, and issue new keys with another one.")
    if key.thumbprint() != kid:
        raise BadInput(f"{where} holds a kid that is not the thumbprint of its Ed25519 key; see docs/config-key.md.")
    if not isinstance(name, str):
        raise BadInput(f"{where} holds an issuer without a name; see docs/config-key.md.")
    return TrustedIssuer(checked_name(name), key.thumbprint(), key, retired)


def read_object(path: Path, what: str) -> dict[str, Json]:
    """The JSON object in a file. Raises BadInput."""
    try:
        return json_object(read_bounded(path, what))
    except ValueError as error:
        raise BadInput(f"{path} is not a {what}; see docs/config-key.md for its form.") from error


def read_bounded(path: Path, what: str, max_bytes: int = MAX_BYTES) -> bytes:
    """A file's content. Raises BadInput when it can't be read or is larger than ``max_bytes``."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise BadInput(f"The {what} {path} can't be read: {error.strerror}.") from error
    if len(data) > max_bytes:
        raise BadInput(f"{path} is too large for a {what}.")
    return data


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


def replace_file(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Writes a file that may exist, with these permissions; readers see the old content or the new. Raises BadInput."""
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        part.unlink(missing_ok=True)
        # nothing that someone else put there is followed or written to
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise BadInput(f"{path} can't be written: {error.strerror}.") from error


def checked_name(name: str) -> str:
    """Raises BadInput for an issuer's name that is not one line of 1 to 200 characters."""
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise BadInput("An issuer's name has to be one line of 1 to 200 characters.")
    return name.strip()


def moment(text: Json) -> datetime | None:
    """A time with its zone, such as 2026-12-01T09:00+01:00; None for all else."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
        return None if found is None or found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _read_entry(entry: Json, where: str) -> TrustedIssuer:
    if not isinstance(entry, dict) or not {"name", "kid", "jwk"} <= set(entry) <= {"name", "kid", "jwk", "retired"}:
        raise BadInput(f"{where} is not a list of trusted issuers; see docs/config-key.md for its form.")
    retired = moment(entry["retired"]) if "retired" in entry else None
    if "retired" in entry and retired is None:
        raise BadInput(f"{where}: retired has to be a time like 2026-12-01T09:00+01:00.")
    return read_public_key(entry["name"], entry["kid"], entry["jwk"], retired, where)


def _ed25519(jwk: Json) -> OKPKey:
    """Raises ValueError."""
    from joserfc.errors import JoseError
    from joserfc.jwk import OKPKey

    if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != ("OKP", "Ed25519"):
        raise ValueError("not an Ed25519 key")
    wanted: dict[str, str | list[str]] = {name: str(jwk[name]) for name in ("kty", "crv", "x", "d") if name in jwk}
    try:
        return OKPKey.import_key(wanted)
    except (JoseError, KeyError, TypeError) as error:
        raise ValueError("not an Ed25519 key") from error
