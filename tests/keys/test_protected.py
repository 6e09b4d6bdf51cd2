"""A key with a password opens with that password only, and costs nobody more than a moment to refuse."""

from __future__ import annotations

import base64
import functools
import json
import string
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.types import Json
from app.keys.issuers import Issuer, TrustedIssuers
from app.keys.protected import (
    ACCEPTED_ITERATIONS,
    ITERATIONS,
    KEY,
    KEY_CONTENT,
    WrongPassword,
    is_protected,
    key_subject,
    protect,
    protected_header,
    unprotect,
    wrap,
)
from app.keys.signed import KeyRefused
from app.keys.tokens import issue, read_key
from tests.fakes.policies import small_policy
from tests.fakes.sentences import is_one_sentence

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PASSWORD = "algebra pässword"
FEWEST = ACCEPTED_ITERATIONS[0]


@functools.cache
def issuer() -> Issuer:
    return Issuer.create("Example University")


@functools.cache
def token() -> str:
    return issue(
        small_policy(),
        issuer(),
        now=NOW,
        not_before=NOW,
        expires=NOW + timedelta(hours=1),
        serial=1,
        min_client="0.1.0",
    )


@functools.cache
def protected() -> str:
    """With as few iterations as are accepted, to be fast."""
    return wrap(token().encode(), PASSWORD, KEY, KEY_CONTENT, FEWEST)


def with_header(**changed: Json) -> str:
    header, _, rest = protected().partition(".")
    data = json.loads(base64.urlsafe_b64decode(header + "==")) | changed
    kept = {name: value for name, value in data.items() if value is not None}
    return f"{base64.urlsafe_b64encode(json.dumps(kept).encode()).decode().rstrip('=')}.{rest}"


def refusal(text: str, password: str = PASSWORD) -> str:
    with pytest.raises(KeyRefused) as caught:
        unprotect(text, password)
    assert not isinstance(caught.value, WrongPassword)
    assert is_one_sentence(str(caught.value))
    return str(caught.value)


def test_the_right_password_gives_the_signed_key_back() -> None:
    text = protect(token(), PASSWORD)
    assert is_protected(text)
    assert not is_protected(token())
    assert unprotect(text, PASSWORD) == token()
    trusted = TrustedIssuers.of([issuer().public()])
    assert read_key(unprotect(text, PASSWORD), trusted, NOW, "0.1.0").serial == 1


def test_nothing_of_the_key_can_be_read_without_it() -> None:
    text = protect(token(), PASSWORD)
    assert token().split(".")[1][:20] not in text
    assert set(protected_header(text)) == {"alg", "enc", "typ", "cty", "p2s", "p2c"}


