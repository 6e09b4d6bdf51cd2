"""Config keys: a policy in a compact JWS, signed with Ed25519. The format is described in docs/config-key.md."""

from __future__ import annotations

import base64
import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import BadInput
from app.keys.protected import KEY as PROTECTED
from app.keys.protected import is_protected
from app.keys.revocation import NO_REVOCATIONS, Revocations
from app.keys.signed import KeyRefused, Kind, claims_unverified, header_of, is_signed, sign, verified

if TYPE_CHECKING:
    from app.core.audience import Audience
    from app.core.policy import Policy
    from app.core.types import Json
    from app.keys.issuers import Issuer, TrustedIssuer, TrustedIssuers

__all__ = [
    "AUDIENCE",
    "LINK",
    "MAX_BYTES",
    "MAX_POLICY_BYTES",
    "ConfigKey",
    "KeyRefused",
    "clock_sentence",
    "issue",
    "load_key_text",
    "read_claims_unverified",
    "read_header",
    "read_key",
]

KIND = Kind("key", "invigil-key+jws", 280_000)
AUDIENCE = "invigil"
VERSION = 1
LINK = "invigil://key/"
MAX_POLICY_BYTES = 200_000
"""Of the policy as JSON without white space, in UTF-8. ``KIND`` has room for it and for the other fields."""
MAX_BYTES = PROTECTED.max_bytes
"""The longest text of a key, protected ones included."""
CLOCK_TOLERANCE = timedelta(minutes=2)

_VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){0,3}", re.ASCII)
_CLAIMS: dict[str, type] = {
    "iss": str, "iat": int, "nbf": int, "exp": int, "jti": str, "serial": int,
    "version": int, "min_client": str, "aud": str, "audience": dict, "policy": dict,
}  # fmt: skip
_MAX_SERIAL = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """A key whose signature, issuer, time, revocation, policy and audience were checked."""

    policy: Policy
    issuer_name: str
    kid: str
    key_id: str
    serial: int
    issued: datetime
    not_before: datetime
    expires: datetime
    min_client: str
    audience: Audience
    token: str


