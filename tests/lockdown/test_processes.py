"""Denied programs that go by another name, and those of allowed signers; the system's part is a fake."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

import pytest

from app.core.errors import BadInput
from app.core.types import ProcessesSeen
from app.lockdown.file_hashes import FileHashes
from app.lockdown.processes import ListedProcess, Processes, Program, load_process_list, reasons

KNOWN = (ListedProcess("anydesk", "remote control", "shares the screen", ("AnyDesk.exe", "ad_svc.exe")),)
WHY = "remote control: shares the screen"


class FakePrograms:
    """Answers ``RunningPrograms`` from what the test sets."""

    def __init__(self, programs: dict[int, Program], signers: dict[str, str] | None = None) -> None:
        self.programs = programs
        self.signers = signers or {}

    def pids(self) -> Collection[int]:
        return list(self.programs)

    def program(self, pid: int) -> Program | None:
        return self.programs.get(pid)

    def signer(self, file: str) -> str:
        return self.signers.get(file, "")


def test_a_renamed_program_is_found_by_a_name_that_its_maker_built_in() -> None:
    programs = FakePrograms({7: Program(("homework.exe", "C:\\homework.exe", "AD_SVC.EXE"))})
    watcher = Processes(reasons(["anydesk"], KNOWN), (), programs)
    assert watcher.poll(0) == (ProcessesSeen(0, (("ad_svc", WHY),), (7,)),)


def test_the_original_names_of_a_program_that_is_not_denied_deny_nothing() -> None:
    assert reasons(["zoom"], KNOWN) == {"zoom": "not allowed in this exam"}
    assert reasons(["AnyDesk.exe"], KNOWN) == {"anydesk": WHY, "ad_svc": WHY}


@pytest.mark.parametrize("signer", ["Example University", "EXAMPLE UNIVERSITY "])
def test_a_denied_program_of_an_allowed_signer_is_not_reported(signer: str) -> None:
    programs = FakePrograms({7: Program(("anydesk",), "/opt/anydesk")}, {"/opt/anydesk": "Example University"})
    assert Processes(reasons(["anydesk"]), (), programs, (signer,)).poll(0) == ()


@pytest.mark.parametrize("allowed", [("Somebody Else",), ("",), ()])
def test_any_other_signer_and_none_at_all_are_no_excuse(allowed: tuple[str, ...]) -> None:
    programs = FakePrograms({7: Program(("anydesk",), "/opt/anydesk"), 8: Program(("anydesk",))})
    assert len(Processes(reasons(["anydesk"]), (), programs, allowed).poll(0)) == 1


def test_a_program_is_found_by_the_hash_of_its_file_whatever_it_is_called(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_bytes(b"a program")
    digest = hashlib.sha256(b"a program").hexdigest()
    watcher = Processes(reasons([f"SHA256:{digest.upper()}"]), (), FakePrograms({7: Program(("notes",), str(file))}))
    why = "its file is one that the exam does not allow, whatever it is called"
    assert watcher.poll(0) == (ProcessesSeen(0, (("notes", why),), (7,)),)


def test_a_file_that_is_large_is_hashed_over_several_rounds_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    large, small = tmp_path / "large", tmp_path / "small"
    large.write_bytes(bytes(3 << 20))
    small.write_bytes(b"small")
    hashes = FileHashes(bytes_per_round=1 << 20)
    rounds = 0
    while hashes.get(str(large)) is None:
        hashes.begin()
        rounds += 1
        assert rounds < 10
    assert rounds == 4  # three pieces, and the round that finds the end
    assert hashes.get(str(large)) == hashlib.sha256(bytes(3 << 20)).hexdigest()
    assert hashes.get(str(small)) == hashlib.sha256(b"small").hexdigest()


def test_a_file_that_changed_is_hashed_anew_and_one_that_is_gone_has_no_hash(tmp_path: Path) -> None:
    file = tmp_path / "program"
    hashes = FileHashes()
    hashes.begin()
    file.write_bytes(b"one")
    assert hashes.get(str(file)) == hashlib.sha256(b"one").hexdigest()
    file.write_bytes(b"another")
    assert hashes.get(str(file)) == hashlib.sha256(b"another").hexdigest()
    file.unlink()
    assert hashes.get(str(file)) == ""


def test_a_large_denied_program_is_found_in_a_later_poll(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(3 << 20))
    digest = hashlib.sha256(bytes(3 << 20)).hexdigest()
    monkeypatch.setattr("app.lockdown.processes.FileHashes", lambda: FileHashes(bytes_per_round=1 << 20))
    watcher = Processes(reasons([f"sha256:{digest}"]), (), FakePrograms({7: Program(("large",), str(file))}))
    polls = [watcher.poll(number) for number in range(10)]
    assert [bool(poll) for poll in polls].count(True) == 1


def test_original_names_are_read_from_the_list(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    entry = {"name": "anydesk", "kind": "remote control", "why": "shares the screen"}
    path.write_text(json.dumps([entry, {**entry, "original_names": ["AnyDesk.exe"]}]), encoding="utf-8")
    assert [one.original_names for one in load_process_list(path)] == [(), ("AnyDesk.exe",)]


@pytest.mark.parametrize("names", ["AnyDesk.exe", [7], [""]], ids=["text", "number", "empty"])
def test_original_names_that_are_no_list_of_names_are_refused(names: object, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    entry = {"name": "anydesk", "kind": "remote control", "why": "shares the screen", "original_names": names}
    path.write_text(json.dumps([entry]), encoding="utf-8")
    with pytest.raises(BadInput, match=r"Entry 1 .* original_names"):
        load_process_list(path)
