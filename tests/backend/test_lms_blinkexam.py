"""BlinkExam: its configuration object opens a session, and its key is a credential of this backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.backend_server import WEBM
from tests.fakes.lms import LmsBackend

PATH = "/api/external-session/blinkexam.json"
OWN_KEY = "blink-service-access-key-0123456789"


def config(key: str) -> dict[str, Any]:
    """The vendor's sample, in which the room's name contains the key."""
    return {
        "serviceAccessKey": key,
        "clientId": "1",
        "testId": "596",
        "candidateId": "323",
        "proctorMode": "combo",
        "roomInfo": {"roomId": f"{key}5962"},
        "attemptNumber": "1",
        "captureCandidate": True,
        "captureIdentity": True,
        "faceAuth": True,
        "roomInspection": True,
        "inspectionType": "recorded",
        "recordingCategory": "vScreen",
        "containerId": "proctoringContainer",
        "fileNamePrefix": "596_323_1",
        "position": {"verification": "center", "id": "center", "liveCam": "top-right"},
        "preUploadPath": "testResources",
    }


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LmsBackend]:
    with LmsBackend(tmp_path / "data") as running:
        yield running


@pytest.mark.parametrize("how", ["body", "header", "Bearer"])
def test_the_whole_object_opens_a_session(backend: LmsBackend, how: str) -> None:
    key = str(backend.admit("blinkexam", serviceAccessKey=OWN_KEY)["serviceAccessKey"])
    body = config(key)
    if how != "body":
        del body["serviceAccessKey"]
        body["roomInfo"] = {"roomId": "5962"}
    headers = {"serviceAccessKey": key} if how == "header" else {}
    answer = backend.ask("POST", PATH, key if how == "Bearer" else None, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    policy = backend.key_of(answer.json()["access_token"]).policy
    assert (policy.exam.id, policy.candidate.id, policy.candidate.attempt_number) == ("596", "323", 1)
    assert (policy.live.mode, policy.live.endpoint, policy.live.room_id) == ("combo", backend.url, "5962")
    assert (policy.evidence.mode, policy.identity.id_document) == ("continuous", True)
    assert policy.upload.path_prefix == "testResources"


def test_the_key_is_in_no_policy_no_answer_and_no_file(backend: LmsBackend) -> None:
    backend.admit("blinkexam", serviceAccessKey=OWN_KEY)
    answer = backend.ask("POST", PATH, key=None, json=config(OWN_KEY))
    assert answer.status_code == 200, answer.text
    key = backend.key_of(answer.json()["access_token"])
    assert OWN_KEY not in answer.text
    assert OWN_KEY not in repr(key.policy)
    everything = b"".join(p.read_bytes() for p in backend.settings.data_dir.rglob("*") if p.is_file())
    assert OWN_KEY.encode() not in everything


def test_an_object_that_lacks_something_is_refused_by_name(backend: LmsBackend) -> None:
    backend.admit("blinkexam", serviceAccessKey=OWN_KEY)
    for name in ("testId", "candidateId", "attemptNumber", "proctorMode", "position"):
        body = config(OWN_KEY)
        del body[name]
        answer = backend.ask("POST", PATH, key=None, json=body)
        assert answer.status_code == 400
        details = answer.json()["error"]["details"]
        assert any(name in one["field"] or name in one["issue"] for one in details)


def test_a_wrong_key_opens_nothing(backend: LmsBackend) -> None:
    backend.admit("blinkexam", serviceAccessKey=OWN_KEY)
    assert backend.ask("POST", PATH, key=None, json=config("wrong-key-wrong-key-wrong")).status_code == 401
    assert backend.ask("POST", PATH, key=None, json={}).status_code == 401


def test_attempts_are_sessions_of_their_own(backend: LmsBackend) -> None:
    backend.admit("blinkexam", serviceAccessKey=OWN_KEY)
    tokens = {
        backend.ask("POST", PATH, key=None, json=config(OWN_KEY) | {"attemptNumber": number}).json()["access_token"]
        for number in ("1", "2", "1")
    }
    assert len(tokens) == 2


@pytest.mark.parametrize("how", ["header", "Bearer"])
def test_the_key_is_a_credential_for_the_platforms_own_exams(backend: LmsBackend, how: str) -> None:
    backend.admit("blinkexam", serviceAccessKey=OWN_KEY)
    foreign = backend.new_exam()
    options: dict[str, Any] = {"key": OWN_KEY} if how == "Bearer" else {"key": None}
    if how == "header":
        options["headers"] = {"serviceAccessKey": OWN_KEY}
    made = backend.ask("POST", "/exams", json={"title": "Algebra", "duration": 60}, **options)
    assert made.status_code == 200
    exam_id = made.json()["id"]
    assert backend.ask("GET", f"/exams/{exam_id}", **options).status_code == 200
    assert backend.ask("POST", f"/exams/{exam_id}/tokens", **options).status_code == 200
    fields = {"examId": exam_id, "userId": "u", "type": "webcam"}
    recording = backend.ask("POST", "/recordings", data=fields, files={"file": WEBM}, **options).json()
    assert backend.ask("GET", f"/recordings/{recording['id']}", **options).status_code == 200
    assert backend.ask("GET", recording["url"], **options).content == WEBM
    attempt = {"attemptId": "attempt-0001", "candidate": {"id": "u"}}
    assert backend.ask("POST", f"/exams/{exam_id}/attempts", json=attempt, **options).status_code == 200
    assert backend.ask("GET", "/attempts/attempt-0001", **options).status_code == 200

    others = backend.ask("POST", "/recordings", data=fields | {"examId": foreign}, files={"file": WEBM + b"x"}).json()
    backend.ask("POST", f"/exams/{foreign}/attempts", json=attempt | {"attemptId": "attempt-0002"})
    for path in (f"/exams/{foreign}", f"/recordings/{others['id']}", others["url"], "/attempts/attempt-0002"):
        assert backend.ask("GET", path, **options).status_code == 401
    assert backend.ask("POST", "/v1/integrations", json={"kind": "mettl", "name": "x"}, **options).status_code == 401
    assert backend.ask("GET", "/v1/integrations", **options).status_code == 401


@pytest.mark.parametrize("how", ["header", "Bearer"])
def test_a_key_that_came_in_a_header_is_left_out_of_the_rooms_name(backend: LmsBackend, how: str) -> None:
    key = str(backend.admit("blinkexam")["serviceAccessKey"])
    body = config(key)
    del body["serviceAccessKey"]
    headers = {"serviceAccessKey": key} if how == "header" else {}
    answer = backend.ask("POST", PATH, key if how == "Bearer" else None, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    made = backend.key_of(answer.json()["access_token"])
    assert made.policy.live.room_id == "5962"
    assert key not in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [("serviceAccessKey", "another-key-0123456789"), ("external_url", "https://lms.example.org/{key}")],
)
def test_a_key_can_not_reach_candidates_past_the_one_in_the_header(backend: LmsBackend, field: str, value: str) -> None:
    key = str(backend.admit("blinkexam")["serviceAccessKey"])
    body = config(key) | {field: value.format(key=key)}
    answer = backend.ask("POST", PATH, None, json=body, headers={"serviceAccessKey": key})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field
    assert key not in answer.text


def test_the_key_verifies_users_as_the_published_interface_has_it(backend: LmsBackend) -> None:
    key = str(backend.admit("blinkexam")["serviceAccessKey"])
    body = {"userId": "u", "referenceImage": "AAAA", "verificationImage": "AAAA"}
    assert backend.ask("POST", "/verify/user", key, json=body).status_code == 501, "allowed, but nothing is set up here"
