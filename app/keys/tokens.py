"""Config keys: a policy in a compact JWS, signed with Ed25519. The format is described in docs/config-key.md."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry

from app.core.errors import BadInput
from app.core.policy import Policy
from app.core.types import Json
from app.keys.issuers import Issuer, TrustedIssuer, TrustedIssuers
from app.keys.policy_model import parse_policy

TYPE = "invigil-key+jws"
AUDIENCE = "invigil"
VERSION = 1
ALGORITHM = "EdDSA"
ALGORITHMS = (ALGORITHM, "Ed25519")
"""``Ed25519`` is the newer name of the same signature (RFC 9864)."""
LINK = "invigil://key/"
MAX_BYTES = 400_000
CLOCK_TOLERANCE = timedelta(minutes=2)

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_VERSION = re.compile(r"\d+(\.\d+){0,3}")
_CLAIMS: dict[str, type] = {
    "iss": str, "iat": int, "nbf": int, "exp": int, "jti": str, "serial": int,
    "version": int, "min_client": str, "aud": str, "policy": dict,
}  # fmt: skip


class KeyRefused(BadInput):
    """The text is a key, or means to be one, but must not be used. The message says why."""


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """A key whose signature, time, issuer and policy were checked."""

    policy: Policy
    issuer_name: str
    kid: str
    key_id: str
    serial: int
    not_before: datetime
    expires: datetime
    min_client: str
    token: str


class _Registry(JWSRegistry):
    """joserfc's rules with room for a policy, and without its warning over the algorithm's older name."""

    max_payload_length = MAX_BYTES

    def get_alg(self, name: str) -> JWSAlgModel:
        return self.algorithms[name if name in ALGORITHMS else ALGORITHM]


def issue(
    policy: Mapping[str, Json],
    issuer: Issuer,
    *,
    now: datetime,
    not_before: datetime,
    expires: datetime,
    serial: int,
    min_client: str,
) -> str:
    """A key for a policy's JSON form, which is checked first. Raises BadInput for a policy or times that can't be used.

    The same arguments give the same key: ``jti`` is a hash of the other claims.
    """
    parse_policy(policy)
    if expires <= max(now, not_before):
        raise BadInput("The key would never be valid: its end lies before its beginning or in the past.")
    if serial < 0 or not _VERSION.fullmatch(min_client):
        raise BadInput("A key needs a serial number of 0 or more, and a client version like 1.2.3.")
    claims: dict[str, Json] = {
        "iss": issuer.name,
        "iat": int(now.timestamp()),
        "nbf": int(not_before.timestamp()),
        "exp": int(expires.timestamp()),
        "serial": serial,
        "version": VERSION,
        "min_client": min_client,
        "aud": AUDIENCE,
        "policy": dict(policy),
    }
    digest = hashlib.sha256(json.dumps([issuer.kid, claims], sort_keys=True).encode()).digest()
    claims["jti"] = base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":"))
    header = {"alg": ALGORITHM, "kid": issuer.kid, "typ": TYPE}
    token = jws.serialize_compact(header, payload, issuer.key, registry=_Registry())
    if len(token) > MAX_BYTES:
        raise BadInput(f"The key would be {len(token)} bytes long; a policy has to fit into {MAX_BYTES}.")
    return token


def read_key(text: str, trusted: TrustedIssuers, now: datetime, client_version: str) -> ConfigKey:
    """The checked key. Raises KeyRefused with a sentence of its own for each reason, BadInput for a wrong policy."""
    token = text.strip()
    header = read_header(token)
    issuer = _issuer(header, trusted)
    claims = _verified(token, issuer)
    _check_times(claims, now)
    _check_versions(claims, client_version)
    return ConfigKey(
        policy=parse_policy(claims["policy"]),
        issuer_name=issuer.name,
        kid=issuer.kid,
        key_id=str(claims["jti"]),
        serial=_int(claims["serial"]),
        not_before=_time(claims["nbf"]),
        expires=_time(claims["exp"]),
        min_client=str(claims["min_client"]),
        token=token,
    )


def read_header(token: str) -> dict[str, Json]:
    """The header of what has a key's shape, type and algorithm; the signature is not looked at. Raises KeyRefused."""
    if len(token) > MAX_BYTES:
        raise KeyRefused(f"This key is larger than {MAX_BYTES // 1000} kB; ask for a new one.")
    if not _TOKEN.fullmatch(token):
        raise KeyRefused("This is not an Invigil key; use the whole file, link or text that you were sent.")
    header = _json_part(token.split(".")[0])
    if header.get("typ") != TYPE:
        raise KeyRefused("This is a signed token, but not an Invigil key; use the key that you were sent for the exam.")
    if header.get("alg") == "none" or token.endswith("."):
        raise KeyRefused("This key is not signed; ask for one that is.")
    if header.get("alg") not in ALGORITHMS:
        raise KeyRefused("This key is signed in a way that is not accepted; its issuer has to use Ed25519 (EdDSA).")
    if set(header) != {"alg", "kid", "typ"} or not isinstance(header["kid"], str):
        raise KeyRefused("This key's header has other fields than alg, kid and typ; ask for a new one.")
    return header


