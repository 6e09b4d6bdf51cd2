"""What is on the disk when: a power cut at any moment leaves enough to give the machine back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from app.core.ports import LockdownOperation
from app.core.types import Json
from app.lockdown.journal import RestoreJournal
from app.lockdown.linux.autostart import AutostartEntry
from app.lockdown.sequence import perform_all, revert_all
from tests.fakes.lockdown import FileOperation

Found = tuple[list[str], list[str]]
"""What is outstanding in the journal, newest first, and the autostart entries."""


class Disk:
    """Knows what was synced: file contents and the entries of folders, as they were at their last fsync."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._files: dict[int, bytes] = {}
        self._names: dict[Path, dict[str, int]] = {}
        monkeypatch.setattr(os, "fsync", self._synced)

    def _synced(self, handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.is_dir():
            self._names[path] = {child.name: child.stat().st_ino for child in path.iterdir() if child.is_file()}
        else:
            self._files[path.stat().st_ino] = path.read_bytes()

    def after_power_cut(self, folder: Path) -> dict[str, bytes]:
        """What would be found in the folder."""
        return {name: self._files.get(number, b"") for name, number in self._names.get(folder, {}).items()}


class Watched(FileOperation):
    """Notes what a restorer would have when its change is made, and when it was just undone."""

    def __init__(self, path: Path, found: Callable[[], Found]) -> None:
        super().__init__(path)
        self._found = found
        self.seen: list[Found] = []

    def perform(self) -> None:
        self.seen.append(self._found())
        super().perform()

    def revert(self, before: Mapping[str, Json]) -> None:
        super().revert(before)
        self.seen.append(self._found())


def test_entry_and_journal_are_on_the_disk_before_a_change_and_until_it_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    autostart, path = tmp_path / "config" / "autostart", tmp_path / "state" / "restore.jsonl"
    disk = Disk(monkeypatch)
    for name in ("first", "second"):
        (tmp_path / name).write_text("as it was")

    def found() -> Found:
        copy = tmp_path / "after.jsonl"
        copy.write_bytes(disk.after_power_cut(path.parent).get(path.name, b""))
        entries = [name for name, text in disk.after_power_cut(autostart).items() if b"Exec=" in text]
        return [op for op, _ in RestoreJournal(copy).outstanding()], entries

    entry = AutostartEntry(("restore",))
    changes = [Watched(tmp_path / name, found) for name in ("first", "second")]
    every: list[LockdownOperation] = [entry, *changes]
    perform_all(every, RestoreJournal(path))
    revert_all(RestoreJournal(path), {each.name: each for each in every})
    entries = [str(entry.before()["file"])]
    assert changes[0].seen == [(["file:first", "autostart"], entries)] * 2
    assert changes[1].seen == [(["file:second", "file:first", "autostart"], entries)] * 2
    assert disk.after_power_cut(autostart) == {}
    assert disk.after_power_cut(path.parent) == {path.name: b""}
