"""The backend's desk for config keys: verifies what others signed, and signs what the backend makes itself.

The backend's own issuer is made at its first start and kept in its folder: ``issuer.key``, encrypted. Its password is
``INVIGIL_BACKEND_ISSUER_PASSWORD``; where that is not set, a random one in ``issuer.password``, for the owner only.
"""

from __future__ import annotations

import functools
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
    TrustedIssuers,
    load_issuer,
    machine_trust_paths,
    save_issuer,
    user_trust_paths,
    write_new,
)
from app.keys.jwks import to_jwks
from app.keys.policy_model import policy_to_json
from app.keys.protected import is_protected
from app.keys.revocation import RevocationList, Revocations, newest, read_list
from app.keys.tokens import KeyRefused, issue, read_claims_unverified, read_header, read_key
from app.keys.trust import load_trust

ISSUER_VARIABLE = "INVIGIL_BACKEND_ISSUER_PASSWORD"
DEFAULT_NAME = "Invigil backend"
MIN_CLIENT = "0.1.0"
"""The oldest client that understands what the backend issues."""
_LATEST_S = 2**33
_ISSUER_FILE = "issuer.key"
_UNLOCK_FILE = "issuer.password"
_UNLOCK_BYTES = 32


class IssuingDesk:
    """Implements ``ports.KeyDesk``. Any thread: nothing changes after construction."""

    def __init__(self, issuer: Issuer, trusted: TrustedIssuers, lists: Sequence[str] = ()) -> None:
        """Trusts ``trusted`` and the backend's own issuer. ``lists`` are revocation lists that always count.

        BadInput when one of them can't be used.
        """
        by_kid = {one.kid: one for one in (*trusted.issuers, issuer.public())}
        self._issuer = issuer
        self._trusted = TrustedIssuers.of(by_kid.values())
        self._lists = [read_list(text, self._trusted) for text in lists]
        self._read_list = functools.lru_cache(maxsize=1000)(self._list_or_none)

    def read(self, token: str, now_utc_ns: int, revoked: Sequence[str] = ()) -> KeyFacts:
        if is_protected(token.strip()):
            raise BadInput(
                "This key is protected with a password, so it can't be checked here; upload the key without it, "
                "as the code protects it."
            )
        now = _moment(token.strip(), _time(now_utc_ns))
        key = read_key(token, self._trusted, now, __version__, self._revocations(revoked))
        return KeyFacts(
            token=key.token,
            key_id=key.key_id,
            kid=key.kid,
            issuer_name=key.issuer_name,
            serial=key.serial,
            audience=key.audience,
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
        return issue(
            policy,
            self._issuer,
            now=_time(now_utc_ns),
            not_before=_time(not_before_utc_ns),
            expires=_time(expires_utc_ns),
            serial=serial,
            min_client=MIN_CLIENT,
            audience=audience,
        )

    def jwks(self) -> Mapping[str, Json]:
        return to_jwks(self._trusted)

    def read_revocations(self, token: str, now_utc_ns: int) -> RevocationFacts:
        read = read_list(token, self._trusted)
        return RevocationFacts(token=read.token, kid=read.kid, serial=read.serial)

    def import_settings(self, vendor: str, settings: Mapping[str, Json]) -> Mapping[str, Json]:
        from app.keys import vendors

        return vendors.import_settings(vendor, settings).to_json()

    def _revocations(self, tokens: Sequence[str]) -> Revocations:
        read = [self._read_list(token) for token in tokens]
        return Revocations(newest([*self._lists, *(one for one in read if one is not None)]))

    def _list_or_none(self, token: str) -> RevocationList | None:
        """None for the list of an issuer that is not trusted any more: its keys are refused anyhow."""
        try:
            return read_list(token, self._trusted)
        except KeyRefused:
            return None


def open_desk(folder: Path, name: str | None = None, trust: Sequence[Path] = ()) -> IssuingDesk:
    """The desk of the backend whose data are in ``folder``; its issuer is made when there is none.

    ``name``: who issues, for a new issuer. ``trust``: lists of issuers, besides this machine's. Raises BadInput.
    """
    found = load_trust(machine_trust_paths(), user_trust_paths(), trust)
    return IssuingDesk(_own_issuer(folder, name), found.issuers, found.lists)


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


def _moment(token: str, now: datetime) -> datetime:
    """When a key is read: now, or at its own beginning if that is later. Its end is judged at the same time.

    Raises KeyRefused for what is no key by its shape.
    """
    read_header(token)
    begin = read_claims_unverified(token).get("nbf")
    if not isinstance(begin, int) or not now.timestamp() < begin < _LATEST_S:
        return now
    return datetime.fromtimestamp(begin, UTC)


def _time(utc_ns: int) -> datetime:
    return datetime.fromtimestamp(utc_ns // NS_PER_S, UTC)


def _ns(at: datetime) -> int:
    """Fits into 63 bits: what ends later than they reach ends then, in the year 2262."""
    return min(int(at.timestamp()) * NS_PER_S, 2**63 - 1)
