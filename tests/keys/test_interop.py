"""Keys cross over to an independent JOSE implementation (jwcrypto) and back, by docs/config-key.md alone."""

from __future__ import annotations

import functools
import json
import re
import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK, JWKSet
from jwcrypto.jws import JWS

from app.core.audience import Audience
from app.core.types import Json
from app.keys.issuers import Issuer, TrustedIssuers, load_issuer, save_issuer
from app.keys.jwks import read_jwks, to_jwks
from app.keys.protected import protect, unprotect
from app.keys.revocation import Revoked, make_list, read_list
from app.keys.tokens import issue, read_key
from tests.fakes.policies import small_policy

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse bättery"
ALGORITHMS = ["PBES2-HS512+A256KW", "A256GCM"]


@functools.cache
def ours() -> Issuer:
    return Issuer.create("Example University")


def our_key() -> str:
    return issue(
        small_policy(),
        ours(),
        now=NOW,
        not_before=NOW,
        expires=NOW + timedelta(hours=1),
        serial=1,
        min_client="0.1.0",
    )


def our_public() -> JWK:
    """Our public key, by way of the key set that a backend publishes."""
    published = JWKSet.from_json(json.dumps(to_jwks(TrustedIssuers.of([ours().public()]))))
    key = published.get_key(ours().kid)
    assert key is not None
    return key


@functools.cache
def theirs() -> JWK:
    key = JWK.generate(kty="OKP", crv="Ed25519")
    return JWK(**json.loads(key.export()), kid=key.thumbprint())


def their_trust() -> TrustedIssuers:
    """Their key set, with a key of another kind in it; ``name`` is all that has to be added by hand."""
    signing = json.loads(theirs().export_public()) | {"name": "Learning Platform"}
    other = json.loads(JWK.generate(kty="RSA", size=2048, kid="for-lti").export_public())
    return read_jwks(json.dumps({"keys": [other, signing]}))


def signed_by_them(typ: str, claims: dict[str, Json], alg: str = "EdDSA") -> str:
    token = JWS(json.dumps(claims))
    token.allowed_algs = [alg]
    header = {"alg": alg, "kid": theirs().thumbprint(), "typ": typ}
    token.add_signature(theirs(), None, json.dumps(header), None)
    return token.serialize(compact=True)


def their_key(policy: dict[str, Json]) -> str:
    start = int(NOW.timestamp())
    claims: dict[str, Json] = {
        "iss": "Learning Platform",
        "iat": start,
        "nbf": start,
        "exp": start + 3600,
        "jti": "platform-1",
        "serial": 3,
        "version": 1,
        "min_client": "0.1.0",
        "aud": "invigil",
        "audience": {"exam": "algebra-1", "candidate": "s1234"},
        "policy": policy,
    }
    return signed_by_them("invigil-key+jws", claims)


def protected_by_them(token: str, password: str, iterations: int = 210_000) -> str:
    header = {
        "alg": "PBES2-HS512+A256KW",
        "enc": "A256GCM",
        "typ": "invigil-key+jwe",
        "cty": "invigil-key+jws",
        "p2c": iterations,
        "p2s": "c2l4dGVlbiByYW5kb20gYnl0ZXM",
    }
    sealed = JWE(token, json.dumps(header), algs=ALGORITHMS)
    sealed.add_recipient(JWK.from_password(password))
    return sealed.serialize(compact=True)


@pytest.fixture(autouse=True)
def _their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """jwcrypto makes and opens at most 16384 iterations unless it is told otherwise."""
    monkeypatch.setattr("jwcrypto.jwa.default_max_pbkdf2_iterations", 1_000_000)


def test_a_key_of_theirs_is_read_by_us() -> None:
    key = read_key(their_key(small_policy()), their_trust(), NOW, "0.1.0")
    assert (key.issuer_name, key.key_id, key.serial) == ("Learning Platform", "platform-1", 3)
    assert key.audience == Audience("algebra-1", candidate="s1234")


def test_a_key_of_ours_is_verified_by_them() -> None:
    token = JWS()
    token.allowed_algs = ["EdDSA"]
    token.deserialize(our_key(), our_public())
    assert json.loads(token.payload)["policy"] == small_policy()
    assert token.jose_header == {"alg": "EdDSA", "kid": our_public().thumbprint(), "typ": "invigil-key+jws"}


