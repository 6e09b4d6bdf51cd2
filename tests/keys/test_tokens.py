"""A config key is accepted when its issuer is trusted and nothing of it was changed, and refused with a reason."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from app.core.audience import Audience
from app.core.errors import BadInput
from app.core.types import Json
from app.keys.issuers import Issuer, TrustedIssuer, TrustedIssuers
from app.keys.policy_model import parse_policy
from app.keys.protected import protect
from app.keys.revocation import Revocations, Revoked, make_list, read_list
from app.keys.tokens import (
    MAX_BYTES,
    MAX_POLICY_BYTES,
    ConfigKey,
    KeyRefused,
    clock_sentence,
    issue,
    load_key_text,
    read_claims_unverified,
    read_header,
    read_key,
)
from tests.fakes.policies import small_policy
from tests.fakes.sentences import is_one_sentence

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CLIENT = "0.1.0"


@functools.cache
def university() -> Issuer:
    return Issuer.create("Example University")


@functools.cache
def trusted() -> TrustedIssuers:
    return TrustedIssuers.of([Issuer.create("Another University").public(), university().public()])


def make(
    policy: dict[str, Json] | None = None,
    issuer: Issuer | None = None,
    *,
    begin: timedelta = timedelta(),
    length: timedelta = timedelta(hours=2),
    serial: int = 7,
    min_client: str = "0.1.0",
    audience: Audience | None = None,
) -> str:
    return issue(
        small_policy() if policy is None else policy,
        issuer or university(),
        now=NOW,
        not_before=NOW + begin,
        expires=NOW + begin + length,
        serial=serial,
        min_client=min_client,
        audience=audience,
    )


@functools.cache
def good_token() -> str:
    return make()


def read(token: str, now: datetime = NOW, client: str = CLIENT) -> ConfigKey:
    return read_key(token, trusted(), now, client)


def refusal(token: str, now: datetime = NOW, client: str = CLIENT) -> str:
    with pytest.raises(BadInput) as caught:
        read(token, now, client)
    assert is_one_sentence(str(caught.value))
    return str(caught.value)


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def by_hand(private: Ed25519PrivateKey, header: Json, payload: bytes) -> str:
    """A JWS from primitives only, as another system would make it."""
    signed = f"{part(json.dumps(header).encode())}.{part(payload)}"
    return f"{signed}.{part(private.sign(signed.encode()))}"


class Elsewhere:
    """An issuer that shares no code with ours: RFC 7515, 7638 and 8037 by hand."""

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.jwk = {"crv": "Ed25519", "kty": "OKP", "x": part(self.private.public_key().public_bytes_raw())}
        self.kid = part(hashlib.sha256(json.dumps(self.jwk, separators=(",", ":")).encode()).digest())
        self.trust = TrustedIssuers.of([TrustedIssuer("Elsewhere", self.kid, OKPKey.import_key(dict(self.jwk)))])

    def header(self, **changed: Json) -> dict[str, Json]:
        return {"alg": "EdDSA", "kid": self.kid, "typ": "invigil-key+jws"} | changed

    def claims(self, **changed: Json) -> dict[str, Json]:
        start = int(NOW.timestamp())
        claims: dict[str, Json] = {
            "iss": "Elsewhere",
            "iat": start,
            "nbf": start,
            "exp": start + 3600,
            "jti": "k1",
            "serial": 1,
            "version": 1,
            "min_client": "0.1.0",
            "aud": "invigil",
            "audience": {"exam": "algebra-1", "candidate": "s1234"},
            "policy": small_policy(),
        }
        return claims | changed

    def key(self, header: Json = None, claims: Json = None) -> str:
        return by_hand(
            self.private,
            self.header() if header is None else header,
            json.dumps(self.claims() if claims is None else claims).encode(),
        )

    def refusal(self, header: Json = None, claims: Json = None) -> str:
        with pytest.raises(KeyRefused) as caught:
            read_key(self.key(header, claims), self.trust, NOW, CLIENT)
        return str(caught.value)


@pytest.fixture(scope="module")
def elsewhere() -> Elsewhere:
    return Elsewhere()


def test_a_key_carries_its_policy_and_who_issued_it() -> None:
    key = read(good_token())
    assert key.policy == parse_policy(small_policy())
    assert (key.issuer_name, key.kid, key.serial) == ("Example University", university().kid, 7)
    assert (key.issued, key.not_before, key.expires) == (NOW, NOW, NOW + timedelta(hours=2))
    assert key.token == good_token()


def test_a_key_made_by_hand_elsewhere_is_accepted(elsewhere: Elsewhere) -> None:
    key = read_key(elsewhere.key(), elsewhere.trust, NOW, CLIENT)
    assert (key.issuer_name, key.key_id) == ("Elsewhere", "k1")


def test_the_newer_name_of_the_algorithm_is_accepted(elsewhere: Elsewhere) -> None:
    token = elsewhere.key(elsewhere.header(alg="Ed25519"))
    assert read_key(token, elsewhere.trust, NOW, CLIENT).policy.exam.id == "algebra-1"


def test_a_kid_is_the_thumbprint_that_anyone_can_compute() -> None:
    jwk = university().public().to_json()["jwk"]
    assert isinstance(jwk, dict)
    canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
    assert university().kid == part(hashlib.sha256(canonical.encode()).digest())


def test_a_signature_of_ours_can_be_checked_by_primitives_alone() -> None:
    signed, _, signature = good_token().rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    public = university().key.private_key
    assert isinstance(public, Ed25519PrivateKey)
    public.public_key().verify(raw, signed.encode())


def test_a_key_names_the_narrowest_audience_that_its_policy_means() -> None:
    assert read(good_token()).audience == Audience("algebra-1", candidate="s1234")
    group = make(small_policy(candidate={"group": "evening"}))
    assert read(group).audience == Audience("algebra-1", group="evening")
    everybody = make(small_policy(candidate={}))
    assert read(everybody).audience == Audience("algebra-1")


def test_a_key_can_be_for_more_people_than_its_policy_names_a_group_for() -> None:
    token = make(small_policy(candidate={"group": "evening"}), audience=Audience("algebra-1"))
    assert read(token).audience == Audience("algebra-1")


@pytest.mark.parametrize(
    ("audience", "words"),
    [
        (Audience("history-1", candidate="s1234"), "it is for the exam 'history-1'"),
        (Audience("algebra-1", candidate="s9"), "it is for another candidate"),
        (Audience("algebra-1"), "its policy names a candidate"),
    ],
)
def test_a_key_for_others_than_its_policy_names_is_not_issued(audience: Audience, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        make(audience=audience)


def test_a_clock_that_is_wrong_is_told_with_the_servers_time() -> None:
    assert clock_sentence(NOW, NOW + timedelta(minutes=2)) is None
    assert clock_sentence(NOW, NOW - timedelta(minutes=2)) is None
    assert clock_sentence(NOW, NOW + timedelta(hours=25)) == (
        "This computer's clock says 2026-11-20 09:00 UTC, the server's says 2026-11-21 10:00 UTC; "
        "set this computer's clock and open the key again."
    )


def test_keys_issued_after_their_issuer_was_retired_are_refused() -> None:
    def trust(retired: datetime) -> TrustedIssuers:
        return TrustedIssuers.of([university().public()._replace(retired=retired)])

    assert read_key(good_token(), trust(NOW), NOW, CLIENT).serial == 7
    with pytest.raises(KeyRefused, match="stopped using on 2026-11-20 08:59 UTC"):
        read_key(good_token(), trust(NOW - timedelta(seconds=1)), NOW, CLIENT)


def test_a_revoked_key_is_refused_and_others_of_its_issuer_are_not() -> None:
    entry = Revoked(NOW, jti=read(good_token()).key_id, reason="sent to the wrong class")
    listed = read_list(make_list([entry], university(), now=NOW, serial=1), trusted())
    revoked = Revocations((listed,))
    with pytest.raises(KeyRefused, match=r"revoked by Example University on .* \(sent to the wrong class\)"):
        read_key(good_token(), trusted(), NOW, CLIENT, revoked)
    assert read_key(make(serial=8), trusted(), NOW, CLIENT, revoked).serial == 8


def test_a_protected_key_has_to_be_opened_first() -> None:
    assert "password" in refusal(protect(good_token(), "a password"))


@given(st.data())
def test_no_byte_of_a_key_can_be_changed(data: st.DataObject) -> None:
    token = good_token()
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != token[position]))
    refusal(token[:position] + other + token[position + 1 :])


@given(st.integers(0, 2000), st.integers(1, 2000))
def test_no_part_of_a_key_can_be_left_out(start: int, length: int) -> None:
    token = good_token()
    shortened = token[: start % len(token)] + token[start % len(token) + length :]
    refusal(shortened)


@given(st.text(max_size=200))
def test_any_other_text_is_refused_in_a_sentence(text: str) -> None:
    refusal(text)


def test_an_unsigned_key_is_refused(elsewhere: Elsewhere) -> None:
    payload = part(json.dumps(elsewhere.claims()).encode())
    for header in (elsewhere.header(alg="none"), elsewhere.header()):
        token = f"{part(json.dumps(header).encode())}.{payload}."
        with pytest.raises(KeyRefused, match="not signed"):
            read_key(token, elsewhere.trust, NOW, CLIENT)


def test_a_key_signed_with_the_public_key_as_a_password_is_refused(elsewhere: Elsewhere) -> None:
    assert "not accepted" in elsewhere.refusal(elsewhere.header(alg="HS256"))


def test_a_key_of_someone_else_is_refused() -> None:
    assert "does not trust" in refusal(make(issuer=Issuer.create("Example University")))


def test_a_key_that_borrows_the_name_of_a_trusted_issuer_is_refused(elsewhere: Elsewhere) -> None:
    stolen = elsewhere.key(elsewhere.header(kid=university().kid), elsewhere.claims(iss="Example University"))
    assert "altered" in refusal(stolen)


def test_a_trusted_issuer_may_not_speak_in_anothers_name(elsewhere: Elsewhere) -> None:
    assert "another issuer" in elsewhere.refusal(claims=elsewhere.claims(iss="Example University"))


def test_an_expired_key_says_when_it_ended() -> None:
    end = NOW + timedelta(hours=2)
    assert read(good_token(), end - timedelta(seconds=1)).serial == 7
    assert refusal(good_token(), end).startswith(
        "This key expired on 2026-11-20 11:00 UTC, and this computer's clock says 2026-11-20 11:00 UTC;"
    )


def test_a_key_for_later_says_when_it_begins() -> None:
    token = make(begin=timedelta(days=1))
    assert "not valid before 2026-11-21 09:00 UTC" in refusal(token)
    assert read(token, NOW + timedelta(days=1)).serial == 7


def test_a_clock_that_is_a_little_slow_does_not_keep_anyone_out() -> None:
    assert read(good_token(), NOW - timedelta(minutes=2)).serial == 7
    assert "not valid before" in refusal(good_token(), NOW - timedelta(minutes=2, seconds=1))


@pytest.mark.parametrize(
    ("wanted", "client", "accepted"),
    [("0.1.0", "0.1.0", True), ("0.2", "0.10.0", True), ("0.1.1", "0.1.0", False), ("1", "0.99.99", False)],
)
def test_a_key_may_ask_for_a_newer_client(wanted: str, client: str, accepted: bool) -> None:
    token = make(min_client=wanted)
    if accepted:
        assert read(token, client=client).min_client == wanted
    else:
        assert refusal(token, client=client).startswith(f"This key needs Invigil {wanted} or newer")


def test_a_token_of_another_kind_is_no_key(elsewhere: Elsewhere) -> None:
    assert "not an Invigil key" in elsewhere.refusal(elsewhere.header(typ="JWT"))


@pytest.mark.parametrize(
    "extra",
    [{"crit": ["b64"], "b64": False}, {"jwk": {}}, {"jku": "https://example.org"}, {"cty": "x"}, {"kid": 5}],
)
def test_a_header_with_anything_more_is_refused(elsewhere: Elsewhere, extra: dict[str, Json]) -> None:
    assert "header" in elsewhere.refusal(elsewhere.header(**extra))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"version": 2, "policy": "of another kind"}, "update Invigil"),
        ({"aud": "another"}, "another program"),
        ({"exp": "soon"}, "incomplete (exp)"),
        ({"serial": True}, "incomplete (serial)"),
        ({"policy": []}, "incomplete (policy)"),
        ({"min_client": "new"}, "incomplete (min_client)"),
        ({"exp": 10**18}, "times"),
        ({"serial": -1}, "serial"),
        ({"serial": 2**63}, "serial"),
        ({"jti": ""}, "incomplete (jti)"),
        ({"jti": "a\nb"}, "incomplete (jti)"),
        ({"audience": "everybody"}, "incomplete (audience)"),
        ({"audience": {"group": "a"}}, "for whom"),
        ({"audience": {"exam": "algebra-1", "room": "5"}}, "for whom"),
        ({"audience": {"exam": "history-1"}}, "contradicts itself"),
        ({"audience": {"exam": "algebra-1"}}, "names a candidate"),
        ({"audience": {"exam": "algebra-1", "candidate": "s9"}}, "another candidate"),
        ({"audience": {"exam": "algebra-1", "group": "evening"}}, "names a candidate"),
    ],
)
def test_claims_that_do_not_fit_are_refused(elsewhere: Elsewhere, changed: dict[str, Json], words: str) -> None:
    assert words in elsewhere.refusal(claims=elsewhere.claims(**changed))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"no json",
        b"[1]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b'{"iss": NaN}',
        b'{"iss": "Elsewhere", "iss": "Elsewhere"}',
        b'{"iat": ' + b"9" * 100_000 + b"}",
    ],
)
def test_a_signed_payload_that_is_no_object_is_refused(elsewhere: Elsewhere, payload: bytes) -> None:
    token = by_hand(elsewhere.private, elsewhere.header(), payload)
    with pytest.raises(KeyRefused):
        read_key(token, elsewhere.trust, NOW, CLIENT)


def test_a_trusted_issuers_wrong_policy_is_refused_by_field(elsewhere: Elsewhere) -> None:
    token = elsewhere.key(claims=elsewhere.claims(policy=small_policy(capture__camera_fps=99)))
    with pytest.raises(BadInput, match=r"policy\.capture\.camera_fps"):
        read_key(token, elsewhere.trust, NOW, CLIENT)


def policy_of(size_bytes: int) -> dict[str, Json]:
    """A policy whose JSON without white space has exactly this size, most of it in characters of two bytes."""
    texts: list[Json] = ["example.org/" + "ü" * 230] * 400
    policy = small_policy(browser__allow=texts, exam__instructions="")
    missing = size_bytes - len(json.dumps(policy, ensure_ascii=False, separators=(",", ":")).encode())
    return small_policy(browser__allow=texts, exam__instructions="x" * missing)


def test_a_policy_of_200_kb_fits_into_a_key_and_a_larger_one_is_refused() -> None:
    token = make(policy_of(MAX_POLICY_BYTES))
    assert len(read(token).policy.browser.allow) == 400
    assert len(protect(token, "a password")) < MAX_BYTES
    with pytest.raises(BadInput, match=r"200001 bytes long as JSON; a key holds at most 200000\."):
        make(policy_of(MAX_POLICY_BYTES + 1))
    assert "larger than 280 kB" in refusal(token + "A" * 20_000)


def test_nobody_can_issue_a_key_that_would_be_refused() -> None:
    with pytest.raises(BadInput, match=r"policy\.exam\.title"):
        make(small_policy(exam__title=""))
    with pytest.raises(BadInput, match="never be valid"):
        make(length=timedelta(hours=-1))
    with pytest.raises(BadInput, match="never be valid"):
        make(begin=timedelta(days=-3))
    with pytest.raises(BadInput, match="serial"):
        make(serial=-1)
    with pytest.raises(BadInput, match="version"):
        make(min_client="latest")


def test_each_key_has_a_name_of_its_own() -> None:
    assert read(make(serial=1)).key_id != read(make(serial=2)).key_id


def test_what_a_key_says_of_itself_can_be_shown_without_trust() -> None:
    token = make(issuer=Issuer.create("Nobody"))
    assert read_header(token)["typ"] == "invigil-key+jws"
    assert read_claims_unverified(token)["iss"] == "Nobody"


# ---- where a key's text comes from


def test_a_key_is_taken_from_a_file_a_link_or_the_text_itself(tmp_path: Path) -> None:
    token = good_token()
    path = tmp_path / "exam key.invigil"
    path.write_text(token + "\n")
    assert load_key_text(str(path)) == load_key_text(token) == load_key_text(f" {token}\n") == token
    assert load_key_text(f"invigil://key/{token}") == load_key_text(f"INVIGIL://key/{token}/") == token


def test_line_breaks_of_mail_programs_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "wrapped.invigil"
    wrapped = "\r\n".join(re.findall(".{1,70}", f"invigil://key/{good_token()}"))
    path.write_bytes(b"\xef\xbb\xbf" + wrapped.encode())
    assert load_key_text(str(path)) == good_token()


def test_a_missing_file_is_named() -> None:
    with pytest.raises(BadInput, match=r"'gone\.invigil' is neither a key.*No such file"):
        load_key_text("gone.invigil")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * (MAX_BYTES + 1)])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photo.invigil"
    path.write_bytes(content)
    with pytest.raises(KeyRefused, match=r"photo\.invigil"):
        load_key_text(str(path))


@pytest.mark.parametrize("argument", ["", "\0", ".", "x" * 5000])
def test_nonsense_is_refused_in_a_sentence(argument: str) -> None:
    with pytest.raises(BadInput, match="neither a key") as caught:
        load_key_text(argument)
    assert len(str(caught.value)) < 400