def read_claims_unverified(token: str) -> dict[str, Json]:
    """What a key says of itself, for showing only: nothing of it is proven. Raises KeyRefused."""
    return _json_part(token.split(".")[1])


def load_key_text(argument: str) -> str:
    """The key's text from a path, an ``invigil://key/`` link, or the key itself. Raises BadInput.

    White space and line breaks, as mail programs put into long lines, are taken out.
    """
    text = argument.strip()
    if text.lower().startswith(LINK) or _TOKEN.fullmatch(text):
        return _unwrap(text)
    path = Path(text)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "this is not a path"
        shown = text if len(text) <= 200 else f"{text[:200]}..."
        raise BadInput(
            f"{shown!r} is neither a key, a link that begins with {LINK}, nor a key file ({reason})."
        ) from error
    if len(data) > MAX_BYTES:
        raise KeyRefused(f"{path} is larger than {MAX_BYTES // 1000} kB, which no key is.")
    try:
        return _unwrap(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise KeyRefused(f"{path} is not an Invigil key; use the file that you were sent.") from error


def _unwrap(text: str) -> str:
    joined = "".join(text.split())
    if joined.lower().startswith(LINK):
        joined = joined[len(LINK) :].rstrip("/")
    return joined


def _json_part(part: str) -> dict[str, Json]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError) as error:
        raise KeyRefused("This key is damaged; use the whole file, link or text that you were sent.") from error
    if not isinstance(value, dict):
        raise KeyRefused("This key is damaged; use the whole file, link or text that you were sent.")
    return value


def _issuer(header: Mapping[str, Json], trusted: TrustedIssuers) -> TrustedIssuer:
    issuer = trusted.find(str(header["kid"]))
    if issuer is None:
        raise KeyRefused(
            "This key was issued by someone whom this machine does not trust; "
            "ask the institution, or its IT, to install its list of issuers."
        )
    return issuer


def _verified(token: str, issuer: TrustedIssuer) -> dict[str, Json]:
    try:
        payload = jws.deserialize_compact(token, issuer.key, registry=_Registry()).payload
    except (JoseError, ValueError) as error:
        raise KeyRefused("This key was altered or damaged: its signature does not fit; ask for a new one.") from error
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise KeyRefused("This key holds no policy; ask its issuer for a new one.") from error
    if not isinstance(claims, dict):
        raise KeyRefused("This key holds no policy; ask its issuer for a new one.")
    wrong = [name for name, kind in _CLAIMS.items() if type(claims.get(name)) is not kind]
    if wrong:
        raise KeyRefused(f"This key is incomplete ({', '.join(wrong)}); ask its issuer for a new one.")
    if claims["iss"] != issuer.name:
        raise KeyRefused(f"This key names another issuer than {issuer.name!r}, who signed it; ask for a new one.")
    if claims["aud"] != AUDIENCE:
        raise KeyRefused("This key was issued for another program; use the one that you were sent for the exam.")
    return cast(dict[str, Json], claims)


def _check_times(claims: Mapping[str, Json], now: datetime) -> None:
    begin, end = _time(claims["nbf"]), _time(claims["exp"])
    if now >= end:
        raise KeyRefused(f"This key expired on {_words(end)}; ask for a new one.")
    if now < begin - CLOCK_TOLERANCE:
        raise KeyRefused(f"This key is not valid before {_words(begin)}; come back then, or check this clock.")


def _check_versions(claims: Mapping[str, Json], client_version: str) -> None:
    if claims["version"] != VERSION:
        raise KeyRefused(f"This key has format {claims['version']}, this client knows {VERSION}; update Invigil.")
    wanted = str(claims["min_client"])
    if not _VERSION.fullmatch(wanted):
        raise KeyRefused("This key is incomplete (min_client); ask its issuer for a new one.")
    if _numbers(client_version) < _numbers(wanted):
        raise KeyRefused(f"This key needs Invigil {wanted} or newer, this is {client_version}; update Invigil.")


def _numbers(version: str) -> tuple[int, ...]:
    found = _VERSION.match(version)
    numbers = [int(part) for part in found[0].split(".")] if found else [0]
    return tuple(numbers + [0] * (4 - len(numbers)))


def _int(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _time(value: Json) -> datetime:
    try:
        return datetime.fromtimestamp(_int(value), UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise KeyRefused("This key's times can't be used; ask its issuer for a new one.") from error


def _words(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
