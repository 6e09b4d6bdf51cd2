"""The restore journal: on disk before the change, readable after any crash."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import LockdownError
from app.core.types import Json
from app.lockdown import journal as journal_module
from app.lockdown.journal import Owner, RestoreJournal, _parse, _sum, this_process


def line(**members: Json) -> bytes:
    """As the journal writes it."""
    return json.dumps(members | {"sum": _sum(members)}).encode()


@pytest.fixture
def journal(tmp_path: Path) -> RestoreJournal:
    return RestoreJournal(tmp_path / "state" / "restore.jsonl")


def test_outstanding_changes_come_newest_first(journal: RestoreJournal) -> None:
    journal.intend("a", {"x": 1})
    journal.intend("b", {})
    assert journal.outstanding() == [("b", {}), ("a", {"x": 1})]


def test_a_reverted_change_is_no_longer_outstanding(journal: RestoreJournal) -> None:
    journal.intend("a", {})
    journal.intend("b", {})
    journal.reverted("b")
    assert journal.outstanding() == [("a", {})]


def test_another_process_reads_what_was_intended(journal: RestoreJournal) -> None:
    journal.intend("a", {"x": [1, "ü", None]})
    assert RestoreJournal(journal.path).outstanding() == [("a", {"x": [1, "ü", None]})]


def test_the_state_before_the_first_change_is_kept_when_it_is_changed_again(journal: RestoreJournal) -> None:
    journal.intend("a", {"timeout": 600})
    assert journal.intend("a", {"timeout": 0}) == {"timeout": 600}
    assert journal.outstanding() == [("a", {"timeout": 600})]


def test_only_the_user_can_read_it(journal: RestoreJournal) -> None:
    journal.intend("a", {})
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_it_is_emptied_only_when_nothing_is_outstanding(journal: RestoreJournal) -> None:
    journal.intend("a", {})
    assert not journal.clear()
    assert journal.outstanding() == [("a", {})]
    journal.reverted("a")
    assert journal.clear()
    assert journal.path.read_bytes() == b""


def test_a_journal_that_never_was_is_empty_and_stays_unmade(journal: RestoreJournal) -> None:
    assert journal.outstanding() == []
    assert journal.problems() == []
    assert journal.clear()
    assert not journal.path.exists()


def test_a_torn_last_line_is_reported_and_costs_only_itself(journal: RestoreJournal) -> None:
    journal.intend("a", {})
    journal.intend("b", {})
    journal.path.write_bytes(journal.path.read_bytes()[:-9])
    assert journal.outstanding() == [("a", {})]
    assert journal.problems() == ["Line 2 of the restore journal is damaged and was left out."]
    journal.intend("c", {})
    assert journal.outstanding() == [("c", {}), ("a", {})]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\xfe",
        b"[]",
        b"null",
        b'{"do":"intend"}',
        b'{"do":"intend","op":1}',
        b'{"do":"intend","op":"c","before":{},"pid":1,"started":1%s}' % (b"0" * 400),
        b"[" * 100_000,
        b'"a"',
    ],
)
def test_garbage_lines_are_reported_and_never_raise(journal: RestoreJournal, garbage: bytes) -> None:
    journal.intend("a", {})
    with journal.path.open("ab") as file:
        file.write(garbage + b"\n")
    journal.intend("b", {})
    assert journal.outstanding() == [("b", {}), ("a", {})]
    assert len(journal.problems()) == 1


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(content: bytes) -> None:
    intents, problems = _parse(content)
    assert not intents
    assert len(problems) <= content.count(b"\n") + 1


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcd")), max_size=12))
def test_outstanding_is_what_was_intended_and_not_reverted_since(steps: list[tuple[bool, str]]) -> None:
    lines, expected = [], list[str]()
    for intend, op in steps:
        if op in expected:
            expected.remove(op)
        if intend:
            expected.append(op)
            lines.append(line(do="intend", op=op, before={}, pid=1, started=0))
        else:
            lines.append(line(do="reverted", op=op))
    intents, damages = _parse(b"\n".join(lines))
    assert [i.op for i in intents] == expected[::-1]
    assert not damages


@pytest.mark.parametrize(
    "edit",
    [
        (b'"timeout": 600', b'"timeout": 0'),
        (b'"op": "a"', b'"op": "other"'),
        (b'"do": "intend"', b'"do": "reverted"'),
        (b'"sum": ', b'"was": '),
    ],
    ids=["value", "name", "kind", "sum"],
)
def test_an_altered_line_is_not_used_told_as_such_and_costs_only_itself(
    journal: RestoreJournal, edit: tuple[bytes, bytes]
) -> None:
    journal.intend("a", {"timeout": 600})
    journal.intend("b", {"x": 1})
    first, second, _ = journal.path.read_bytes().split(b"\n")
    assert edit[0] in first
    journal.path.write_bytes(first.replace(*edit) + b"\n" + second + b"\n")
    assert journal.outstanding() == [("b", {"x": 1})]
    assert journal.problems() == ["Line 1 of the restore journal was altered and was left out."]


@pytest.mark.parametrize("tail", [b'{"do": "intend", "op": "fil', b"\0" * 80, b'{"do": "reverted", "op": "a"'])
def test_what_a_loss_of_power_leaves_is_not_called_altered(journal: RestoreJournal, tail: bytes) -> None:
    journal.intend("a", {})
    with journal.path.open("ab") as file:
        file.write(tail)
    journal.intend("b", {})
    assert [damage.altered for damage in journal.damages()] == [False]
    assert journal.outstanding() == [("b", {}), ("a", {})]


@given(data=st.data())
def test_any_changed_bytes_cost_only_the_lines_that_they_are_in(data: st.DataObject) -> None:
    lines = [line(do="intend", op=op, before={"value": 5}, pid=1, started=0) for op in "abc"]
    content = bytearray(b"\n".join(lines))
    hit = data.draw(st.integers(0, len(content) - 1))
    content[hit] = data.draw(st.integers(0, 255))
    intents, _ = _parse(bytes(content))
    left = {op for op, text in zip("abc", lines, strict=True) if text in bytes(content)}
    assert left <= {intent.op for intent in intents}
    assert {intent.op: intent.before for intent in intents} == {intent.op: {"value": 5} for intent in intents}


def test_an_unusable_place_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LockdownError, match=r"restore journal .* can't be used"):
        RestoreJournal(tmp_path / "file" / "restore.jsonl").intend("a", {})


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "restore.jsonl").symlink_to(tmp_path / "victim")
    with pytest.raises(LockdownError):
        RestoreJournal(tmp_path / "restore.jsonl").intend("a", {})
    assert (tmp_path / "victim").read_text() == "mine"


def test_a_process_is_known_by_its_start_and_not_only_its_number() -> None:
    us = this_process()
    assert us.alive()
    assert not Owner(us.pid, us.started_s - 60).alive()


@pytest.mark.parametrize("number", [-5, 0, 10**30])
def test_what_is_no_process_number_is_not_alive(number: int) -> None:
    assert not Owner(number, 0.0).alive()


def test_an_ended_process_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner(child.pid, this_process().started_s)
    child.communicate(b"\n")
    assert not owner.alive()
    assert owner.pid != os.getpid()


def test_a_killed_process_that_nobody_has_waited_for_is_not_alive() -> None:
    child = subprocess.Popen(["sleep", "60"])
    process = psutil.Process(child.pid)
    owner = Owner(child.pid, process.create_time())
    assert owner.alive()
    child.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not owner.alive()
    child.wait()


def test_a_clock_that_was_set_ends_no_running_process() -> None:
    """Linux tells a process's start by the clock as it is now."""
    us = this_process()
    assert us.mark
    assert Owner(us.pid, us.started_s - 3600, us.mark).alive()
    assert not Owner(us.pid, us.started_s, f"another boot {us.mark.split()[1]}").alive()


