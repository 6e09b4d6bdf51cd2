"""TrustExam's API: an existing integration opens sessions here, and its students get keys."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from app.core.abilities import stopping
from tests.fakes.backend_server import RunningBackend
from tests.fakes.lms import LmsBackend, signed

PATH = "/api/external-session/assignment.json"
PAYLOAD: dict[str, Any] = {
    "assignment": {
        "external_id": "quiz-7",
        "name": "Algebra, final",
        "external_url": "https://lms.example.org/mod/quiz/view.php?id=7&forceview=1",
        "settings": {
            "proctoring_settings": {"main_camera_upload": True, "fullscreen_mode": True, "second_camera_record": False},
            "exit_url": "https://lms.example.org/done",
        },
    },
    "student": {"external_id": "s1234", "name": "Sample Candidate", "email": "sample@example.org"},
    "application": "desktop",
    "session_data": {"external_id": "attempt-99"},
}


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LmsBackend]:
    with LmsBackend(tmp_path / "data") as running:
        yield running


@pytest.fixture
def api_token(backend: LmsBackend) -> str:
    return str(backend.admit("trustexam")["api_token"])


def post(backend: LmsBackend, api_token: str, payload: Any = PAYLOAD, **options: Any) -> requests.Response:
    return backend.ask("POST", f"{PATH}?api_token={api_token}", key=None, json=payload, **options)


def opened(backend: LmsBackend, api_token: str, payload: Any = PAYLOAD) -> dict[str, Any]:
    answer = post(backend, api_token, payload)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def changed(path: str, value: Any) -> dict[str, Any]:
    """The payload with one field set, or left out for None."""
    payload = copy.deepcopy(PAYLOAD)
    *groups, name = path.split(".")
    inner: Any = payload
    for group in groups:
        inner = inner.setdefault(group, {})
    if value is None:
        del inner[name]
    else:
        inner[name] = value
    return payload


def test_the_token_of_a_session_is_exchanged_for_the_students_key(backend: LmsBackend, api_token: str) -> None:
    answer = opened(backend, api_token)
    key = backend.key_of(answer["external_session"]["token"])
    policy = key.policy
    assert (policy.exam.id, policy.exam.title) == ("quiz-7", "Algebra, final")
    assert policy.exam.start_url == "https://lms.example.org/mod/quiz/view.php?id=7&forceview=1"
    assert policy.exam.exit_url == "https://lms.example.org/done"
    assert (policy.candidate.id, policy.candidate.name) == ("s1234", "Sample Candidate")
    assert policy.candidate.email == "sample@example.org"
    assert (policy.capture.second_camera, policy.upload.camera, policy.upload.screen) == (False, True, False)
    assert policy.upload.endpoint == backend.url
    assert (key.audience.exam, key.audience.candidate) == ("quiz-7", "s1234")
    assert key.issuer_name == "Example backend"


@pytest.mark.parametrize("how", ["parameter", "X-Authorization", "Bearer"])
def test_the_api_token_is_taken_from_where_integrators_put_it(backend: LmsBackend, api_token: str, how: str) -> None:
    headers = {"X-Authorization": api_token} if how == "X-Authorization" else {}
    path = f"{PATH}?api_token={api_token}" if how == "parameter" else PATH
    key = api_token if how == "Bearer" else None
    assert backend.ask("POST", path, key, json=PAYLOAD, headers=headers).status_code == 200


def test_without_a_valid_token_nothing_is_opened(backend: LmsBackend, api_token: str) -> None:
    assert backend.ask("POST", PATH, key=None, json=PAYLOAD).status_code == 401
    assert post(backend, api_token + "x").status_code == 401
    assert post(backend, "").status_code == 401
    assert backend.ask("POST", PATH, json=PAYLOAD).status_code == 401  # the admin's key names no platform
    exam_token = backend.new_token(backend.new_exam())
    assert post(backend, exam_token).status_code == 401


def test_the_same_ids_update_the_session_and_never_make_another(backend: LmsBackend, api_token: str) -> None:
    first = opened(backend, api_token)
    key = backend.key_of(first["access_token"])
    again = opened(backend, api_token)
    assert again["external_session"] == first["external_session"]
    assert again["report_url"] == first["report_url"]
    assert backend.key_of(again["access_token"]).token == key.token

    renamed = opened(backend, api_token, changed("assignment.name", "Algebra, resit"))
    newer = backend.key_of(renamed["access_token"])
    assert renamed["external_session"]["id"] == first["external_session"]["id"]
    assert (newer.policy.exam.title, newer.serial) == ("Algebra, resit", key.serial + 1)
    assert newer.policy.upload == key.policy.upload
    assert backend.ask("GET", f"/exams/{key.policy.upload.exam_id}").json()["title"] == "Algebra, resit"


def test_requests_that_race_open_one_session(backend: LmsBackend, api_token: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: opened(backend, api_token), range(12)))
    assert len({one["external_session"]["token"] for one in answers}) == 1
    keys = {backend.key_of(one["access_token"]).token for one in answers}
    assert len(keys) == 1


def test_another_student_attempt_or_exam_is_another_session(backend: LmsBackend, api_token: str) -> None:
    payloads = [
        PAYLOAD,
        changed("student.external_id", "s5678"),
        changed("session_data.external_id", "attempt-100"),
        changed("assignment.external_id", "quiz-8"),
    ]
    tokens = [opened(backend, api_token, payload)["access_token"] for payload in payloads]
    assert len(set(tokens)) == 4
    exams = [backend.key_of(token).policy.upload.exam_id for token in tokens]
    assert exams[0] == exams[1] == exams[2] != exams[3]


def test_two_platforms_with_the_same_ids_do_not_meet(backend: LmsBackend, api_token: str) -> None:
    other = str(backend.admit("trustexam")["api_token"])
    one, two = opened(backend, api_token), opened(backend, other)
    assert one["external_session"]["id"] != two["external_session"]["id"]


REQUIRED = ["assignment.external_id", "assignment.name", "student.external_id", "student.name"]


@pytest.mark.parametrize("path", REQUIRED)
def test_a_missing_field_is_named_by_its_path(backend: LmsBackend, api_token: str, path: str) -> None:
    answer = post(backend, api_token, changed(path, None))
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["error"]["details"]] == [path]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("application", "phone"),
        ("assignment.external_id", ""),
        ("assignment.external_id", True),
        ("student.external_id", "line\nbreak"),
        ("assignment.external_url", "http://lms.example.org/quiz"),
        ("assignment.external_url", "javascript:alert(1)"),
        ("assignment.settings.proctoring_settings.main_camera_record", "perhaps"),
        ("assignment.settings.webhook.finish_url", "http://lms.example.org/hook"),
        ("session_data.query", "a=1"),
        ("assignment", []),
    ],
)
def test_what_makes_no_policy_is_refused_with_a_reason(
    backend: LmsBackend, api_token: str, path: str, value: Any
) -> None:
    answer = post(backend, api_token, changed(path, value))
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["details"]
    assert "perhaps" not in answer.text


def test_the_vendors_own_plug_in_is_served(backend: LmsBackend, api_token: str) -> None:
    """What its Moodle plug-in sends: numbers as ids, PHP's empty lists, a name in parts, a parameter for the page."""
    payload = {
        "student": {
            "external_id": 12,
            "user": {
                "firstname": "Sample",
                "lastname": "Candidate",
                "email": "sample@example.org",
                "password": "5f4dcc3b5aa765d61d8327deb882cf99",
            },
        },
        "group": {"external_id": 7, "name": "Algebra - 7", "description": "Auto-generated group for moodle"},
        "assignment": {
            "type": "external",
            "application": "browser",
            "name": "Algebra",
            "external_id": 7,
            "external_url": "https://lms.example.org/mod/quiz/view.php?id=7&hash=abc",
            "is_proctoring": True,
            "settings": {"proctoring_settings": {"main_camera_record": True, "hdcp_checks": True}, "webhook": []},
        },
        "session_data": {"query": {"authkey": "k 1"}},
    }
    answer = backend.ask("POST", PATH, key=None, json=payload, headers={"X-Authorization": api_token})
    assert answer.status_code == 200, answer.text
    policy = backend.key_of(answer.json()["external_session"]["token"]).policy
    assert (policy.candidate.id, policy.candidate.name, policy.candidate.group) == ("12", "Sample Candidate", "7")
    assert policy.exam.start_url == "https://lms.example.org/mod/quiz/view.php?id=7&hash=abc&authkey=k+1"
    assert answer.json()["session_url"].startswith(f"{backend.url}/launch/")
    everything = b"".join(p.read_bytes() for p in backend.settings.data_dir.rglob("*") if p.is_file())
    assert b"5f4dcc3b5aa765d61d8327deb882cf99" not in everything
    assert b"authkey" not in everything  # it signs the student in at the platform


