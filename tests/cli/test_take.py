"""``invigil take``: what is refused before anything is started."""

from __future__ import annotations

import configparser
import shlex
import sys
from pathlib import Path

import pytest

from app.cli.main import build_parser, main
from app.lockdown.linux import kiosk_compositor
from app.runtime.kiosk_compositor import VARIABLE
from app.runtime.resources import resources_dir


@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_kiosk_compositor_that_is_missing_is_named_with_what_to_install(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kiosk_compositor, "installed", lambda: None)
    monkeypatch.setenv(VARIABLE, "1" if by == "variable" else "")
    asked = ["--kiosk-compositor"] if by == "option" else []
    assert main(["take", "--data-dir", str(tmp_path / "data"), *asked]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "apt install cage" in said
    assert not (tmp_path / "data").exists()


def test_a_kiosk_compositor_is_for_linux(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert main(["take", "--data-dir", str(tmp_path / "data"), "--kiosk-compositor"]) == 2
    assert "leave it out" in capsys.readouterr().err


def test_the_session_for_the_login_screen_starts_an_exam_in_the_kiosk_compositor() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(resources_dir() / "desktop" / "invigil-exam.desktop", encoding="utf-8")
    program, *words = shlex.split(entry["Desktop Entry"]["Exec"])
    assert program == "invigil"
    asked = build_parser().parse_args(words)
    assert (asked.kiosk_compositor, asked.key) == (True, None)
