"""The backend's desk for keys: whom it trusts, what it signs, and what it refuses."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import __version__
from app.core.audience import Audience
from app.core.errors import BadInput
from app.core.types import NS_PER_S, Json
from app.keys.issuers import Issuer, TrustedIssuers
from app.keys.jwks import read_jwks
from app.keys.protected import protect
from app.keys.revocation import Revoked, make_list
from app.keys.tokens import issue, read_key
from app.runtime import key_desk
from app.runtime.key_desk import DEFAULT_NAME, ISSUER_VARIABLE, IssuingDesk, open_desk
from tests.fakes.policies import small_policy

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * NS_PER_S
HOUR_NS = 3600 * NS_PER_S
UNIVERSITY = Issuer.create("Example University")


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lists of trusted issuers of a machine that has none of its own."""
    machine = tmp_path / "etc" / "issuers.json"
    machine.parent.mkdir()
    monkeypatch.setattr(key_desk, "machine_trust_paths", lambda: [machine])
    monkeypatch.setattr(key_desk, "user_trust_paths", list)
    monkeypatch.delenv(ISSUER_VARIABLE, raising=False)
    return machine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backend"
    made.mkdir()
    return made


def desk_of(*trusted: Issuer) -> IssuingDesk:
    return IssuingDesk(Issuer.create("Example backend"), TrustedIssuers.of(one.public() for one in trusted))


def a_key(
    issuer: Issuer = UNIVERSITY, begin: datetime = NOW, end: datetime = NOW + timedelta(days=1), **fields: Json
) -> str:
    policy = small_policy(**fields)
    return issue(policy, issuer, now=NOW, not_before=begin, expires=end, serial=7, min_client="0.1.0")


def own_key(desk: IssuingDesk, policy: Mapping[str, Json], audience: Audience) -> str:
    return desk.issue(
        policy,
        audience,
        now_utc_ns=NOW_NS,
        not_before_utc_ns=NOW_NS,
        expires_utc_ns=NOW_NS + HOUR_NS,
        serial=3,
    )


def write_trust(path: Path, *issuers: Issuer, **more: Json) -> Path:
    path.write_text(json.dumps(TrustedIssuers.of(one.public() for one in issuers).to_json() | more), encoding="utf-8")
    return path


def test_a_key_of_a_trusted_issuer_is_read_with_all_that_the_backend_keeps_of_it() -> None:
    facts = desk_of(UNIVERSITY).read(f" {a_key()}\n", NOW_NS)
    assert (facts.issuer_name, facts.kid, facts.serial) == ("Example University", UNIVERSITY.kid, 7)
    assert facts.audience == Audience("algebra-1", candidate="s1234")
    assert (facts.not_before_utc_ns, facts.expires_utc_ns) == (NOW_NS, NOW_NS + 24 * HOUR_NS)
    upload, capture = facts.policy["upload"], facts.policy["capture"]
    assert isinstance(upload, dict)
    assert upload["exam_id"] == "algebra-1"
    assert isinstance(capture, dict), "settings that the key leaves out are there with their defaults"


def test_a_key_that_begins_later_is_read_as_it_will_be_then() -> None:
    begin = NOW + timedelta(days=6)
    desk = desk_of(UNIVERSITY)
    facts = desk.read(a_key(begin=begin, end=begin + timedelta(hours=3)), NOW_NS)
    assert facts.not_before_utc_ns == NOW_NS + 6 * 24 * HOUR_NS
    with pytest.raises(BadInput, match="expired"):
        desk.read(a_key(), NOW_NS + 25 * HOUR_NS)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (a_key(Issuer.create("Somebody")), "does not trust"),
        (a_key()[:-6] + "AAAAAA", "signature"),
        (protect(a_key(), "a long password"), "upload the key without it"),
        ("nonsense", "not an Invigil key"),
        ("a.b.c", "damaged"),
    ],
    ids=["foreign", "altered", "protected", "text", "no header"],
)
def test_what_can_not_be_verified_is_refused_with_a_sentence(token: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason) as refused:
        desk_of(UNIVERSITY).read(token, NOW_NS)
    assert token not in str(refused.value)


def test_a_key_that_a_list_revokes_is_refused() -> None:
    desk = desk_of(UNIVERSITY)
    key_id = desk.read(a_key(), NOW_NS).key_id
    taken_back = make_list([Revoked(NOW, jti=key_id, reason="wrong exam")], UNIVERSITY, now=NOW, serial=2)
    assert desk.read_revocations(taken_back, NOW_NS).serial == 2
    with pytest.raises(BadInput, match="revoked"):
        desk.read(a_key(), NOW_NS, [taken_back])
    assert desk.read(a_key(capture__camera=False, identity__photo=False), NOW_NS, [taken_back]).serial == 7


