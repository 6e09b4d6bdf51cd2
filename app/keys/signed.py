"""Compact JWS with Ed25519: what config keys and revocation lists have in common. See docs/config-key.md.

joserfc is loaded by the first token that is signed or verified, and small records of this package are NamedTuples: each
dataclass costs a start more than a millisecond. See ``invigil bench keys``.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from app.core.errors import BadInput

if TYPE_CHECKING:
    from joserfc.jws import JWSRegistry

    from app.core.types import Json
    from app.keys.issuers import Issuer, TrustedIssuer, TrustedIssuers

ALGORITHM = "EdDSA"
ALGORITHMS = (ALGORITHM, "Ed25519")
"""``Ed25519`` is the newer name of the same signature (RFC 9864)."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


class KeyRefused(BadInput):
    """The text is a key, or means to be one, but must not be used. The message says why."""


class Kind(NamedTuple):
    """One kind of signed token: ``name`` as in "This key", ``typ`` of its header, and the most bytes of one."""

    name: str
    typ: str
    max_bytes: int


def json_object(data: bytes | str) -> dict[str, Json]:
    """The JSON object in ``data``, by RFC 8259 to the letter: no NaN, no name twice, no half of a character.

    Raises ValueError, for numbers of thousands of digits and for nesting too deep as well.
    """
    try:
        value = json.loads(data, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if isinstance(value, dict):
        return value
    raise ValueError("not an object")


def is_signed(text: str) -> bool:
    """Whether a text has the three parts of a signed token."""
    return _TOKEN.fullmatch(text) is not None


def sign(claims: Mapping[str, Json], issuer: Issuer, kind: Kind) -> str:
    """The token. Raises BadInput when it would be larger than its kind may be."""
    from joserfc import jws

    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":"))
    header = {"alg": ALGORITHM, "kid": issuer.kid, "typ": kind.typ}
    token = jws.serialize_compact(header, payload, issuer.key, registry=_registry())
    if len(token) > kind.max_bytes:
        raise BadInput(f"The {kind.name} would be {len(token)} bytes long; it may have at most {kind.max_bytes}.")
    return token


def header_of(token: str, kind: Kind) -> dict[str, Json]:
    """The header of what has the shape, type and algorithm of its kind; the signature is not looked at.

    Raises KeyRefused.
    """
    this = f"This {kind.name}"
    if len(token) > kind.max_bytes:
        raise KeyRefused(f"{this} is larger than {kind.max_bytes // 1000} kB; ask for a new one.")
    if not is_signed(token):
        raise KeyRefused(f"This is not an Invigil {kind.name}; use the whole file, link or text that you were sent.")
    header = _part(token.split(".")[0], kind)
    if header.get("typ") != kind.typ:
        raise KeyRefused(f"This is a signed token, but not an Invigil {kind.name}; use the one that you were sent.")
    if header.get("alg") == "none" or token.endswith("."):
        raise KeyRefused(f"{this} is not signed; ask for one that is.")
    if header.get("alg") not in ALGORITHMS:
        raise KeyRefused(f"{this} is signed in a way that is not accepted; its issuer has to use Ed25519 (EdDSA).")
    if set(header) != {"alg", "kid", "typ"} or not isinstance(header["kid"], str):
        raise KeyRefused(f"{this} has a header with other fields than alg, kid and typ; ask for a new one.")
    return header


def claims_unverified(token: str, kind: Kind) -> dict[str, Json]:
    """What a token says of itself, for showing only: nothing of it is proven. Raises KeyRefused."""
    parts = token.split(".")
    return _part(parts[1] if len(parts) > 1 else "", kind)


def verified(token: str, issuers: TrustedIssuers, kind: Kind) -> tuple[TrustedIssuer, dict[str, Json]]:
    """Who signed it and what they said. Raises KeyRefused: unknown issuer, signature that does not fit, no object."""
    from joserfc import jws
    from joserfc.errors import JoseError

    issuer = issuers.find(str(header_of(token, kind)["kid"]))
    if issuer is None:
        raise KeyRefused(
            f"This {kind.name} was issued by someone whom this machine does not trust; "
            "ask the institution, or its IT, to install its list of issuers."
        )
    try:
        payload = jws.deserialize_compact(token, issuer.key, registry=_registry()).payload
    except (JoseError, ValueError) as error:
        raise KeyRefused(
            f"This {kind.name} was altered or damaged: its signature does not fit; ask for a new one."
        ) from error
    try:
        claims = json_object(payload.decode())
    except ValueError as error:
        raise KeyRefused(f"This {kind.name} does not hold what it should; ask its issuer for a new one.") from error
    if claims.get("iss") != issuer.name:
        raise KeyRefused(
            f"This {kind.name} names another issuer than {issuer.name!r}, who signed it; ask for a new one."
        )
    return issuer, claims


def _part(part: str, kind: Kind) -> dict[str, Json]:
    from base64 import urlsafe_b64decode

    try:
        return json_object(urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode())
    except ValueError as error:
        raise KeyRefused(
            f"This {kind.name} is damaged; use the whole file, link or text that you were sent."
        ) from error


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


@functools.cache
def _registry() -> JWSRegistry:
    """joserfc's rules with room for a policy, and without its warning over the algorithm's older name."""
    from joserfc.jwa import JWSAlgModel
    from joserfc.jws import JWSRegistry

    class Registry(JWSRegistry):
        max_payload_length = 2_000_000

        def get_alg(self, name: str) -> JWSAlgModel:
            return self.algorithms[name if name in ALGORITHMS else ALGORITHM]

    return Registry()