def test_two_copies_of_a_key_share_nothing() -> None:
    first, second = (protect(token(), PASSWORD).split(".") for _ in range(2))
    assert all(one != other for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("wrong", ["algebra password", "Algebra pässword", "algebra pässword ", "", "x" * 10_000])
def test_another_password_is_told_apart_from_damage(wrong: str) -> None:
    with pytest.raises(WrongPassword) as caught:
        unprotect(protected(), wrong)
    assert is_one_sentence(str(caught.value))


def test_a_password_is_the_same_however_a_system_composes_its_letters() -> None:
    decomposed = "algebra pa\u0308ssword"
    assert unprotect(protected(), decomposed) == token()


@pytest.mark.parametrize("short", ["", "1234567", "pa\u0308" * 3])
def test_a_password_that_is_easily_guessed_is_not_taken(short: str) -> None:
    with pytest.raises(BadInput, match="too short"):
        protect(token(), short)


@pytest.mark.parametrize("part", [3, 4])
def test_a_damaged_key_is_told_apart_from_a_wrong_password(part: int) -> None:
    parts = protected().split(".")
    parts[part] = ("B" if parts[part][0] == "A" else "A") + parts[part][1:]
    assert "altered or damaged" in refusal(".".join(parts))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"alg": "PBES2-HS256+A128KW"}, "encrypted in a way"),
        ({"alg": "dir"}, "encrypted in a way"),
        ({"alg": ["PBES2-HS512+A256KW"]}, "encrypted in a way"),
        ({"enc": "A128CBC-HS256"}, "encrypted in a way"),
        ({"typ": "JWE"}, "not an Invigil key"),
        ({"cty": None}, "not an Invigil key"),
        ({"zip": "DEF"}, "header"),
        ({"crit": ["exp"]}, "header"),
        ({"p2s": "c2hvcnQ"}, "header"),
        ({"p2s": "!" * 30}, "header"),
        ({"p2s": "A" * 200}, "header"),
        ({"p2s": 5}, "header"),
        ({"p2c": ACCEPTED_ITERATIONS[0] - 1}, "iterations"),
        ({"p2c": ACCEPTED_ITERATIONS[1] + 1}, "iterations"),
        ({"p2c": 10**30}, "iterations"),
        ({"p2c": "210000"}, "iterations"),
        ({"p2c": True}, "iterations"),
        ({"p2c": 210000.0}, "iterations"),
    ],
)
def test_other_algorithms_and_costly_headers_are_refused_before_anything_is_computed(
    changed: dict[str, Json], words: str
) -> None:
    text = with_header(**changed)
    started = time.process_time()
    assert words in refusal(text)
    assert time.process_time() - started < 0.05


def test_a_text_that_is_too_long_is_refused_at_once() -> None:
    assert "larger than 400 kB" in refusal(protected() + "A" * KEY.max_bytes)


@given(st.data())
def test_no_byte_of_a_protected_key_can_be_changed(data: st.DataObject) -> None:
    text = protected()
    position = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != text[position]))
    with pytest.raises(KeyRefused) as caught:
        unprotect(text[:position] + other + text[position + 1 :], PASSWORD)
    assert is_one_sentence(str(caught.value))


@given(st.text(max_size=300) | st.text("eyJhbGciOi.-_", max_size=300))
def test_any_other_text_is_refused_in_a_sentence(text: str) -> None:
    refusal(text)


def test_what_is_inside_has_to_be_text() -> None:
    text = wrap(b"\xff\xfe", PASSWORD, KEY, KEY_CONTENT, FEWEST)
    assert "no key inside" in refusal(text)


def test_tries_are_counted_under_a_name_that_says_nothing_of_the_key() -> None:
    assert len(key_subject(protected())) == 64
    assert key_subject(protected()) != key_subject(protect(token(), PASSWORD))
    with pytest.raises(KeyRefused):
        key_subject(token())


def test_an_altered_copy_of_a_key_brings_no_new_tries() -> None:
    header, locked, salt, text, tag = protected().split(".")
    spaced = json.dumps(json.loads(_decoded(header)), indent=1).encode()
    other_header = base64.urlsafe_b64encode(spaced).decode().rstrip("=")
    for copy in (
        f"{header}.{locked}.{salt}.{text}AAAA.{tag}",
        f"{header}.{locked}.{salt[:-4]}AAAA.{text}.{tag}",
        f"{header}.{_same_bits(locked)}.{salt}.{text}.{tag}",
        f"{other_header}.{locked}.{salt}.{text}.{tag}",
    ):
        assert key_subject(copy) == key_subject(protected())


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _same_bits(part: str) -> str:
    """Another text for the same bytes, where base64's last letter has bits that count for nothing."""
    return next(
        part[:-1] + last
        for last in string.ascii_letters
        if last != part[-1] and _decoded(part[:-1] + last) == _decoded(part)
    )


def test_the_documentation_names_the_iterations_that_are_written_and_accepted() -> None:
    page = (Path(__file__).parents[2] / "docs" / "config-key.md").read_text(encoding="utf-8")
    least, most = (f"{bound:,}".replace(",", " ") for bound in ACCEPTED_ITERATIONS)
    assert f"{ITERATIONS:,}".replace(",", " ") + " is what this program writes" in page
    assert f"{least} to {most} are accepted" in page
