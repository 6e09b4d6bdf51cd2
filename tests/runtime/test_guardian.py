"""The guardian outlives the client, gives the machine back, and starts the client again. Real processes throughout."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from app.lockdown.journal import Owner, RestoreJournal
from app.lockdown.sequence import perform_all
from app.runtime.guardian import GUARDIAN_PID, Guardian, GuardianWatch
from tests.fakes.guarded_client import SETTINGS, operations

FAKES = Path(__file__).resolve().parents[1] / "fakes"
CLIENT = str(FAKES / "guarded_client.py")
UNTOUCHED = ",".join(f"{name} as it was" for name in SETTINGS)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder whose files stand for the machine's settings."""
    for name in SETTINGS:
        (tmp_path / name).write_text(f"{name} as it was")
    return tmp_path


def settings_of(machine: Path) -> str:
    return ",".join((machine / name).read_text() for name in SETTINGS)


def runs_of(machine: Path) -> list[list[str]]:
    """Per run of the client: the settings it found, how often --resume was given, its guardian's and its own pid."""
    runs = machine / "runs"
    return [line.rsplit(" ", 3) for line in runs.read_text().splitlines()] if runs.exists() else []


def _ran_more_than(machine: Path, times: int) -> bool:
    return len(runs_of(machine)) > times


def guard(machine: Path, *actions: str, say: Callable[[str], None] | None = None) -> int:
    command = [sys.executable, CLIENT, str(machine), *actions]
    return Guardian(command, machine / "restore.jsonl", operations(machine), say=say).run()


@contextmanager
def guardian_process(machine: Path, *actions: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, str(FAKES / "guardian_process.py"), str(machine), *actions])
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for run in runs_of(machine):
            if psutil.pid_exists(int(run[3])) and CLIENT in psutil.Process(int(run[3])).cmdline():
                os.kill(int(run[3]), signal.SIGKILL)


def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_a_normal_exit_is_passed_on_and_leftovers_are_restored(machine: Path, code: int) -> None:
    assert guard(machine, f"exit:{code}") == code
    assert settings_of(machine) == UNTOUCHED
    assert len(runs_of(machine)) == 1


@pytest.mark.parametrize("death", ["kill", "exit:70", "torn"])
def test_after_a_death_the_machine_is_restored_before_the_client_runs_again(machine: Path, death: str) -> None:
    assert guard(machine, death, death, "tidy") == 0
    assert [run[0] for run in runs_of(machine)] == [UNTOUCHED] * 3
    assert settings_of(machine) == UNTOUCHED


def test_the_client_is_told_once_to_go_on_and_who_guards_it(machine: Path) -> None:
    guard(machine, "kill", "kill", "tidy")
    assert [run[1] for run in runs_of(machine)] == ["0", "1", "1"]
    assert {run[2] for run in runs_of(machine)} == {str(os.getpid())}


def test_it_gives_up_after_five_restarts_with_a_sentence(machine: Path) -> None:
    said: list[str] = []
    assert guard(machine, "exit:99", say=said.append) == 1
    assert len(runs_of(machine)) == 6
    assert len(said) == 1
    assert said[0].startswith("The exam client ended unexpectedly 6 times within 60 seconds;")
    assert settings_of(machine) == UNTOUCHED


def test_deaths_far_apart_do_not_count_together(machine: Path) -> None:
    minutes = iter(range(100))
    guardian = Guardian(
        [sys.executable, CLIENT, str(machine), "exit:99", "exit:99", "exit:99", "tidy"],
        machine / "restore.jsonl",
        operations(machine),
        max_restarts=1,
        monotonic_s=lambda: next(minutes) * 61.0,
    )
    assert guardian.run() == 0
    assert len(runs_of(machine)) == 4


def test_what_an_earlier_crash_left_is_restored_before_the_first_start(machine: Path) -> None:
    dead = RestoreJournal(machine / "restore.jsonl", owner=lambda: Owner(os.getpid(), 0.0))
    perform_all(list(operations(machine).values()), dead)
    assert settings_of(machine) == "locked,locked,locked"
    assert guard(machine, "tidy") == 0
    assert runs_of(machine)[0][0] == UNTOUCHED


def test_a_journal_of_garbage_is_reported_and_does_not_stop_the_exam(machine: Path) -> None:
    (machine / "restore.jsonl").write_bytes(b"\x00\xff garbage\n")
    said: list[str] = []
    assert guard(machine, "tidy", say=said.append) == 0
    assert said == ["Line 1 of the restore journal is damaged and was left out."]


