"""Signatures of learning platforms. The expected values were made with the openssl program, not with this code."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.signatures import (
    attempt_hash_fits,
    canonical_query,
    canonical_request,
    mettl_get_text,
    mettl_signature,
    request_signature,
    same,
)

PRIVATE_KEY = "0123456789-private"
BODY = b'{"publicKey":"pub-1","userId":"s1234","groupName":"algebra-1"}'
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)


def test_a_mettl_post_is_signed_over_the_exact_body() -> None:
    """openssl kdf -keylen 25 -kdfopt digest:SHA1 -kdfopt pass:BODY -kdfopt salt:PRIVATE_KEY -kdfopt iter:1001 PBKDF2"""
    assert mettl_signature(BODY, PRIVATE_KEY) == "27171B1C4BEB7914A44BA7B467CC9145A60C1F6086429BD732"
    assert mettl_signature(BODY + b" ", PRIVATE_KEY) != mettl_signature(BODY, PRIVATE_KEY)


def test_a_mettl_get_is_signed_over_its_values_in_the_order_of_their_names() -> None:
    parameters = {"userId": "s1234", "groupName": "algebra-1", "reportFormat": "1", "publicKey": "pub-1"}
    text = mettl_get_text("mpaas-api.mettl.com/v2/report", parameters)
    assert text == b"GETmpaas-api.mettl.com/v2/report/algebra-1\npub-1\n1\ns1234"
    assert mettl_get_text("mpaas-api.mettl.com/v2/report/", parameters) == text
    assert mettl_signature(text, PRIVATE_KEY) == "76E0E07527E15F8C5CA361F213484D1DE077C4D3D5FDAE5B8F"


def test_our_signature_covers_method_path_sorted_parameters_body_and_time() -> None:
    canonical = canonical_request("post", "/v1/init", "b=two+words&b=%26&a=1", b'{"userId":"s1234"}', 1_800_000_000)
    assert canonical.decode().split("\n") == [
        "POST",
        "/v1/init",
        "a=1&b=%26&b=two%20words",
        "edbc5e52e8213f5e8a80b4098d5b336315637f23a0d9e352d9259b5d11eaf544",
        "1800000000",
    ]


def test_our_signature_is_an_hmac_sha256_in_hex() -> None:
    """printf LINES | openssl dgst -sha256 -hmac sk-0123456789-private"""
    lines = (
        b"POST\n/v1/init\na=1&b=two%20words&b=%26\n"
        b"edbc5e52e8213f5e8a80b4098d5b336315637f23a0d9e352d9259b5d11eaf544\n1800000000"
    )
    expected = "2f5aaac17b6c2606b4169c634853c2ca1c06afe97ac16f945d98f6c3a81294e5"
    assert request_signature(lines, "sk-0123456789-private") == expected


PARTS = [("PUT", "/p", "a=1", b"x", 5), ("POST", "/q", "a=1", b"x", 5), ("POST", "/p", "a=2", b"x", 5)]
PARTS += [("POST", "/p", "a=1", b"y", 5), ("POST", "/p", "a=1", b"x", 6), ("POST", "/p", "a=1&b=", b"x", 5)]


@pytest.mark.parametrize("changed", PARTS)
def test_a_change_of_any_part_changes_what_is_signed(changed: tuple[str, str, str, bytes, int]) -> None:
    assert canonical_request(*changed) != canonical_request("POST", "/p", "a=1", b"x", 5)


@given(st.lists(st.tuples(texts, texts), max_size=6))
def test_the_order_of_parameters_does_not_matter(pairs: list[tuple[str, str]]) -> None:
    assert canonical_query(urlencode(pairs)) == canonical_query(urlencode(pairs[::-1]))


@given(st.lists(st.tuples(texts, texts), max_size=4), st.lists(st.tuples(texts, texts), max_size=4))
def test_different_parameters_are_never_signed_alike(one: list[tuple[str, str]], two: list[tuple[str, str]]) -> None:
    alike = canonical_query(urlencode(one)) == canonical_query(urlencode(two))
    assert alike == (sorted(one) == sorted(two))


@pytest.mark.parametrize("query", ["a=%ff", "&".join("a=1" for _ in range(101))])
def test_a_query_that_could_be_read_in_two_ways_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match=r"decode|fields"):
        canonical_query(query)


HEX = "6470dc3b6966d64f48755dfc62e04e95ba633b98e063a38049b52740124999c3"


@pytest.mark.parametrize(
    ("hashed", "fits"),
    [
        ("ZHDcO2lm1k9IdV38YuBOlbpjO5jgY6OASbUnQBJJmcM=", True),
        (HEX, True),
        (HEX.upper(), True),
        (HEX[:-1], False),
        ("zhdcO2lm1k9IdV38YuBOlbpjO5jgY6OASbUnQBJJmcM=", False),
        ("", False),
        ("é" * 44, False),
    ],
)
def test_autoproctors_hash_is_accepted_in_base64_and_hex(hashed: str, fits: bool) -> None:
    """printf attempt-42 | openssl dgst -sha256 -hmac client-secret-0123"""
    assert attempt_hash_fits(hashed, "attempt-42", "client-secret-0123") is fits


def test_signatures_are_compared_whole() -> None:
    assert same("AB", "AB")
    assert not same("AB", "ab")
    assert not same("AB", "ABC")
