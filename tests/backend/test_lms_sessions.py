"""What a session's token, page and report link do from the platform's request to the report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backend.lms_policy import Place, Wish, merged, session_policy, with_query
from app.keys.tokens import ConfigKey
from tests.backend.test_lms_trustexam import changed, opened
from tests.fakes.exam_keys import control
from tests.fakes.lms import LmsBackend

PLACE = Place("https://proctoring.example.org", "exam_1", "t0ken", "https://proctoring.example.org/waiting")
DAY_S = 24 * 3600


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LmsBackend]:
    with LmsBackend(tmp_path / "data") as running:
        yield running


@pytest.fixture
def api_token(backend: LmsBackend) -> str:
    return str(backend.admit("trustexam")["api_token"])


def message_of(answer: Any) -> str:
    return str(answer.json()["error"]["message"])


def test_a_client_that_crashed_gets_the_same_key_again(backend: LmsBackend, api_token: str) -> None:
    token = opened(backend, api_token)["access_token"]
    assert len({backend.key_of(token).token for _ in range(3)}) == 1


def test_a_token_that_was_never_issued_opens_nothing(backend: LmsBackend, api_token: str) -> None:
    token = str(opened(backend, api_token)["access_token"])
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:28], token + "x", "x", "ses_" + "0" * 24):
        answer = backend.exchange(wrong)
        assert answer.status_code == 404
        assert "learning platform" in message_of(answer)
    assert backend.exchange("").status_code == 400


def test_a_session_runs_out_after_a_day(backend: LmsBackend, api_token: str) -> None:
    token = opened(backend, api_token)["access_token"]
    backend.clock.ahead_s = DAY_S - 60
    assert backend.exchange(token).status_code == 200
    backend.clock.ahead_s = DAY_S + 60
    answer = backend.exchange(token)
    assert answer.status_code == 404
    assert "run out" in message_of(answer)


def test_a_platform_that_asks_again_prolongs_the_session(backend: LmsBackend, api_token: str) -> None:
    first = opened(backend, api_token)
    key = backend.key_of(first["access_token"])
    backend.clock.ahead_s = DAY_S - 3600
    again = opened(backend, api_token)
    assert again["access_token"] == first["access_token"]
    backend.clock.ahead_s = DAY_S + 3600
    newer = backend.key_of(again["access_token"])
    assert (newer.serial, newer.policy) == (key.serial + 1, key.policy)


def test_a_session_that_ran_out_is_opened_anew(backend: LmsBackend, api_token: str) -> None:
    first = opened(backend, api_token)
    backend.clock.ahead_s = DAY_S + 60
    again = opened(backend, api_token)
    assert again["access_token"] != first["access_token"]
    assert again["report_url"] == first["report_url"]
    assert backend.exchange(first["access_token"]).status_code == 404
    assert backend.exchange(again["access_token"]).status_code == 200


def test_after_the_hand_in_only_the_platform_can_begin_again(backend: LmsBackend, api_token: str) -> None:
    first = opened(backend, api_token)
    key = backend.key_of(first["access_token"])
    backend.hand_in(key, "attempt-0001")
    answer = backend.exchange(first["access_token"])
    assert answer.status_code == 404
    assert "handed in" in message_of(answer)

    again = opened(backend, api_token)
    second = backend.key_of(again["access_token"])
    assert again["access_token"] != first["access_token"]
    assert second.serial > key.serial
    assert second.policy.upload.token != key.policy.upload.token
    assert backend.exchange(first["access_token"]).status_code == 404


def test_a_client_delivers_for_its_own_student_only(backend: LmsBackend, api_token: str) -> None:
    upload = backend.key_of(opened(backend, api_token)["access_token"]).policy.upload
    other = opened(backend, api_token, changed("assignment.external_id", "quiz-8"))
    other_exam = backend.key_of(other["access_token"]).policy.upload.exam_id
    attempt = {"attemptId": "attempt-0001", "candidate": {"id": "somebody-else"}}
    assert backend.ask("POST", f"/exams/{upload.exam_id}/attempts", upload.token, json=attempt).status_code == 401
    attempt["candidate"] = {"id": "s1234"}
    assert backend.ask("POST", f"/exams/{other_exam}/attempts", upload.token, json=attempt).status_code == 401
    assert backend.ask("GET", f"/exams/{upload.exam_id}", upload.token).status_code == 401


def started(backend: LmsBackend, key: ConfigKey, attempt_id: str = "attempt-0001") -> None:
    """The client announces its attempt."""
    upload, person = key.policy.upload, key.policy.candidate
    body = {"attemptId": attempt_id, "candidate": {"id": person.id}, "client": {"exam": key.policy.exam.id}}
    assert backend.ask("POST", f"/exams/{upload.exam_id}/attempts", upload.token, json=body).status_code == 200


def test_new_settings_reach_an_exam_that_is_under_way(backend: LmsBackend, api_token: str) -> None:
    token = opened(backend, api_token)["access_token"]
    key = backend.key_of(token)
    started(backend, key)
    with control(backend, "attempt-0001", key.policy.upload.token) as client:
        client.hello(serial=key.serial)
        opened(backend, api_token, changed("assignment.name", "Algebra, longer"))
        heard = client.hear()
    assert (heard["type"], heard["seq"]) == ("key", 1)
    assert heard["key"] == backend.exchange(token).json()["key"]
    assert backend.key_of(token).serial == key.serial + 1


def test_a_proctors_newer_key_reaches_the_platforms_exams_that_are_under_way(
    backend: LmsBackend, api_token: str
) -> None:
    backend.store_key("quiz-7")
    key = backend.key_of(opened(backend, api_token)["access_token"])
    started(backend, key)
    waiting = opened(backend, api_token, changed("student.external_id", "s5678"))["access_token"]
    stored = backend.store_key("quiz-7", serial=2, exam__message="Ten more minutes.")
    assert stored["pushed"] == 1
    with control(backend, "attempt-0001", key.policy.upload.token) as client:
        client.hello(serial=key.serial)
        assert client.hear()["type"] == "key"
    assert backend.key_of(waiting).policy.exam.message == "Ten more minutes."


def test_a_key_for_the_student_alone_goes_before_the_exams(backend: LmsBackend, api_token: str) -> None:
    backend.store_key("quiz-7", serial=5, exam__duration_min=60)
    token = opened(backend, api_token)["access_token"]
    more: dict[str, Any] = {"exam__duration_min": 60, "accessibility__extra_time_percent": 25.0}
    backend.store_key("quiz-7", candidate={"id": "s1234", "name": "Sample Candidate"}, **more)
    backend.store_key("quiz-7", candidate={"id": "s5678", "name": "Sample Candidate"}, exam__duration_min=5)
    policy = backend.key_of(token).policy
    assert (policy.exam.duration_min, policy.accessibility.extra_time_percent) == (60, 25.0)


def test_an_exam_that_was_handed_in_is_told_nothing_more(backend: LmsBackend, api_token: str) -> None:
    backend.store_key("quiz-7")
    backend.hand_in(backend.key_of(opened(backend, api_token)["access_token"]), "attempt-0001")
    assert backend.store_key("quiz-7", serial=2, exam__message="Too late.")["pushed"] == 0


def test_the_exams_duration_is_that_of_its_key(backend: LmsBackend, api_token: str) -> None:
    upload = backend.key_of(opened(backend, api_token)["access_token"]).policy.upload
    assert backend.ask("GET", f"/exams/{upload.exam_id}").json()["duration"] == 0
    backend.store_key("quiz-7", exam__duration_min=90)
    opened(backend, api_token)
    assert backend.ask("GET", f"/exams/{upload.exam_id}").json()["duration"] == 90


def test_the_report_link_follows_the_session(backend: LmsBackend, api_token: str) -> None:
    answer = opened(backend, api_token)
    page = backend.ask("GET", answer["report_url"], key=None)
    assert (page.status_code, "not been started" in page.text) == (200, True)

    key = backend.key_of(answer["access_token"])
    attempt = {"attemptId": "attempt-0001", "candidate": {"id": "s1234"}}
    backend.ask("POST", f"/exams/{key.policy.upload.exam_id}/attempts", key.policy.upload.token, json=attempt)
    assert "under way" in backend.ask("GET", answer["report_url"], key=None).text

    backend.hand_in(key, "attempt-0001")
    there = backend.ask("GET", answer["report_url"], key=None, allow_redirects=False)
    assert there.status_code == 303
    assert urlsplit(there.headers["Location"]).path == "/attempts/attempt-0001/report"

    backend.hand_in(backend.key_of(opened(backend, api_token)["access_token"]), "attempt-0002")
    both = backend.ask("GET", answer["report_url"], key=None)
    assert both.text.count("/report?token=") == 2


def test_an_attempt_that_was_only_submitted_belongs_to_its_session_too(backend: LmsBackend, api_token: str) -> None:
    answer = opened(backend, api_token)
    upload = backend.key_of(answer["access_token"]).policy.upload
    body = {"stats": {}, "attemptId": "attempt-0001", "userId": "s1234", "report": {"violations": []}}
    assert backend.ask("POST", f"/exams/{upload.exam_id}/submit", upload.token, json=body).status_code == 200
    assert backend.ask("GET", answer["report_url"], key=None, allow_redirects=False).status_code == 303


def test_a_report_opens_by_its_whole_link_or_for_an_admin(backend: LmsBackend, api_token: str) -> None:
    answer = opened(backend, api_token)
    other = opened(backend, api_token, changed("student.external_id", "s5678"))
    bare = answer["report_url"].split("?")[0]
    foreign = parse_qs(urlsplit(other["report_url"]).query)["token"][0]
    for url in (bare, f"{bare}?token=", f"{bare}?token={foreign}"):
        assert backend.ask("GET", url, key=None).status_code == 401
    assert backend.ask("GET", bare).status_code == 200


def test_the_launch_page_opens_the_client(backend: LmsBackend, api_token: str) -> None:
    answer = opened(backend, api_token, changed("assignment.name", "<b>Algebra</b>"))
    page = backend.ask("GET", answer["session_url"], key=None)
    assert page.status_code == 200
    assert "&lt;b&gt;Algebra" in page.text
    link = re.search(r'href="(invigil://[^"]+)"', page.text)
    assert link is not None
    parts = urlsplit(link[1])
    assert (parts.netloc, parts.path) == ("session", f"/{answer['access_token']}")
    assert parse_qs(parts.query) == {"backend": [backend.url]}
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert backend.ask("GET", f"/launch/{answer['access_token'][:-1]}", key=None).status_code == 404


def test_guessing_tokens_is_limited(tmp_path: Path) -> None:
    with LmsBackend(tmp_path, requests_per_s=0.001, burst=3) as backend:
        answers = [backend.exchange("x").status_code for _ in range(5)]
    assert answers == [404, 404, 404, 429, 429]


def test_what_is_presumed_gives_way_to_the_exams_own_key() -> None:
    wish = Wish(
        "quiz", "Quiz", "s1", "Sample Candidate",
        settings={"capture": {"screen": False, "second_camera": True}},
        given={"capture": {"screen": False}},
    )  # fmt: skip
    base = {"exam": {"id": "quiz", "title": "Own", "start_url": "https://example.org/"}, "capture": {"screen": True}}
    assert session_policy(wish, base, PLACE)["capture"] == {"screen": False}
    assert session_policy(wish, None, PLACE)["capture"] == {"screen": False, "second_camera": True}


def test_a_session_delivers_to_this_backend_whatever_its_base_says() -> None:
    base = {
        "exam": {"id": "quiz", "title": "Own", "start_url": "https://example.org/"},
        "upload": {"endpoint": "https://other.example.org", "token": "theirs", "exam_id": "x", "screen": False},
    }
    upload = session_policy(Wish("quiz", "", "s1", "Sample Candidate"), base, PLACE)["upload"]
    assert upload == {"endpoint": PLACE.address, "token": "t0ken", "exam_id": "exam_1", "screen": False}


def test_every_session_has_the_line_over_which_newer_settings_come() -> None:
    base = {"exam": {"id": "quiz"}, "live": {"endpoint": "https://other.example.org", "chat": True}}
    wish = Wish("quiz", "Quiz", "s1", "Sample Candidate")
    assert session_policy(wish, None, PLACE)["live"] == {"endpoint": PLACE.address}
    assert session_policy(wish, base, PLACE)["live"] == {"endpoint": PLACE.address, "chat": True}


def test_parameters_are_added_to_the_exams_address() -> None:
    assert (
        with_query("https://example.org/q?id=7&k=old#top", {"k": "a b&c"}) == "https://example.org/q?id=7&k=a+b%26c#top"
    )
    assert with_query("https://example.org/q?a=%20", {}) == "https://example.org/q?a=%20"


trees = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


@given(objects, objects)
def test_laying_settings_over_others_changes_neither_and_is_final(below: dict[str, Any], above: dict[str, Any]) -> None:
    before = (repr(below), repr(above))
    result = merged(below, above)
    assert (repr(below), repr(above)) == before
    assert merged(result, above) == result
    assert set(result) == set(below) | set(above)
    assert merged({}, above) == above
