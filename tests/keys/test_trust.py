"""IT decides whom a machine trusts; what backends and people add to it stays within what IT wrote."""

from __future__ import annotations

import functools
import json
import os
import re
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.types import Json
from app.keys.issuers import Issuer, TrustedIssuers, default_trust_paths, fingerprint, machine_trust_paths
from app.keys.jwks import to_jwks
from app.keys.revocation import OFFLINE_GRACE, Revoked, make_list
from app.keys.signed import KeyRefused
from app.keys.tokens import issue, read_key
from app.keys.trust import Trust, TrustedBackend, load_trust, normalised_url
from app.keys.trust_store import TrustStore, first_use
from tests.fakes.policies import small_policy
from tests.fakes.sentences import is_one_sentence, told

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
URL = "https://proctoring.example.org"
BACKEND = TrustedBackend(URL, "Example University")


@functools.cache
def university() -> Issuer:
    return Issuer.create("Example University")


@functools.cache
def college() -> Issuer:
    return Issuer.create("Example College")


def token(issuer: Issuer) -> str:
    return issue(
        small_policy(), issuer, now=NOW, not_before=NOW, expires=NOW + timedelta(days=90), serial=1, min_client="0.1.0"
    )


def key_id(issuer: Issuer) -> str:
    trusted = TrustedIssuers.of([issuer.public()])
    return read_key(token(issuer), trusted, NOW, "0.1.0").key_id


def jwks(*issuers: Issuer) -> bytes:
    return json.dumps(to_jwks(TrustedIssuers.of(issuer.public() for issuer in issuers))).encode()


def write(path: Path, *issuers: Issuer, **fields: Json) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"issuers": [issuer.public().to_json() for issuer in issuers]} | fields
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    return tmp_path / "machine" / "issuers.json"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return tmp_path / "user" / "issuers.json"


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(tmp_path / "store")


def kids(trust: Trust) -> list[str]:
    return [issuer.kid for issuer in trust.issuers.issuers]


# Files


def test_no_file_means_that_nobody_is_trusted(machine: Path, user: Path) -> None:
    assert load_trust([machine], [user]) == Trust()


def test_a_file_says_issuers_backends_first_use_and_grace(machine: Path) -> None:
    entry: Json = {"url": "HTTPS://Proctoring.example.org:443/", "name": "X", "certificate_sha256": "AB:" * 31 + "ab"}
    write(machine, university(), backends=[entry], first_use=True, offline_grace_hours=1.5)
    trust = load_trust([machine], [])
    assert kids(trust) == [university().kid]
    assert trust.backends == (TrustedBackend(URL, "X", "ab" * 32),)
    assert trust.backend(f"{URL}/") == trust.backends[0]
    assert trust.backend("https://other.example.org") is None
    assert (trust.first_use, trust.offline_grace) == (True, timedelta(hours=1.5))


def test_what_a_file_leaves_out_is_strict(machine: Path) -> None:
    trust = load_trust([write(machine, university())], [])
    assert (trust.backends, trust.first_use, trust.allow_user_issuers) == ((), False, False)
    assert trust.offline_grace == OFFLINE_GRACE == timedelta(days=7)


def test_the_users_file_counts_where_the_administrator_wrote_none(machine: Path, user: Path) -> None:
    write(user, college(), backends=[{"url": URL, "name": "X"}], offline_grace_hours=2)
    trust = load_trust([machine], [user])
    assert kids(trust) == [college().kid]
    assert (len(trust.backends), trust.offline_grace, trust.notes) == (1, timedelta(hours=2), ())


def test_the_users_file_is_passed_over_with_a_note_where_the_administrator_decides(machine: Path, user: Path) -> None:
    trust = load_trust([write(machine, university())], [write(user, college())])
    assert kids(trust) == [university().kid]
    assert len(trust.notes) == 1
    assert str(user) in trust.notes[0]
    assert is_one_sentence(trust.notes[0])


def test_a_list_of_ones_own_is_refused_where_the_administrator_decides(machine: Path, user: Path) -> None:
    write(machine, university())
    with pytest.raises(BadInput, match="administrator decides"):
        load_trust([machine], [], [write(user, college())])


def test_the_administrator_can_let_users_add_issuers(machine: Path, user: Path, tmp_path: Path) -> None:
    write(machine, university(), allow_user_issuers=True)
    third = Issuer.create("Third")
    trust = load_trust([machine], [write(user, college())], [write(tmp_path / "third.json", third)])
    assert kids(trust) == [university().kid, college().kid, third.kid]


def test_a_second_machine_file_can_not_open_what_the_first_keeps_shut(
    machine: Path, user: Path, tmp_path: Path
) -> None:
    write(machine, university())
    beside = write(tmp_path / "program" / "issuers.json", allow_user_issuers=True)
    assert not load_trust([machine, beside], [write(user, college())]).allow_user_issuers


