"""The client's clock: setting the machine's clock moves nothing that is recorded."""

from __future__ import annotations

import sys
import time

from app.core.types import NS_PER_S
from app.runtime.clock import SteadyClock, SystemClock, passed_ns

START_NS = 1_800_000_000 * NS_PER_S
HOUR_NS = 3600 * NS_PER_S


class Machine:
    """A wall clock that can be set, over one that can't."""

    def __init__(self) -> None:
        self.passed_ns = 50 * NS_PER_S
        self.set_by_ns = 0
        self.clock = SteadyClock(lambda: START_NS + self.passed_ns + self.set_by_ns, lambda: self.passed_ns)

    def utc_s(self) -> float:
        return (self.clock.now().utc_ns - START_NS) / NS_PER_S - 50


def test_utc_goes_on_evenly_whatever_the_machines_clock_is_set_to() -> None:
    machine = Machine()
    machine.passed_ns += 10 * NS_PER_S
    assert machine.utc_s() == 10
    for set_by_ns in (-HOUR_NS, HOUR_NS, -365 * 24 * HOUR_NS):
        machine.set_by_ns = set_by_ns
        assert machine.utc_s() == 10


def test_a_clock_that_was_set_is_told_once_and_one_that_is_kept_right_never() -> None:
    machine = Machine()
    assert machine.clock.moved_ns() == 0
    machine.set_by_ns = -HOUR_NS
    assert [machine.clock.moved_ns(), machine.clock.moved_ns()] == [-HOUR_NS, 0]
    machine.set_by_ns += NS_PER_S
    assert machine.clock.moved_ns() == 0


def test_a_clock_that_is_put_right_before_the_exam_is_followed() -> None:
    machine = Machine()
    machine.set_by_ns = HOUR_NS
    machine.clock.follow()
    assert (machine.utc_s(), machine.clock.moved_ns()) == (3600, 0)


def test_a_session_never_begins_before_the_one_it_continues() -> None:
    machine = Machine()
    machine.clock.not_before(START_NS + 50 * NS_PER_S + HOUR_NS)
    machine.passed_ns += 5 * NS_PER_S
    assert machine.utc_s() == 3605
    machine.clock.not_before(START_NS)
    assert machine.utc_s() == 3605


def test_it_begins_with_the_machines_time_and_counts_sleep() -> None:
    steady = SteadyClock()
    before_ns, now, after_ns = passed_ns(), steady.now(), passed_ns()
    assert before_ns <= now.mono_ns <= after_ns
    assert abs(now.utc_ns - time.time_ns()) < 60 * NS_PER_S
    assert now.boot_id == SystemClock().now().boot_id
    if sys.platform == "linux":
        assert abs(passed_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)) < 60 * NS_PER_S


def test_instants_of_one_session_differ_alike_in_both_times() -> None:
    machine = Machine()
    first = machine.clock.now()
    machine.passed_ns += 1800 * NS_PER_S
    second = machine.clock.now()
    assert first.at(second.mono_ns) == second