def test_a_protected_key_of_theirs_is_opened_by_us() -> None:
    token = their_key(small_policy())
    assert unprotect(protected_by_them(token, PASSWORD), PASSWORD) == token


def test_a_protected_key_of_ours_is_opened_by_them() -> None:
    sealed = JWE(algs=ALGORITHMS)
    sealed.deserialize(protect(our_key(), PASSWORD), JWK.from_password(PASSWORD))
    assert sealed.payload == our_key().encode()


def test_a_key_set_of_ours_is_read_by_them_and_theirs_by_us() -> None:
    assert our_public().thumbprint() == ours().kid
    assert [issuer.kid for issuer in their_trust().issuers] == [theirs().thumbprint()]


def test_a_revocation_list_of_theirs_is_read_by_us() -> None:
    entry: Json = {"jti": "platform-1", "at": int(NOW.timestamp()), "reason": "lost"}
    claims: dict[str, Json] = {
        "iss": "Learning Platform",
        "iat": int(NOW.timestamp()),
        "serial": 1,
        "version": 1,
        "revoked": [entry],
    }
    found = read_list(signed_by_them("invigil-revoked+jws", claims), their_trust())
    assert found.entries == (Revoked(NOW, jti="platform-1", reason="lost"),)


def test_a_revocation_list_of_ours_is_verified_by_them() -> None:
    token = JWS()
    token.allowed_algs = ["EdDSA"]
    token.deserialize(make_list([Revoked(NOW, jti="k1")], ours(), now=NOW, serial=9), our_public())
    assert json.loads(token.payload)["revoked"] == [{"jti": "k1", "at": int(NOW.timestamp()), "reason": ""}]


def test_a_private_key_of_ours_is_opened_by_them(tmp_path: Path) -> None:
    path = tmp_path / "issuer.key"
    save_issuer(path, ours(), PASSWORD)
    sealed = JWE(algs=ALGORITHMS)
    sealed.deserialize(path.read_text().strip(), JWK.from_password(PASSWORD))
    assert JWK(**json.loads(sealed.payload)).thumbprint() == ours().kid


def test_a_private_key_that_they_encrypted_signs_keys_of_ours(tmp_path: Path) -> None:
    header = {
        "alg": "PBES2-HS512+A256KW",
        "enc": "A256GCM",
        "typ": "invigil-issuer+jwe",
        "cty": "jwk+json",
        "p2c": 210_000,
        "p2s": "c2l4dGVlbiByYW5kb20gYnl0ZXM",
    }
    private = json.loads(theirs().export()) | {"name": "Learning Platform"}
    sealed = JWE(json.dumps(private), json.dumps(header), algs=ALGORITHMS)
    sealed.add_recipient(JWK.from_password(PASSWORD))
    path = tmp_path / "issuer.key"
    path.write_text(sealed.serialize(compact=True))
    issuer = load_issuer(path, PASSWORD)
    assert (issuer.name, issuer.kid) == ("Learning Platform", theirs().thumbprint())


def documented(folder: Path) -> dict[str, Any]:
    """Everything that the examples of docs/config-key.md define."""
    text = (Path(__file__).parents[2] / "docs" / "config-key.md").read_text(encoding="utf-8")
    path = folder / "example.py"
    path.write_text("\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)), encoding="utf-8")
    return runpy.run_path(str(path))


def test_the_documented_example_makes_keys_that_we_read(tmp_path: Path) -> None:
    example = documented(tmp_path)
    private = Ed25519PrivateKey.generate()
    jwk = example["public_jwk"](private) | {"name": "Learning Platform"}
    jwk["kid"] = example["thumbprint"](example["public_jwk"](private))
    audience = {"exam": "algebra-1", "candidate": "s1234"}
    token = example["issue"](private, "Learning Platform", small_policy(), audience, 2.0)
    trusted = read_jwks(json.dumps({"keys": [jwk]}))
    text = example["protect"](token, PASSWORD)
    assert read_key(unprotect(text, PASSWORD), trusted, datetime.now(UTC), "0.1.0").issuer_name == "Learning Platform"
