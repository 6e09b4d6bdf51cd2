"""What the backend refuses, and how it says so: one error body for everything, nothing kept, nothing leaked."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from app.backend.errors import too_large
from app.backend.settings import BackendServices, BackendSettings
from app.core.types import Json
from app.runtime.clock import SystemClock
from tests.fakes.backend_server import ADMIN_KEY, WEBM, RunningBackend, until


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[RunningBackend]:
    with RunningBackend(tmp_path / "data", max_file_bytes=100_000, max_text_bytes=200_000) as running:
        yield running


def kept(backend: RunningBackend) -> list[Path]:
    """All files of the backend besides its database and secret."""
    root = backend.settings.data_dir
    return [p for folder in ("files", "incoming") for p in (root / folder).rglob("*") if p.is_file()]


def error_of(answer: requests.Response) -> dict[str, Json]:
    """The error, checked to have exactly the published shape."""
    body = answer.json()
    assert set(body) == {"error"}
    error: dict[str, Json] = body["error"]
    assert set(error) == {"code", "message", "details"}
    details = error["details"]
    assert isinstance(details, list)
    assert all(isinstance(one, dict) and set(one) == {"field", "issue"} for one in details)
    return error


def upload(backend: RunningBackend, exam_id: str, data: bytes = WEBM, **fields: Any) -> requests.Response:
    texts = {"examId": exam_id, "userId": "u", "type": "webcam"} | fields
    return backend.ask("POST", "/recordings", data=texts, files={"file": ("x.webm", data)})


REFUSED = [
    ("GET", "/nothing/here", ADMIN_KEY, 404, "not_found"),
    ("GET", "/exams/", ADMIN_KEY, 404, "not_found"),
    ("GET", "/exams/exam_unknown", ADMIN_KEY, 404, "not_found"),
    ("GET", "/recordings/rec_unknown", ADMIN_KEY, 404, "not_found"),
    ("GET", "/attempts/att_unknown", ADMIN_KEY, 404, "not_found"),
    ("GET", "/recordings/..%2f..%2fbackend.sqlite3/download", ADMIN_KEY, 404, "not_found"),
    ("DELETE", "/exams", ADMIN_KEY, 405, "method_not_allowed"),
    ("GET", "/exams/exam_unknown", None, 401, "unauthorized"),
    ("GET", "/exams/exam_unknown", "wrong-key-wrong-key-wrong", 401, "unauthorized"),
    ("GET", "/attempts/att_unknown/report", None, 401, "unauthorized"),
    ("POST", "/exams/exam_unknown/submit", ADMIN_KEY, 404, "not_found"),
]


def test_every_error_has_the_published_body(backend: RunningBackend) -> None:
    for method, path, key, status, code in REFUSED:
        answer = backend.ask(method, path, key)
        assert (path, answer.status_code, error_of(answer)["code"]) == (path, status, code)


def test_an_invalid_exam_is_a_bad_request_that_names_the_field(backend: RunningBackend) -> None:
    half = '{"title": "x", "duration": 5, "settings": {"x": "\\ud800"}}'
    for body in ("{", '"text"', '{"title": "x", "duration": 0}', "{}", '{"title": "\\ud800", "duration": 5}', half):
        answer = backend.ask("POST", "/exams", data=body, headers={"Content-Type": "application/json"})
        assert (body, answer.status_code) == (body, 400)
        assert error_of(answer)["details"]


INVALID = [
    ("[]", "body"),
    ('{"stats": {"a": NaN}}', "body"),
    ("{}", "stats"),
    ('{"stats": {}, "warnings": [{"type": "x"}]}', "warnings.0.timestamp"),
    ('{"stats": {}, "webcam": {"data": "?!"}}', "webcam"),
    ('{"stats": {}, "attemptId": "../../etc"}', "attemptId"),
    ('{"stats": {"x": "\\ud800"}}', "body"),
    ('{"stats": ' + "[" * 100_000, "body"),
]


def test_an_invalid_submission_is_a_bad_request_that_names_the_field(backend: RunningBackend) -> None:
    path = f"/exams/{backend.new_exam()}/submit"
    for body, field in INVALID:
        answer = backend.ask("POST", path, data=body, headers={"Content-Type": "application/json"})
        assert (body[:50], answer.status_code) == (body[:50], 400)
        assert field in json.dumps(error_of(answer)["details"])
    assert not kept(backend)


def test_a_submission_in_no_known_form_is_refused(backend: RunningBackend) -> None:
    answer = backend.ask(
        "POST", f"/exams/{backend.new_exam()}/submit", data="x", headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 400


def test_json_that_breaks_off_is_said_to_be_no_json(backend: RunningBackend) -> None:
    answer = backend.ask("POST", "/exams", data="{bad", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    details = [{"field": "body", "issue": "The body is not valid JSON, from character 1 on"}]
    assert error_of(answer)["details"] == details


def test_a_file_over_the_limit_is_a_bad_request_and_is_not_kept(backend: RunningBackend) -> None:
    answer = upload(backend, backend.new_exam(), b"x" * 100_001)
    assert answer.status_code == 400
    assert error_of(answer)["details"] == [
        {"field": "file", "issue": "File size exceeds the maximum allowed (97.66kB)"}
    ]
    assert not kept(backend)


def test_the_usual_limit_is_worded_as_published(tmp_path: Path) -> None:
    limit = BackendSettings(data_dir=tmp_path).max_file_bytes
    assert too_large("webcam", limit).details[0].issue == "File size exceeds the maximum allowed (100MB)"


@pytest.mark.parametrize("form", ["multipart", "json"])
def test_a_submission_with_a_file_over_the_limit_names_it(backend: RunningBackend, form: str) -> None:
    path = f"/exams/{backend.new_exam()}/submit"
    if form == "json":
        answer = backend.ask("POST", path, json={"stats": {}, "screen": {"data": "AAAA" * 40_000}})
    else:
        answer = backend.ask("POST", path, data={"stats": "{}"}, files={"screen": b"x" * 100_001})
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["error"]["details"]] == ["screen"]
    assert not kept(backend)


def test_a_body_beyond_all_sense_is_refused_unread(backend: RunningBackend) -> None:
    with socket.create_connection(("127.0.0.1", backend.port), timeout=10) as line:
        head = f"POST /exams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        line.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{{".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"File size exceeds" in answer


def test_a_file_that_is_not_the_one_with_the_given_hash_is_refused(backend: RunningBackend) -> None:
    answer = upload(backend, backend.new_exam(), sha256="0" * 64)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["error"]["details"]] == ["sha256"]
    assert not kept(backend)


def test_an_upload_to_an_unknown_exam_keeps_nothing(backend: RunningBackend) -> None:
    assert upload(backend, "exam_unknown").status_code == 404
    assert not kept(backend)


def test_an_upload_with_bad_fields_names_them(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    for name, value in (("userId", ""), ("type", ""), ("startUtcNs", "soon"), ("sha256", "z"), ("type", "x" * 41)):
        answer = upload(backend, exam_id, **dict[str, Any]({name: value}))
        assert (name, answer.status_code) == (name, 400)
        assert [one["field"] for one in answer.json()["error"]["details"]] == [name]
    assert not kept(backend)


def test_names_from_a_client_never_become_paths(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    texts = {"examId": exam_id, "userId": "../../u", "type": "../../../tmp/x", "stream": "/etc/passwd"}
    answer = backend.ask("POST", "/recordings", data=texts, files={"file": ("../../../../tmp/evil.webm", WEBM)})
    assert answer.status_code == 200
    (only,) = kept(backend)
    assert only.name == answer.json()["sha256"]
    assert answer.json()["id"] in answer.json()["url"]


def test_a_connection_that_breaks_off_leaves_nothing_behind(backend: RunningBackend) -> None:
    head = (
        f"POST /recordings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    )
    incoming = backend.settings.data_dir / "incoming"
    with socket.create_connection(("127.0.0.1", backend.port)) as line:
        line.sendall(head.encode() + WEBM)
        until(lambda: any(incoming.iterdir()))
    until(lambda: not any(incoming.iterdir()))
    assert not kept(backend)


def test_a_form_without_its_end_is_refused(backend: RunningBackend) -> None:
    fields = {"examId": backend.new_exam(), "userId": "u", "type": "webcam"}
    parts = "".join(f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items())
    file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + WEBM
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    for end in (b"", b"--b--", b"--wrong--\r\n"):
        answer = backend.ask("POST", "/recordings", data=parts.encode() + file + end, headers=headers)
        assert (end, answer.status_code) == (end, 400)
    assert not kept(backend)


def test_a_range_outside_of_the_file_is_refused(backend: RunningBackend) -> None:
    url = upload(backend, backend.new_exam()).json()["url"]
    for wanted, status in (("bytes=999999999-", 416), ("bytes=x-y", 400), ("bytes=-", 400)):
        answer = backend.ask("GET", url, headers={"Range": wanted})
        assert (wanted, answer.status_code) == (wanted, status)
        error_of(answer)


def test_a_failure_of_our_own_says_nothing_of_its_cause(tmp_path: Path) -> None:
    def broken(_: Sequence[str], __: Mapping[str, Json]) -> Mapping[str, Json]:
        raise RuntimeError("secret detail")

    services = BackendServices(clock=SystemClock(), verify_manifest=broken)
    with RunningBackend(tmp_path, services) as backend:
        path = f"/exams/{backend.new_exam()}/submit"
        answer = backend.ask("POST", path, json={"stats": {}, "manifest": ["x"], "seal": {}})
    assert answer.status_code == 500
    assert error_of(answer)["code"] == "server_error"
    assert "secret" not in answer.text


def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    with RunningBackend(tmp_path, requests_per_s=0.01, burst=3) as backend:
        answers = [backend.ask("GET", "/exams/exam_unknown") for _ in range(4)]
        assert [one.status_code for one in answers] == [404, 404, 404, 429]
        assert error_of(answers[-1])["code"] == "rate_limited"
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert backend.ask("GET", "/health").status_code == 200


JSON = {"Content-Type": "application/json"}


def nested(levels: int) -> str:
    return '{"a": ' * (levels - 1) + "[]" + "}" * (levels - 1)


@pytest.mark.parametrize(
    "path", ["/exams", "/exams/{exam}/submit", "/v1/sessions/exchange", "/v1/init", "/verify/user"]
)
def test_json_that_is_nested_too_deep_is_refused(backend: RunningBackend, path: str) -> None:
    body = f'{{"title": "x", "duration": 1, "stats": {{}}, "settings": {nested(900)}, "report": {nested(900)}}}'
    answer = backend.ask("POST", path.format(exam=backend.new_exam()), data=body, headers=JSON)
    assert answer.status_code == 400
    issues = str(error_of(answer)["details"])
    assert "deeper than 100 levels" in issues or "not valid JSON" in issues


def test_json_of_a_hundred_levels_is_read(backend: RunningBackend) -> None:
    body = f'{{"title": "x", "duration": 1, "settings": {nested(99)}}}'
    answer = backend.ask("POST", "/exams", data=body, headers=JSON)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/v1/sessions/exchange", "/exams", "/verify/user"])
def test_bodies_that_would_take_long_to_read_are_refused_unread(backend: RunningBackend, path: str) -> None:
    body = b"[" + b'{"a":1},' * 300_000 + b"1]"
    answer = backend.ask("POST", path, None, data=body, headers=JSON)
    assert answer.status_code == 400
    issues = str(error_of(answer)["details"])
    assert "exceeds the maximum" in issues or "far more parts" in issues