def test_a_user_can_neither_allow_first_use_nor_move_a_backend_nor_lengthen_the_grace(
    machine: Path, user: Path
) -> None:
    pinned: Json = {"url": URL, "name": "IT", "certificate_sha256": "ab" * 32}
    write(machine, backends=[pinned], allow_user_issuers=True, offline_grace_hours=1)
    write(user, backends=[{"url": URL, "name": "Mine"}], first_use=True, offline_grace_hours=8000)
    trust = load_trust([machine], [user])
    assert [backend.name for backend in trust.backends] == ["IT"]
    assert (trust.first_use, trust.offline_grace) == (False, timedelta(hours=1))
    assert trust.notes == ("first_use counts in the administrator's file only.",)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"first_use": "yes"}, "first_use has to be true or false"),
        ({"allow_user_issuers": 1}, "allow_user_issuers has to be"),
        ({"offline_grace_hours": 0}, "offline_grace_hours"),
        ({"offline_grace_hours": True}, "offline_grace_hours"),
        ({"offline_grace_hours": 1e9}, "offline_grace_hours"),
        ({"backends": {}}, "backends has to be a list"),
        ({"backends": [URL]}, "each of backends"),
        ({"backends": [{"url": URL}]}, "each of backends"),
        ({"backends": [{"url": URL, "name": 5}]}, "texts"),
        ({"backends": [{"url": "http://proctoring.example.org", "name": "X"}]}, "https://"),
        ({"backends": [{"url": URL, "name": ""}]}, "one line"),
        ({"backends": [{"url": URL, "name": "X", "certificate_sha256": "abc"}]}, "64 hexadecimal"),
        ({"firstuse": True}, "not known"),
        ({"issuers": None}, "list of trusted issuers"),
    ],
)
def test_a_file_that_is_not_in_order_is_refused_by_field(machine: Path, fields: dict[str, Json], words: str) -> None:
    sentence = told(lambda: load_trust([write(machine, **fields)], []))
    assert sentence is not None
    assert words in sentence
    assert str(machine) in sentence
    assert is_one_sentence(sentence)


@given(
    st.dictionaries(
        st.sampled_from(["issuers", "backends", "first_use", "offline_grace_hours", "allow_user_issuers", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["name", "kid", "jwk", "url", "retired", "kty", "crv", "x"]), inner)
            ),
            max_leaves=10,
        ),
    )
)
def test_any_file_is_used_or_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Json]
) -> None:
    path = tmp_path_factory.mktemp("trust") / "issuers.json"
    path.write_text(json.dumps(data))
    sentence = told(lambda: load_trust([path], []))
    assert sentence is None or is_one_sentence(sentence)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://Example.ORG", "https://example.org"),
        ("https://example.org:443/", "https://example.org"),
        ("https://example.org:8443/proctoring/", "https://example.org:8443/proctoring"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_a_backends_address_is_compared_in_one_form(url: str, normal: str) -> None:
    assert normalised_url(url) == normalised_url(normal) == normal


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "http://example.org", "https://u@example.org", "https://example.org?x", "https://[", "ftp://x"],
)
def test_an_address_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="https://"):
        normalised_url(url)


def test_the_user_can_not_move_the_administrators_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = machine_trust_paths()
    for name in ("XDG_CONFIG_DIRS", "XDG_DATA_DIRS", "XDG_CONFIG_HOME", "HOME", "PROGRAMDATA", "ALLUSERSPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("WIN_PD_OVERRIDE_COMMON_APPDATA", str(tmp_path))
    assert machine_trust_paths() == before
    assert default_trust_paths()[: len(before)] == before


def test_on_no_system_the_administrators_folder_is_asked_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("XDG_CONFIG_DIRS", "WIN_PD_OVERRIDE_COMMON_APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr("platformdirs.windows.get_win_folder_via_ctypes", lambda name: f"/system/{name}")
    for system, folder in (
        ("linux", "/etc/xdg"),
        ("darwin", "/Library/Application Support"),
        ("win32", "/system/CSIDL_COMMON_APPDATA"),
    ):
        monkeypatch.setattr("app.keys.issuers.sys.platform", system)
        assert machine_trust_paths() == [Path(folder) / "invigil" / "issuers.json"]


def test_an_installed_program_brings_a_list_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "invigil"))
    assert machine_trust_paths()[-1] == tmp_path / "issuers.json"


# Revocation lists in files


def revoke(folder: Path, issuer: Issuer, *entries: Revoked) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "list.jws"
    path.write_text(make_list(entries, issuer, now=NOW, serial=1) + "\n")
    return path


