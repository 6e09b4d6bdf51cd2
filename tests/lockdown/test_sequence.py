"""Protections go on in order and come off in reverse order, past every error."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import LockdownError
from app.core.lockdown import AUTOSTART, OPERATIONS
from app.lockdown.journal import Owner, RestoreJournal, this_process
from app.lockdown.sequence import perform_all, revert_all
from tests.fakes.lockdown import RecordedOperation

NAMES = ("clipboard", "awake", "kiosk", "keyboard", "shell")

every_plan = st.sets(st.sampled_from(OPERATIONS), min_size=1).map(lambda some: [n for n in OPERATIONS if n in some])
any_order = st.lists(st.sampled_from(OPERATIONS), min_size=1, unique=True)


def _of(calls: list[tuple[str, str]], what: str) -> list[str]:
    return [name for called, name in calls if called == what]


@given(
    names=every_plan | any_order,
    where=st.sampled_from(["refuses", "check", "before", "perform"]),
    stubborn=st.sets(st.sampled_from(OPERATIONS)),
)
def test_whichever_fails_the_performed_ones_are_reverted_in_reverse_once_each_past_errors(
    names: list[str], where: str, stubborn: set[str]
) -> None:
    for failing in range(len(names)):
        calls: list[tuple[str, str]] = []
        operations = [
            RecordedOperation(
                name,
                calls,
                frozenset({where} if index == failing else ()) | frozenset({"revert"} if name in stubborn else ()),
                "It can't be done here." if index == failing and where == "refuses" else None,
            )
            for index, name in enumerate(names)
        ]
        with tempfile.TemporaryDirectory() as folder:
            journal = RestoreJournal(Path(folder) / "j")
            with pytest.raises(LockdownError):
                perform_all(operations, journal)
            performed = _of(calls, "perform")
            assert performed == names[: failing + (where == "perform")]
            before_entry = performed[::-1][: performed[::-1].index(AUTOSTART)] if AUTOSTART in performed else []
            kept = {AUTOSTART} if stubborn & set(before_entry) else set()
            assert _of(calls, "revert") == [n for n in performed[::-1] if n not in kept]
            assert [op for op, _ in journal.outstanding()] == [n for n in performed[::-1] if n in stubborn | kept]


def test_the_journal_knows_of_a_change_before_it_is_made(tmp_path: Path) -> None:
    journal = RestoreJournal(tmp_path / "j")
    seen = []

    class Looking(RecordedOperation):
        def perform(self) -> None:
            seen.extend(journal.outstanding())

    perform_all([Looking("a", [])], journal)
    assert seen == [("a", {"was": "a"})]


def test_a_failure_names_the_protection_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LockdownError, match=r"'kiosk' can't be put in place .*; close other programs and try again"):
        perform_all([RecordedOperation("kiosk", [], frozenset({"perform"}))], RestoreJournal(tmp_path / "j"))


def test_reverting_goes_past_errors_and_a_second_time_finishes_the_rest(tmp_path: Path) -> None:
    journal, calls = RestoreJournal(tmp_path / "j"), list[tuple[str, str]]()
    operations = {name: RecordedOperation(name, calls) for name in NAMES}
    perform_all(list(operations.values()), journal)
    operations["kiosk"].fails = frozenset({"revert"})
    problems = revert_all(journal, operations)
    assert _of(calls, "revert") == list(NAMES[::-1])
    assert [p for p in problems if "'kiosk' could not be reverted" in p] == problems
    assert journal.outstanding() == [("kiosk", {"was": "kiosk"})]
    operations["kiosk"].fails = frozenset()
    assert revert_all(journal, operations) == []
    assert journal.outstanding() == []


def test_reverting_twice_reverts_once(tmp_path: Path) -> None:
    journal, calls = RestoreJournal(tmp_path / "j"), list[tuple[str, str]]()
    operation = RecordedOperation("kiosk", calls)
    perform_all([operation], journal)
    assert revert_all(journal, {"kiosk": operation}) == []
    assert revert_all(journal, {"kiosk": operation}) == []
    assert _of(calls, "revert") == ["kiosk"]


def test_an_unknown_protection_is_reported_and_kept(tmp_path: Path) -> None:
    journal = RestoreJournal(tmp_path / "j")
    journal.intend("from the future", {})
    assert revert_all(journal, {}) == [
        "The journal names the protection 'from the future', which this version can't restore."
    ]
    assert len(journal.outstanding()) == 1


def test_what_another_running_exam_has_changed_is_left_alone(tmp_path: Path) -> None:
    calls: list[tuple[str, str]] = []
    operation = RecordedOperation("kiosk", calls)
    perform_all([operation], RestoreJournal(tmp_path / "j"))
    elsewhere = RestoreJournal(tmp_path / "j", owner=lambda: Owner(1, 0.0))
    assert revert_all(elsewhere, {"kiosk": operation}) == []
    assert _of(calls, "revert") == []
    assert revert_all(elsewhere, {"kiosk": operation}, spare=lambda _: False) == []
    assert _of(calls, "revert") == ["kiosk"]


def test_what_an_ended_exam_left_behind_is_restored(tmp_path: Path) -> None:
    calls: list[tuple[str, str]] = []
    operation = RecordedOperation("kiosk", calls)
    dead = Owner(this_process().pid, 0.0)
    perform_all([operation], RestoreJournal(tmp_path / "j", owner=lambda: dead))
    assert revert_all(RestoreJournal(tmp_path / "j"), {"kiosk": operation}) == []
    assert _of(calls, "revert") == ["kiosk"]


def test_the_entry_of_the_next_login_stays_while_something_could_not_be_restored(tmp_path: Path) -> None:
    journal, calls = RestoreJournal(tmp_path / "j"), list[tuple[str, str]]()
    operations = {name: RecordedOperation(name, calls) for name in (AUTOSTART, "awake", "kiosk")}
    perform_all(list(operations.values()), journal)
    operations["awake"].fails = frozenset({"revert"})
    revert_all(journal, operations)
    assert [op for op, _ in journal.outstanding()] == ["awake", AUTOSTART]
    operations["awake"].fails = frozenset()
    revert_all(journal, operations)
    assert _of(calls, "revert") == ["kiosk", "awake", "awake", AUTOSTART]


@pytest.mark.parametrize("loss", ["removed", "replaced", "emptied", "taken by another's end"])
def test_who_changed_the_machine_gives_it_back_without_the_journal(tmp_path: Path, loss: str) -> None:
    journal, calls = RestoreJournal(tmp_path / "j"), list[tuple[str, str]]()
    operations = {name: RecordedOperation(name, calls) for name in NAMES}
    performed = perform_all(list(operations.values()), journal)
    if loss == "emptied":
        journal.path.write_bytes(b"")
    elif loss == "taken by another's end":
        revert_all(RestoreJournal(journal.path), {n: RecordedOperation(n, []) for n in NAMES}, spare=lambda _: False)
    else:
        journal.path.unlink()
    if loss == "replaced":
        journal.path.mkdir()
    problems = revert_all(journal, operations, performed=performed)
    assert _of(calls, "revert") == list(NAMES[::-1])
    assert len(problems) == (1 if loss == "replaced" else 0)
