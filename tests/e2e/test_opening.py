"""From what the candidate has in hand to the exam: codes, pictures, passwords, and who they are."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from app.cli.main import main
from app.core.types import Json
from app.keys.issuers import Issuer
from app.keys.protected import protect
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend, Client, running, sample_policy, sign, trust_file, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
INSTITUTION = Issuer.create("Tests")
PASSWORD = "correct horse battery"
ASKING = {"password", "server", "issuer", "candidate"}


def asked(client: Client) -> list[str]:
    """The pages on which something was asked before the exam, in order."""
    return [str(fact["page"]) for fact in client.read() if fact.get("page") in ASKING]


def for_everybody(backend: Backend) -> str:
    """A key of the sample exam, for whoever takes it."""
    policy: dict[str, Json] = sample_policy(backend)
    policy["candidate"] = {}
    return sign(policy, INSTITUTION)


def test_a_code_opens_the_exam_typed_as_well_as_from_a_photographed_picture(
    own_desktop: VirtualDesktop, tmp_path: Path
) -> None:
    trust = trust_file(tmp_path, INSTITUTION)
    backend = Backend(tmp_path / "backend", "--trust", str(trust))
    backend.start()
    kept = backend.post("/v1/keys", {"key": sign(sample_policy(backend), INSTITUTION)})
    picture, long_key = tmp_path / "exam.png", f"eyJhbGciOiJFZERTQSJ9.{'eyJh' * 900}.c2lnbmF0dXJl"
    assert main(["key", "qr", long_key, "--link", str(kept["link"]), "--out", str(picture)]) == 0
    with running(Client(own_desktop, tmp_path / "picture", picture, trust)) as client:
        client.await_fact("checks", "passed")
        client.press("alt+F4")
        assert client.wait() == 0
    with running(Client(own_desktop, tmp_path / "typed", None, trust, extra=("--backend", backend.url))) as client:
        client.await_page("start")
        client.type("2222-2222-A")
        client.await_problem("mistyped")
        client.type(str(kept["code"]).lower())
        client.await_fact("checks", "passed")
        client.press("alt+F4")
        assert client.wait() == 0
        assert asked(client) == []
    backend.stop()


def test_a_protected_key_for_everybody_asks_for_password_and_person_once_and_not_again_after_a_crash(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    trust, key = trust_file(tmp_path, INSTITUTION), tmp_path / "exam.invigil"
    key.write_text(protect(for_everybody(backend), PASSWORD), encoding="ascii")
    with running(Client(own_desktop, tmp_path / "run", key, trust)) as client:
        client.await_page("password")
        client.type("wrong password")
        until("the second question", lambda: asked(client) == ["password"] * 2)
        client.type(PASSWORD)
        client.await_page("candidate")
        client.xdotool("type", "--delay", "5", "Sample Candidate")
        client.press("Tab")
        client.xdotool("type", "--delay", "5", "c-77")
        client.press("Return")
        client.reach_exam()
        key.unlink()
        client.kill_inner()
        client.await_fact("command", "start_monitoring", times=2)
        assert asked(client) == ["password", "password", "candidate"]
        [begun] = [entry for entry in client.entries() if "candidate" in entry.body]
        assert begun.body["candidate"] == "c-77"
        client.finish()
        client.close()
        assert not (client.attempt_root() / "key.invigil").exists()
        assert not (client.attempt_root() / "opened.json").exists()


def test_the_command_line_answers_what_the_window_would_ask(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    trust, key, password = trust_file(tmp_path, INSTITUTION), tmp_path / "exam.invigil", tmp_path / "password"
    key.write_text(protect(for_everybody(backend), PASSWORD), encoding="ascii")
    password.write_text(f"{PASSWORD}\n", encoding="ascii")
    words = ("--password-file", str(password), "--candidate", "c-78", "--name", "Sample Candidate")
    with running(Client(own_desktop, tmp_path / "run", key, trust, extra=words)) as client:
        client.await_fact("checks", "passed")
        assert client.process is not None
        for process in (psutil.Process(client.process.pid), client.inner()):
            assert PASSWORD not in " ".join(process.cmdline())
        [begun] = [entry for entry in client.entries() if "candidate" in entry.body]
        assert begun.body["candidate"] == "c-78"
        client.press("alt+F4")
        assert client.wait() == 0
        assert asked(client) == []
    assert PASSWORD not in client.said()
