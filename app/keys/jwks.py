"""Issuers as a JSON Web Key Set (RFC 7517), the form in which backends publish them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.core.errors import BadInput
from app.keys.issuers import TrustedIssuer, TrustedIssuers, read_public_key
from app.keys.signed import ALGORITHMS, json_object

if TYPE_CHECKING:
    from app.core.types import Json

PATH = "/.well-known/jwks.json"
MAX_BYTES = 256_000
MAX_KEYS = 200


def to_jwks(issuers: TrustedIssuers) -> dict[str, Json]:
    """The key set. Each key has the issuer's ``name`` and, where it has one, the time when it was ``retired``."""
    return {"keys": [_to_jwk(issuer) for issuer in issuers.issuers]}


def read_jwks(data: bytes | str, where: str = "The backend's key set") -> TrustedIssuers:
    """The issuers in a key set. Keys of other types than Ed25519 are passed over, as RFC 7517 asks.

    Raises BadInput, which begins with ``where``, for what is no key set, holds no issuer, or an Ed25519 key that is
    private, has no name or a ``kid`` that is not its thumbprint.
    """
    if len(data) > MAX_BYTES:
        raise BadInput(f"{where} is larger than {MAX_BYTES // 1000} kB.")
    try:
        keys = json_object(data).get("keys")
    except ValueError as error:
        raise BadInput(f"{where} is not a JSON Web Key Set.") from error
    if not isinstance(keys, list) or len(keys) > MAX_KEYS or not all(isinstance(key, dict) for key in keys):
        raise BadInput(f"{where} is not a JSON Web Key Set of at most {MAX_KEYS} keys.")
    issuers = [_issuer(key, where) for key in keys if isinstance(key, dict) and _is_ours(key)]
    if not issuers:
        raise BadInput(f"{where} holds no Ed25519 key that could sign config keys.")
    if len({issuer.kid for issuer in issuers}) != len(issuers):
        raise BadInput(f"{where} holds a key twice.")
    return TrustedIssuers.of(issuers)


def _to_jwk(issuer: TrustedIssuer) -> Json:
    jwk = issuer.jwk() | {"kid": issuer.kid, "use": "sig", "alg": ALGORITHMS[0], "name": issuer.name}
    return jwk if issuer.retired is None else jwk | {"retired": int(issuer.retired.timestamp())}


def _is_ours(key: dict[str, Json]) -> bool:
    return (key.get("kty"), key.get("crv")) == ("OKP", "Ed25519") and key.get("use", "sig") == "sig"


def _issuer(key: dict[str, Json], where: str) -> TrustedIssuer:
    retired = key.get("retired")
    if key.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        raise BadInput(f"{where} holds an Ed25519 key for another algorithm than EdDSA.")
    if retired is not None and (type(retired) is not int or not 0 <= retired < 2**35):
        raise BadInput(f"{where}: retired has to be a time in seconds since 1970.")
    at = datetime.fromtimestamp(retired, UTC) if isinstance(retired, int) else None
    return read_public_key(key.get("name"), key.get("kid"), key, at, where)
