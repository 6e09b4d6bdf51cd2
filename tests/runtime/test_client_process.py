"""How the client process ends, as its guardian sees it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import BadInput
from app.runtime import client
from app.runtime.guardian import GUARDIAN_PID, NORMAL_EXITS
from app.runtime.options import ClientOptions, add_client_arguments
from app.runtime.run_book import RunBook

OPTIONS = ClientOptions(key=None, data_dir=Path("data"), journal=Path("data/restore.jsonl"))


def test_a_client_that_fails_ends_so_that_it_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_options: ClientOptions) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(client, "_run", broken)
    assert client.run_client(OPTIONS) == client.CRASHED
    assert client.CRASHED not in NORMAL_EXITS


def test_what_the_person_has_to_put_right_ends_the_client_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_options: ClientOptions) -> int:
        raise BadInput("No.")

    monkeypatch.setattr(client, "_run", refused)
    with pytest.raises(BadInput):
        client.run_client(OPTIONS)


class Ends:
    def __init__(self, failure: Exception | None) -> None:
        self._failure = failure

    def __call__(self, _options: ClientOptions) -> int:
        if self._failure is not None:
            raise self._failure
        return 0


@pytest.mark.parametrize(
    ("failure", "told"), [(None, True), (BadInput("No."), True), (ZeroDivisionError(), False)], ids=str
)
def test_the_guardian_is_told_of_an_end_and_of_no_failure(
    failure: Exception | None, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows nothing else tells an end from a client that somebody ended."""
    journal = tmp_path / "restore.jsonl"
    book = RunBook(journal, os.getpid())
    book.start_client()
    book.set_restart(wanted=True)
    monkeypatch.setenv(GUARDIAN_PID, str(os.getpid()))
    monkeypatch.setattr(client, "_run", Ends(failure))
    with suppress(BadInput):
        client.run_client(replace(OPTIONS, journal=journal))
    assert book.cut_off() is not told


@pytest.mark.parametrize(("thread", "code"), [("session", client.CRASHED), ("uploader", 0)])
def test_only_a_dead_session_thread_ends_the_client(thread: str, code: int) -> None:
    program = (
        "import threading; from app.runtime.client import _thread_failed; threading.excepthook = _thread_failed;"
        f"t = threading.Thread(target=lambda: 1 / 0, name='{thread}'); t.start(); t.join()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60)
    assert done.returncode == code
    assert b"ZeroDivisionError" in done.stdout + done.stderr


def test_the_options_reach_the_client_as_they_were_given(tmp_path: Path) -> None:
    options = ClientOptions(
        key="exam.invigil", data_dir=tmp_path, journal=tmp_path / "restore.jsonl", camera="file:a b.webm",
        microphone="2", screen="file:s.webm", trust=(tmp_path / "one", tmp_path / "two"), status=tmp_path / "status",
        resume=True, problem="It -- ended.", loopback=True, password_file=tmp_path / "password", candidate="-1",
        name="Sample Candidate", group="B 2", backend="https://proctor.example.org", kiosk_compositor=True,
    )  # fmt: skip
    parser = argparse.ArgumentParser()
    parser.add_argument("--key")
    add_client_arguments(parser)
    assert ClientOptions.from_args(parser.parse_args(options.to_words())) == options


@pytest.mark.parametrize("words", [["--candidate", "c-1"], ["--name", "A"], ["--group", "B-2"]])
def test_half_a_candidate_is_refused(words: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--key")
    add_client_arguments(parser)
    with pytest.raises(BadInput, match="--candidate and --name"):
        ClientOptions.from_args(parser.parse_args(words))
