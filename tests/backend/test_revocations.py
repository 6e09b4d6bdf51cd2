"""Whom a backend trusts and what was taken back: published, and obeyed by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.keys.issuers import Issuer
from app.keys.jwks import read_jwks
from app.keys.revocation import Revoked, make_list
from tests.fakes.backend_server import RunningBackend
from tests.fakes.exam_keys import BACKEND, UNIVERSITY, announce, control, exam_key, key_services, store

NOW = datetime.now(UTC)


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[RunningBackend]:
    with RunningBackend(tmp_path / "data", key_services()) as running:
        yield running


def revoking(*key_ids: str, serial: int = 1, issuer: Issuer = UNIVERSITY) -> str:
    return make_list([Revoked(NOW, jti=one, reason="wrong exam") for one in key_ids], issuer, now=NOW, serial=serial)


def publish(backend: RunningBackend, text: str) -> tuple[int, dict[str, Any]]:
    answer = backend.ask("POST", "/v1/keys/revocations", json={"list": text})
    return answer.status_code, answer.json()


def test_the_key_set_is_for_everybody_and_has_the_backends_own_issuer(backend: RunningBackend) -> None:
    issuers = read_jwks(backend.ask("GET", "/.well-known/jwks.json", key=None).content).issuers
    assert {(one.name, one.kid) for one in issuers} == {
        ("Example University", UNIVERSITY.kid),
        ("Example backend", BACKEND.kid),
    }


def test_a_list_is_kept_and_published_to_everybody(backend: RunningBackend) -> None:
    assert backend.ask("GET", "/v1/keys/revocations", key=None).json() == {"lists": []}
    text = revoking("some-key")
    assert publish(backend, text) == (200, {"kid": UNIVERSITY.kid, "serial": 1, "revoked": 0})
    assert backend.ask("GET", "/v1/keys/revocations", key=None).json() == {"lists": [text]}


def test_a_newer_list_replaces_the_older_and_never_the_other_way_round(backend: RunningBackend) -> None:
    older, newer = revoking("a", serial=1), revoking("a", "b", serial=2)
    assert publish(backend, newer)[0] == 200
    assert publish(backend, newer)[0] == 200, "the same list again is no mistake"
    for text in (older, revoking("c", serial=2)):
        status, body = publish(backend, text)
        assert (status, body["error"]["code"]) == (409, "conflict")
        assert "serial 2" in body["error"]["details"][0]["issue"]
    assert backend.ask("GET", "/v1/keys/revocations", key=None).json() == {"lists": [newer]}


def test_a_list_that_nobody_trusted_signed_is_refused(backend: RunningBackend) -> None:
    for text in (revoking("a", issuer=Issuer.create("Example University")), exam_key(), "nonsense"):
        status, body = publish(backend, text)
        assert (status, body["error"]["details"][0]["field"]) == (400, "list")


def test_only_admins_publish(backend: RunningBackend) -> None:
    token = backend.new_token(backend.new_exam())
    for key in (token, None):
        assert backend.ask("POST", "/v1/keys/revocations", key, json={"list": revoking("a")}).status_code == 401


def test_a_revoked_key_is_not_given_out_nor_kept_again(backend: RunningBackend) -> None:
    key, other = exam_key(1), exam_key(2)
    stored, kept = store(backend, key), store(backend, other)
    assert publish(backend, revoking(stored["keyId"]))[1]["revoked"] == 1
    assert backend.ask("GET", f"/v1/keys/codes/{stored['code']}", key=None).status_code == 404
    assert backend.ask("GET", f"/v1/keys/codes/{kept['code']}", key=None).json() == {"key": other}
    read = backend.ask("GET", f"/v1/keys/{stored['id']}").json()
    assert (read["revoked"], read["code"], read["link"]) == (True, None, None)
    answer = backend.ask("POST", "/v1/keys", json={"key": key})
    assert answer.status_code == 400
    assert "revoked" in answer.json()["error"]["details"][0]["issue"]


def test_a_revoked_key_is_not_sent_to_who_comes_late(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    older, newer = exam_key(2, upload_exam=exam_id), exam_key(3, upload_exam=exam_id)
    store(backend, older)
    publish(backend, revoking(store(backend, newer)["keyId"]))
    attempt_id = announce(backend, exam_id)
    with control(backend, attempt_id, backend.new_token(exam_id)) as client:
        client.hello(serial=1)
        assert client.hear()["key"] == older
