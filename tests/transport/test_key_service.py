"""What a client asks of a backend before there is an attempt, against servers that answer well, badly or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.core.errors import BackendError, BadInput, InvigilError
from app.transport.key_service import KeyService, UntimelyCertificate
from tests.fakes.scripted_server import Answer, ScriptedServer
from tests.fakes.tls import make_certificate, server_context

KEY = "eyJhbGciOiJFZERTQSJ9.eyJhIjoxfQ.c2lnbmF0dXJl"


def test_a_code_and_a_session_are_exchanged_for_their_key() -> None:
    with ScriptedServer(Answer(body={"key": KEY})) as server:
        service = KeyService(server.url)
        assert service.key_for_code("ABCDEFGHJ") == KEY
        assert service.key_for_session("s_0123456789") == KEY
    asked, exchanged = server.heard
    assert (asked.method, asked.path, asked.body) == ("GET", "/v1/keys/codes/ABCDEFGHJ", b"")
    assert (exchanged.method, exchanged.path) == ("POST", "/v1/sessions/exchange")
    assert json.loads(exchanged.body) == {"token": "s_0123456789"}


def test_issuers_and_revocation_lists_come_as_the_backend_gives_them() -> None:
    answers = {
        "/.well-known/jwks.json": Answer(body={"keys": []}),
        "/v1/keys/revocations": Answer(body={"lists": ["a.b.c", 7]}),
    }
    with ScriptedServer(Answer(404), by_path=answers) as server:
        assert KeyService(server.url).jwks() == b'{"keys": []}'
        assert KeyService(server.url).revocations() == ["a.b.c"]


def test_nobody_s_password_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setattr("app.transport.key_service.is_loopback", lambda _host: False)
    with ScriptedServer(Answer(body={"key": KEY})) as server:
        KeyService(server.url).key_for_code("ABCDEFGHJ")
    assert "Authorization" not in server.heard[0].headers


def refusal(answer: Answer, ask: Callable[[KeyService], object], limit_s: float = 15.0) -> InvigilError:
    with ScriptedServer(answer) as server, pytest.raises(InvigilError) as refused:
        ask(KeyService(server.url, limit_s=limit_s))
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)
    return refused.value


def code(service: KeyService) -> str:
    return service.key_for_code("ABCDEFGHJ")


def session(service: KeyService) -> str:
    return service.key_for_session("s_0123456789")


def test_an_unknown_code_or_session_is_the_person_s_to_put_right() -> None:
    assert isinstance(refusal(Answer(404), code), BadInput)
    assert "came from" in str(refusal(Answer(404), session))


def test_whoever_asks_too_often_is_told_how_long_to_wait() -> None:
    assert "wait 42 seconds" in str(refusal(Answer(429, headers={"Retry-After": "42"}), code))


@pytest.mark.parametrize("body", [b"no json", [], {"key": 7}, {}, b"[" * 200_000])
def test_an_answer_without_a_key_is_none(body: object) -> None:
    assert isinstance(refusal(Answer(body=body), code), BackendError)


def test_no_list_of_revocations_is_taken_from_something_else() -> None:
    assert "no list" in str(refusal(Answer(body={"lists": "a"}), KeyService.revocations))
    assert "no list" in str(refusal(Answer(body={"lists": ["a"] * 1001}), KeyService.revocations))


def test_an_answer_without_end_is_broken_off() -> None:
    assert "longer answer" in str(refusal(Answer(body=b"x" * 2_000_000), code))


def test_a_redirect_is_not_followed() -> None:
    with ScriptedServer(Answer(body={"key": KEY})) as other:
        moved = Answer(302, headers={"Location": f"{other.url}/v1/keys/codes/ABCDEFGHJ"})
        assert "another address" in str(refusal(moved, code))
        assert other.heard == []


def test_a_server_that_keeps_silent_is_given_up_in_time() -> None:
    assert "does not answer in time" in str(refusal(Answer(hang=True), code, limit_s=0.2))


def test_a_call_can_be_broken_off_from_outside() -> None:
    with ScriptedServer(Answer(hang=True)) as server:
        service = KeyService(server.url)
        ended: list[InvigilError] = []

        def call() -> None:
            with pytest.raises(BackendError) as refused:
                code(service)
            ended.append(refused.value)

        caller = threading.Thread(target=call)
        caller.start()
        while not server.heard:
            assert caller.is_alive()
        service.close()
        caller.join(10)
        assert ended
        with pytest.raises(BackendError, match="closing"):
            code(service)
        assert len(server.heard) == 1


@pytest.mark.parametrize(
    "address", ["http://proctor.example.org", "ftp://x", "https://u:p@x.example.org", "https://x.example.org/?a=1"]
)
def test_an_address_without_encryption_or_with_more_than_an_address_is_refused(address: str) -> None:
    with pytest.raises(BadInput):
        KeyService(address)


# ---- encryption


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    return path, make_certificate(path)


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: tuple[Path, str]) -> None:
    path, fingerprint = certificate
    with ScriptedServer(Answer(body={"key": KEY}), tls=server_context(path)) as server:
        with pytest.raises(BackendError, match="certificate"):
            code(KeyService(server.url, certificate_sha256=fingerprint))
        assert code(KeyService(server.url, ca_file=path)) == KEY


def test_a_pinned_certificate_has_to_be_that_very_one(certificate: tuple[Path, str]) -> None:
    path, fingerprint = certificate
    with ScriptedServer(Answer(body={"key": KEY}), tls=server_context(path)) as server:
        assert code(KeyService(server.url, certificate_sha256=fingerprint, ca_file=path)) == KEY
        with pytest.raises(BackendError, match="certificate"):
            code(KeyService(server.url, certificate_sha256="00" * 32, ca_file=path))


@pytest.mark.parametrize(
    ("begins", "ends"), [(timedelta(days=-9), timedelta(days=-8)), (timedelta(days=8), timedelta(days=9))]
)
def test_a_certificate_out_of_its_time_is_told_apart_and_its_server_s_time_can_still_be_asked(
    tmp_path: Path, begins: timedelta, ends: timedelta
) -> None:
    path = tmp_path / "server.pem"
    make_certificate(path, begins, ends)
    with ScriptedServer(Answer(body={"key": KEY}), tls=server_context(path)) as server:
        service = KeyService(server.url, ca_file=path)
        with pytest.raises(UntimelyCertificate):
            code(service)
        assert service.server_time() is not None
        assert KeyService(server.url).server_time() is None


def test_the_server_s_time_is_known_when_it_tells_one() -> None:
    now = datetime.now(UTC)
    with ScriptedServer(Answer()) as server:
        told = KeyService(server.url).server_time()
    assert told is not None
    assert abs(told - now) < timedelta(minutes=1)
    with ScriptedServer(Answer(cut=True)) as silent:
        assert KeyService(silent.url).server_time() is None
