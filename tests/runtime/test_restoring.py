"""A start gives back what exams and demos before it left changed."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import psutil
import pytest

from app.cli import take as command
from app.lockdown.journal import Owner, RestoreJournal
from app.lockdown.linux.autostart import AutostartEntry
from app.lockdown.sequence import perform_all
from app.runtime.guardian import Guardian
from app.runtime.restoring import restore_command, restore_leftovers

DEAD = Owner(1, 0.0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's data, settings and temporary files are."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def change(path: Path, owner: Owner) -> str:
    """An autostart entry that the journal's exam left; its name."""
    entry = AutostartEntry(restore_command(path))
    perform_all([entry], RestoreJournal(path, owner=lambda: owner))
    return str(entry.before()["file"])


def entries(home: Path) -> set[str]:
    return {entry.name for entry in (home / "config" / "autostart").iterdir()}


def demo(home: Path, name: str) -> Path:
    return home / f"invigil-demo-{name}" / "client" / "restore.jsonl"


def test_what_exams_and_demos_left_is_given_back_and_what_a_running_one_uses_is_not(home: Path) -> None:
    exam, left, running = RestoreJournal.default_path(), demo(home, "left"), demo(home, "running")
    parent = Owner(os.getppid(), _started(os.getppid()) - 60)  # its number belonged to another
    assert not parent.alive()
    change(exam, DEAD)
    change(left, parent)
    kept = change(running, Owner(os.getppid(), _started(os.getppid())))
    assert len(entries(home)) == 3
    assert restore_leftovers() == []
    assert entries(home) == {kept}


def test_a_machine_on_which_nothing_was_left_is_not_touched(home: Path) -> None:
    assert restore_leftovers() == []
    assert list(home.iterdir()) == []


def test_somebody_elses_journal_is_not_obeyed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = change(demo(home, "other"), DEAD)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert restore_leftovers() == []
    assert entries(home) == {kept}


def test_a_journal_that_can_not_be_used_is_told_and_the_others_are(home: Path) -> None:
    RestoreJournal.default_path().mkdir(parents=True)
    change(demo(home, "left"), DEAD)
    (problem,) = restore_leftovers()
    assert "can't be used" in problem
    assert entries(home) == set()


def _started(pid: int) -> float:
    return psutil.Process(pid).create_time()


def take(*words: str) -> None:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    args = parser.parse_args(["take", *words])
    assert args.run(args) == 0


def test_the_start_window_gives_back_what_a_demo_left_and_a_client_with_its_own_folder_does_not(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Guardian, "run", lambda _: 0)
    left = change(demo(home, "left"), DEAD)
    take("--data-dir", str(home / "own"))
    assert entries(home) == {left}
    take()
    assert entries(home) == set()
