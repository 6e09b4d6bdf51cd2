"""``invigil take``: what is refused before anything is started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.lockdown.linux import kiosk_compositor
from app.runtime.kiosk_compositor import VARIABLE


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
