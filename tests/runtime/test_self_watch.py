"""The client's look at itself: what becomes an accusation, and what is only written down."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.core.types import NS_PER_S, Json, Observation, TamperingSeen
from app.runtime.clock import SystemClock
from app.runtime.guardian import GUARDIAN_PID
from app.runtime.guardian_watch import GuardianWatch, GuardianWatcher
from app.runtime.run_book import JournalAltered, RunBook, Stopped
from app.runtime.self_watch import Circumstances, SelfWatch, Stalls, tracer_pid
from tests.e2e.harness import until

SECOND = NS_PER_S


class Rig:
    """A process that stands for the guardian, and a client's watcher of it."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(["sleep", "60"])
        self.journal = folder / "restore.jsonl"
        self.book = RunBook(self.journal, self.process.pid)
        self.judged = True
        self.watch = GuardianWatch({GUARDIAN_PID: str(self.process.pid)})
        self.watch.start()
        self.watcher = GuardianWatcher(self.watch, self.journal, lambda: self.judged)

    def told(self) -> list[str]:
        seen = self.watcher.poll(5)
        assert all(isinstance(one, TamperingSeen) and one.at_ns == 5 for one in seen)
        return [one.what for one in seen if isinstance(one, TamperingSeen)]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.end()


def test_a_guardian_that_was_ended_is_told_once(rig: Rig) -> None:
    assert rig.told() == []
    rig.end()
    assert rig.told() == ["the process that guards the exam was ended"]
    assert rig.told() == []


def test_each_stop_of_the_guardian_is_told_once(rig: Rig) -> None:
    guardian = psutil.Process(rig.process.pid)
    for _ in range(2):
        guardian.suspend()
        until("the stop", rig.watch.stopped)
        assert rig.told() == []  # a machine that wakes lets its programs go on one after the other
        assert rig.told() == ["the process that guards the exam was stopped"]
        assert rig.told() == []
        guardian.resume()
        until("its end", lambda: not rig.watch.stopped())
        assert rig.told() == []


def test_what_the_guardian_wrote_down_is_told_once_it_is_judged(rig: Rig) -> None:
    rig.judged = False
    rig.book.tell(Stopped(12.4))
    rig.book.tell(JournalAltered(2))
    assert rig.told() == []
    rig.judged = True
    assert rig.told() == [
        "the exam client was stopped for 12 s by another program",
        "2 lines of the restore journal had been altered",
    ]
    assert rig.told() == []


def test_a_book_that_somebody_made_unreadable_hides_no_ended_guardian(rig: Rig) -> None:
    (rig.journal.with_name(f"run-{rig.process.pid}.jsonl")).mkdir()
    rig.end()
    assert rig.told() == ["the process that guards the exam was ended"]


def test_without_a_guardian_nobody_is_accused(tmp_path: Path) -> None:
    watch = GuardianWatch({})
    watch.start()
    assert GuardianWatcher(watch, tmp_path / "restore.jsonl", lambda: True).poll(0) == []


def stalls(*awake_s: float, judged: bool = True) -> list[dict[str, Json]]:
    times = iter(round(one * SECOND) for one in awake_s)
    noted: list[dict[str, Json]] = []
    watcher = Stalls(noted.append, lambda: judged, lambda: next(times))
    for _ in awake_s:
        assert watcher.poll(0) == ()
    return noted


def test_a_client_that_did_not_run_while_the_machine_did_is_noted_and_accuses_nobody() -> None:
    assert stalls(10, 11, 19.3, 20) == [{"event": "stalled", "seconds": 8.3}]


@pytest.mark.parametrize("late", [(10, 11, 15.9), (10,), (0, 1, 2, 3)], ids=["late", "first", "steady"])
def test_a_late_look_on_a_busy_machine_is_no_stall(late: tuple[float, ...]) -> None:
    assert stalls(*late) == []


def test_what_happens_outside_the_exam_is_not_noted() -> None:
    assert stalls(10, 30, judged=False) == []


def circumstances(folder: Path, *tracers: int, guarded: bool = True, scrubbed: tuple[str, ...] = ()) -> list[Json]:
    noted: list[Json] = []
    status = folder / "status"
    watcher = Circumstances(noted.append, lambda: True, scrubbed, guarded=guarded, status=status)
    for tracer in tracers:
        status.write_text(f"Name:\tinvigil\nTracerPid:\t{tracer}\nUid:\t0\n")
        assert watcher.poll(0) == ()
    return noted


def test_names_of_scrubbed_variables_and_a_missing_guardian_are_noted_once(tmp_path: Path) -> None:
    assert circumstances(tmp_path, 0, 0, guarded=False, scrubbed=("LD_PRELOAD",)) == [
        {"event": "environment_scrubbed", "names": ["LD_PRELOAD"]},
        {"event": "unguarded"},
    ]


def test_a_tracer_is_noted_with_its_program_and_accuses_nobody(tmp_path: Path) -> None:
    name = psutil.Process().name()
    us = os.getpid()
    once = {"event": "traced", "program": name}
    assert circumstances(tmp_path, 0, us, us, 0, us) == [once, once]


def test_a_tracer_that_is_gone_already_has_no_name(tmp_path: Path) -> None:
    assert circumstances(tmp_path, 999_999_999) == [{"event": "traced", "program": ""}]


def test_this_process_is_traced_by_nobody_and_a_system_that_does_not_tell_says_so(tmp_path: Path) -> None:
    assert tracer_pid() == 0
    assert tracer_pid(tmp_path / "none") == 0


def test_all_of_it_runs_beside_the_exam(rig: Rig) -> None:
    seen: list[Observation] = []
    noted: list[dict[str, Json]] = []
    environ = {GUARDIAN_PID: str(rig.process.pid)}
    watch = SelfWatch(rig.journal, SystemClock(), seen.append, noted.append, lambda: True, environ, ["LD_AUDIT"])
    watch.start()
    try:
        watch.tell_guardian(restart=False)
        assert not rig.book.restart_wanted()
        rig.end()
        until("the guardian's end to be told", lambda: seen)
    finally:
        watch.stop()
    assert noted == [{"event": "environment_scrubbed", "names": ["LD_AUDIT"]}]
