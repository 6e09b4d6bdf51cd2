"""Whatever happens to client and guardian, this Windows is given back as it was."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import lockdown as command_line
from app.lockdown.journal import RestoreJournal
from app.lockdown.platform import all_operations, machine_facts, start_elsewhere
from app.lockdown.win32 import user32_placing
from app.lockdown.windows.clipboard_emptied import SERVICES
from app.lockdown.windows.registry import Registry
from app.lockdown.windows.system_keys import POLICIES
from app.runtime.guardian import Guardian
from tests.wine.helpers import OtherProgram, until
from tests.wine.machine_state import machine_state

CLIENT = str(Path(__file__).with_name("locking_client.py"))
KILLS = 100 if os.environ.get("INVIGIL_EXAMPLES") == "full" else 14
KILLED, CRASHED = 9, 70


@pytest.fixture(scope="module")
def foreign() -> Iterator[int]:
    with OtherProgram() as other:
        yield other.window(100, 100, 300, 200)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "restore.jsonl"


@pytest.fixture
def of_somebodys_taste() -> Iterator[None]:
    """A Windows that is not as it came."""
    registry = Registry()
    changed = {POLICIES["lock"]: 0, POLICIES["task_manager"]: 1, SERVICES["history"]: 1}
    for place, number in changed.items():
        registry.set_number(place, number)
    yield
    for place in changed:
        registry.delete(place)
        registry.delete_empty_key(place)


def client(journal: Path, *what: object) -> list[str]:
    return [sys.executable, CLIENT, str(journal), *map(str, what)]


def run(journal: Path, *what: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(client(journal, *what), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def invigil(*words: str) -> int:
    """The command line, as the start entry calls it at the next login."""
    parser = argparse.ArgumentParser()
    command_line.add_parser(parser.add_subparsers())
    args = parser.parse_args(words)
    return int(args.run(args))


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("of_somebodys_taste")
def test_killed_at_any_step_of_locking_and_unlocking_the_next_start_restores_everything(
    journal: Path, foreign: int
) -> None:
    before = machine_state(foreign)
    whole = run(journal, "die-at", 0)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert machine_state(foreign) == before
    apart, left = int(whole.stdout) * 19 // 20 // KILLS, 0  # the number of steps differs a little
    for number in range(KILLS):
        at = 1 + number * apart + 4711 * number % apart
        assert run(journal, "die-at", at).returncode == KILLED, at
        left += machine_state(foreign) != before
        assert invigil("lockdown", "restore", "--quiet", "--journal", str(journal)) == 0, at
        until(lambda: not user32_placing.is_minimised(foreign))
        assert machine_state(foreign) == before, at
        assert RestoreJournal(journal).outstanding() == []
    assert left > KILLS // 3, "nothing had to be restored"


@pytest.mark.usefixtures("of_somebodys_taste")
def test_the_guardian_restores_after_a_crash_before_it_starts_the_client_again(journal: Path, foreign: int) -> None:
    before, found = machine_state(foreign), []

    def start(command: object, environ: object) -> subprocess.Popen[bytes]:
        until(lambda: not user32_placing.is_minimised(foreign))
        found.append(machine_state(foreign))
        return subprocess.Popen(client(journal, "crash" if len(found) == 1 else "die-at"), stdin=subprocess.DEVNULL)

    assert Guardian(client(journal), journal, all_operations(), start=start).run() == 0
    assert found == [before, before]
    assert machine_state(foreign) == before


def test_an_exam_that_wants_a_desktop_of_its_own_runs_there_and_is_left_with_the_client(
    journal: Path, foreign: int
) -> None:
    before, operations = machine_state(foreign), all_operations()
    elsewhere = start_elsewhere(operations, journal)
    assert Guardian(client(journal, "move"), journal, operations, elsewhere=elsewhere).run() == 0
    until(lambda: machine_state(foreign) == before)
    assert RestoreJournal(journal).outstanding() == []


def test_the_command_line_says_in_words_what_is_changed(
    journal: Path, foreign: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(journal, "crash").returncode == CRASHED
    assert invigil("lockdown", "status", "--journal", str(journal)) == 0
    shown = capsys.readouterr().out
    for words in ("next login", "clipboard was emptied", "screen saver", "key combinations", "windows were put away"):
        assert words in shown
    assert "left over from an exam that ended" in shown
    assert invigil("lockdown", "restore", "--journal", str(journal)) == 0
    assert capsys.readouterr().out == "Nothing is changed on this machine.\n"
    until(lambda: not user32_placing.is_minimised(foreign))


def test_this_windows_can_be_locked_in_full() -> None:
    facts = machine_facts({})
    assert facts.system == "windows"
    assert facts.system_policies
