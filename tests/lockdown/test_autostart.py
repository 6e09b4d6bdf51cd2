"""The entry that gives the machine back at the next login."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.lockdown.journal import RestoreJournal
from app.lockdown.linux.autostart import AutostartEntry
from app.lockdown.sequence import perform_all, revert_all

COMMAND = ("/opt/My Exam/invigil", "lockdown", "restore", "--quiet", "--journal", '/home/a "b"/100%/$x`y\\z.jsonl')


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "autostart"


def test_the_entry_is_there_while_the_exam_runs_and_gone_afterwards(folder: Path, tmp_path: Path) -> None:
    journal = RestoreJournal(tmp_path / "restore.jsonl")
    perform_all([AutostartEntry(COMMAND)], journal)
    (entry,) = folder.iterdir()
    assert entry.suffix == ".desktop"
    assert revert_all(journal, {"autostart": AutostartEntry(())}) == []
    assert list(folder.iterdir()) == []


def test_the_command_is_run_word_for_word(folder: Path) -> None:
    AutostartEntry(COMMAND).perform()
    (entry,) = folder.iterdir()
    parser = configparser.RawConfigParser()
    parser.read(entry, encoding="utf-8")
    # a string's backslashes are undone first, then the quoting, then the field codes
    line = parser["Desktop Entry"]["Exec"].replace("\\\\", "\\")
    assert [word.replace("%%", "%") for word in shlex.split(line.replace("\\`", "`").replace("\\$", "$"))] == list(
        COMMAND
    )


def test_two_journals_have_an_entry_each(folder: Path) -> None:
    first, second = AutostartEntry(("a",)), AutostartEntry(("b",))
    first.perform()
    second.perform()
    first.revert(first.before())
    assert [path.name for path in folder.iterdir()] == [str(second.before()["file"])]


@pytest.mark.parametrize("name", ["../../.bashrc", "other.desktop", "", 7, None])
def test_a_journal_that_was_altered_removes_nothing_else(folder: Path, name: str | int | None) -> None:
    kept = folder / "other.desktop"
    kept.parent.mkdir(parents=True)
    kept.touch()
    with pytest.raises(LockdownError, match=r"\.$"):
        AutostartEntry(()).revert({"file": name})
    assert kept.exists()


def test_the_entry_is_found_again_under_another_environment(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = AutostartEntry(COMMAND)
    before = entry.before()
    entry.perform()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
    entry.perform()  # as after a restart
    AutostartEntry(()).revert(before)
    assert [*folder.iterdir(), *(tmp_path / "elsewhere" / "autostart").iterdir()] == []


@pytest.mark.parametrize("place", ["other", "relative/autostart", "autostart\0", 7, None])
def test_only_in_a_folder_for_such_entries_one_is_removed(
    folder: Path, tmp_path: Path, place: str | int | None
) -> None:
    name = str(AutostartEntry(COMMAND).before()["file"])
    kept = tmp_path / "other" / name
    kept.parent.mkdir()
    kept.touch()
    AutostartEntry(()).revert({"file": name, "folder": str(kept.parent) if place == "other" else place})
    assert kept.exists()


def test_a_folder_that_can_not_be_written_stops_the_lock_with_a_sentence(folder: Path) -> None:
    folder.parent.parent.mkdir(exist_ok=True)
    folder.parent.write_text("a file where the folder should be")
    with pytest.raises(LockdownError, match="autostart entry"):
        AutostartEntry(COMMAND).perform()
