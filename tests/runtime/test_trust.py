"""What a machine learns from a pinned backend: the real one, as it publishes issuers and revoked keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.errors import BadInput
from app.core.short_codes import new_code
from app.keys.revocation import Revoked, make_list
from app.keys.tokens import read_claims_unverified
from app.runtime.trust import MachineTrust
from tests.fakes.backend_server import RunningBackend
from tests.fakes.exam_keys import BACKEND, UNIVERSITY, exam_key, key_services, store


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[RunningBackend]:
    with RunningBackend(tmp_path / "backend", key_services()) as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path, backend: RunningBackend, monkeypatch: pytest.MonkeyPatch) -> Iterator[MachineTrust]:
    """IT pinned the backend, and nothing else."""
    pinned = tmp_path / "issuers.json"
    pinned.write_text(
        json.dumps({"issuers": [], "backends": [{"url": backend.url, "name": "Example University"}]}), encoding="utf-8"
    )
    monkeypatch.setattr("app.runtime.trust.machine_trust_paths", lambda: [pinned])
    monkeypatch.setattr("app.runtime.trust.user_trust_paths", list)
    made = MachineTrust((), tmp_path / "trust")
    made.load()
    yield made
    made.close()


def test_its_issuers_are_trusted_once_it_was_asked(machine: MachineTrust) -> None:
    key, now = exam_key(), datetime.now(UTC)
    with pytest.raises(BadInput, match="does not trust"):
        machine.verify(key, now)
    machine.refresh(now)
    assert machine.verify(key, now).kid == UNIVERSITY.kid
    assert {issuer.kid for issuer in machine.known().issuers.issuers} == {UNIVERSITY.kid, BACKEND.kid}


def test_a_key_that_was_revoked_there_is_refused_from_the_next_time_on(
    machine: MachineTrust, backend: RunningBackend
) -> None:
    key, now = exam_key(), datetime.now(UTC)
    machine.refresh(now)
    machine.verify(key, now)
    revoked = Revoked(now, jti=str(read_claims_unverified(key)["jti"]))
    listed = make_list([revoked], UNIVERSITY, now=now, serial=1)
    assert backend.ask("POST", "/v1/keys/revocations", json={"list": listed}).status_code == 200
    machine.refresh(now)
    with pytest.raises(BadInput, match="revoked"):
        machine.verify(key, now)
    with pytest.raises(BadInput, match="revoked"):
        machine.verify_begun(key, now)


def test_it_gives_out_the_key_of_a_code(machine: MachineTrust, backend: RunningBackend) -> None:
    key = exam_key()
    code = str(store(backend, key)["code"]).replace("-", "")
    assert machine.service(backend.url).key_for_code(code) == key
    with pytest.raises(BadInput, match="does not know this code"):
        machine.service(backend.url).key_for_code(new_code(lambda n: 5 % n))


def test_whoever_is_closed_asks_nobody(machine: MachineTrust) -> None:
    now = datetime.now(UTC)
    machine.close()
    machine.refresh(now)
    assert machine.known().issuers.issuers == ()
