"""A newer key, pushed to the backend, reaches the exam that runs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import requests

from app.core.types import Json
from app.keys.issuers import Issuer
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend, Client, running, sample_policy, sign, trust_file, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
INSTITUTION = Issuer.create("Tests")


@pytest.fixture
def pushing(tmp_path: Path) -> Iterator[Backend]:
    """A backend that trusts the institution's issuer."""
    made = Backend(tmp_path / "backend", "--trust", str(trust_file(tmp_path, INSTITUTION)))
    made.start()
    yield made
    made.stop()


def with_fields(policy: dict[str, Json], **fields: Json) -> dict[str, Json]:
    changed = copy.deepcopy(policy)
    for path, value in fields.items():
        group, _, name = path.partition("__")
        cast(dict[str, Json], changed.setdefault(group, {}))[name] = value
    return changed


def deliveries(backend: Backend, key_id: str) -> list[dict[str, Json]]:
    return cast(list[dict[str, Json]], backend.get(f"/v1/keys/{key_id}")["deliveries"])


def answered(backend: Backend, key: str) -> dict[str, Json]:
    """What the one running client made of a pushed key."""
    key_id = str(backend.post("/v1/keys", {"key": key})["id"])
    until("the client's answer", lambda: any(one["status"] != "pending" for one in deliveries(backend, key_id)))
    [delivery] = deliveries(backend, key_id)
    return delivery


def test_more_time_and_a_message_reach_the_exam_that_runs_and_outlive_a_crash_and_an_older_key_does_not(
    pushing: Backend, desktop: VirtualDesktop, tmp_path: Path
) -> None:
    policy = sample_policy(pushing, {"live": {"endpoint": pushing.url}})
    key, trust = tmp_path / "exam.invigil", tmp_path / "issuers.json"
    key.write_text(sign(policy, INSTITUTION, serial=9), encoding="ascii")
    with running(Client(desktop, tmp_path / "client", key, trust)) as client:
        client.reach_exam()
        older = answered(pushing, sign(with_fields(policy, exam__duration_min=60), INSTITUTION, serial=4))
        assert (older["status"], older["applied"]) == ("refused", [])
        assert "not higher than 9" in str(older["reason"])
        more = with_fields(
            policy,
            exam__duration_min=45,
            exam__message="Question 3 is withdrawn.",
            detection__sensitivity="low",
            capture__screen=False,
        )
        told = answered(pushing, sign(more, INSTITUTION, serial=10))
        assert told["status"] == "partly"
        assert told["applied"] == ["exam.duration_min", "exam.message", "detection.sensitivity"]
        assert told["refused"] == [{"path": "capture.screen", "reason": "can't change while the exam runs"}]
        client.await_fact("message", "Question 3 is withdrawn.")
        foreign = Issuer.create("Somebody")
        refused = requests.post(
            f"{pushing.url}/v1/keys",
            json={"key": sign(more, foreign, serial=11)},
            headers={"Authorization": f"Bearer {pushing.admin_key}"},
            timeout=30,
        )
        assert refused.status_code == 400
        client.kill_inner()
        client.await_fact("message", "Question 3 is withdrawn.", times=2)
        client.finish()
    updates = [e.body for e in client.entries() if e.body.get("event") == "key_update"]
    assert [update["status"] for update in updates] == ["refused", "partly"]
    assert updates[1]["serial"] == 10
    assert client.verified().ok
    exam = client.report()["exam"]
    assert isinstance(exam, dict)
    assert exam["duration_min"] == 45
