"""A learning platform opens a session; its student takes the exam; its staff read the report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app.core.types import Json
from app.keys.issuers import Issuer
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend, Client, running, sample_policy, sign, trust_file

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


INSTITUTION = Issuer.create("Tests")


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Backend]:
    trust = trust_file(tmp_path / "institution", INSTITUTION)
    made = Backend(tmp_path / "backend", "--name", "Example University", "--trust", str(trust))
    made.start()
    yield made
    made.stop()


def keep_exam(backend: Backend) -> None:
    """The institution's own key for the exam, for whoever takes it, is kept at the backend."""
    policy = sample_policy(backend, {"exam": {"id": "quiz-7"}})
    policy["candidate"] = {}
    backend.post("/v1/keys", {"key": sign(policy, INSTITUTION)})


def trusting(backend: Backend, folder: Path) -> Path:
    """What IT installs: the backend's issuers, as it publishes them."""
    path = folder / "issuers.json"
    path.write_bytes(requests.get(f"{backend.url}/.well-known/jwks.json", timeout=10).content)
    return path


def platform(backend: Backend) -> str:
    return str(backend.post("/v1/integrations", {"kind": "trustexam", "name": "Campus"})["api_token"])


def open_session(backend: Backend, api_token: str, **settings: Json) -> dict[str, Json]:
    """As a platform does that was written for TrustExam."""
    answer = requests.post(
        f"{backend.url}/api/external-session/assignment.json",
        params={"api_token": api_token},
        json={
            "assignment": {
                "external_id": "quiz-7",
                "name": "Algebra I",
                "settings": {"proctoring_settings": settings},
            },
            "student": {"external_id": "s1234", "name": "Sample Candidate", "email": "s1234@example.org"},
            "application": "desktop",
            "session_data": {"external_id": "attempt-99"},
        },
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_session_opens_the_exam_and_its_report_is_where_the_answer_said(
    school: Backend, own_desktop: VirtualDesktop, tmp_path: Path
) -> None:
    keep_exam(school)
    session = open_session(school, platform(school), main_camera_upload=True, screen_share_record=False)
    assert isinstance(session["external_session"], dict)
    token, report_url = str(session["external_session"]["token"]), str(session["report_url"])
    before = requests.get(report_url, timeout=10)
    assert (before.status_code, "<video" in before.text) == (200, False)
    assert f"invigil://session/{token}?backend=" in requests.get(str(session["session_url"]), timeout=10).text
    client = Client(
        own_desktop,
        tmp_path / "client",
        None,
        trusting(school, tmp_path),
        extra=(f"invigil://session/{token}?backend={school.url}",),
    )
    with running(client):
        client.reach_exam()
        client.await_fact("indicators", ["camera", "microphone"])
        client.finish()
    [begun] = [entry.body for entry in client.entries() if "candidate" in entry.body]
    assert (begun["exam"], begun["candidate"]) == ("quiz-7", "s1234")
    report = requests.get(report_url, timeout=10)
    assert report.status_code == 200
    assert "Sample Candidate" in report.text
    spent = requests.post(f"{school.url}/v1/sessions/exchange", json={"token": token}, timeout=10)
    assert spent.status_code == 404


def test_a_session_that_nobody_knows_is_said_on_the_start_page(
    school: Backend, own_desktop: VirtualDesktop, tmp_path: Path
) -> None:
    link = f"invigil://session/ses_unknown-token-that-nobody-made?backend={school.url}"
    client = Client(own_desktop, tmp_path / "client", None, trusting(school, tmp_path), extra=(link,))
    with running(client):
        client.await_page("start")
        assert client.problem()
