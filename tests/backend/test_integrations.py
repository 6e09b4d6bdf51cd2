"""Credentials of learning platforms: shown once, never kept readable, withdrawn at once."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.backend.vault import Vault
from app.core.errors import BadInput
from tests.fakes.lms import LmsBackend, mettl_signed

NAMES = {
    "trustexam": ["api_token"],
    "blinkexam": ["serviceAccessKey"],
    "mettl": ["privateKey", "publicKey"],
    "autoproctor": ["clientId", "clientSecret"],
    "invigil": ["privateKey", "publicKey"],
}


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LmsBackend]:
    with LmsBackend(tmp_path / "data") as running:
        yield running


@pytest.mark.parametrize("kind", list(NAMES))
def test_each_kind_gets_what_its_vendor_calls_credentials(backend: LmsBackend, kind: str) -> None:
    made, other = backend.admit(kind), backend.admit(kind)
    common = {"id", "kind", "name", "publicId", "legacySignature", "createdAt"}
    assert sorted(set(made) - common) == NAMES[kind]
    assert all(made[name] != other[name] and len(made[name]) >= 20 for name in NAMES[kind])
    assert made["legacySignature"] is (kind == "mettl")


def test_secrets_are_shown_once_and_kept_unreadable(backend: LmsBackend) -> None:
    made = {kind: backend.admit(kind) for kind in NAMES}
    secrets = [
        str(one[name]) for kind, one in made.items() for name in NAMES[kind] if name not in ("publicKey", "clientId")
    ]
    listed = backend.ask("GET", "/v1/integrations")
    assert [one["kind"] for one in listed.json()["integrations"]] == list(NAMES)
    assert listed.json()["integrations"][2]["publicId"] == made["mettl"]["publicKey"]
    everything = b"".join(p.read_bytes() for p in backend.settings.data_dir.rglob("*") if p.is_file())
    for secret in secrets:
        assert secret not in listed.text
        assert secret.encode() not in everything


def test_the_vaults_key_is_its_owners_alone(backend: LmsBackend) -> None:
    mode = (backend.settings.data_dir / "vault-key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_credentials_outlive_a_restart(tmp_path: Path) -> None:
    with LmsBackend(tmp_path) as before:
        pair, token = before.admit("mettl"), before.admit("trustexam")["api_token"]
    body = {"publicKey": pair["publicKey"], "userId": "u", "groupName": "g"}
    with LmsBackend(tmp_path) as after:
        assert after.ask("POST", "/v1/init", key=None, **mettl_signed(body, pair["privateKey"])).status_code == 200
        assert after.ask("POST", "/exams", token, json={"title": "x", "duration": 5}).status_code == 200


def test_a_deleted_integration_opens_nothing_more(backend: LmsBackend) -> None:
    pair, token = backend.admit("mettl"), backend.admit("trustexam")
    body = {"publicKey": pair["publicKey"], "userId": "u", "groupName": "g"}
    request = mettl_signed(body, pair["privateKey"])
    opened = backend.ask("POST", "/v1/init", key=None, **request)
    assert opened.status_code == 200
    for made in (pair, token):
        assert backend.ask("DELETE", f"/v1/integrations/{made['id']}").status_code == 204
        assert backend.ask("DELETE", f"/v1/integrations/{made['id']}").status_code == 404
    assert backend.ask("POST", "/v1/init", key=None, **request).status_code == 401
    assert backend.ask("POST", "/exams", token["api_token"], json={"title": "x", "duration": 5}).status_code == 401
    assert backend.ask("GET", "/v1/integrations").json() == {"integrations": []}
    again = backend.admit("mettl", publicKey=pair["publicKey"], privateKey=pair["privateKey"])
    assert again["id"] != pair["id"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"kind": "moodle"}, "kind"),
    ({"kind": "mettl", "name": ""}, "name"),
    ({"kind": "mettl", "publicKey": "p"}, "privateKey"),
    ({"kind": "mettl", "privateKey": "0123456789-private"}, "publicKey"),
    ({"kind": "mettl", "publicKey": "p", "privateKey": "short"}, "privateKey"),
    ({"kind": "trustexam", "api_token": "short-token"}, "api_token"),
    ({"kind": "trustexam", "clientId": "c"}, "clientId"),
    ({"kind": "mettl", "publicKey": "p p", "privateKey": "0123456789-private"}, "publicKey"),
    ({"kind": "invigil", "legacySignature": True}, "legacySignature"),
]


@pytest.mark.parametrize(("body", "field"), REFUSED)
def test_what_makes_no_credentials_is_refused_by_name(backend: LmsBackend, body: dict[str, Any], field: str) -> None:
    answer = backend.ask("POST", "/v1/integrations", json={"name": "x"} | body)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["error"]["details"]] == [field]
    assert "short-token" not in answer.text


def test_two_integrations_never_share_credentials(backend: LmsBackend) -> None:
    made = backend.admit("mettl")
    same = {"kind": "invigil", "name": "x", "publicKey": made["publicKey"], "privateKey": "0123456789-private"}
    assert backend.ask("POST", "/v1/integrations", json=same).status_code == 400
    token = backend.admit("trustexam")["api_token"]
    same = {"kind": "blinkexam", "name": "x", "serviceAccessKey": token}
    assert backend.ask("POST", "/v1/integrations", json=same).status_code == 400


def test_only_admins_handle_integrations(backend: LmsBackend) -> None:
    exam_token = backend.new_token(backend.new_exam())
    for key in (None, exam_token):
        assert backend.ask("GET", "/v1/integrations", key).status_code == 401
        assert backend.ask("POST", "/v1/integrations", key, json={"kind": "mettl", "name": "x"}).status_code == 401
        assert backend.ask("DELETE", "/v1/integrations/x", key).status_code == 401


def test_the_vault_opens_only_what_it_sealed_for_that_purpose(tmp_path: Path) -> None:
    vault, other = Vault(tmp_path / "one"), Vault(tmp_path / "two")
    vault.start()
    other.start()
    sealed = vault.seal("secret", "integration 1")
    assert b"secret" not in sealed
    assert vault.seal("secret", "integration 1") != sealed
    assert vault.open(sealed, "integration 1") == "secret"
    for opening, purpose in ((vault, "integration 2"), (other, "integration 1")):
        with pytest.raises(BadInput, match="bring it back"):
            opening.open(sealed, purpose)
