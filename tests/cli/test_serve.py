"""``invigil serve`` as a process: whom it trusts, as whom it signs, and which address its links have."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from app.cli.main import main
from app.keys.issuers import TrustedIssuers
from app.keys.jwks import read_jwks
from tests.fakes.backend_server import until
from tests.fakes.exam_keys import UNIVERSITY, exam_key


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[dict[str, str]]:
    """What the ready file says of a running backend."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "app", "serve", "--dir", str(folder / "data"), "--port", "0"]
    environment = os.environ | {"XDG_CONFIG_HOME": str(folder), "XDG_CONFIG_DIRS": str(folder)}
    with subprocess.Popen(
        [*command, "--ready-file", str(ready), *words], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            until(ready.is_file, 60)
            yield json.loads(ready.read_text(encoding="utf-8"))
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
        finally:
            process.kill()


def trust_file(folder: Path) -> Path:
    path = folder / "university.json"
    path.write_text(json.dumps(TrustedIssuers.of([UNIVERSITY.public()]).to_json()), encoding="utf-8")
    return path


def test_a_served_backend_keeps_keys_of_the_lists_it_was_given_and_links_have_its_public_address(
    tmp_path: Path,
) -> None:
    words = ("--name", "Example backend", "--public-url", "https://proctoring.example.org/invigil/")
    with serving(tmp_path, "--trust", str(trust_file(tmp_path)), *words) as ready, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {ready['admin_key']}"
        issuers = read_jwks(session.get(f"{ready['url']}/.well-known/jwks.json", timeout=10).content).issuers
        assert {one.name for one in issuers} == {"Example University", "Example backend"}
        stored = session.post(f"{ready['url']}/v1/keys", json={"key": exam_key()}, timeout=10).json()
    assert stored["link"].endswith("?backend=https%3A%2F%2Fproctoring.example.org%2Finvigil")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--public-url", "http://proctoring.example.org"], "https"),
        (["--trust", "nowhere.json"], "nowhere.json"),
        (["--name", "two\nlines"], "name"),
    ],
)
def test_options_that_can_not_be_used_end_the_start_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    assert main(["serve", "--dir", str(tmp_path), "--port", "0", *words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert reason in told.err
    assert len(told.err.splitlines()) == 1
