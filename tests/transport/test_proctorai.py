"""The client side of the contract, against the real backend and against servers that misbehave."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from app.core.errors import BackendError, BadInput
from app.core.ports import UploadJob
from app.core.types import Json
from app.transport.answers import retry_after_s
from app.transport.bodies import LocalFileError
from app.transport.proctorai import ProctorAiBackend
from tests.fakes.backend_server import WEBM, RunningBackend, free_port, until
from tests.fakes.scripted_server import Answer, ScriptedServer
from tests.fakes.tls import make_certificate, server_context

TOKEN = "secret-token-of-the-test"
ATTEMPT: dict[str, Json] = {
    "attemptId": "attempt-0001",
    "candidate": {"id": "user_789", "name": "Jane"},
    "publicKey": "ab" * 32,
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningBackend]:
    with RunningBackend(tmp_path / "data") as running:
        yield running


@pytest.fixture
def job(tmp_path: Path) -> UploadJob:
    path = tmp_path / "segment.webm"
    data = WEBM * 20
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return UploadJob(1, "segment", "camera", path, digest, len(data), "video/webm", 10**18, 10**18 + 5 * 10**9, 0)


def nothing(_: int) -> None:
    return


def test_an_attempt_is_announced_delivered_and_submitted(
    server: RunningBackend, job: UploadJob, tmp_path: Path
) -> None:
    exam_id = server.new_exam()
    backend = ProctorAiBackend(server.url, server.new_token(exam_id))
    registered = backend.register_attempt(exam_id, ATTEMPT)
    assert registered is not None
    assert (registered.attempt_id, registered.attempt_number) == ("attempt-0001", 1)

    heard: list[int] = []
    assert backend.upload_recording(exam_id, "user_789", job, heard.append) == job.sha256
    assert heard == sorted(heard)
    assert heard[-1] == job.size_bytes
    snapshot = replace(job, kind="snapshot")
    assert backend.upload_recording(exam_id, "user_789", snapshot, nothing) == job.sha256

    (tmp_path / "manifest.jsonl").write_text('{"a":1}\n{"b":2}\n', encoding="utf-8")
    answer = backend.submit(
        exam_id,
        {"stats": {"duration": 5}, "warnings": [], "report": {"violations": []}, "seal": {"public_key": "ab" * 32}},
        {"manifest": tmp_path / "manifest.jsonl"},
    )
    assert answer["verification"] == {"verified": True, "entries": 2}
    assert str(answer["reportUrl"]).startswith(f"{server.url}/attempts/attempt-0001/report?token=")
    attempt = server.ask("GET", "/attempts/attempt-0001").json()
    assert [(one["type"], one["stream"], one["duration"]) for one in attempt["recordings"]] == [
        ("webcam", "camera", 5.0),
        ("snapshot", "camera", 5.0),
    ]


def test_a_submission_in_either_form_stores_the_same(server: RunningBackend, tmp_path: Path) -> None:
    webcam, manifest = tmp_path / "webcam.webm", tmp_path / "manifest.jsonl"
    webcam.write_bytes(WEBM * 30 + b"!")
    manifest.write_text('{"a":"é"}\n', encoding="utf-8")
    key = server.new_token(exam_id := server.new_exam())
    payload: dict[str, Json] = {"stats": {"duration": 5, "name": "é"}, "warnings": [], "userId": "u"}
    form = ProctorAiBackend(server.url, key, submit_form="multipart")
    whole = ProctorAiBackend(server.url, key, submit_form="json")
    files = {"webcam": webcam, "manifest": manifest}
    assert form.submit(exam_id, payload, files) == whole.submit(exam_id, payload, files)


def test_a_file_sent_twice_is_kept_once(server: RunningBackend, job: UploadJob) -> None:
    exam_id = server.new_exam()
    backend = ProctorAiBackend(server.url, server.new_token(exam_id), attempt_id="attempt-0001")
    for _ in range(2):
        assert backend.upload_recording(exam_id, "u", job, nothing) == job.sha256
    backend.register_attempt(exam_id, ATTEMPT)
    assert len(server.ask("GET", "/attempts/attempt-0001").json()["recordings"]) == 1


def test_a_file_changed_since_it_was_recorded_never_arrives(server: RunningBackend, job: UploadJob) -> None:
    exam_id = server.new_exam()
    backend = ProctorAiBackend(server.url, server.new_token(exam_id))
    for data in (b"x" * job.size_bytes, b"short"):
        job.path.write_bytes(data)
        with pytest.raises(LocalFileError, match="changed"):
            backend.upload_recording(exam_id, "u", job, nothing)
    job.path.unlink()
    with pytest.raises(LocalFileError, match="can't be read"):
        backend.upload_recording(exam_id, "u", job, nothing)
    until(lambda: not any((server.settings.data_dir / "incoming").iterdir()))
    assert not list((server.settings.data_dir / "files").iterdir())


def test_refusals_carry_their_status_and_the_servers_words(server: RunningBackend, job: UploadJob) -> None:
    exam_id = server.new_exam()
    good, bad = ProctorAiBackend(server.url, server.new_token(exam_id)), ProctorAiBackend(server.url, TOKEN)
    with pytest.raises(BackendError, match="token is not valid") as refused:
        bad.upload_recording(exam_id, "u", job, nothing)
    assert refused.value.status == 401
    with pytest.raises(BackendError, match="stats: Field required") as refused:
        good.submit(exam_id, {}, {})
    assert refused.value.status == 400
    good.reachable()
    bad.reachable()


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_backend_without_attempts_is_fine(status: int) -> None:
    with ScriptedServer(Answer(status)) as server:
        assert ProctorAiBackend(server.url, TOKEN).register_attempt("exam", ATTEMPT) is None


@pytest.mark.parametrize(
    ("header", "seconds"), [({"Retry-After": "7"}, 7.0), ({}, None), ({"Retry-After": "soon"}, None)]
)
def test_the_servers_wish_to_wait_is_passed_on(header: dict[str, str], seconds: float | None) -> None:
    with ScriptedServer(Answer(503, headers=header)) as server, pytest.raises(BackendError) as refused:
        ProctorAiBackend(server.url, TOKEN).submit("exam", {}, {})
    assert refused.value.retry_after_s == seconds


def test_a_date_to_come_back_at_is_measured_by_the_servers_clock() -> None:
    response = requests.Response()
    response.headers["Retry-After"] = "Fri, 20 Nov 2026 06:00:30 GMT"
    response.headers["Date"] = "Fri, 20 Nov 2026 06:00:00 GMT"
    assert retry_after_s(response) == 30.0


def test_a_redirect_is_not_followed_and_the_token_stays_here() -> None:
    with (
        ScriptedServer(Answer()) as elsewhere,
        ScriptedServer(Answer(302, headers={"Location": elsewhere.url})) as server,
    ):
        with pytest.raises(BackendError, match="points to another address") as refused:
            ProctorAiBackend(server.url, TOKEN).submit("exam", {}, {})
        assert refused.value.status == 302
        assert not elsewhere.heard


@pytest.mark.parametrize("body", [b"not json", b"[]", b"[" * 100_000, b"x" * 2_000_000])
def test_an_answer_that_makes_no_sense_is_an_error_not_a_crash(body: bytes) -> None:
    with ScriptedServer(Answer(200, body)) as server, pytest.raises(BackendError):
        ProctorAiBackend(server.url, TOKEN).submit("exam", {}, {})


def test_a_server_that_does_not_confirm_the_hash_gets_no_receipt(job: UploadJob) -> None:
    with ScriptedServer(Answer(201, {"id": "rec_1", "size": job.size_bytes})) as server:
        with pytest.raises(BackendError, match="did not confirm"):
            ProctorAiBackend(server.url, TOKEN).upload_recording("exam", "u", job, nothing)
        plain = ProctorAiBackend(server.url, TOKEN, size_is_receipt=True)
        assert plain.upload_recording("exam", "u", job, nothing) == job.sha256


@pytest.mark.parametrize("answer", [Answer(cut=True), None])
def test_a_server_that_is_gone_or_hangs_up_is_unreachable(answer: Answer | None) -> None:
    if answer is None:
        with pytest.raises(BackendError, match="can't be reached") as failed:
            ProctorAiBackend(f"http://127.0.0.1:{free_port()}", TOKEN).reachable()
    else:
        with ScriptedServer(answer) as server, pytest.raises(BackendError, match="can't be reached") as failed:
            ProctorAiBackend(server.url, TOKEN).reachable()
    assert failed.value.status is None


def test_a_silent_server_is_given_up_after_the_timeout() -> None:
    with ScriptedServer(Answer(hang=True)) as server, pytest.raises(BackendError, match="does not answer in time"):
        ProctorAiBackend(server.url, TOKEN, timeout_s=0.1).submit("exam", {}, {})


def test_a_call_can_be_broken_off_from_another_thread() -> None:
    with ScriptedServer(Answer(hang=True)) as server:
        backend = ProctorAiBackend(server.url, TOKEN, timeout_s=60)
        errors: list[BackendError] = []

        def call() -> None:
            try:
                backend.submit("exam", {}, {})
            except BackendError as error:
                errors.append(error)

        caller = threading.Thread(target=call)
        caller.start()
        until(lambda: bool(server.heard))
        backend.interrupt(caller.ident or 0)
        caller.join(10)
    assert len(errors) == 1


def test_a_connection_that_is_not_accepted_can_be_broken_off_too() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(("127.0.0.1", port))
            backend = ProctorAiBackend(f"http://127.0.0.1:{port}", TOKEN, timeout_s=60)
            done = threading.Event()

            def call() -> None:
                with pytest.raises(BackendError):
                    backend.reachable()
                done.set()

            caller = threading.Thread(target=call)
            caller.start()

            def broken_off() -> bool:
                backend.interrupt(caller.ident or 0)
                return done.is_set()

            until(broken_off, 4)
            caller.join()


def test_any_http_answer_means_reachable() -> None:
    with ScriptedServer(Answer(404, b"nothing here")) as server:
        ProctorAiBackend(server.url, TOKEN).reachable()


@pytest.mark.parametrize(("local_s", "expected"), [(0.0, 0.0), (3600.0, -3600.0)])
def test_the_clocks_difference_to_the_server_is_told(server: RunningBackend, local_s: float, expected: float) -> None:
    offset = ProctorAiBackend(server.url, TOKEN, utc_s=lambda: time.time() + local_s).server_time_offset_s()
    assert offset == pytest.approx(expected, abs=2.5)


def test_without_a_server_the_clocks_difference_is_unknown() -> None:
    assert ProctorAiBackend(f"http://127.0.0.1:{free_port()}", TOKEN).server_time_offset_s() is None


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://exam.example.org",
        "http://127.0.0.1.example.org",
        "http://10.0.0.1",
        "ftp://exam.example.org",
        "https://",
        "https://user:pass@exam.example.org",
        "https://exam.example.org/?q=1",
        "https://exam.example.org:99999",
        "https://[::1",
        "exam.example.org",
        "",
    ],
)
def test_an_address_that_would_give_the_token_away_is_refused(endpoint: str) -> None:
    with pytest.raises(BadInput) as refused:
        ProctorAiBackend(endpoint, TOKEN)
    assert TOKEN not in str(refused.value)
    assert "pass@" not in str(refused.value)


@pytest.mark.parametrize(
    "endpoint", ["https://exam.example.org/api/", "http://localhost:1", "http://[::1]:1", "http://127.9.9.9"]
)
def test_https_anywhere_and_http_on_this_machine_are_accepted(endpoint: str) -> None:
    ProctorAiBackend(endpoint, TOKEN)


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "токен"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    with pytest.raises(BadInput):
        ProctorAiBackend("https://exam.example.org", token)


def test_the_token_is_in_no_error(job: UploadJob) -> None:
    answers = [Answer(status, {"error": {"message": "no"}}) for status in (301, 400, 401, 403, 404, 429, 500)]
    with ScriptedServer(*answers, Answer(cut=True)) as server:
        for _ in range(len(answers) + 1):
            with pytest.raises(BackendError) as failed:
                ProctorAiBackend(server.url, TOKEN).upload_recording("exam", "u", job, nothing)
            cause: BaseException | None = failed.value
            while cause is not None:
                assert TOKEN not in str(cause) + repr(cause)
                cause = cause.__cause__ or cause.__context__
        assert server.heard[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_proxy_or_netrc_of_the_user_does_not_get_between_on_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password other\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with ScriptedServer(Answer()) as server:
        ProctorAiBackend(server.url, TOKEN).reachable()
        assert server.heard[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_hostile_words_of_a_server_become_one_short_line() -> None:
    message = {"error": {"message": "a\nb\x1b[31m" + "x" * 5000, "details": [{"field": "f", "issue": "i"}]}}
    answer = Answer(500, json.dumps(message).encode())
    with ScriptedServer(answer) as server, pytest.raises(BackendError) as refused:
        ProctorAiBackend(server.url, TOKEN).submit("exam", {}, {})
    assert len(str(refused.value)) < 400
    assert str(refused.value).isprintable()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key, in one PEM file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    make_certificate(path)
    return path


def tls_server(certificate: Path, *answers: Answer) -> ScriptedServer:
    return ScriptedServer(*answers, tls=server_context(certificate))


def test_a_trusted_certificate_is_needed(certificate: Path, job: UploadJob) -> None:
    with tls_server(certificate, Answer(201, {"sha256": job.sha256})) as server:
        with pytest.raises(BackendError, match="no valid certificate"):
            ProctorAiBackend(server.url, TOKEN).reachable()
        assert not server.heard
        trusting = ProctorAiBackend(server.url, TOKEN, ca_file=certificate)
        assert trusting.upload_recording("exam", "u", job, nothing) == job.sha256


def test_an_encrypted_call_can_be_broken_off_too(certificate: Path) -> None:
    with tls_server(certificate, Answer(hang=True)) as server:
        backend = ProctorAiBackend(server.url, TOKEN, timeout_s=60, ca_file=certificate)
        ended = threading.Event()

        def call() -> None:
            with pytest.raises(BackendError):
                backend.reachable()
            ended.set()

        caller = threading.Thread(target=call)
        caller.start()
        until(lambda: bool(server.heard))
        backend.interrupt(caller.ident or 0)
        caller.join(10)
        assert ended.is_set()


def test_a_proxy_of_the_network_is_used_and_named_when_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(Answer(403)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(BackendError, match="proxy"):
            ProctorAiBackend("https://exam.example.org", TOKEN).reachable()
        assert [one.method for one in proxy.heard] == ["CONNECT"]
        assert "Authorization" not in proxy.heard[0].headers


def test_an_unknown_name_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BackendError, match="can't be reached"):
        ProctorAiBackend("https://exam-server.invalid", TOKEN).reachable()