def test_settings_may_be_left_out(backend: LmsBackend, api_token: str) -> None:
    empty: list[Any] = [None, [], {}]
    for value in empty:
        assert post(backend, api_token, changed("assignment.settings", value)).status_code == 200
    payload = {name: PAYLOAD[name] for name in ("assignment", "student")}
    assert post(backend, api_token, payload).status_code == 200


def test_what_has_no_meaning_here_is_reported(backend: LmsBackend, api_token: str) -> None:
    payload = changed("assignment.settings.proctoring_settings.hdcp_checks", True)
    payload["assignment"]["settings"]["proctoring_settings"]["no_such_setting"] = 1
    payload["assignment"]["settings"]["webhook"] = {"finish_url": "https://lms.example.org/hook"}
    answer = opened(backend, api_token, payload)
    sources = [one["source"] for one in answer["unmapped"]]
    assert any(source.endswith("hdcp_checks") for source in sources)
    assert any(source.endswith("no_such_setting") for source in sources)
    assert all(one["reason"] for one in answer["unmapped"])
    assert any("webhook" in note for note in answer["notes"])
    assert any("policy.exam.exit_url" in note for note in answer["notes"])


def test_an_exam_with_nothing_but_the_vendors_presumptions_begins(backend: LmsBackend, api_token: str) -> None:
    payload = changed("assignment.settings.proctoring_settings", {})
    answer = opened(backend, api_token, payload)
    assert not any("does not begin" in note for note in answer["notes"])
    assert stopping(backend.key_of(answer["access_token"]).policy) == []