def test_a_list_beside_the_file_revokes_and_never_ages(machine: Path, store: TrustStore) -> None:
    write(machine, university())
    revoke(machine.parent / "revoked", university(), Revoked(NOW, jti=key_id(university())))
    known = store.known(load_trust([machine], []))
    with pytest.raises(KeyRefused, match="was revoked"):
        read_key(token(university()), known.issuers, NOW + timedelta(days=80), "0.1.0", known.revoked)


def test_a_file_that_is_no_list_is_refused_by_name(machine: Path) -> None:
    write(machine, university())
    path = revoke(machine.parent / "revoked", university())
    path.write_text("not a list")
    with pytest.raises(BadInput, match=r"list\.jws is not a revocation list"):
        load_trust([machine], [])


# Pinned backends


def test_a_pinned_backends_issuers_are_known_once_they_were_fetched(store: TrustStore) -> None:
    trust = Trust(backends=(BACKEND,))
    assert store.known(trust).issuers.issuers == ()
    store.save_jwks(BACKEND, jwks(university(), college()))
    store.save_revocations(BACKEND, [], trust, NOW)
    known = store.known(trust)
    assert {issuer.kid for issuer in known.issuers.issuers} == {university().kid, college().kid}
    assert read_key(token(college()), known.issuers, NOW, "0.1.0", known.revoked).issuer_name == "Example College"


def test_what_was_fetched_is_there_after_a_restart_and_forgotten_when_the_pin_goes(tmp_path: Path) -> None:
    TrustStore(tmp_path).save_jwks(BACKEND, jwks(university()))
    assert len(TrustStore(tmp_path).known(Trust(backends=(BACKEND,))).issuers.issuers) == 1
    assert TrustStore(tmp_path).known(Trust()).issuers.issuers == ()


@pytest.mark.skipif(os.name != "posix", reason="elsewhere folders have no such permissions")
def test_new_folders_of_the_store_are_the_users_alone(tmp_path: Path) -> None:
    data = tmp_path / "share" / "invigil"
    TrustStore(data / "trust").save_jwks(BACKEND, jwks(university()))
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (data, data / "trust")] == [0o700, 0o700]


def test_an_issuer_that_the_backend_dropped_is_not_known_any_more(store: TrustStore) -> None:
    store.save_jwks(BACKEND, jwks(university(), college()))
    store.save_jwks(BACKEND, jwks(university()))
    assert [one.kid for one in store.known(Trust(backends=(BACKEND,))).issuers.issuers] == [university().kid]


def test_a_key_set_that_is_not_in_order_keeps_the_old_one(store: TrustStore) -> None:
    store.save_jwks(BACKEND, jwks(university()))
    with pytest.raises(BadInput, match=URL):
        store.save_jwks(BACKEND, b'{"keys": []}')
    assert len(store.known(Trust(backends=(BACKEND,))).issuers.issuers) == 1


def test_offline_keys_are_good_within_the_grace_period_and_then_say_since_when(store: TrustStore) -> None:
    trust = Trust(backends=(BACKEND,), offline_grace=timedelta(hours=48))
    store.save_jwks(BACKEND, jwks(university()))
    store.save_revocations(BACKEND, [], trust, NOW)
    known = store.known(trust)
    late = NOW + timedelta(hours=48)
    assert read_key(token(university()), known.issuers, late, "0.1.0", known.revoked).serial == 1
    with pytest.raises(KeyRefused, match="could not ask since 2026-11-20 09:00 UTC"):
        read_key(token(university()), known.issuers, late + timedelta(seconds=1), "0.1.0", known.revoked)


def test_with_a_pinned_backend_an_issuer_from_a_file_depends_on_it_as_well(store: TrustStore) -> None:
    trust = Trust(TrustedIssuers.of([university().public()]), (BACKEND,))
    known = store.known(trust)
    with pytest.raises(KeyRefused, match="could not ask yet"):
        read_key(token(university()), known.issuers, NOW, "0.1.0", known.revoked)
    store.save_revocations(BACKEND, [], trust, NOW)
    known = store.known(trust)
    assert read_key(token(university()), known.issuers, NOW, "0.1.0", known.revoked).serial == 1


def test_what_a_backend_says_is_revoked_is_refused(store: TrustStore) -> None:
    trust = Trust(backends=(BACKEND,))
    store.save_jwks(BACKEND, jwks(university()))
    listed = make_list([Revoked(NOW, jti=key_id(university()), reason="lost")], university(), now=NOW, serial=5)
    store.save_revocations(BACKEND, [listed], trust, NOW)
    known = store.known(trust)
    with pytest.raises(KeyRefused, match=r"\(lost\)"):
        read_key(token(university()), known.issuers, NOW, "0.1.0", known.revoked)


