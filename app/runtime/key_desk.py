"""The backend's desk for config keys: verifies what others signed, and signs what the backend makes itself.

The backend's own issuer is made at its first start and kept in its folder: ``issuer.pem``, encrypted. Its password is
``INVIGIL_BACKEND_ISSUER_PASSWORD``; where that is not set, a random one in ``issuer.password``, for the owner only.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from app import __version__
from app.core.audience import Audience
from app.core.errors import BadInput
from app.core.ports import KeyFacts, RevocationFacts
from app.core.types import NS_PER_S, Json
from app.keys.issuers import (
    Issuer,
    TrustedIssuer,
    TrustedIssuers,
    default_trust_paths,
    load_issuer,
    save_issuer,
    write_new,
)
from app.keys.policy_model import parse_policy, policy_to_json
from app.keys.tokens import issue, read_key

ISSUER_VARIABLE = "INVIGIL_BACKEND_ISSUER_PASSWORD"
DEFAULT_NAME = "Invigil backend"
MIN_CLIENT = "0.1.0"
"""The oldest client that understands what the backend issues."""
_ISSUER_FILE = "issuer.pem"
_UNLOCK_FILE = "issuer.password"
_UNLOCK_BYTES = 32


class IssuingDesk:
    """Implements ``ports.KeyDesk``. Any thread: nothing changes after construction."""

    def __init__(self, issuer: Issuer, trusted: TrustedIssuers) -> None:
        """Trusts ``trusted`` and the backend's own issuer."""
        own = issuer.public()
        self._issuer = issuer
        self._trusted = TrustedIssuers.of([own, *(one for one in trusted.issuers if one.kid != own.kid)])

    def read(self, token: str, now_utc_ns: int) -> KeyFacts:
        if token.count(".") == 4:
            raise BadInput(
                "This key is protected by a password, so it can't be checked here; upload it without: the code protects it."
            )
        key = read_key(token, self._trusted, _time(now_utc_ns), __version__)
        return KeyFacts(
            token=key.token,
            key_id=key.key_id,
            kid=key.kid,
            issuer_name=key.issuer_name,
            serial=key.serial,
            audience=Audience.of(key.policy),
            not_before_utc_ns=_ns(key.not_before),
            expires_utc_ns=_ns(key.expires),
            policy=policy_to_json(key.policy),
        )

    def issue(
        self,
        policy: Mapping[str, Json],
        audience: Audience,
        *,
        now_utc_ns: int,
        not_before_utc_ns: int,
        expires_utc_ns: int,
        serial: int,
    ) -> str:
        if audience != Audience.of(parse_policy(policy)):
            raise BadInput("The key's audience is not that of its policy.")
        return issue(
            policy,
            self._issuer,
            now=_time(now_utc_ns),
            not_before=_time(not_before_utc_ns),
            expires=_time(expires_utc_ns),
            serial=serial,
            min_client=MIN_CLIENT,
        )

    def jwks(self) -> Mapping[str, Json]:
        return {"keys": [_jwk(one) for one in self._trusted.issuers]}

    def read_revocations(self, token: str, now_utc_ns: int) -> RevocationFacts:
        raise BadInput("This is not a revocation list; make one with invigil key revoke.")

    def import_settings(self, vendor: str, settings: Mapping[str, Json]) -> Mapping[str, Json]:
        raise BadInput(f"There is no importer for the settings of {vendor!r}.")


def open_desk(folder: Path, name: str | None = None, trust: Sequence[Path] = ()) -> IssuingDesk:
    """The desk of the backend whose data are in ``folder``; its issuer is made when there is none.

    ``name``: who issues, for a new issuer. ``trust``: lists of issuers, besides this machine's. Raises BadInput.
    """
    missing = next((path for path in trust if not path.is_file()), None)
    if missing is not None:
        raise BadInput(f"There is no list of trusted issuers {missing}; give the file that key new-issuer wrote.")
    return IssuingDesk(_own_issuer(folder, name), TrustedIssuers.load([*default_trust_paths(), *trust]))


def _own_issuer(folder: Path, name: str | None) -> Issuer:
    path, unlock = folder / _ISSUER_FILE, folder / _UNLOCK_FILE
    given = os.environ.get(ISSUER_VARIABLE, "")
    if not path.exists():
        issuer = Issuer.create(name or DEFAULT_NAME)
        save_issuer(path, issuer, given or _new_password(unlock))
        return issuer
    issuer = load_issuer(path, given or _kept_password(unlock))
    if name is not None and name.strip() != issuer.name:
        raise BadInput(
            f"This backend issues keys as {issuer.name!r}, and clients know its key by that name; "
            f"leave --name away, or move {path} away for a new issuer."
        )
    return issuer


def _new_password(path: Path) -> str:
    """Random, and written before the key that needs it; one that a first start cut short has left serves as well."""
    if not path.exists():
        write_new(path, f"{secrets.token_urlsafe(_UNLOCK_BYTES)}\n".encode("ascii"), mode=0o600)
    return _kept_password(path)


def _kept_password(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"The password of the backend's issuer is missing: set {ISSUER_VARIABLE}, or bring {path} back."
        ) from error


def _jwk(issuer: TrustedIssuer) -> Json:
    public = issuer.key.as_dict(private=False)
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": str(public["x"]),
        "kid": issuer.kid,
        "use": "sig",
        "alg": "EdDSA",
        "name": issuer.name,
    }


def _time(utc_ns: int) -> datetime:
    return datetime.fromtimestamp(utc_ns // NS_PER_S, UTC)


def _ns(at: datetime) -> int:
    return int(at.timestamp()) * NS_PER_S