def test_what_the_client_cannot_do_is_said_and_whether_the_exam_begins_all_the_same(
    backend: LmsBackend, api_token: str
) -> None:
    payload = changed("assignment.settings.proctoring_settings", {"second_camera_record": True})
    notes = opened(backend, api_token, payload)["notes"]
    assert any("policy.capture.second_camera" in note and "does not begin" in note for note in notes)
    wanted = {"second_camera_record": True, "proctoring_fallback_allow": True}
    payload = changed("assignment.settings.proctoring_settings", wanted)
    assert not any("does not begin" in note for note in opened(backend, api_token, payload)["notes"])


def test_secrets_of_a_webhook_are_not_readable_on_the_disk(backend: LmsBackend, api_token: str) -> None:
    hook = {"finish_url": "https://lms.example.org/hook", "headers": {"Authorization": "webhook-secret-123"}}
    answer = opened(backend, api_token, changed("assignment.settings.webhook", hook))
    key = backend.key_of(answer["access_token"])
    everything = b"".join(p.read_bytes() for p in backend.settings.data_dir.rglob("*") if p.is_file())
    for secret in ("webhook-secret-123", api_token, answer["access_token"], key.policy.upload.token, key.token):
        assert secret.encode() not in everything


def test_an_exam_with_a_key_of_its_own_keeps_what_the_platform_does_not_say(
    backend: LmsBackend, api_token: str
) -> None:
    backend.store_key("quiz-7", exam__instructions="Calculators are allowed.", capture__camera_fps=5.0)
    payload = changed("assignment.settings.proctoring_settings", {"screen_share_record": False})
    del payload["assignment"]["external_url"]
    policy = backend.key_of(opened(backend, api_token, payload)["access_token"]).policy
    assert policy.exam.instructions == "Calculators are allowed."
    assert policy.exam.start_url == "https://exams.example.org/algebra"
    assert (policy.capture.camera_fps, policy.capture.screen) == (5.0, False)
    assert not policy.capture.second_camera  # which the vendor only presumes
    assert policy.upload.endpoint == backend.url