def issue(
    policy: Mapping[str, Json],
    issuer: Issuer,
    *,
    now: datetime,
    not_before: datetime,
    expires: datetime,
    serial: int,
    min_client: str,
    audience: Audience | None = None,
) -> str:
    """A key for a policy's JSON form, which is checked first; ``audience`` None is the narrowest that the policy means.

    The same arguments give the same key: ``jti`` is a hash of the other claims. Raises BadInput for a policy, times or
    an audience that can't be used.
    """
    import hashlib

    from app.core.audience import Audience
    from app.keys.policy_model import parse_policy

    parsed = parse_policy(policy)
    size = len(json.dumps(policy, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_POLICY_BYTES:
        raise BadInput(f"The policy is {size} bytes long as JSON; a key holds at most {MAX_POLICY_BYTES}.")
    if expires <= max(now, not_before):
        raise BadInput("The key would never be valid: its end lies before its beginning or in the past.")
    if not 0 <= serial <= _MAX_SERIAL or not _VERSION.fullmatch(min_client):
        raise BadInput("A key needs a serial number of 0 or more, and a client version like 1.2.3.")
    meant = Audience.of(parsed) if audience is None else audience
    if (unfit := _unfit(meant, parsed)) is not None:
        raise BadInput(f"The key's audience does not fit its policy: {unfit}.")
    claims: dict[str, Json] = {
        "iss": issuer.name,
        "iat": int(now.timestamp()),
        "nbf": int(not_before.timestamp()),
        "exp": int(expires.timestamp()),
        "serial": serial,
        "version": VERSION,
        "min_client": min_client,
        "aud": AUDIENCE,
        "audience": meant.to_json(),
        "policy": dict(policy),
    }
    digest = hashlib.sha256(json.dumps([issuer.kid, claims], sort_keys=True).encode()).digest()
    claims["jti"] = base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")
    return sign(claims, issuer, KIND)


def read_key(
    text: str,
    trusted: TrustedIssuers,
    now: datetime,
    client_version: str,
    revoked: Revocations = NO_REVOCATIONS,
) -> ConfigKey:
    """The checked key. Raises KeyRefused with a sentence of its own for each reason, BadInput for a wrong policy."""
    from app.keys.policy_model import parse_policy

    token = text.strip()
    if is_protected(token):
        raise KeyRefused("This key is protected with a password; open it with the password first.")
    issuer, claims = verified(token, trusted, KIND)
    _check_claims(claims)
    _check_client(claims, client_version)
    _check_times(claims, now)
    _check_issuer(claims, issuer)
    if (refusal := revoked.refusal(issuer, str(claims["jti"]), now)) is not None:
        raise KeyRefused(refusal)
    policy = parse_policy(claims["policy"])
    return ConfigKey(
        policy=policy,
        issuer_name=issuer.name,
        kid=issuer.kid,
        key_id=str(claims["jti"]),
        serial=_int(claims["serial"]),
        issued=_time(claims["iat"]),
        not_before=_time(claims["nbf"]),
        expires=_time(claims["exp"]),
        min_client=str(claims["min_client"]),
        audience=_audience(claims["audience"], policy),
        token=token,
    )


def read_header(token: str) -> dict[str, Json]:
    """The header of what has a key's shape, type and algorithm; the signature is not looked at. Raises KeyRefused."""
    return header_of(token, KIND)


def read_claims_unverified(token: str) -> dict[str, Json]:
    """What a key says of itself, for showing only: nothing of it is proven. Raises KeyRefused."""
    return claims_unverified(token, KIND)


def clock_sentence(now: datetime, server_now: datetime) -> str | None:
    """What to tell a person whose clock differs from the server's by more than two minutes; None where it does not."""
    if abs(now - server_now) <= CLOCK_TOLERANCE:
        return None
    return (
        f"This computer's clock says {_words(now)}, the server's says {_words(server_now)}; "
        "set this computer's clock and open the key again."
    )


def load_key_text(argument: str) -> str:
    """The key's text from a path, an ``invigil://key/`` link, or the key itself. Raises BadInput.

    White space and line breaks, as mail programs put into long lines, are taken out.
    """
    text = argument.strip()
    if text.lower().startswith(LINK) or is_signed(text) or is_protected(text):
        return _unwrap(text)
    path = Path(text)
    try:
        data = _content(path)
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


def _content(path: Path) -> bytes:
    """Raises OSError, for what is no regular file as well: a pipe would wait for ever."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(None, "this is not a file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _unwrap(text: str) -> str:
    joined = "".join(text.split())
    if joined.lower().startswith(LINK):
        joined = joined[len(LINK) :].rstrip("/")
    return joined


def _check_claims(claims: Mapping[str, Json]) -> None:
    version = claims.get("version")
    if type(version) is int and version != VERSION:
        raise KeyRefused(f"This key has another format than {VERSION}, which this client knows; update Invigil.")
    wrong = [name for name, kind in _CLAIMS.items() if type(claims.get(name)) is not kind]
    texts = (str(claims.get(name)) for name in ("jti", "min_client"))
    if wrong or not all(text.isprintable() and 0 < len(text) <= 200 for text in texts):
        raise KeyRefused(f"This key is incomplete ({', '.join(wrong) or 'jti'}); ask its issuer for a new one.")
    if claims["aud"] != AUDIENCE:
        raise KeyRefused("This key was issued for another program; use the one that you were sent for the exam.")
    if not 0 <= _int(claims["serial"]) <= _MAX_SERIAL:
        raise KeyRefused("This key's serial number can't be used; ask its issuer for a new one.")


def _audience(claim: Json, policy: Policy) -> Audience:
    from app.core.audience import Audience

    audience = Audience.from_json(claim) if isinstance(claim, dict) else None
    if audience is None:
        raise KeyRefused("This key does not say for whom it is (audience); ask its issuer for a new one.")
    if (unfit := _unfit(audience, policy)) is not None:
        raise KeyRefused(f"This key contradicts itself: {unfit}; ask its issuer for a new one.")
    return audience


def _unfit(audience: Audience, policy: Policy) -> str | None:
    """How an audience and a policy contradict each other, as the end of a sentence."""
    if policy.candidate.id and not audience.candidate:
        return "its policy names a candidate, but it is not for this candidate alone"
    return audience.refusal(policy.exam.id, policy.candidate)


def _check_issuer(claims: Mapping[str, Json], issuer: TrustedIssuer) -> None:
    if issuer.retired is not None and _time(claims["iat"]) > issuer.retired:
        raise KeyRefused(
            f"This key was signed with a key that {issuer.name} stopped using on {_words(issuer.retired)}; "
            "ask for a new one."
        )


def _check_times(claims: Mapping[str, Json], now: datetime) -> None:
    begin, end = _time(claims["nbf"]), _time(claims["exp"])
    clock = f"and this computer's clock says {_words(now)}"
    if now >= end:
        raise KeyRefused(f"This key expired on {_words(end)}, {clock}; ask for a new one, or set the clock.")
    if now < begin - CLOCK_TOLERANCE:
        raise KeyRefused(
            f"This key is not valid before {_words(begin)}, {clock}; come back then, or set the clock if it is wrong."
        )


def _check_client(claims: Mapping[str, Json], client_version: str) -> None:
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
    return value if type(value) is int else 0


def _time(value: Json) -> datetime:
    try:
        return datetime.fromtimestamp(_int(value), UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise KeyRefused("This key's times can't be used; ask its issuer for a new one.") from error


def _words(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