def test_a_list_of_a_stranger_counts_for_nothing() -> None:
    stranger = Issuer.create("Example University")
    desk = desk_of(UNIVERSITY)
    taken_back = make_list([Revoked(NOW, kid=UNIVERSITY.kid)], stranger, now=NOW, serial=2)
    assert desk.read(a_key(), NOW_NS, [taken_back]).serial == 7
    with pytest.raises(BadInput, match="trust"):
        desk.read_revocations(taken_back, NOW_NS)


def test_lists_beside_the_machines_issuers_count_always(own_machine: Path, folder: Path) -> None:
    write_trust(own_machine, UNIVERSITY)
    (own_machine.parent / "revoked").mkdir()
    taken_back = make_list([Revoked(NOW, kid=UNIVERSITY.kid)], UNIVERSITY, now=NOW, serial=1)
    (own_machine.parent / "revoked" / "university.jws").write_text(taken_back, encoding="ascii")
    with pytest.raises(BadInput, match="revoked"):
        open_desk(folder).read(a_key(), NOW_NS)


def test_what_the_desk_issues_is_verified_by_a_client_that_has_its_key_set() -> None:
    desk = desk_of()
    policy = small_policy(candidate={"id": "", "group": "evening"})
    token = own_key(desk, policy, Audience("algebra-1", group="evening"))
    trusted = read_jwks(json.dumps(desk.jwks()))
    key = read_key(token, trusted, NOW, __version__)
    assert (key.issuer_name, key.serial) == ("Example backend", 3)
    assert key.audience == Audience("algebra-1", group="evening")
    assert desk.read(token, NOW_NS).token == token


def test_a_policy_that_can_not_be_used_is_not_issued() -> None:
    with pytest.raises(BadInput, match=r"exam\.title"):
        own_key(desk_of(), small_policy(exam__title=5), Audience("algebra-1", candidate="s1234"))
    with pytest.raises(BadInput, match="audience"):
        own_key(desk_of(), small_policy(), Audience("another-exam"))


def test_the_key_set_names_every_issuer_once() -> None:
    own = Issuer.create("Example backend")
    desk = IssuingDesk(own, TrustedIssuers.of([own.public(), UNIVERSITY.public(), UNIVERSITY.public()]))
    assert {one.name for one in read_jwks(json.dumps(desk.jwks())).issuers} == {"Example backend", "Example University"}


def test_the_vendors_settings_are_read_and_an_unknown_vendor_is_named() -> None:
    imported = desk_of().import_settings(
        "proctorai", {"title": "Algebra", "duration": 60, "settings": {"webcam": True}}
    )
    assert set(imported) == {"policy", "mapped", "unmapped"}
    with pytest.raises(BadInput, match="nobody"):
        desk_of().import_settings("nobody", {})


def test_the_backends_issuer_is_made_once_and_only_its_owner_can_read_it(folder: Path) -> None:
    first = open_desk(folder, "Example University Backend")
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert made == {"issuer.key": 0o600, "issuer.password": 0o600}
    assert b"private" not in (folder / "issuer.key").read_bytes().lower()
    again = open_desk(folder)
    assert again.jwks() == first.jwks()
    assert read_jwks(json.dumps(again.jwks())).issuers[0].name == "Example University Backend"


def test_an_issuer_without_a_name_has_the_programs(folder: Path) -> None:
    assert read_jwks(json.dumps(open_desk(folder).jwks())).issuers[0].name == DEFAULT_NAME


def test_the_password_of_the_environment_is_not_written_down(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ISSUER_VARIABLE, "correct horse battery")
    first = open_desk(folder)
    assert [path.name for path in folder.iterdir()] == ["issuer.key"]
    assert open_desk(folder).jwks() == first.jwks()
    monkeypatch.setenv(ISSUER_VARIABLE, "another password")
    with pytest.raises(BadInput, match="password"):
        open_desk(folder)
    monkeypatch.delenv(ISSUER_VARIABLE)
    with pytest.raises(BadInput, match=ISSUER_VARIABLE):
        open_desk(folder)
    assert [path.name for path in folder.iterdir()] == ["issuer.key"], "no password is made up for a key that has one"


def test_another_name_for_the_same_key_is_refused(folder: Path) -> None:
    open_desk(folder, "Example University")
    with pytest.raises(BadInput, match="'Example University'"):
        open_desk(folder, "Example College")


def test_lists_of_the_machine_and_those_that_are_given_are_trusted(own_machine: Path, folder: Path) -> None:
    college = Issuer.create("Example College")
    write_trust(own_machine, UNIVERSITY, allow_user_issuers=True)
    desk = open_desk(folder, None, [write_trust(folder / "college.json", college)])
    assert desk.read(a_key(), NOW_NS).issuer_name == "Example University"
    assert desk.read(a_key(college), NOW_NS).issuer_name == "Example College"


def test_a_list_that_is_not_there_is_a_sentence(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.json"):
        open_desk(folder, None, [folder / "nowhere.json"])