def test_a_newer_key_of_the_exam_reaches_sessions_that_are_open(backend: LmsBackend, api_token: str) -> None:
    token = opened(backend, api_token)["access_token"]
    before = backend.key_of(token)
    backend.store_key("quiz-7", exam__instructions="Bring a pen.")
    after = backend.key_of(token)
    assert (after.policy.exam.instructions, after.serial) == ("Bring a pen.", before.serial + 1)
    backend.clock.ahead_s = 8 * 3600
    assert backend.key_of(token).token == after.token


def test_a_base_that_runs_out_does_not_loosen_a_session_that_is_open(backend: LmsBackend, api_token: str) -> None:
    backend.store_key("quiz-7", days=0.1, exam__instructions="Bring a pen.")
    token = opened(backend, api_token)["access_token"]
    key = backend.key_of(token)
    backend.clock.ahead_s = 4 * 3600
    assert backend.key_of(token).token == key.token


def test_where_nobody_said_the_address_the_student_sees_a_page_that_says_so(
    backend: LmsBackend, api_token: str
) -> None:
    answer = opened(backend, api_token, changed("assignment.external_url", None))
    assert any("assignment.external_url" in note for note in answer["notes"])
    url = backend.key_of(answer["access_token"]).policy.exam.start_url
    page = backend.ask("GET", url, key=None)
    assert page.status_code == 200
    assert "external_url" in page.text


def test_a_signed_request_needs_no_token(backend: LmsBackend) -> None:
    pair = backend.admit("invigil")
    now_s = backend.clock.now().utc_ns // 10**9
    answer = backend.ask("POST", PATH, key=None, **signed("POST", PATH, PAYLOAD, pair, now_s))
    assert answer.status_code == 200, answer.text


def test_a_backend_without_an_issuer_says_so(tmp_path: Path) -> None:
    with RunningBackend(tmp_path) as bare:
        made = bare.ask("POST", "/v1/integrations", json={"kind": "trustexam", "name": "x"}).json()
        answer = bare.ask("POST", f"{PATH}?api_token={made['api_token']}", key=None, json=PAYLOAD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "not_configured")


def test_a_backend_that_clients_reach_without_encryption_opens_no_sessions(tmp_path: Path) -> None:
    with LmsBackend(tmp_path, public_url="http://proctoring.example.org") as backend:
        answer = post(backend, str(backend.admit("trustexam")["api_token"]))
    assert answer.status_code == 501
    assert "https" in answer.json()["error"]["message"]


def test_links_carry_the_public_address(tmp_path: Path) -> None:
    with LmsBackend(tmp_path, public_url="https://proctoring.example.org/") as backend:
        answer = opened(backend, str(backend.admit("trustexam")["api_token"]))
        policy = backend.key_of(answer["access_token"]).policy
    assert answer["session_url"].startswith("https://proctoring.example.org/launch/")
    assert answer["report_url"].startswith("https://proctoring.example.org/v1/sessions/")
    assert policy.upload.endpoint == "https://proctoring.example.org"
