"""Attempts, their reports and the media in them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

import pytest
import requests

from app.backend.page_policy import report_policy
from app.backend.settings import BackendServices
from app.core.types import Json
from app.runtime.clock import SystemClock
from tests.fakes.backend_server import WEBM, RunningBackend, accept_manifest

SCRIPT = "document.title += ' read'"
SHA256 = hashlib.sha256(WEBM).hexdigest()
KEY = "ab" * 32
ATTEMPT = {
    "attemptId": "attempt-0001",
    "candidate": {"id": "user_789", "name": "Jane Smith"},
    "publicKey": KEY,
    "client": {"version": "0.1.0"},
}
START_NS = 1_800_000_000_000_000_000
REPORT = {
    "started_utc_ms": START_NS // 10**6,
    "verification": {"verified": "as the client says"},
    "violations": [
        {"code": 5101, "start_ms": 0, "end_ms": 1000},
        {"code": 5101, "start_ms": 500, "end_ms": 2500},
        {"code": 5001, "start_ms": 4000, "end_ms": 60_000},
        {"code": "x"},
        None,
    ],
}


def render(report: Mapping[str, Json], media_url: Callable[[str], str]) -> str:
    verified = report.get("verification")
    return f'<h1>{escape(str(verified))}</h1><video src="{media_url(SHA256)}"></video><script>{SCRIPT}</script>'


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[RunningBackend]:
    services = BackendServices(clock=SystemClock(), render_report=render, verify_manifest=accept_manifest)
    with RunningBackend(tmp_path / "data", services) as running:
        yield running


@pytest.fixture
def exam_id(backend: RunningBackend) -> str:
    return backend.new_exam()


def announce(backend: RunningBackend, exam_id: str, **changed: object) -> requests.Response:
    return backend.ask("POST", f"/exams/{exam_id}/attempts", json=ATTEMPT | changed)


def record(backend: RunningBackend, exam_id: str) -> str:
    fields = {
        "examId": exam_id,
        "userId": "user_789",
        "type": "clip",
        "attemptId": "attempt-0001",
        "startUtcNs": str(START_NS),
        "endUtcNs": str(START_NS + 5 * 10**9),
    }
    return str(backend.ask("POST", "/recordings", data=fields, files={"file": WEBM}).json()["id"])


def submit(backend: RunningBackend, exam_id: str, **changed: object) -> requests.Response:
    body = {
        "stats": {},
        "attemptId": "attempt-0001",
        "report": REPORT,
        "manifest": ["{}", "{}"],
        "seal": {"public_key": KEY},
    }
    return backend.ask("POST", f"/exams/{exam_id}/submit", json=body | changed)


def test_attempts_are_numbered_per_candidate_and_announcing_again_changes_nothing(
    backend: RunningBackend, exam_id: str
) -> None:
    assert announce(backend, exam_id).json() == {"attemptId": "attempt-0001", "attemptNumber": 1}
    assert announce(backend, exam_id).json()["attemptNumber"] == 1
    assert announce(backend, exam_id, attemptId="attempt-0002").json()["attemptNumber"] == 2
    assert announce(backend, exam_id, attemptId="attempt-0003", candidate={"id": "other"}).json()["attemptNumber"] == 1
    people = backend.ask("GET", f"/exams/{exam_id}").json()["participants"]
    assert [(one["id"], one["name"]) for one in people] == [("user_789", "Jane Smith"), ("other", "other")]
    assert [one["attempts"] for one in people] == [["attempt-0001", "attempt-0002"], ["attempt-0003"]]


def test_an_attempt_cannot_be_taken_over(backend: RunningBackend, exam_id: str) -> None:
    announce(backend, exam_id)
    assert announce(backend, exam_id, publicKey="cd" * 32).status_code == 400
    assert announce(backend, exam_id, candidate={"id": "other"}).status_code == 400
    assert announce(backend, backend.new_exam()).status_code == 400
    assert submit(backend, exam_id, userId="other").status_code == 400
    assert submit(backend, backend.new_exam()).status_code == 400


def test_a_submission_is_answered_with_a_report_link_that_a_person_can_open(
    backend: RunningBackend, exam_id: str
) -> None:
    announce(backend, exam_id)
    record(backend, exam_id)
    sent = submit(backend, exam_id).json()
    assert sent["verification"] == {"verified": True, "entries": 2}

    page = backend.ask("GET", sent["reportUrl"], key=None)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "as the client says" not in page.text
    media_url = page.text.split('src="')[1].split('"')[0]
    clip = backend.ask("GET", media_url, key=None, headers={"Range": "bytes=0-3"})
    assert (clip.status_code, clip.content, clip.headers["Content-Type"]) == (206, WEBM[:4], "video/webm")
    assert "&#x27;ok&#x27;: True" in page.text
    data = backend.ask("GET", sent["reportUrl"].replace("/report?", "/report.json?"), key=None).json()
    assert data["violations"] == REPORT["violations"]


def test_without_the_whole_link_nothing_of_a_report_can_be_seen(backend: RunningBackend, exam_id: str) -> None:
    announce(backend, exam_id)
    announce(backend, exam_id, attemptId="attempt-0002")
    record(backend, exam_id)
    other = submit(backend, exam_id, attemptId="attempt-0002").json()["reportUrl"].split("token=")[1]
    submit(backend, exam_id)
    for path in ("report", "report.json", f"media/{SHA256}"):
        for token in ("", "?token=", "?token=wrong", f"?token={other}"):
            assert backend.ask("GET", f"/attempts/attempt-0001/{path}{token}", key=None).status_code == 401
        assert backend.ask("GET", f"/attempts/attempt-0001/{path}").status_code == 200


def test_only_the_candidates_own_files_are_media_of_the_report(backend: RunningBackend, exam_id: str) -> None:
    announce(backend, exam_id)
    for name in ("0" * 64, "..%2f..%2flink-secret", "link-secret"):
        assert backend.ask("GET", f"/attempts/attempt-0001/media/{name}").status_code == 404


def test_before_the_report_is_in_the_recording_is_processing_and_afterwards_analysed(
    backend: RunningBackend, exam_id: str
) -> None:
    announce(backend, exam_id)
    path = f"/recordings/{record(backend, exam_id)}"
    before = backend.ask("GET", path).json()
    assert (before["status"], before["analysis"], before["duration"]) == ("processing", None, 5.0)
    assert backend.ask("GET", "/attempts/attempt-0001/report.json").status_code == 404
    submit(backend, exam_id)
    after = backend.ask("GET", path).json()
    assert after["status"] == "processed"
    assert after["analysis"] == {
        "faceDetection": {"facePresent": 0.8, "multipleFaces": 0.0, "noFace": 0.2},
        "suspiciousActivity": {"phoneUsage": 0.0, "lookingAway": 0.5, "talking": 0.0},
    }


def test_a_manifest_sealed_with_another_key_than_announced_is_not_verified(
    backend: RunningBackend, exam_id: str
) -> None:
    announce(backend, exam_id)
    verification = submit(backend, exam_id, seal={"public_key": "cd" * 32}).json()["verification"]
    assert verification["verified"] is False
    assert "key" in verification["problem"]


def test_submitting_again_gives_the_same_submission_and_no_second_warning(
    backend: RunningBackend, exam_id: str
) -> None:
    announce(backend, exam_id)
    warnings = [{"timestamp": "2025-03-26T14:35:22Z", "type": "tab_switch", "details": "x", "code": 5005}]
    first = submit(backend, exam_id, warnings=warnings).json()
    again = submit(backend, exam_id, warnings=warnings).json()
    assert first == again
    assert len(backend.ask("GET", f"/exams/{exam_id}").json()["warnings"]) == 1


def test_an_attempt_that_could_not_be_announced_is_entered_when_it_is_submitted(
    backend: RunningBackend, exam_id: str
) -> None:
    assert submit(backend, exam_id, userId="user_789").json()["reportUrl"]
    attempt = backend.ask("GET", "/attempts/attempt-0001").json()
    assert (attempt["status"], attempt["attemptNumber"], attempt["candidate"]["id"]) == ("submitted", 1, "user_789")


def test_a_proctor_reads_an_attempt_with_all_that_belongs_to_it(backend: RunningBackend, exam_id: str) -> None:
    announce(backend, exam_id)
    recording_id = record(backend, exam_id)
    submission_id = submit(backend, exam_id).json()["submissionId"]
    attempt = backend.ask("GET", "/attempts/attempt-0001").json()
    assert attempt["publicKey"] == KEY
    assert [one["id"] for one in attempt["recordings"]] == [recording_id]
    assert [one["submissionId"] for one in attempt["submissions"]] == [submission_id]


def test_recordings_that_came_before_the_announcement_belong_to_the_attempt(
    backend: RunningBackend, exam_id: str
) -> None:
    fields = {"examId": exam_id, "userId": "user_789", "type": "webcam"}
    recording_id = backend.ask("POST", "/recordings", data=fields, files={"file": WEBM}).json()["id"]
    announce(backend, exam_id)
    assert [one["id"] for one in backend.ask("GET", "/attempts/attempt-0001").json()["recordings"]] == [recording_id]


def test_the_exams_attempts_are_listed_for_proctors(backend: RunningBackend) -> None:
    made = backend.ask("POST", "/exams", json={"title": "Algebra", "duration": 5}).json()
    announce(backend, made["id"], candidate={"id": "u", "name": "<b>Jane</b>"})
    page = backend.ask("GET", made["adminUrl"], key=None).text
    assert "&lt;b&gt;Jane" in page
    assert "/attempts/attempt-0001/report?token=" in page


def test_a_second_attempt_reopens_the_exam(backend: RunningBackend, exam_id: str) -> None:
    announce(backend, exam_id)
    submit(backend, exam_id)
    assert backend.ask("GET", f"/exams/{exam_id}").json()["status"] == "completed"
    announce(backend, exam_id, attemptId="attempt-0002")
    assert backend.ask("GET", f"/exams/{exam_id}").json()["status"] == "in_progress"


def test_the_report_page_may_run_its_own_script_only() -> None:
    policy = report_policy(f"<script>{SCRIPT}</script>")
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("page", ["<p>none</p>", f"<script>evil()</script><script>{SCRIPT}</script>"])
def test_a_page_with_no_script_or_a_foreign_one_may_run_none(page: str) -> None:
    assert "script-src 'none'" in report_policy(page)


def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    with RunningBackend(tmp_path) as before:
        exam_id = before.new_exam()
        announce(before, exam_id)
        url = submit(before, exam_id).json()["reportUrl"]
    services = BackendServices(clock=SystemClock(), render_report=render)
    with RunningBackend(tmp_path, services, port=before.port) as after:
        assert after.ask("GET", url, key=None).status_code == 200


def test_a_report_is_made_of_its_manifest_and_not_of_what_the_client_says(tmp_path: Path) -> None:
    def from_manifest(lines: Sequence[str], submitted: Mapping[str, Json]) -> Mapping[str, Json]:
        return {"lines": len(lines), "generated_utc_ms": submitted.get("generated_utc_ms")}

    services = BackendServices(
        clock=SystemClock(), verify_manifest=accept_manifest, report_of_manifest=from_manifest, render_report=render
    )
    with RunningBackend(tmp_path, services) as backend:
        exam_id = backend.new_exam()
        announce(backend, exam_id)
        sent = submit(backend, exam_id, report={"violations": [], "generated_utc_ms": 5}).json()
        data = backend.ask("GET", sent["reportUrl"].replace("/report?", "/report.json?"), key=None).json()
    assert (data["lines"], data["generated_utc_ms"], "violations" in data) == (2, 5, False)


def verdict(backend: RunningBackend, sent: requests.Response) -> Mapping[str, Json]:
    url = str(sent.json()["reportUrl"]).replace("/report?", "/report.json?")
    found: Mapping[str, Json] = backend.ask("GET", url, key=None).json()["verification"]
    return found


def test_a_report_without_a_manifest_is_never_shown_as_verified(backend: RunningBackend, exam_id: str) -> None:
    announce(backend, exam_id)
    sent = submit(backend, exam_id, manifest=None, seal=None, report=REPORT | {"verification": {"ok": True}})
    assert (verdict(backend, sent)["ok"], verdict(backend, sent)["signature_ok"]) == (False, False)
    assert "verified" not in verdict(backend, sent)


def test_a_later_report_that_nobody_can_verify_does_not_replace_a_verified_one(
    backend: RunningBackend, exam_id: str
) -> None:
    announce(backend, exam_id)
    first = submit(backend, exam_id)
    submit(backend, exam_id, manifest=None, seal=None, report={"violations": [], "verification": {"ok": True}})
    submit(backend, exam_id, seal={"public_key": "cd" * 32}, report={"violations": []})
    url = str(first.json()["reportUrl"]).replace("/report?", "/report.json?")
    shown = backend.ask("GET", url, key=None).json()
    assert (shown["violations"], shown["verification"]["ok"]) == (REPORT["violations"], True)
