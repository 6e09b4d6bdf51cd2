"""An issuer can take back its own keys, nobody else's, and nobody can hide what it took back."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.types import Json
from app.keys.issuers import Issuer, TrustedIssuer, TrustedIssuers
from app.keys.revocation import (
    LIST,
    MAX_ENTRIES,
    NO_REVOCATIONS,
    RevocationList,
    Revocations,
    Revoked,
    make_list,
    newer,
    newest,
    read_list,
)
from app.keys.signed import KeyRefused, Kind, sign
from tests.fakes.sentences import is_one_sentence, told

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
GRACE = timedelta(days=7)


@functools.cache
def university() -> Issuer:
    return Issuer.create("Example University")


@functools.cache
def successor() -> Issuer:
    """The same institution's next signing key."""
    return Issuer.create("Example University")


@functools.cache
def college() -> Issuer:
    return Issuer.create("Example College")


@functools.cache
def trusted() -> TrustedIssuers:
    return TrustedIssuers.of([university().public(), successor().public(), college().public()])


def listed(*entries: Revoked, issuer: Issuer | None = None, serial: int = 1) -> RevocationList:
    return read_list(make_list(entries, issuer or university(), now=NOW, serial=serial), trusted())


def refusal(revoked: Revocations, issuer: TrustedIssuer, key_id: str = "k1", now: datetime = NOW) -> str | None:
    sentence = revoked.refusal(issuer, key_id, now)
    assert sentence is None or is_one_sentence(sentence)
    return sentence


def test_a_list_says_which_keys_when_and_why() -> None:
    entry = Revoked(NOW, jti="k1", reason="lost")
    found = listed(entry, serial=4)
    assert (found.issuer_name, found.kid, found.serial, found.issued) == (
        "Example University",
        university().kid,
        4,
        NOW,
    )
    assert found.entries == (entry,)


def test_a_key_on_the_list_is_refused_with_time_and_reason() -> None:
    revoked = Revocations((listed(Revoked(NOW, jti="k1", reason="lost")),))
    assert refusal(revoked, university().public()) == (
        "This key was revoked by Example University on 2026-11-20 09:00 UTC (lost); ask for a new one."
    )
    assert refusal(revoked, university().public(), "k2") is None


def test_an_issuers_next_key_can_take_back_what_the_old_one_signed() -> None:
    revoked = Revocations((listed(Revoked(NOW, jti="k1"), issuer=successor()),))
    assert refusal(revoked, university().public()) is not None


def test_a_stolen_signing_key_is_revoked_as_a_whole() -> None:
    revoked = Revocations((listed(Revoked(NOW, kid=university().kid, reason="stolen"), issuer=successor()),))
    sentence = refusal(revoked, university().public(), "any")
    assert sentence is not None
    assert sentence.startswith("All keys that were signed as this one is were revoked")
    assert refusal(revoked, successor().public(), "any") is None


def test_nobody_can_take_back_the_keys_of_others() -> None:
    foreign = listed(Revoked(NOW, jti="k1"), Revoked(NOW, kid=university().kid), issuer=college())
    assert refusal(Revocations((foreign,)), university().public()) is None


def test_without_a_pinned_backend_nothing_ages() -> None:
    assert refusal(NO_REVOCATIONS, university().public(), now=NOW + timedelta(days=4000)) is None


def test_with_a_pinned_backend_keys_are_refused_once_it_was_not_asked_for_too_long() -> None:
    revoked = Revocations(asked={university().kid: NOW}, grace=GRACE)
    assert refusal(revoked, university().public(), now=NOW + GRACE) is None
    late = refusal(revoked, university().public(), now=NOW + GRACE + timedelta(seconds=1))
    assert late is not None
    assert "could not ask since 2026-11-20 09:00 UTC" in late
    assert refusal(revoked, college().public(), now=NOW + GRACE * 2) is None


def test_a_backend_that_was_never_asked_is_asked_first() -> None:
    never = refusal(Revocations(asked={university().kid: None}), university().public())
    assert never is not None
    assert "connect it to the network" in never


def test_a_newer_list_replaces_an_older_one() -> None:
    old, new = listed(serial=1), listed(Revoked(NOW, jti="k1"), serial=2)
    assert newer(None, old) == old
    assert newer(old, new) == new
    assert newer(new, new) == new
    assert newest([old, new, old]) == (new,)


def test_an_older_list_can_not_bring_a_key_back() -> None:
    with pytest.raises(KeyRefused, match=r"serial 1.* older than the known one .*serial 2"):
        newer(listed(Revoked(NOW, jti="k1"), serial=2), listed(serial=1))


