"""A backend's key set gives exactly the issuers that are in order, or a sentence."""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.types import Json
from app.keys.issuers import Issuer, TrustedIssuer, TrustedIssuers
from app.keys.jwks import MAX_KEYS, read_jwks, to_jwks
from tests.fakes.sentences import is_one_sentence, told

RETIRED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@functools.cache
def issuer() -> TrustedIssuer:
    return Issuer.create("Example University").public()


def key_of(one: TrustedIssuer) -> dict[str, Json]:
    keys = to_jwks(TrustedIssuers.of([one]))["keys"]
    assert isinstance(keys, list)
    assert isinstance(keys[0], dict)
    return keys[0]


def key_set(*keys: Json) -> str:
    return json.dumps({"keys": list(keys)})


def test_what_is_published_is_read_again() -> None:
    old = Issuer.create("Example University").public()._replace(retired=RETIRED)
    issuers = TrustedIssuers.of([issuer(), old])
    assert read_jwks(json.dumps(to_jwks(issuers))) == issuers


def test_a_published_key_is_for_signatures_and_public() -> None:
    key = key_of(issuer())
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg", "name"}
    assert (key["use"], key["alg"]) == ("sig", "EdDSA")


@pytest.mark.parametrize(
    "other",
    [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "lti-1", "use": "sig"},
        {"kty": "EC", "crv": "P-256", "x": "a", "y": "b"},
        {"kty": "OKP", "crv": "X25519", "x": "a"},
        {"kty": "OKP", "crv": "Ed25519", "use": "enc"},
        {},
    ],
)
def test_keys_for_other_purposes_are_passed_over(other: Json) -> None:
    assert read_jwks(key_set(other, key_of(issuer()))).issuers == (issuer(),)
    with pytest.raises(BadInput, match="no Ed25519 key"):
        read_jwks(key_set(other))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"kid": "1"}, "thumbprint"),
        ({"kid": None}, "thumbprint"),
        ({"name": None}, "without a name"),
        ({"name": ""}, "one line"),
        ({"name": "two\nlines"}, "one line"),
        ({"x": "AAAA"}, "Ed25519"),
        ({"x": None}, "Ed25519"),
        ({"d": "A" * 43}, "private key"),
        ({"alg": "RS256"}, "another algorithm"),
        ({"retired": "yesterday"}, "retired"),
        ({"retired": -1}, "retired"),
        ({"retired": 10**30}, "retired"),
    ],
)
def test_a_signing_key_that_is_not_in_order_spoils_the_set(changed: dict[str, Json], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        read_jwks(key_set(key_of(issuer()), key_of(Issuer.create("Other").public()) | changed), "The key set of X")
    assert is_one_sentence(str(caught.value))


def test_a_key_stands_in_a_set_once() -> None:
    with pytest.raises(BadInput, match="twice"):
        read_jwks(key_set(key_of(issuer()), key_of(issuer())))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        "{}",
        '{"keys": {}}',
        '{"keys": [5]}',
        '{"keys": [], "keys": []}',
        '{"keys": ' + "[" * 50_000,
        json.dumps({"keys": [{}] * (MAX_KEYS + 1)}),
        " " * 300_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_key_set_is_refused(data: str | bytes) -> None:
    sentence = told(lambda: read_jwks(data))
    assert sentence is not None
    assert is_one_sentence(sentence)


JSON_VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=50) | st.lists(st.text(max_size=5), max_size=2)
)


@given(st.dictionaries(st.sampled_from(["kty", "crv", "x", "kid", "name", "use", "alg", "retired", "d"]), JSON_VALUES))
def test_any_key_is_taken_passed_over_or_refused_in_a_sentence(changed: dict[str, Json]) -> None:
    sentence = told(lambda: read_jwks(key_set(key_of(issuer()) | changed)))
    assert sentence is None or is_one_sentence(sentence)


@given(st.binary(max_size=200))
def test_any_answer_of_a_server_is_refused_in_a_sentence(data: bytes) -> None:
    sentence = told(lambda: read_jwks(data))
    assert sentence is not None
    assert is_one_sentence(sentence)
