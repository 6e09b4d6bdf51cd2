"""What is said about the sandbox of the exam's pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.browser.sandbox import sandbox_problem

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox is Linux's")


def _system(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A system whose ``unshare`` answers as the script says."""
    program = folder / "unshare"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_root_is_told_that_there_is_no_sandbox() -> None:
    problem = sandbox_problem(is_root=True)

    assert problem is not None
    assert "root" in problem[0]


def test_a_system_with_user_namespaces_has_the_whole_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _system(tmp_path, monkeypatch, 'test "$1 $2 $3" = "--user --map-root-user true"')

    assert sandbox_problem(is_root=False) is None


def test_a_system_that_forbids_user_namespaces_is_named_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _system(tmp_path, monkeypatch, "exit 1")

    problem = sandbox_problem(is_root=False)

    assert problem is not None
    assert "user namespaces" in problem[0]
    assert "max_user_namespaces" in problem[1]


def test_nothing_is_claimed_where_the_system_cannot_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert sandbox_problem(is_root=False) is None


def test_the_answer_is_what_the_systems_own_unshare_says() -> None:
    allowed = subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True, check=False)

    assert (sandbox_problem(is_root=False) is None) == (allowed.returncode == 0)
