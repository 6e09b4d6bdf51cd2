"""API keys: who may do what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backend.auth import ensure_admin_key
from app.backend.settings import BackendServices, BackendSettings
from app.core.types import NS_PER_S, Instant
from app.runtime.clock import SystemClock
from tests.fakes.backend_server import ADMIN_KEY, WEBM, RunningBackend


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[RunningBackend]:
    with RunningBackend(tmp_path / "data") as running:
        yield running


class LaterClock:
    """The system's clock, some time ahead."""

    def __init__(self) -> None:
        self.ahead_s = 0
        self._system = SystemClock()

    def now(self) -> Instant:
        now = self._system.now()
        return Instant(now.mono_ns, now.utc_ns + self.ahead_s * NS_PER_S, now.boot_id)


def deliver(backend: RunningBackend, key: str, exam_id: str, user_id: str = "u") -> dict[str, int]:
    """The status of each kind of delivery with that key."""
    fields = {"examId": exam_id, "userId": user_id, "type": "webcam"}
    attempt = {"attemptId": f"attempt-of-{user_id}", "candidate": {"id": user_id}}
    return {
        "attempt": backend.ask("POST", f"/exams/{exam_id}/attempts", key, json=attempt).status_code,
        "recording": backend.ask("POST", "/recordings", key, data=fields, files={"file": WEBM}).status_code,
        "submit": backend.ask(
            "POST", f"/exams/{exam_id}/submit", key, json={"stats": {}, "userId": user_id}
        ).status_code,
    }


def test_an_exam_token_delivers_to_its_exam_and_reads_nothing(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    token = backend.new_token(exam_id)
    assert deliver(backend, token, exam_id) == {"attempt": 200, "recording": 200, "submit": 200}
    recording = backend.ask(
        "POST", "/recordings", token, data={"examId": exam_id, "userId": "u", "type": "webcam"}, files={"file": WEBM}
    ).json()
    reads = [f"/exams/{exam_id}", "/attempts/attempt-of-u", f"/recordings/{recording['id']}", recording["url"]]
    reads += ["/attempts/attempt-of-u/report", "/attempts/attempt-of-u/report.json"]
    assert {path: backend.ask("GET", path, token).status_code for path in reads} == dict.fromkeys(reads, 401)
    assert backend.ask("POST", "/exams", token, json={"title": "x", "duration": 5}).status_code == 401
    assert backend.ask("POST", f"/exams/{exam_id}/tokens", token).status_code == 401


def test_an_exam_token_does_not_deliver_to_another_exam(backend: RunningBackend) -> None:
    token = backend.new_token(backend.new_exam())
    assert set(deliver(backend, token, backend.new_exam()).values()) == {401}


def test_a_token_for_one_user_does_not_deliver_for_another(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    token = backend.new_token(exam_id, userId="jane")
    assert set(deliver(backend, token, exam_id, "john").values()) == {401}
    assert deliver(backend, token, exam_id, "jane") == {"attempt": 200, "recording": 200, "submit": 200}


def test_a_token_expires(tmp_path: Path) -> None:
    clock = LaterClock()
    with RunningBackend(tmp_path, BackendServices(clock=clock)) as backend:
        exam_id = backend.new_exam()
        token = backend.new_token(exam_id, validForHours=1)
        assert deliver(backend, token, exam_id)["submit"] == 200
        clock.ahead_s = 3601
        assert deliver(backend, token, exam_id)["submit"] == 401


def test_no_key_can_be_read_back_from_the_disk(backend: RunningBackend) -> None:
    token = backend.new_token(backend.new_exam())
    everything = b"".join(p.read_bytes() for p in backend.settings.data_dir.rglob("*") if p.is_file())
    assert token.encode() not in everything
    assert ADMIN_KEY.encode() not in everything


def test_the_first_admin_key_is_shown_once(tmp_path: Path) -> None:
    settings, services = BackendSettings(data_dir=tmp_path), BackendServices(clock=SystemClock())
    made = ensure_admin_key(settings, services)
    assert made
    assert ensure_admin_key(settings, services) is None
    with RunningBackend(tmp_path) as backend:
        assert backend.ask("POST", "/exams", made, json={"title": "x", "duration": 5}).status_code == 200


def test_a_short_admin_key_is_not_admitted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="20 characters"):
        ensure_admin_key(BackendSettings(data_dir=tmp_path), BackendServices(clock=SystemClock()), "short")


def test_errors_never_repeat_the_key(backend: RunningBackend) -> None:
    key = "a-wrong-key-with-a-telling-name"
    answer = backend.ask("GET", "/exams/x", key)
    assert key not in answer.text + json.dumps(dict(answer.headers))
