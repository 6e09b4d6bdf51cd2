"""The ProctorAI contract, as its published examples have it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.backend.settings import BackendServices
from app.core.types import Json
from app.runtime.clock import SystemClock
from tests.fakes.backend_server import WEBM, RunningBackend

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
EXAM = {
    "title": "Final Computer Science Exam",
    "duration": 180,
    "settings": {
        "webcam": True,
        "screenRecording": True,
        "audioRecording": True,
        "browserLock": True,
        "aiDetection": {"enabled": True, "sensitivity": "high"},
    },
}
STATS = {
    "duration": 3600,
    "startTime": "2025-03-26T14:30:00Z",
    "endTime": "2025-03-26T15:30:00Z",
    "browserInfo": {"userAgent": "Mozilla/5.0...", "platform": "MacOS"},
    "userId": "user_789",
}
WARNINGS = [
    {"timestamp": "2025-03-26T14:35:22Z", "type": "tab_switch", "details": "User switched to another tab"},
]
SCREEN = WEBM + b"screen"


def verify(reference: bytes, picture: bytes) -> Mapping[str, Json]:
    same = reference == picture
    return {
        "verified": same,
        "confidence": 0.98 if same else 0.1,
        "matchScore": 0.96,
        "faceDetected": True,
        "warnings": [],
    }


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[RunningBackend]:
    services = BackendServices(clock=SystemClock(), verify_faces=verify)
    with RunningBackend(tmp_path / "data", services) as running:
        yield running


def data_url(data: bytes) -> dict[str, str]:
    text = base64.b64encode(data).decode()
    return {"data": f"data:video/webm;base64,{text}", "filename": "webcam-recording.webm", "mimeType": "video/webm"}


def test_an_exam_is_created_and_read_back_with_the_published_fields(backend: RunningBackend) -> None:
    answer = backend.ask("POST", "/exams", json=EXAM)
    assert answer.status_code == 200
    made = answer.json()
    assert set(made) == {"id", "title", "duration", "settings", "status", "createdAt", "accessUrl", "adminUrl"}
    assert {name: made[name] for name in EXAM} == EXAM
    assert made["status"] == "created"
    assert TIME.fullmatch(made["createdAt"])

    read = backend.ask("GET", f"/exams/{made['id']}").json()
    assert {name: read[name] for name in EXAM} == EXAM
    assert (read["status"], read["startedAt"], read["participants"], read["warnings"]) == ("created", None, [], [])


def test_the_access_and_admin_addresses_open_for_a_person(backend: RunningBackend) -> None:
    made = backend.ask("POST", "/exams", json=EXAM | {"title": "<script>x</script>"}).json()
    for name in ("accessUrl", "adminUrl"):
        page = backend.ask("GET", made[name], key=None)
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert backend.ask("GET", made["adminUrl"] + "x", key=None).status_code == 401


@pytest.mark.parametrize("form", ["multipart", "multipart with base64", "json", "json with plain strings"])
def test_a_session_is_submitted_in_every_published_form(backend: RunningBackend, form: str) -> None:
    exam_id = backend.new_exam()
    texts = {"stats": json.dumps(STATS), "warnings": json.dumps(WARNINGS)}
    media = {"webcam": ("any.webm", WEBM), "screen": ("any.webm", SCREEN)}
    forms: dict[str, dict[str, Any]] = {
        "multipart": {"data": texts, "files": media},
        "multipart with base64": {
            "files": {name: (None, text) for name, text in texts.items()}
            | {"webcam": (None, data_url(WEBM)["data"]), "screen": (None, base64.b64encode(SCREEN))}
        },
        "json": {"json": {"stats": STATS, "warnings": WARNINGS, "webcam": data_url(WEBM), "screen": data_url(SCREEN)}},
        "json with plain strings": {
            "json": {
                "stats": STATS,
                "warnings": WARNINGS,
                "webcam": data_url(WEBM)["data"],
                "screen": base64.b64encode(SCREEN).decode(),
            }
        },
    }
    answer = backend.ask("POST", f"/exams/{exam_id}/submit", **forms[form])
    assert answer.status_code == 200, answer.text
    sent = answer.json()
    assert (sent["success"], sent["examId"], sent["status"]) == (True, exam_id, "submitted")
    assert sent["submissionId"]

    exam = backend.ask("GET", f"/exams/{exam_id}").json()
    assert exam["status"] == "completed"
    assert exam["warnings"] == [WARNINGS[0] | {"userId": "user_789"}]
    assert [(p["id"], p["status"]) for p in exam["participants"]] == [("user_789", "submitted")]
    stored = [p.read_bytes() for p in (backend.settings.data_dir / "files").glob("*/*")]
    assert sorted(stored) == sorted([WEBM, SCREEN])
    assert not list((backend.settings.data_dir / "incoming").iterdir())


def test_an_exam_is_completed_by_a_submission_that_names_nobody(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    body = {"stats": {"duration": 3600}, "webcam": data_url(WEBM)}
    assert backend.ask("POST", f"/exams/{exam_id}/submit", json=body).status_code == 200
    exam = backend.ask("GET", f"/exams/{exam_id}").json()
    assert [(p["id"], p["status"]) for p in exam["participants"]] == [("unknown", "submitted")]
    assert exam["status"] == "completed"


def test_a_large_base64_video_inside_json_arrives_whole(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    video = WEBM * 60
    body = json.dumps({"webcam": data_url(video), "stats": STATS}).replace("/", "\\/")
    answer = backend.ask(
        "POST", f"/exams/{exam_id}/submit", data=body.encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    assert [p.read_bytes() for p in (backend.settings.data_dir / "files").glob("*/*")] == [video]


def test_a_recording_is_delivered_described_and_played(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    answer = backend.ask(
        "POST",
        "/recordings",
        data={"examId": exam_id, "userId": "user_789", "type": "webcam"},
        files={"file": ("webcam.webm", WEBM)},
    )
    assert answer.status_code == 200
    recording = backend.ask("GET", f"/recordings/{answer.json()['id']}").json()
    published = {
        "id", "examId", "userId", "type", "duration", "size", "format", "createdAt", "url", "status", "analysis",
    }  # fmt: skip
    assert published <= set(recording)
    assert (recording["type"], recording["size"], recording["format"]) == ("webcam", len(WEBM), "webm")
    assert recording["status"] == "processed"
    assert recording["url"] == f"{backend.url}/recordings/{recording['id']}/download"
    assert backend.ask("GET", recording["url"]).content == WEBM
    assert backend.ask("GET", f"/exams/{exam_id}").json()["status"] == "in_progress"


def test_snake_case_field_names_are_understood(backend: RunningBackend) -> None:
    fields = {"exam_id": backend.new_exam(), "user_id": "user_789", "type": "screen"}
    assert backend.ask("POST", "/recordings", data=fields, files={"file": WEBM}).json()["userId"] == "user_789"


def test_a_users_identity_is_verified(backend: RunningBackend) -> None:
    picture = base64.b64encode(b"\xff\xd8\xff picture").decode()
    body = {"userId": "user_789", "referenceImage": picture, "verificationImage": f"data:image/jpeg;base64,{picture}"}
    answer = backend.ask("POST", "/verify/user", json=body)
    assert answer.status_code == 200
    assert answer.json() == {
        "verified": True,
        "confidence": 0.98,
        "matchScore": 0.96,
        "faceDetected": True,
        "warnings": [],
    }


@pytest.mark.parametrize("text", ["not base64!", "", "A" * 200_000])
def test_an_image_that_cannot_be_decoded_or_is_too_large_is_a_bad_request(tmp_path: Path, text: str) -> None:
    services = BackendServices(clock=SystemClock(), verify_faces=verify)
    with RunningBackend(tmp_path, services, max_image_bytes=100_000) as backend:
        answer = backend.ask(
            "POST", "/verify/user", json={"userId": "u", "referenceImage": text, "verificationImage": "AAAA"}
        )
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["error"]["details"]] == ["referenceImage"]


def test_images_that_show_nothing_readable_are_a_bad_request(tmp_path: Path) -> None:
    def unreadable(_: bytes, __: bytes) -> Mapping[str, Json]:
        raise ValueError("no picture")

    services = BackendServices(clock=SystemClock(), verify_faces=unreadable)
    with RunningBackend(tmp_path, services) as backend:
        token = backend.new_token(backend.new_exam(), userId="u")
        body = {"userId": "u", "referenceImage": "AAAA", "verificationImage": "AAAA"}
        assert backend.ask("POST", "/verify/user", token, json=body).status_code == 400
        assert backend.ask("POST", "/verify/user", token, json=body | {"userId": "other"}).status_code == 401


def test_a_backend_without_a_verifier_says_so(tmp_path: Path) -> None:
    with RunningBackend(tmp_path) as backend:
        answer = backend.ask(
            "POST", "/verify/user", json={"userId": "u", "referenceImage": "AAAA", "verificationImage": "AAAA"}
        )
    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "not_configured"


def test_the_interface_description_promises_what_is_true(backend: RunningBackend) -> None:
    document = backend.ask("GET", "/openapi.json", key=None).json()
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert not any("422" in one["responses"] for one in operations)
    assert all("ErrorBody" in json.dumps(one["responses"]["400"]) for one in operations)
    submit = document["paths"]["/exams/{exam_id}/submit"]["post"]["requestBody"]["content"]
    assert set(submit) == {"multipart/form-data", "application/json"}
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert named <= set(document["components"]["schemas"])