def test_another_list_of_the_same_serial_contradicts() -> None:
    with pytest.raises(KeyRefused, match="contradicts"):
        newer(listed(Revoked(NOW, jti="k1"), serial=2), listed(serial=2))


def test_lists_of_different_signing_keys_stand_side_by_side() -> None:
    both = newest([listed(serial=9), listed(issuer=successor(), serial=1)])
    assert {one.kid for one in both} == {university().kid, successor().kid}


@pytest.mark.parametrize("issuer", [Issuer.create("Example University"), Issuer.create("Nobody")])
def test_a_list_of_someone_else_is_refused(issuer: Issuer) -> None:
    with pytest.raises(KeyRefused, match="does not trust"):
        read_list(make_list([], issuer, now=NOW, serial=1), trusted())


def test_a_config_key_is_no_revocation_list() -> None:
    other = sign({"iss": "Example University"}, university(), Kind("key", "invigil-key+jws", 1000))
    with pytest.raises(KeyRefused, match="not an Invigil revocation list"):
        read_list(other, trusted())


def test_an_altered_list_is_refused() -> None:
    header, _, signature = make_list([Revoked(NOW, jti="k1")], university(), now=NOW, serial=1).split(".")
    _, empty, _ = make_list([], university(), now=NOW, serial=1).split(".")
    with pytest.raises(KeyRefused, match="altered or damaged"):
        read_list(f"{header}.{empty}.{signature}", trusted())


@pytest.mark.parametrize(
    "changed",
    [
        {"serial": -1},
        {"serial": 2**63},
        {"serial": "1"},
        {"serial": True},
        {"iat": "now"},
        {"iat": -1},
        {"iat": 10**18},
        {"revoked": {}},
        {"revoked": [5]},
        {"revoked": [{"jti": "k1"}]},
        {"revoked": [{"at": 5, "reason": ""}]},
        {"revoked": [{"jti": "k1", "kid": "k2", "at": 5}]},
        {"revoked": [{"jti": "", "at": 5}]},
        {"revoked": [{"jti": "k1", "at": 5, "reason": "two\nlines"}]},
        {"revoked": [{"jti": "k1", "at": 5, "reason": "x" * 201}]},
        {"revoked": [{"jti": "k1", "at": 5, "until": 6}]},
        {"revoked": [{"jti": "k1", "at": 5}] * (MAX_ENTRIES + 1)},
    ],
)
def test_a_signed_list_in_another_form_is_refused_as_a_whole(changed: dict[str, Json]) -> None:
    claims: dict[str, Json] = {"iss": "Example University", "iat": 5, "serial": 1, "version": 1, "revoked": []}
    assert read_list(sign(claims, university(), LIST), trusted()).serial == 1
    with pytest.raises(KeyRefused, match=r"docs/config-key\.md"):
        read_list(sign(claims | changed, university(), LIST), trusted())


def test_a_list_of_a_later_format_asks_for_an_update() -> None:
    claims: dict[str, Json] = {"iss": "Example University", "version": 2}
    with pytest.raises(KeyRefused, match="update Invigil"):
        read_list(sign(claims, university(), LIST), trusted())


@pytest.mark.parametrize(
    "entry",
    [
        Revoked(NOW),
        Revoked(NOW, jti="a", kid="b"),
        Revoked(NOW, jti="a", reason="x" * 201),
        Revoked(NOW, jti="a", reason="two\nlines"),
    ],
)
def test_a_list_that_nobody_would_accept_is_not_made(entry: Revoked) -> None:
    with pytest.raises(BadInput, match="needs one key"):
        make_list([entry], university(), now=NOW, serial=1)


def test_a_list_has_room_for_all_its_entries() -> None:
    entries = [Revoked(NOW, jti=f"{number:022}", reason="handed to the wrong class") for number in range(MAX_ENTRIES)]
    assert len(listed(*entries).entries) == MAX_ENTRIES
    with pytest.raises(BadInput, match="at most"):
        make_list([*entries, entries[0]], university(), now=NOW, serial=1)


@given(st.text(max_size=200))
def test_any_other_text_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        read_list(text, trusted())
    assert is_one_sentence(str(caught.value))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("iat", "serial", "version", "revoked", "iss"), JSON_VALUES)))
def test_whatever_a_trusted_issuer_signs_is_read_or_refused_in_a_sentence(claims: dict[str, Json]) -> None:
    usual: dict[str, Json] = {"iss": "Example University", "version": 1}
    signed = sign(usual | claims, university(), LIST)
    sentence = told(lambda: read_list(signed, trusted()))
    assert sentence is None or is_one_sentence(sentence)
