"""A source is kept running, and whatever is missing is told exactly once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from app.capture.reader import Source
from app.capture.supervised import Supervised
from app.core.errors import SourceError
from app.core.ports import SourceInfo
from app.core.types import Frame, GapCause, Stream
from app.runtime.clock import SystemClock
from tests.fakes.sources import FakeCamera, Heard

CLOCK = SystemClock()
STALL_S = 0.05


def wait_for(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


class Rig:
    """A supervised fake camera, its listener, and what its sink received."""

    def __init__(self) -> None:
        self.camera = FakeCamera(CLOCK)
        self.heard = Heard()
        self.frames: list[Frame] = []
        self.attempts: list[int] = []
        self._running: list[Supervised[Frame]] = []

    def run(
        self,
        *sinks: Callable[[Frame], None],
        stall_s: float = 30.0,
        fresh: Callable[[], Source[Frame]] | None = None,
    ) -> Supervised[Frame]:
        source: Source[Frame] = self.camera
        running = Supervised(
            source, CLOCK, [*sinks, self.frames.append], self.heard, stall_s=stall_s, retry=self._retry, fresh=fresh
        )
        self._running.append(running)
        running.start()
        return running

    def stop(self) -> None:
        self.camera.release()
        for running in self._running:
            running.stop()

    def more_frames(self) -> None:
        have = len(self.frames)
        wait_for(lambda: len(self.frames) > have + 2)

    def _retry(self, attempt: int) -> float:
        self.attempts.append(attempt)
        return 0.01


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.stop()


def test_every_sink_gets_every_item(rig: Rig) -> None:
    others: list[Frame] = []
    running = rig.run(others.append)
    rig.more_frames()
    running.stop()
    assert [f.seq for f in others] == [f.seq for f in rig.frames] == list(range(1, len(others) + 1))
    assert running.counters().items == len(others)
    assert rig.heard.events == ["opened"]


def test_a_raising_sink_is_counted_and_stops_nobody(rig: Rig) -> None:
    def broken(_: Frame) -> None:
        raise RuntimeError("broken sink")

    running = rig.run(broken)
    rig.more_frames()
    running.stop()
    assert running.counters().sink_errors == running.counters().items == len(rig.frames)
    assert rig.heard.events == ["opened"]


def test_an_unplugged_device_is_lost_once_and_back_with_a_gap(rig: Rig) -> None:
    running = rig.run()
    rig.more_frames()
    rig.camera.plugged = False
    wait_for(lambda: len(rig.attempts) > 3)
    rig.camera.plugged = True
    rig.more_frames()
    running.stop()
    assert rig.heard.events == ["opened", "lost device_lost", "opened", "back", "gap device_lost"]
    assert rig.heard.codes == [4005]
    assert rig.attempts[:4] == [1, 2, 3, 4]
    gap = rig.heard.gaps[0]
    instants = [f.at for f in rig.frames]
    assert instants.index(gap.end) == instants.index(gap.start) + 1


def test_retries_begin_anew_after_the_device_was_back(rig: Rig) -> None:
    rig.run()
    rig.more_frames()
    rig.camera.plugged = False
    wait_for(lambda: len(rig.attempts) >= 2)
    rig.camera.plugged = True
    rig.more_frames()
    failures = len(rig.attempts)
    rig.camera.plugged = False
    wait_for(lambda: len(rig.attempts) > failures)
    assert rig.attempts[failures] == 1


def test_a_device_that_is_missing_from_the_start_is_told_with_its_code(rig: Rig) -> None:
    rig.camera.plugged = False
    running = rig.run()
    wait_for(lambda: len(rig.attempts) > 2)
    assert rig.heard.events == ["lost device_missing"]
    assert rig.heard.codes == [4010]
    rig.camera.plugged = True
    rig.more_frames()
    running.stop()
    assert rig.heard.events == ["lost device_missing", "opened", "back", "gap device_missing"]


def test_stopping_while_the_device_is_gone_reports_the_gap_so_far(rig: Rig) -> None:
    running = rig.run()
    rig.more_frames()
    rig.camera.plugged = False
    wait_for(lambda: rig.heard.codes)
    running.stop()
    assert rig.heard.events == ["opened", "lost device_lost", "gap device_lost"]
    assert rig.heard.gaps[0].start == rig.frames[-1].at


def test_a_read_that_hangs_is_noticed_and_its_return_ends_the_gap(rig: Rig) -> None:
    running = rig.run(stall_s=STALL_S)
    rig.more_frames()
    rig.camera.hang()
    wait_for(lambda: rig.heard.codes)
    assert rig.heard.events == ["opened", "lost stalled"]
    rig.camera.release()
    rig.more_frames()
    running.stop()
    assert rig.heard.events[-2:] == ["back", "gap stalled"]
    assert rig.heard.events.count("lost stalled") == 1


def test_a_source_that_hangs_for_good_is_replaced_by_a_fresh_one(rig: Rig) -> None:
    fresh = FakeCamera(CLOCK)

    def replacement() -> Source[Frame]:
        return fresh

    running = rig.run(stall_s=STALL_S, fresh=replacement)
    rig.more_frames()
    rig.camera.hang()
    rig.more_frames()
    stuck_at = rig.camera.seq
    rig.camera.release()
    rig.more_frames()
    running.stop()
    assert rig.heard.events == ["opened", "lost stalled", "opened", "back", "gap stalled"]
    assert rig.camera.seq <= stuck_at + 1, "the source that was given up is read no more"
    assert running.counters().restarts == running.counters().abandoned == 1


def test_stopping_does_not_wait_for_a_device_that_hangs(rig: Rig) -> None:
    running = rig.run()
    rig.more_frames()
    rig.camera.hang()
    wait_for(rig.camera.hanging.is_set)
    running.stop()
    assert running.counters().abandoned == 1
    seen = len(rig.frames)
    rig.camera.release()
    wait_for(lambda: not any(t.name == "capture-camera" for t in threading.enumerate()))
    assert len(rig.frames) == seen


def test_a_fault_in_a_source_is_no_crash_but_a_restart(rig: Rig) -> None:
    running = rig.run(stall_s=STALL_S)
    rig.more_frames()
    rig.camera.fault = ZeroDivisionError("a fault in a driver")
    wait_for(lambda: running.counters().restarts > 0)
    rig.camera.fault = None
    rig.more_frames()
    running.stop()
    assert rig.heard.events[:2] == ["opened", "lost device_lost"]
    assert rig.heard.events[-2:] == ["back", "gap device_lost"]
    assert rig.heard.events.count("lost device_lost") == 1


def test_a_source_that_always_fails_is_restarted_five_times_a_minute_at_most(rig: Rig) -> None:
    rig.camera.fault = ZeroDivisionError("a fault in a driver")
    running = rig.run(stall_s=STALL_S)
    wait_for(lambda: running.counters().restarts == 5)
    wait_for(lambda: not any(t.name == "capture-camera" for t in threading.enumerate()))
    opens = rig.camera.opens
    running.stop()
    assert (running.counters().restarts, opens) == (5, 6)
    assert rig.heard.events.count("lost device_missing") == 1
    assert rig.heard.events[-1] == "gap device_missing"


def test_items_lost_inside_the_source_become_a_gap(rig: Rig) -> None:
    running = rig.run()
    rig.more_frames()
    rig.camera.dropped = 4
    wait_for(lambda: rig.heard.gaps)
    running.stop()
    assert (rig.heard.gaps[0].cause, rig.heard.gaps[0].count) == (GapCause.DROPPED, 4)
    assert running.counters().dropped == 4


def test_stopping_twice_or_before_starting_does_no_harm(rig: Rig) -> None:
    never = Supervised[Frame](rig.camera, CLOCK, [], rig.heard)
    never.stop()
    running = rig.run()
    rig.more_frames()
    running.stop()
    running.stop()
    assert rig.heard.events == ["opened"]


class SlowCamera(FakeCamera):
    """Says that it gives one picture in ten seconds."""

    def open(self) -> SourceInfo:
        super().open()
        return SourceInfo(Stream.CAMERA, "slow camera", {"fps": 0.1})


def test_a_slow_source_is_not_taken_for_a_hanging_one(rig: Rig) -> None:
    rig.camera = SlowCamera(CLOCK)
    running = rig.run(stall_s=STALL_S)
    rig.more_frames()
    rig.camera.hang()
    ticks = threading.Event()
    ticks.wait(4 * STALL_S)
    assert rig.heard.events == ["opened"]
    rig.camera.release()
    running.stop()


def test_errors_of_a_source_reach_the_listener_in_words(rig: Rig) -> None:
    rig.camera.fault = SourceError(4008, "The camera can't be read.")
    running = rig.run()
    wait_for(lambda: rig.heard.codes)
    running.stop()
    assert (rig.heard.codes, rig.heard.sentences) == ([4008], ["The camera can't be read."])
