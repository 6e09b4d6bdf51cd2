"""Issuers' private keys are kept encrypted, and only lists that are in order are trusted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.errors import BadInput
from app.core.types import Json
from app.keys.issuers import (
    ITERATIONS,
    PRIVATE,
    PRIVATE_CONTENT,
    Issuer,
    TrustedIssuers,
    default_trust_paths,
    load_issuer,
    save_issuer,
)
from app.keys.protected import KEY, KEY_CONTENT, protected_header, wrap


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer.create("Universität Beispiel")


def write_trust(path: Path, *entries: Json) -> Path:
    path.write_text(json.dumps({"issuers": list(entries)}), encoding="utf-8")
    return path


def test_a_saved_issuer_is_the_same_again(tmp_path: Path, issuer: Issuer) -> None:
    path = tmp_path / "issuer.key"
    save_issuer(path, issuer, "pässword")
    again = load_issuer(path, "pässword")
    assert (again.name, again.kid) == (issuer.name, issuer.kid)


def test_the_private_key_is_encrypted_and_its_owners_alone(tmp_path: Path, issuer: Issuer) -> None:
    path = tmp_path / "issuer.key"
    save_issuer(path, issuer, "password")
    assert path.stat().st_mode & 0o777 == 0o600
    assert issuer.name.encode() not in path.read_bytes()
    for password in ("", "Password", "password "):
        with pytest.raises(BadInput, match="password is wrong"):
            load_issuer(path, password)


def test_guessing_the_password_of_a_private_key_is_costly(
    tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.keys.issuers.ITERATIONS", ITERATIONS)  # as it is outside of tests
    path = tmp_path / "issuer.key"
    save_issuer(path, issuer, "password")
    header = protected_header(path.read_text().strip(), PRIVATE, PRIVATE_CONTENT)
    assert (header["alg"], header["p2c"]) == ("PBES2-HS512+A256KW", 600_000)


def test_an_existing_file_is_never_overwritten(tmp_path: Path, issuer: Issuer) -> None:
    path = tmp_path / "issuer.key"
    path.write_text("precious")
    with pytest.raises(BadInput, match="exists already"):
        save_issuer(path, issuer, "password")
    assert path.read_text() == "precious"


@pytest.mark.parametrize("password", ["", "1234567"])
def test_a_private_key_without_a_good_password_is_not_saved(tmp_path: Path, issuer: Issuer, password: str) -> None:
    with pytest.raises(BadInput, match="too short"):
        save_issuer(tmp_path / "issuer.key", issuer, password)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 100, b"a.b.c.d.e", b"x" * 2_000_000])
def test_another_file_is_no_issuer(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.pem"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"other\.pem"):
        load_issuer(path, "password")


def test_a_missing_issuer_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.pem can't be read: No such file"):
        load_issuer(tmp_path / "none.pem", "password")


@pytest.mark.parametrize("name", ["", "   ", "two\nlines", "x" * 201])
def test_an_issuers_name_is_one_line(name: str) -> None:
    with pytest.raises(BadInput, match="one line"):
        Issuer.create(name)


def test_trust_is_the_sum_of_all_lists_that_exist(tmp_path: Path, issuer: Issuer) -> None:
    other = Issuer.create("Other")
    first = write_trust(tmp_path / "site.json", issuer.public().to_json())
    second = write_trust(tmp_path / "user.json", other.public().to_json())
    trusted = TrustedIssuers.load([first, tmp_path / "none.json", second])
    assert [found.name for found in trusted.issuers] == [issuer.name, "Other"]
    assert trusted.find(other.kid) is not None
    assert trusted.find("unknown") is None


def test_no_list_means_no_trust(tmp_path: Path) -> None:
    assert TrustedIssuers.load([tmp_path / "none.json"]).issuers == ()
    assert all(path.name == "issuers.json" for path in default_trust_paths())


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"issuers": 5}', '{"issuers": [{}]}', '{"issuers": [{"name": "", "kid": "", "jwk": {}}]}'],
)
def test_a_list_that_is_not_in_order_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "issuers.json"
    path.write_text(content)
    with pytest.raises(BadInput, match=r"issuers\.json"):
        TrustedIssuers.load([path])


def test_a_kid_that_is_not_the_keys_thumbprint_is_refused(tmp_path: Path, issuer: Issuer) -> None:
    entry = issuer.public().to_json() | {"kid": Issuer.create("Other").kid}
    with pytest.raises(BadInput, match="thumbprint"):
        TrustedIssuers.load([write_trust(tmp_path / "issuers.json", entry)])


def test_a_private_key_in_a_list_of_public_ones_is_refused(tmp_path: Path, issuer: Issuer) -> None:
    jwk: dict[str, Json] = {name: str(value) for name, value in issuer.key.as_dict(private=True).items()}
    entry = issuer.public().to_json() | {"jwk": jwk}
    with pytest.raises(BadInput, match="private key"):
        TrustedIssuers.load([write_trust(tmp_path / "issuers.json", entry)])


def test_the_public_part_holds_nothing_private(issuer: Issuer) -> None:
    assert set(issuer.public().to_json()) == {"name", "kid", "jwk"}
    jwk = issuer.public().to_json()["jwk"]
    assert isinstance(jwk, dict)
    assert set(jwk) == {"kty", "crv", "x"}
    assert not issuer.public().key.is_private


def test_a_protected_config_key_is_no_issuer(tmp_path: Path) -> None:
    path = tmp_path / "exam.invigil"
    path.write_text(wrap(b"{}", "password", KEY, KEY_CONTENT))
    with pytest.raises(BadInput, match="not an issuer's private key"):
        load_issuer(path, "password")


@pytest.mark.parametrize(
    ("inside", "words"),
    [(b"[]", "another kind"), (b"{}", "another kind"), (b'{"kty": "RSA"}', "another kind")],
)
def test_an_encrypted_key_of_another_kind_is_no_issuer(tmp_path: Path, inside: bytes, words: str) -> None:
    path = tmp_path / "issuer.key"
    path.write_text(wrap(inside, "password", PRIVATE, PRIVATE_CONTENT))
    with pytest.raises(BadInput, match=words):
        load_issuer(path, "password")


def test_an_encrypted_public_key_is_no_issuer(tmp_path: Path, issuer: Issuer) -> None:
    path = tmp_path / "issuer.key"
    path.write_text(wrap(json.dumps(issuer.public().jwk()).encode(), "password", PRIVATE, PRIVATE_CONTENT))
    with pytest.raises(BadInput, match="public key only"):
        load_issuer(path, "password")


def test_a_list_keeps_when_an_issuer_was_retired(tmp_path: Path, issuer: Issuer) -> None:
    retired = issuer.public().to_json() | {"retired": "2026-12-01T09:00:00+01:00"}
    found = TrustedIssuers.load([write_trust(tmp_path / "issuers.json", retired)]).issuers[0]
    assert found.retired == datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    assert found.to_json()["retired"] == "2026-12-01T08:00:00+00:00"


@pytest.mark.parametrize("retired", ["soon", "2026-12-01T09:00", 5, None, "9999-12-31T23:59:59-23:59"])
def test_a_time_of_retirement_that_can_not_be_read_is_refused(tmp_path: Path, issuer: Issuer, retired: Json) -> None:
    path = write_trust(tmp_path / "issuers.json", issuer.public().to_json() | {"retired": retired})
    with pytest.raises(BadInput, match="retired"):
        TrustedIssuers.load([path])


def test_an_issuer_stands_in_a_list_once(tmp_path: Path, issuer: Issuer) -> None:
    path = write_trust(tmp_path / "issuers.json", issuer.public().to_json(), issuer.public().to_json())
    with pytest.raises(BadInput, match="twice"):
        TrustedIssuers.load([path])
