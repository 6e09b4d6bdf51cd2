"""``invigil lockdown``: what a person sees and does after a crash."""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import psutil
import pytest

from app.cli import lockdown
from app.core.lockdown import OPERATIONS
from app.lockdown.journal import Owner, RestoreJournal
from app.lockdown.linux import x11
from app.lockdown.linux.autostart import AutostartEntry
from app.lockdown.sequence import perform_all
from app.runtime.options import ClientOptions, add_client_arguments
from app.runtime.restoring import restore_command


def invigil(*words: str) -> int:
    parser = argparse.ArgumentParser()
    lockdown.add_parser(parser.add_subparsers())
    args = parser.parse_args(["lockdown", *words])
    return int(args.run(args))


def timeout_line() -> str:
    shown = subprocess.run(["xset", "q"], capture_output=True, text=True, check=True).stdout
    return next(line for line in shown.splitlines() if "timeout:" in line)


@pytest.fixture
def crashed(desktop: object, tmp_path: Path) -> Path:
    """The journal of an exam that kept the screen awake and died."""
    path = tmp_path / "restore.jsonl"
    perform_all([x11.KeepAwake()], RestoreJournal(path, owner=lambda: Owner(1, 0.0)))
    return path


def test_an_unchanged_machine_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invigil("status", "--journal", str(tmp_path / "none")) == 0
    assert capsys.readouterr().out == "Nothing is changed on this machine.\n"


def test_status_names_what_was_left_over_and_how_to_undo_it(crashed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invigil("status", "--journal", str(crashed)) == 0
    shown = capsys.readouterr().out
    assert "The screen saver and power saving are off: left over from an exam that ended" in shown
    assert "invigil lockdown restore" in shown
    assert invigil("restore", "--journal", str(crashed)) == 0


def test_restore_gives_the_machine_back(crashed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "timeout:  0 " in timeout_line()
    assert invigil("restore", "--journal", str(crashed)) == 0
    assert "timeout:  0 " not in timeout_line()
    assert capsys.readouterr().out == "Nothing is changed on this machine.\n"


def test_status_as_json(crashed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invigil("status", "--json", "--journal", str(crashed))
    shown = json.loads(capsys.readouterr().out)
    assert [c["operation"] for c in shown["changed"]] == ["keep_awake"]
    assert shown["changed"][0]["running"] is False
    assert shown["changed"][0]["words"] == "The screen saver and power saving are off"
    assert shown["problems"] == []
    invigil("restore", "--journal", str(crashed))


def test_every_protection_of_every_system_is_named_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(lockdown.CHANGES) == set(OPERATIONS)
    journal = RestoreJournal(tmp_path / "j", owner=lambda: Owner(1, 0.0))
    for op in (*OPERATIONS, "from the future"):
        journal.intend(op, {})
    assert invigil("status", "--journal", str(tmp_path / "j")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(OPERATIONS) + 2
    assert lines[0].startswith("A later version's protection 'from the future' is in place: left over")


def test_what_ends_with_the_client_is_not_said_to_be_left_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    RestoreJournal(tmp_path / "j", owner=lambda: Owner(1, 0.0)).intend("keyboard", {})
    assert invigil("status", "--journal", str(tmp_path / "j")) == 0
    told = "All keys go to the exam: no more, it ended with the exam (process 1)."
    assert capsys.readouterr().out.splitlines()[0] == told


def test_without_a_journal_named_it_looks_where_exams_keep_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    taken = argparse.ArgumentParser()
    taken.add_argument("key", nargs="?")
    add_client_arguments(taken)
    journal = ClientOptions.from_args(taken.parse_args([])).journal
    RestoreJournal(journal).intend("kiosk", {})
    assert invigil("status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["journal"] == str(journal)
    assert invigil("status") == 0
    assert "The exam window covers the screen" in capsys.readouterr().out


def test_a_running_exam_is_restored_only_by_force(
    desktop: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "restore.jsonl"
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        alive = Owner(sleeper.pid, psutil.Process(sleeper.pid).create_time())
        perform_all([x11.KeepAwake()], RestoreJournal(path, owner=lambda: alive))
        assert invigil("restore", "--journal", str(path)) == 1
        assert "by an exam that is running" in capsys.readouterr().out
        assert invigil("restore", "--force", "--journal", str(path)) == 0
        assert "timeout:  0 " not in timeout_line()
    finally:
        sleeper.kill()
        sleeper.wait()


def test_what_can_not_be_restored_fails_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "restore.jsonl"
    RestoreJournal(path).intend("from the future", {})
    assert invigil("restore", "--journal", str(path)) == 1
    assert "this version can't restore" in capsys.readouterr().err


def test_the_entry_of_a_journal_that_was_lost_with_a_power_cut_removes_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    lost, other = tmp_path / "gone" / "restore.jsonl", tmp_path / "restore.jsonl"
    for journal in (lost, other):
        AutostartEntry(restore_command(journal)).perform()
    kept = AutostartEntry(restore_command(other)).before()["file"]
    assert len(list((tmp_path / "autostart").iterdir())) == 2
    assert invigil("restore", "--quiet", "--journal", str(lost)) == 0
    assert [entry.name for entry in (tmp_path / "autostart").iterdir()] == [kept]
    assert not lost.parent.exists()
