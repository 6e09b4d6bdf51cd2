"""Proctors see what is unusual in an attempt's manifest, and nobody else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from app.backend.known_builds import load_known_builds
from app.core.errors import BadInput
from app.core.types import EntryKind
from tests.fakes.backend_server import RunningBackend

OURS, OTHER = "aa" * 32, "bb" * 32
ATTEMPT = "attempt-0001"


def line(seq: int, kind: EntryKind, body: dict[str, Any]) -> str:
    at = {"mono_ns": str(seq), "utc_ns": str(seq), "boot_id": "b"}
    return json.dumps({"seq": seq, "kind": kind.value, "at": at, "body": body})


MANIFEST = [
    line(1, EntryKind.SESSION, {"session": 1, "build": {"version": "0.1.0", "hash": OTHER, "kind": "source"}}),
    line(2, EntryKind.EVENT, {"event": "unguarded"}),
    "no entry",
]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    with RunningBackend(tmp_path_factory.mktemp("backend"), known_builds={OURS: "0.1.0"}) as running:
        yield running


@pytest.fixture(scope="module")
def exam_id(backend: RunningBackend) -> str:
    """An exam with one attempt that was handed in."""
    made = backend.new_exam()
    backend.ask("POST", f"/exams/{made}/attempts", json={"attemptId": ATTEMPT, "candidate": {"id": "c"}})
    body = {"stats": {}, "attemptId": ATTEMPT, "manifest": MANIFEST, "seal": {"sealed": True}}
    assert backend.ask("POST", f"/exams/{made}/submit", json=body).json()["verification"]["verified"]
    return made


def ask(backend: RunningBackend, attempt_id: str = ATTEMPT, **options: Any) -> requests.Response:
    return backend.ask("GET", f"/v1/attempts/{attempt_id}/plausibility", **options)


@pytest.mark.usefixtures("exam_id")
def test_a_proctor_sees_the_builds_and_the_findings_with_a_note_that_they_prove_nothing(
    backend: RunningBackend,
) -> None:
    told = ask(backend).json()
    assert told["attemptId"] == ATTEMPT
    assert "prove nothing" in told["note"]
    assert told["builds"] == [{"session": 1, "version": "0.1.0", "hash": OTHER, "kind": "source", "known": False}]
    assert [(one["what"], one["entries"]) for one in told["findings"]] == [("build_unknown", [1]), ("unguarded", [2])]
    assert all(one["innocent"] and 0 < one["weight"] <= 1 for one in told["findings"])


def test_a_token_that_may_only_deliver_does_not_see_them(backend: RunningBackend, exam_id: str) -> None:
    assert ask(backend, key=backend.new_token(exam_id)).status_code == 401
    assert ask(backend, key=None).status_code == 401


def test_before_a_manifest_was_verified_there_is_nothing_to_judge(backend: RunningBackend, exam_id: str) -> None:
    backend.ask("POST", f"/exams/{exam_id}/attempts", json={"attemptId": "attempt-0002", "candidate": {"id": "c"}})
    answer = ask(backend, "attempt-0002")
    assert answer.status_code == 404
    assert "verified" in answer.json()["error"]["message"]
    assert ask(backend, "attempt-9999").status_code == 404


# ---- the list of known builds


def test_known_builds_are_what_releases_publish_one_or_many_a_file(tmp_path: Path) -> None:
    one, many = tmp_path / "build.json", tmp_path / "builds.json"
    one.write_text(json.dumps({"version": "0.1.0", "hash": OURS, "kind": "packaged"}))
    many.write_text(json.dumps([{"version": "0.2.0", "hash": OTHER}]))
    assert load_known_builds([one, many]) == {OURS: "0.1.0", OTHER: "0.2.0"}


@pytest.mark.parametrize("text", ["{", '{"version": "1"}', '[{"version": "1", "hash": "XY"}]', "7"])
def test_a_list_that_is_none_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "build.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"build\.json"):
        load_known_builds([path])


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="choose another file"):
        load_known_builds([tmp_path / "none.json"])
