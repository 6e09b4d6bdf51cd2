"""Fuzz target: config keys, protected keys, revocation lists, key sets and lists of issuers.

The first byte chooses what the rest is. Some inputs are signed by a trusted issuer first, to reach what lies behind
the signature.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from app.core.types import Json
from app.keys.issuers import Issuer, TrustedIssuers, read_issuers
from app.keys.jwks import read_jwks, to_jwks
from app.keys.protected import protected_header
from app.keys.revocation import Revoked, make_list, read_list
from app.keys.signed import json_object
from app.keys.tokens import issue, read_key
from build_scripts.fuzz.outcome import taken

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ISSUER = Issuer("Example University", OKPKey.import_key(PRIVATE))
TRUSTED = TrustedIssuers.of([ISSUER.public()])
POLICY: dict[str, Json] = {
    "exam": {"id": "algebra-1", "title": "Algebra I", "start_url": "https://exams.example.org/algebra"},
    "candidate": {"id": "s1234", "name": "Sample Candidate"},
    "upload": {"endpoint": "https://proctoring.example.org", "token": "t0ken", "exam_id": "algebra-1"},
}
KEY = issue(
    POLICY, ISSUER, now=NOW, not_before=NOW, expires=NOW.replace(year=2027), serial=1, min_client="0.1.0"
).encode()
LIST = make_list([Revoked(NOW, jti="k1", reason="lost")], ISSUER, now=NOW, serial=1).encode()


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _content(token: bytes) -> bytes:
    part = token.split(b".")[1]
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


CLAIMS = json_object(_content(KEY))
_HEADER = {
    "alg": "PBES2-HS512+A256KW",
    "enc": "A256GCM",
    "typ": "invigil-key+jwe",
    "cty": "invigil-key+jws",
    "p2c": 210_000,
    "p2s": "c2l4dGVlbiByYW5kb20gYnl0ZXM",
}

SEEDS = (
    b"\x00" + KEY,
    b"\x01" + _content(KEY),
    b'\x02{"policy": {"exam": {"id": "algebra-1"}}, "audience": {"exam": "algebra-1"}, "exp": 1e99}',
    b"\x03" + f"{_part(json.dumps(_HEADER).encode())}.AA.AA.AA.AA".encode(),
    b"\x04" + LIST,
    b"\x05" + _content(LIST),
    b"\x06" + json.dumps(to_jwks(TRUSTED)).encode(),
    b"\x07" + json.dumps(TRUSTED.to_json()).encode(),
)


def one(data: bytes) -> None:
    """Raises nothing, for any input."""
    kind, rest = data[0] % 8 if data else 0, data[1:]
    text = rest.decode("utf-8", errors="surrogateescape")
    if kind == 0:
        _read(text)
    elif kind == 1:
        _read(_signed("invigil-key+jws", rest))
    elif kind == 2:
        _read(_signed("invigil-key+jws", _changed(rest)))
    elif kind == 3:
        taken(lambda: protected_header(text))
    elif kind == 4:
        taken(lambda: read_list(text, TRUSTED))
    elif kind == 5:
        taken(lambda: read_list(_signed("invigil-revoked+jws", rest), TRUSTED))
    elif kind == 6:
        taken(lambda: read_jwks(rest))
    else:
        taken(lambda: read_issuers(_object(rest).get("issuers"), "/issuers.json"))


def _read(text: str) -> None:
    key = taken(lambda: read_key(text, TRUSTED, NOW, "0.1.0"))
    if key is not None and (key.kid != ISSUER.kid or key.audience.exam != key.policy.exam.id):
        raise AssertionError("a key was taken that should not have been")


def _signed(typ: str, payload: bytes) -> str:
    header = json.dumps({"alg": "EdDSA", "kid": ISSUER.kid, "typ": typ}).encode()
    signed = f"{_part(header)}.{_part(payload)}"
    return f"{signed}.{_part(PRIVATE.sign(signed.encode()))}"


def _changed(rest: bytes) -> bytes:
    return json.dumps(CLAIMS | _object(rest)).encode()


def _object(rest: bytes) -> dict[str, Json]:
    try:
        return json_object(rest)
    except ValueError:
        return {}
