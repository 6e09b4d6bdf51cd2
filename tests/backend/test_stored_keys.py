"""``/v1/keys``: only keys that can be verified are kept, a newer one replaces an older, and running attempts get it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.backend.settings import BackendServices
from app.keys.issuers import Issuer
from app.keys.protected import protect
from app.runtime.clock import SystemClock
from tests.fakes.backend_server import RunningBackend
from tests.fakes.exam_keys import UNIVERSITY, LaterClock, announce, exam_key, key_services, store

COLLEGE = Issuer.create("Example College")


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[RunningBackend]:
    with RunningBackend(tmp_path / "data", key_services(None, UNIVERSITY, COLLEGE)) as running:
        yield running


def refusal(backend: RunningBackend, key: str, status: int) -> str:
    """Why a key is not kept, from the error body."""
    answer = backend.ask("POST", "/v1/keys", json={"key": key})
    assert answer.status_code == status, answer.text
    detail = answer.json()["error"]["details"][0]
    assert detail["field"] == "key"
    assert key not in answer.text
    return str(detail["issue"])


def test_a_key_is_kept_and_its_code_and_link_are_answered(backend: RunningBackend) -> None:
    stored = store(backend, exam_key(7))
    assert (stored["exam"], stored["serial"], stored["audience"]) == ("algebra-1", 7, {"exam": "algebra-1"})
    assert stored["issuer"] == "Example University"
    assert stored["pushed"] == 0
    assert stored["link"].startswith(f"invigil://code/{stored['code']}?backend=http%3A%2F%2F127.0.0.1")
    assert stored["expiresAt"] < stored["keyExpiresAt"]


def test_the_audience_is_the_keys_own(backend: RunningBackend) -> None:
    evening = store(backend, exam_key(1, candidate={"group": "evening"}))
    one = store(backend, exam_key(1, candidate={"id": "s1234", "name": "Sample Candidate"}))
    assert evening["audience"] == {"exam": "algebra-1", "group": "evening"}
    assert one["audience"] == {"exam": "algebra-1", "candidate": "s1234"}


def test_the_same_key_again_is_the_same_key_and_code(backend: RunningBackend) -> None:
    key = exam_key(7)
    first, again = store(backend, key), store(backend, key)
    assert {name: again[name] for name in ("id", "code", "expiresAt")} == {
        name: first[name] for name in ("id", "code", "expiresAt")
    }
    assert len(backend.ask("GET", "/v1/keys").json()["keys"]) == 1


@pytest.mark.parametrize("serial", [6, 7])
def test_a_serial_that_is_not_higher_is_refused_for_the_same_exam_and_audience(
    backend: RunningBackend, serial: int
) -> None:
    store(backend, exam_key(7))
    assert "serial 7 is kept" in refusal(backend, exam_key(serial, exam__message="Hello"), 409)
    assert store(backend, exam_key(8))["serial"] == 8


def test_another_audience_exam_or_issuer_counts_serials_for_itself(backend: RunningBackend) -> None:
    store(backend, exam_key(7))
    store(backend, exam_key(1, candidate={"group": "evening"}))
    store(backend, exam_key(1, exam__id="geometry"))
    store(backend, exam_key(1, issuer=COLLEGE))
    assert len(backend.ask("GET", "/v1/keys").json()["keys"]) == 4


def test_keys_that_can_not_be_verified_are_refused_with_the_reason(backend: RunningBackend) -> None:
    good = exam_key()
    assert "does not trust" in refusal(backend, exam_key(issuer=Issuer.create("Somebody")), 400)
    assert "signature" in refusal(backend, good[:-4] + "AAAA", 400)
    assert "password" in refusal(backend, protect(good, "a long password"), 400)
    assert "not an Invigil key" in refusal(backend, "nonsense", 400)
    assert backend.ask("GET", "/v1/keys").json()["keys"] == []


def test_an_expired_key_is_refused(tmp_path: Path) -> None:
    clock = LaterClock()
    clock.ahead_s = 2 * 3600
    with RunningBackend(tmp_path, key_services(clock)) as backend:
        assert "expired" in refusal(backend, exam_key(hours=1), 400)


def test_a_key_for_next_week_is_kept_today(backend: RunningBackend) -> None:
    stored = store(backend, exam_key(begins_in_h=7 * 24, hours=3), validForHours=8 * 24)
    assert stored["expiresAt"] == stored["keyExpiresAt"]


@pytest.mark.parametrize("body", [{}, {"key": ""}, {"key": 5}, {"key": "x", "validForHours": 0}])
def test_a_body_that_is_not_in_its_form_is_refused(backend: RunningBackend, body: dict[str, object]) -> None:
    answer = backend.ask("POST", "/v1/keys", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


def test_only_admin_keys_store_and_read(backend: RunningBackend) -> None:
    stored = store(backend, exam_key())
    token = backend.new_token(backend.new_exam())
    for key in (token, None):
        assert backend.ask("POST", "/v1/keys", key, json={"key": exam_key(9)}).status_code == 401
        assert backend.ask("GET", "/v1/keys", key).status_code == 401
        assert backend.ask("GET", f"/v1/keys/{stored['id']}", key).status_code == 401


def test_keys_are_listed_newest_first_and_by_exam(backend: RunningBackend) -> None:
    for serial in (1, 2):
        store(backend, exam_key(serial))
    store(backend, exam_key(9, exam__id="geometry"))
    assert [key["serial"] for key in backend.ask("GET", "/v1/keys?exam=algebra-1").json()["keys"]] == [2, 1]
    assert backend.ask("GET", "/v1/keys").json()["keys"][0]["serial"] == 9
    assert backend.ask("GET", "/v1/keys?exam=none").json()["keys"] == []


def test_a_kept_key_is_read_back_with_its_code_and_nobody_it_reached(backend: RunningBackend) -> None:
    key = exam_key(3)
    stored = store(backend, key)
    read = backend.ask("GET", f"/v1/keys/{stored['id']}").json()
    assert {name: read[name] for name in ("key", "code", "link", "serial", "deliveries", "revoked")} == {
        "key": key,
        "code": stored["code"],
        "link": stored["link"],
        "serial": 3,
        "deliveries": [],
        "revoked": False,
    }
    assert backend.ask("GET", "/v1/keys/key_unknown").status_code == 404


def test_a_backend_without_a_desk_says_so(tmp_path: Path) -> None:
    with RunningBackend(tmp_path, BackendServices(clock=SystemClock())) as backend:
        for method, path, body in (
            ("POST", "/v1/keys", {"key": exam_key()}),
            ("POST", "/v1/keys/revocations", {"list": "a.b.c"}),
            ("GET", "/.well-known/jwks.json", None),
        ):
            answer = backend.ask(method, path, json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (501, "not_configured")


# ---- whom it reaches


def reached(backend: RunningBackend, stored_id: str) -> list[str]:
    deliveries = backend.ask("GET", f"/v1/keys/{stored_id}").json()["deliveries"]
    assert {one["status"] for one in deliveries} <= {"pending"}
    return sorted(one["userId"] for one in deliveries)


def test_a_key_reaches_the_running_attempts_of_its_exam_and_not_the_submitted_ones(backend: RunningBackend) -> None:
    exam_id, other = backend.new_exam(), backend.new_exam()
    for user in ("one", "two", "done"):
        announce(backend, exam_id, user)
    announce(backend, other, "elsewhere")
    backend.ask("POST", f"/exams/{exam_id}/submit", json={"stats": {}, "attemptId": "attempt-done-1"})
    stored = store(backend, exam_key(upload_exam=exam_id))
    assert stored["pushed"] == 2
    assert reached(backend, stored["id"]) == ["one", "two"]


def test_a_key_for_a_group_or_a_candidate_reaches_nobody_else(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    announce(backend, exam_id, "early", candidate={"group": "morning"})
    announce(backend, exam_id, "late", candidate={"group": "evening"})
    announce(backend, exam_id, "alone")
    evening = store(backend, exam_key(upload_exam=exam_id, candidate={"group": "evening"}))
    alone = store(backend, exam_key(upload_exam=exam_id, candidate={"id": "alone", "name": "Sample Candidate"}))
    assert reached(backend, evening["id"]) == ["late"]
    assert reached(backend, alone["id"]) == ["alone"]


def test_a_key_of_another_policy_that_delivers_to_the_same_exam_does_not_reach_it(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    announce(backend, exam_id)
    assert store(backend, exam_key(upload_exam=exam_id, exam__id="geometry"))["pushed"] == 0


def test_a_key_that_begins_later_reaches_nobody_yet(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    announce(backend, exam_id)
    assert store(backend, exam_key(upload_exam=exam_id, begins_in_h=1))["pushed"] == 0


def test_the_same_key_again_reaches_only_who_came_since(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    announce(backend, exam_id, "one")
    key = exam_key(upload_exam=exam_id)
    assert store(backend, key)["pushed"] == 1
    announce(backend, exam_id, "two")
    again = store(backend, key)
    assert again["pushed"] == 1
    assert reached(backend, again["id"]) == ["one", "two"]


def test_an_older_key_again_reaches_nobody_once_a_newer_one_took_its_place(backend: RunningBackend) -> None:
    exam_id = backend.new_exam()
    announce(backend, exam_id, "one")
    older = exam_key(7, upload_exam=exam_id)
    first = store(backend, older)
    newer = store(backend, exam_key(8, upload_exam=exam_id))
    announce(backend, exam_id, "two")
    again = store(backend, older)
    assert (again["id"], again["code"], again["pushed"]) == (first["id"], first["code"], 0)
    assert (reached(backend, first["id"]), reached(backend, newer["id"])) == (["one"], ["one"])


@pytest.mark.parametrize(
    "other",
    [{"begins_in_h": 1}, {"candidate": {"group": "evening"}}, {"exam__id": "geometry"}, {"issuer": COLLEGE}],
    ids=["begins later", "audience", "exam", "issuer"],
)
def test_a_key_that_replaces_another_or_none_yet_stops_nobody(backend: RunningBackend, other: dict[str, Any]) -> None:
    exam_id = backend.new_exam()
    key = exam_key(7, upload_exam=exam_id)
    store(backend, key)
    store(backend, exam_key(8, upload_exam=exam_id, **other))
    announce(backend, exam_id)
    assert store(backend, key)["pushed"] == 1


# ---- the database


NEW_TABLES = ("control_messages", "key_codes", "config_keys", "revocation_lists")


def test_a_database_of_the_first_layout_is_grown_and_keeps_what_it_has(tmp_path: Path) -> None:
    with RunningBackend(tmp_path, key_services()) as backend:
        exam_id = backend.new_exam()
    with sqlite3.connect(tmp_path / "backend.sqlite3") as database:
        for table in NEW_TABLES:
            database.execute(f"DROP TABLE {table}")
        database.execute("UPDATE schema_version SET version = 1")
    database.close()
    with RunningBackend(tmp_path, key_services()) as backend:
        assert backend.ask("GET", f"/exams/{exam_id}").json()["title"] == "Algebra"
        assert store(backend, exam_key())["serial"] == 1


def test_a_database_of_a_later_layout_gets_no_tables(tmp_path: Path) -> None:
    with RunningBackend(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "backend.sqlite3") as database:
        for table in NEW_TABLES:
            database.execute(f"DROP TABLE {table}")
        database.execute("UPDATE schema_version SET version = 99")
    with pytest.raises(Exception, match="layout 99"), RunningBackend(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "backend.sqlite3") as database:
        names = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
    database.close()
    assert not names & set(NEW_TABLES)
