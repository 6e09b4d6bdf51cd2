"""A proctor holds a running exam and lets it go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.backend_server import RunningBackend, until
from tests.fakes.exam_keys import announce, control, key_services


class Sitting:
    """One exam with a running attempt."""

    def __init__(self, backend: RunningBackend) -> None:
        self.backend = backend
        self.exam_id = backend.new_exam()
        self.attempt_id = announce(backend, self.exam_id)
        self.token = backend.new_token(self.exam_id, userId="s1234")

    def ask(self, what: str, reason: str = "") -> Any:
        return self.backend.ask("POST", f"/v1/attempts/{self.attempt_id}/{what}", json={"reason": reason})

    def hold(self) -> dict[str, Any]:
        found: dict[str, Any] = self.backend.ask("GET", f"/v1/attempts/{self.attempt_id}/hold").json()
        return found


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[RunningBackend]:
    with RunningBackend(tmp_path / "data", key_services()) as running:
        yield running


@pytest.fixture
def sitting(backend: RunningBackend) -> Sitting:
    return Sitting(backend)


def test_a_lock_reaches_the_client_at_once_with_its_reason_and_its_answer_is_kept(sitting: Sitting) -> None:
    with control(sitting.backend, sitting.attempt_id, sitting.token) as client:
        client.hello()
        answer = sitting.ask("lock", "Please wait for me.").json()
        assert (answer["seq"], answer["type"], answer["status"]) == (1, "lock", "pending")
        assert client.hear() == {"type": "lock", "seq": 1, "reason": "Please wait for me."}
        client.ack(1)
        until(lambda: sitting.hold()["messages"][0]["status"] == "applied")


def test_an_unlock_waits_for_a_client_that_is_away(sitting: Sitting) -> None:
    sitting.ask("lock")
    sitting.ask("unlock", "Go on.")
    with control(sitting.backend, sitting.attempt_id, sitting.token) as client:
        client.hello()
        assert [client.hear()["type"] for _ in range(2)] == ["lock", "unlock"]


def test_a_proctor_sees_that_and_why_an_exam_is_held_until_it_goes_on(sitting: Sitting) -> None:
    assert sitting.hold()["held"] is False
    with control(sitting.backend, sitting.attempt_id, sitting.token) as client:
        client.hello()
        client.say(type="state", held=True, reason="More than one monitor was connected.", by="rule")
        until(lambda: sitting.hold()["held"])
        held = sitting.hold()
        assert (held["reason"], held["by"]) == ("More than one monitor was connected.", "rule")
        client.say(type="state", held=True, reason="More than one monitor was connected.", by="rule")
        client.say(type="state", held=True, reason="Wait.", by="proctor")
        until(lambda: sitting.hold()["by"] == "proctor")
        assert sitting.hold()["since"] >= held["since"]
        client.say(type="state", held=False, reason="", by="")
        until(lambda: not sitting.hold()["held"])


def test_a_state_that_is_not_in_its_form_ends_the_connection(sitting: Sitting) -> None:
    with control(sitting.backend, sitting.attempt_id, sitting.token) as client:
        client.hello()
        client.say(type="state", held="yes")
        with pytest.raises(Exception, match="not in its form"):
            client.hear()


def test_only_who_runs_the_exam_may_hold_it(sitting: Sitting) -> None:
    path = f"/v1/attempts/{sitting.attempt_id}"
    for method, name in (("POST", "lock"), ("POST", "unlock"), ("GET", "hold")):
        refused = sitting.backend.ask(method, f"{path}/{name}", key=sitting.token, json={"reason": ""})
        assert refused.status_code == 401
    assert sitting.backend.ask("POST", "/v1/attempts/attempt-nobody/lock", json={}).status_code == 404
    assert sitting.hold()["messages"] == []


def test_another_institutions_token_and_anothers_candidate_reach_no_hold(sitting: Sitting) -> None:
    made = sitting.backend.ask("POST", "/v1/integrations", json={"kind": "trustexam", "name": "Example College"}).json()
    neighbour = sitting.backend.new_token(sitting.exam_id, userId="s9999")
    for key in (made["api_token"], neighbour):
        for method, name in (("POST", "lock"), ("POST", "unlock"), ("GET", "hold")):
            path = f"/v1/attempts/{sitting.attempt_id}/{name}"
            assert sitting.backend.ask(method, path, key=key, json={"reason": ""}).status_code == 401
        with pytest.raises(Exception, match="401"), control(sitting.backend, sitting.attempt_id, key) as client:
            client.hello()
    assert sitting.hold()["messages"] == []


def test_a_reason_has_bounds(sitting: Sitting) -> None:
    assert sitting.ask("lock", "x" * 501).status_code == 400


def test_what_is_handed_in_can_not_be_held(sitting: Sitting) -> None:
    body = {"stats": {}, "userId": "s1234", "attemptId": sitting.attempt_id}
    assert sitting.backend.ask("POST", f"/exams/{sitting.exam_id}/submit", json=body).status_code == 200
    assert sitting.ask("lock").status_code == 409
