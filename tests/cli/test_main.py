"""The command line's promises: one sentence on stderr, and exit codes that scripts can rely on."""

from __future__ import annotations

import argparse
import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app import __version__
from app.backend.auth import ensure_admin_key
from app.backend.settings import BackendServices, BackendSettings
from app.cli import main as main_module
from app.cli.main import COMMANDS, main
from app.core.errors import BadInput, EvidenceError
from app.runtime.build import own_build
from app.runtime.clock import SystemClock


def failing_with(error: BaseException) -> Callable[[], argparse.ArgumentParser]:
    """A parser whose one command raises."""

    def run(_args: argparse.Namespace) -> int:
        raise error

    def build() -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser()
        parser.set_defaults(run=run, version=False, version_json=False)
        return parser

    return build


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (BadInput("The key is broken."), 2, "invigil: The key is broken.\n"),
        (EvidenceError("The disk is full."), 1, "invigil: The disk is full.\n"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/some/where"),
            1,
            "invigil: /some/where can't be used (Permission denied); check that it is there and that its disk has room.\n",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), 1,
         "invigil: The system refused something (No space left on device); try again.\n"),
        (OSError("no route"), 1, "invigil: The system refused something (no route); try again.\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)  # fmt: skip
def test_a_failure_is_one_sentence_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, sentence: str
) -> None:
    monkeypatch.setattr(main_module, "build_parser", failing_with(error))
    assert main([]) == code
    assert capsys.readouterr().err == sentence


@pytest.mark.parametrize(
    "words",
    [
        ["report", "no-such-folder"],
        ["report", ".", "--weights", "no-such-file"],
        ["evidence", "verify", "no-such-folder"],
        ["check", "--camera", "file:no-such-film"],
        ["no-such-command"],
        ["take", "--no-such-option"],
    ],
)
def test_bad_input_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(words)
    except SystemExit as ended:
        code = int(str(ended.code))
    assert code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.strip()


def test_every_command_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main([command.replace("_", "-"), "--help"])
        assert ended.value.code == 0
        assert command.replace("_", "-") in capsys.readouterr().out


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    """As with ``invigil ... | head -1``."""
    read, write = os.pipe()
    os.close(read)
    urls = tmp_path / "urls"
    urls.write_text("https://exam.example/\n" * 20_000)
    with urls.open("rb") as source:
        done = subprocess.run(
            [sys.executable, "-m", "app", "url-filter", "--allow", "exam.example", "--json"],
            stdin=source, stdout=write, stderr=subprocess.PIPE, check=False, timeout=60,
        )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["serve", "--dir", str(tmp_path / "file" / "backend")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name is Unicode")
@pytest.mark.parametrize("command", [["report"], ["analyze"]])
def test_a_name_that_no_terminal_can_show_is_told_all_the_same(command: list[str]) -> None:
    words = [os.fsencode(word) for word in (sys.executable, "-m", "app", *command)]
    done = subprocess.run(
        [*words, b"no \xff"], env=os.environ | {"PYTHONUTF8": "1"}, capture_output=True, check=False, timeout=60
    )
    assert done.returncode in (1, 2)
    assert done.stderr.startswith(b"invigil: ")
    assert b"no \\udcff" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_output_outlives_a_terminal_with_few_characters() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "url-filter", "--allow", "exam.example", "--", "https://exam.example/\u0436"],
        env=os.environ | {"PYTHONIOENCODING": "ascii:strict"}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(rb"allowed  https://exam.example/\u0436")


def test_a_backend_that_finds_its_port_taken_keeps_no_key_that_nobody_saw(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--dir", str(tmp_path), "--port", port]) == 2
    assert ensure_admin_key(BackendSettings(data_dir=tmp_path), BackendServices(clock=SystemClock())) is not None


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////proc/nowhere/x"])
def test_a_backend_without_a_database_is_one_sentence(url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "serve", "--dir", str(tmp_path), "--port", "0", "--database", url],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"invigil {__version__}\n"


def test_the_version_as_json_says_which_build_this_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == own_build().to_json()


def test_json_alone_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--json"])
    assert ended.value.code == 2
    assert "--version" in capsys.readouterr().err