def test_a_client_that_is_not_there_is_told_in_a_sentence(machine: Path) -> None:
    said: list[str] = []
    guardian = Guardian(["/nonexistent/client"], machine / "restore.jsonl", {}, say=said.append)
    assert guardian.run() == 1
    assert "can't be started" in said[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_client_and_restores_the_machine(machine: Path, number: signal.Signals) -> None:
    with guardian_process(machine, "wait") as guardian:
        until(lambda: (machine / "locked").exists())
        guardian.send_signal(number)
        assert guardian.wait(15) == 128 + number
        assert not psutil.pid_exists(int(runs_of(machine)[0][3]))
    assert settings_of(machine) == UNTOUCHED


def test_a_client_that_ignores_the_signal_is_killed_in_the_end(machine: Path) -> None:
    with guardian_process(machine, "deaf") as guardian:
        until(lambda: (machine / "locked").exists())
        guardian.terminate()
        assert guardian.wait(15) == 128 + signal.SIGTERM
        assert not psutil.pid_exists(int(runs_of(machine)[0][3]))
    assert settings_of(machine) == UNTOUCHED


def test_twenty_kills_at_random_points_each_leave_the_machine_restored(machine: Path) -> None:
    """The client locks and unlocks without pause; it is killed anywhere in that."""
    client = [sys.executable, CLIENT, str(machine), "churn"]
    guardian = Guardian(["true"], machine / "restore.jsonl", operations(machine))
    interrupted = 0
    for _ in range(20):
        runs = len(runs_of(machine))
        process = subprocess.Popen(client, env=os.environ | {GUARDIAN_PID: "1"})
        until(partial(_ran_more_than, machine, runs))
        with suppress(subprocess.TimeoutExpired):
            process.wait(secrets.randbelow(50_000) / 1e6)
        process.kill()
        process.wait()
        interrupted += bool(RestoreJournal(machine / "restore.jsonl").outstanding())
        assert guardian.run() == 0
        assert settings_of(machine) == UNTOUCHED
    assert interrupted > 0


def test_a_killed_guardian_is_noticed_and_the_next_start_restores(machine: Path) -> None:
    with guardian_process(machine, "wait") as guardian:
        until(lambda: (machine / "locked").exists())
        watch = GuardianWatch({GUARDIAN_PID: str(guardian.pid)})
        watch.start()
        assert not watch.gone()
        guardian.kill()
        guardian.wait()
        assert watch.gone()
        os.kill(int(runs_of(machine)[0][3]), signal.SIGKILL)
        until(lambda: not psutil.pid_exists(int(runs_of(machine)[0][3])))
    assert settings_of(machine) == "locked,locked,locked"
    assert guard(machine, "wait", "tidy") == 0
    assert runs_of(machine)[1][0] == UNTOUCHED


def test_a_second_start_leaves_a_running_exam_locked(machine: Path) -> None:
    with guardian_process(machine, "wait"):
        until(lambda: (machine / "locked").exists())
        assert Guardian(["true"], machine / "restore.jsonl", operations(machine)).run() == 0
        assert settings_of(machine) == "locked,locked,locked"


def test_without_a_guardian_none_is_missed() -> None:
    watch = GuardianWatch({})
    watch.start()
    assert not watch.guarded
    assert not watch.gone()


def test_it_loads_neither_qt_nor_native_media() -> None:
    look = "import sys, app.runtime.guardian; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout.split()
    assert not {"PySide6", "numpy", "cv2", "av", "mediapipe"} & set(loaded)


def test_whoever_gives_up_tells_the_person_once_in_a_window_of_its_own(machine: Path) -> None:
    said: list[str] = []

    def farewell(sentence: str) -> list[str]:
        told = f"import pathlib; pathlib.Path({str(machine / 'told')!r}).write_text({sentence!r})"
        return [sys.executable, "-c", told]

    command = [sys.executable, CLIENT, str(machine), "kill"]
    guardian = Guardian(
        command, machine / "restore.jsonl", operations(machine), max_restarts=1, say=said.append, farewell=farewell
    )
    assert guardian.run() == 1
    assert len(runs_of(machine)) == 2
    assert (machine / "told").read_text() == said[-1]
    assert settings_of(machine) == UNTOUCHED
