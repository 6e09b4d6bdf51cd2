"""The restore journal and the guardian in Windows' Python."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.lockdown.journal import Owner, RestoreJournal
from app.runtime.guardian import Guardian


@pytest.fixture
def journal(tmp_path: Path) -> RestoreJournal:
    return RestoreJournal(tmp_path / "state" / "restore.jsonl")


def test_what_is_intended_is_outstanding_until_it_is_reverted(journal: RestoreJournal) -> None:
    journal.intend("a", {"x": "ü"})
    journal.intend("b", {})
    journal.reverted("b")
    assert RestoreJournal(journal.path).outstanding() == [("a", {"x": "ü"})]
    assert not journal.clear()
    journal.reverted("a")
    assert journal.clear()
    assert journal.path.read_bytes() == b""


def test_several_threads_and_journals_write_one_file_line_by_line(journal: RestoreJournal) -> None:
    def write(name: str) -> None:
        own = RestoreJournal(journal.path)
        for number in range(5):
            own.intend(f"{name}{number}", {})

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.problems() == []
    assert len(journal.outstanding()) == 15


def test_this_process_owns_what_it_changes_and_an_ended_one_is_not_alive(journal: RestoreJournal) -> None:
    journal.intend("a", {})
    (intent,) = journal.intents()
    assert intent.owner.alive()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not Owner(ended.pid, intent.owner.started_s).alive()


def test_an_altered_line_is_left_out_and_told_as_such(journal: RestoreJournal) -> None:
    journal.intend("a", {"timeout": 600})
    journal.intend("b", {})
    journal.path.write_bytes(journal.path.read_bytes().replace(b"600", b"900"))
    assert journal.outstanding() == [("b", {})]
    assert [damage.altered for damage in journal.damages()] == [True]


def test_a_place_that_can_not_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LockdownError, match="can't be used"):
        RestoreJournal(tmp_path / "file" / "restore.jsonl").intend("a", {})


def test_the_guardian_starts_a_client_without_harmful_variables_and_starts_a_crashed_one_again(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys\n"
        "ran = pathlib.Path(sys.argv[1])\n"
        "again = ran.exists()\n"
        "ran.write_text(' '.join([*sys.argv[2:], *(n for n in os.environ if n.startswith('QTWEBENGINE_'))]))\n"
        "sys.exit(3 if again else 70)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "ran")]
    hostile = os.environ | {"QTWEBENGINE_REMOTE_DEBUGGING": "9222", "QTWEBENGINE_CHROMIUM_FLAGS": "--single-process"}
    assert Guardian(command, tmp_path / "restore.jsonl", {}, environ=hostile).run() == 3
    assert (tmp_path / "ran").read_text() == "--resume"
    assert not list(tmp_path.glob("run-*"))
