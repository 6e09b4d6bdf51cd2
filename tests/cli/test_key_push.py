"""``invigil key push`` against a real backend: what a proctor sees, and what scripts read."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.cli.main import main
from app.keys.protected import protect
from app.keys.revocation import Revoked, make_list
from tests.fakes.backend_server import ADMIN_KEY, RunningBackend
from tests.fakes.exam_keys import UNIVERSITY, announce, control, exam_key, key_services, store
from tests.fakes.scripted_server import Answer, ScriptedServer


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBackend]:
    monkeypatch.setenv("INVIGIL_ADMIN_KEY", ADMIN_KEY)
    with RunningBackend(tmp_path / "data", key_services()) as running:
        yield running


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "exam.invigil"
    path.write_text(exam_key(7) + "\n", encoding="ascii")
    return path


def test_it_tells_the_code_the_link_and_how_many_attempts_get_the_key(
    backend: RunningBackend, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "push", str(key_file), "--backend", backend.url]) == 0
    out = capsys.readouterr().out
    kept = backend.ask("GET", "/v1/keys").json()["keys"][0]
    read = backend.ask("GET", f"/v1/keys/{kept['id']}").json()
    assert f"Kept as {kept['id']}: serial 7 for the exam algebra-1." in out
    assert f"Code: {read['code']} (until {read['expiresAt']})" in out
    assert f"Link: {read['link']}" in out
    assert "Running attempts that get it: 0" in out


def test_json_is_the_backends_answer(
    backend: RunningBackend, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", "push", str(key_file), "--backend", backend.url, "--valid-hours", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == store(backend, key_file.read_text(encoding="ascii").strip())


@pytest.mark.parametrize(("status", "code"), [("applied", 0), ("partly", 0), ("refused", 1)])
def test_it_waits_for_the_clients_and_tells_what_they_made_of_the_key(
    backend: RunningBackend, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: str, code: int
) -> None:
    exam_id = backend.new_exam()
    attempt_id = announce(backend, exam_id)
    path = tmp_path / "update.invigil"
    path.write_text(exam_key(8, upload_exam=exam_id), encoding="ascii")

    def answer() -> None:
        with control(backend, attempt_id, ADMIN_KEY) as client:
            client.hello()
            refused = [{"path": "capture.camera", "reason": "can't change while the exam runs"}]
            applied = [] if status == "refused" else ["exam.message"]
            client.ack(client.hear(60)["seq"], status, applied=applied, refused=[] if status == "applied" else refused)

    client = threading.Thread(target=answer, name="client")
    client.start()
    assert main(["key", "push", str(path), "--backend", backend.url, "--wait", "60"]) == code
    client.join(10)
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith(f"s1234: {status} (")
    assert ("took over exam.message" in line) == (status != "refused")
    assert ("refused capture.camera (can't change while the exam runs)" in line) == (status != "applied")


def test_who_has_not_answered_in_time_is_named_and_the_exit_code_says_so(
    backend: RunningBackend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exam_id = backend.new_exam()
    announce(backend, exam_id)
    path = tmp_path / "update.invigil"
    path.write_text(exam_key(8, upload_exam=exam_id), encoding="ascii")
    words = ["key", "push", str(path), "--backend", backend.url, "--json"]
    assert main(words) == 0, "without --wait nobody is asked"
    assert main([*words, "--wait", "0.01"]) == 1
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(one["userId"], one["status"]) for one in told["deliveries"]] == [("s1234", "pending")]


def test_a_protected_key_is_opened_with_its_password_first(
    backend: RunningBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = exam_key()
    (tmp_path / "protected.invigil").write_text(protect(key, "a long password"), encoding="ascii")
    (tmp_path / "password").write_text("a long password\n", encoding="ascii")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    words = ["key", "push", str(tmp_path / "protected.invigil"), "--backend", backend.url]
    assert main([*words, "--password-file", str(tmp_path / "password")]) == 0
    kept = backend.ask("GET", "/v1/keys").json()["keys"][0]
    assert backend.ask("GET", f"/v1/keys/{kept['id']}").json()["key"] == key


def test_a_revocation_list_is_published(
    backend: RunningBackend, key_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = store(backend, key_file.read_text(encoding="ascii").strip())
    now = datetime.now(UTC)
    text = make_list([Revoked(now, jti=stored["keyId"])], UNIVERSITY, now=now, serial=4)
    (tmp_path / "revoked.jws").write_text(text, encoding="ascii")
    assert main(["key", "push", str(tmp_path / "revoked.jws"), "--backend", backend.url]) == 0
    out = capsys.readouterr().out
    assert f"revocation list 4 of {UNIVERSITY.kid}" in out
    assert out.strip().endswith(": 1")
    assert backend.ask("GET", "/v1/keys/revocations").json() == {"lists": [text]}


def refusal(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    """The one sentence on standard error."""
    assert main(["key", "push", *words]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    return told.err


def test_what_the_backend_refuses_is_a_sentence_with_its_reason(
    backend: RunningBackend, key_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(backend, exam_key(9))
    assert "serial 9 is kept" in refusal([str(key_file), "--backend", backend.url], capsys)


def test_a_wrong_admin_key_is_a_sentence_that_does_not_repeat_it(
    backend: RunningBackend, key_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVIGIL_ADMIN_KEY", "a-telling-wrong-key-0123456789")
    words = [str(key_file), "--backend", backend.url]
    sentence = refusal(words, capsys)
    assert "admin key" in sentence
    assert "telling" not in sentence
    monkeypatch.delenv("INVIGIL_ADMIN_KEY")
    assert "INVIGIL_ADMIN_KEY" in refusal(words, capsys)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--backend", "http://proctoring.example.org"], "https"),
        (["--backend", "nonsense"], "https"),
        (["--backend", "http://127.0.0.1:1", "--valid-hours", "0"], "--valid-hours"),
        (["--backend", "http://127.0.0.1:1", "--valid-hours", "nan"], "--valid-hours"),
        (["--backend", "http://127.0.0.1:1", "--wait", "-1"], "--wait"),
        (["--backend", "http://127.0.0.1:1", "--wait", "nan"], "--wait"),
    ],
)
def test_wrong_options_are_a_sentence(
    key_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], reason: str
) -> None:
    monkeypatch.setenv("INVIGIL_ADMIN_KEY", ADMIN_KEY)
    assert reason in refusal([str(key_file), *words], capsys)


def test_a_server_that_is_no_such_backend_is_a_sentence(
    key_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVIGIL_ADMIN_KEY", ADMIN_KEY)
    with ScriptedServer(Answer(200, {"ok": True})) as server:
        assert "something else" in refusal([str(key_file), "--backend", server.url], capsys, 1)