def test_the_owners_mark_is_read_again(journal: RestoreJournal) -> None:
    journal.intend("a", {})
    assert [intent.owner for intent in journal.intents()] == [this_process()]


def test_what_was_intended_is_read_from_a_disk_that_takes_nothing(
    journal: RestoreJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.intend("a", {})
    system = os.open

    def refusing(path: os.PathLike[str], flags: int, mode: int = 0o777) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return system(path, flags, mode)

    monkeypatch.setattr(os, "open", refusing)
    assert journal.outstanding() == [("a", {})]
    with pytest.raises(LockdownError, match="Read-only file system"):
        journal.reverted("a")


def test_a_program_that_holds_the_journal_stops_nobody_from_restoring(
    journal: RestoreJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.intend("a", {})
    monkeypatch.setattr(journal_module, "LOCK_WAIT_S", 0.0)
    with journal.path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert journal.outstanding() == [("a", {})]
        with pytest.raises(LockdownError, match="another program holds it"):
            journal.reverted("a")


def test_nobody_waits_for_a_pipe_in_the_journals_place(journal: RestoreJournal) -> None:
    journal.path.parent.mkdir()
    os.mkfifo(journal.path)
    for use in (journal.outstanding, journal.problems, journal.clear, lambda: journal.intend("a", {})):
        with pytest.raises(LockdownError, match="can't be used"):
            use()


def test_a_journal_that_somebody_blew_up_is_read_at_its_beginning_and_not_written(journal: RestoreJournal) -> None:
    journal.intend("a", {})
    os.truncate(journal.path, 1 << 40)
    assert journal.outstanding() == [("a", {})]
    with pytest.raises(LockdownError, match="too large"):
        journal.intend("b", {})