def test_a_backend_can_not_take_a_revocation_back_or_leave_it_out(store: TrustStore) -> None:
    trust = Trust(backends=(BACKEND,))
    store.save_jwks(BACKEND, jwks(university()))
    lost = Revoked(NOW, jti=key_id(university()))
    store.save_revocations(BACKEND, [make_list([lost], university(), now=NOW, serial=5)], trust, NOW)
    older = make_list([], university(), now=NOW, serial=4)
    with pytest.raises(KeyRefused, match="older"):
        store.save_revocations(BACKEND, [older], trust, NOW + timedelta(days=1))
    store.save_revocations(BACKEND, [], trust, NOW + timedelta(days=1))
    assert store.known(trust).revoked.refusal(university().public(), lost.jti, NOW) is not None


def test_lists_of_strangers_do_not_hinder(store: TrustStore) -> None:
    trust = Trust(backends=(BACKEND,))
    store.save_jwks(BACKEND, jwks(university()))
    store.save_revocations(BACKEND, [make_list([], college(), now=NOW, serial=1)], trust, NOW)
    assert store.known(trust).revoked.lists == ()


@given(st.binary(max_size=200))
def test_a_damaged_store_counts_as_never_fetched(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("store")
    store = TrustStore(folder)
    store.save_jwks(BACKEND, jwks(university()))
    for path in folder.iterdir():
        path.write_bytes(content)
    assert store.known(Trust(backends=(BACKEND,))).issuers.issuers == ()


# First use


def offered(*issuers: Issuer) -> TrustedIssuers:
    return TrustedIssuers.of(issuer.public() for issuer in issuers)


def test_first_use_is_asked_with_the_fingerprint_of_the_key_and_remembered(store: TrustStore) -> None:
    trust = Trust(first_use=True)
    asked = first_use(token(college()), offered(college()), f"{URL}/", trust, store.known(trust))
    assert asked is not None
    assert (asked.name, asked.backend, asked.fingerprint) == ("Example College", URL, fingerprint(college().kid))
    store.remember(asked)
    known = store.known(trust)
    assert read_key(token(college()), known.issuers, NOW, "0.1.0", known.revoked).serial == 1
    assert first_use(token(college()), offered(college()), URL, trust, known) is None


def test_a_fingerprint_is_the_whole_thumbprint_in_groups() -> None:
    shown = fingerprint(college().kid)
    assert len(shown.split()) == 16
    assert {len(group) for group in shown.split()} == {4}
    assert shown == shown.upper()


def test_first_use_needs_the_administrators_word_then_and_later(store: TrustStore) -> None:
    allowed = Trust(first_use=True)
    with pytest.raises(KeyRefused, match="does not trust"):
        first_use(token(college()), offered(college()), URL, Trust(), store.known(Trust()))
    asked = first_use(token(college()), offered(college()), URL, allowed, store.known(allowed))
    assert asked is not None
    store.remember(asked)
    assert store.known(Trust()).issuers.issuers == ()


def test_nothing_is_asked_for_a_key_that_the_backend_does_not_vouch_for(store: TrustStore) -> None:
    trust = Trust(first_use=True)
    with pytest.raises(KeyRefused, match="does not trust"):
        first_use(token(college()), offered(university()), URL, trust, store.known(trust))


def test_nothing_is_asked_for_an_altered_key(store: TrustStore) -> None:
    trust = Trust(first_use=True)
    header, payload, signature = token(college()).split(".")
    with pytest.raises(KeyRefused, match="altered"):
        first_use(f"{header}.{payload[:-2]}AA.{signature}", offered(college()), URL, trust, store.known(trust))


def test_a_stranger_under_a_known_name_is_not_asked_for(store: TrustStore) -> None:
    trust = Trust(TrustedIssuers.of([university().public()]), first_use=True)
    for name in (
        "Example University",
        "EXAMPLE  university",
        "Example Univer\u017fity",
        "\uff25xample University",
    ):
        impostor = Issuer.create(name)
        with pytest.raises(KeyRefused, match="another key"):
            first_use(token(impostor), offered(impostor), URL, trust, store.known(trust))


def test_a_backends_key_set_saved_as_it_came_is_a_list_of_issuers(tmp_path: Path) -> None:
    path, users = tmp_path / "issuers.json", tmp_path / "users.json"
    path.write_text(json.dumps(to_jwks(TrustedIssuers.of([university().public()]))), encoding="utf-8")
    users.write_text(json.dumps(TrustedIssuers.of([college().public()]).to_json()), encoding="utf-8")
    trust = load_trust([path], [users])
    assert [issuer.name for issuer in trust.issuers.issuers] == ["Example University"]
    assert trust.notes


@pytest.mark.parametrize("keys", [[], None, [{"kty": "RSA"}], [1]])
def test_a_key_set_without_issuers_is_refused_by_its_path(tmp_path: Path, keys: Json) -> None:
    path = tmp_path / "issuers.json"
    path.write_text(json.dumps({"keys": keys}), encoding="utf-8")
    with pytest.raises(BadInput, match=re.escape(str(path))):
        load_trust([path], [])
