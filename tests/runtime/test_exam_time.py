"""The exam's own time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.policy import Accessibility
from app.core.types import NS_PER_S
from app.runtime.attempts import Attempt, open_attempt
from app.runtime.exam_time import ExamTime
from tests.fakes.session import exam_policy
from tests.fakes.sources import ManualClock


@pytest.fixture
def attempt(tmp_path: Path) -> Iterator[Attempt]:
    opened = open_attempt(tmp_path, exam_policy(), "kid", ManualClock().now())
    yield opened
    opened.store.close()


def run_for(time: ExamTime, clock: ManualClock, seconds: float, *, runs: bool = True) -> None:
    """A look four times a second, as the session has it."""
    for _ in range(int(seconds * 4)):
        time.advance(clock.now(), runs=runs)
        clock.advance(NS_PER_S // 4)
    time.advance(clock.now(), runs=runs)


def test_time_runs_while_the_exam_does_and_stands_still_in_a_pause(attempt: Attempt) -> None:
    time, clock = ExamTime(attempt, exam_policy(20)), ManualClock()
    run_for(time, clock, 60)
    run_for(time, clock, 600, runs=False)
    run_for(time, clock, 60)
    assert time.left_s == 20 * 60 - 120


def test_a_restart_costs_the_candidate_no_time(attempt: Attempt) -> None:
    clock = ManualClock()
    first = ExamTime(attempt, exam_policy(20))
    run_for(first, clock, 60)
    first.save()
    clock.advance(3600 * NS_PER_S)
    again = ExamTime(attempt, exam_policy(20))
    run_for(again, clock, 30)
    assert again.left_s == 20 * 60 - 90


def test_time_never_falls_below_nothing(attempt: Attempt) -> None:
    time, clock = ExamTime(attempt, exam_policy(1)), ManualClock()
    run_for(time, clock, 70)
    assert time.left_s == 0


def test_an_exam_without_an_end_of_its_own_has_no_time_left_to_tell(attempt: Attempt) -> None:
    time, clock = ExamTime(attempt, exam_policy(None)), ManualClock()
    run_for(time, clock, 70)
    assert time.left_s is None


def test_each_whole_second_is_told_once(attempt: Attempt) -> None:
    time, clock = ExamTime(attempt, exam_policy(20)), ManualClock()
    told = 0
    for _ in range(41):
        told += time.advance(clock.now(), runs=True)
        clock.advance(NS_PER_S // 4)
    assert told == 10


def test_extra_time_is_added_up_from_minutes_and_percent_of_the_duration(attempt: Attempt) -> None:
    granted = Accessibility(extra_time_min=5, extra_time_percent=25.0)
    time = ExamTime(attempt, replace(exam_policy(60), accessibility=granted))
    assert (time.total_min, time.left_s) == (80, 80 * 60)


def test_more_time_in_a_running_exam_keeps_what_was_used_up(attempt: Attempt) -> None:
    time, clock = ExamTime(attempt, exam_policy(20)), ManualClock()
    run_for(time, clock, 60)
    time.use(exam_policy(30))
    assert time.left_s == 30 * 60 - 60
