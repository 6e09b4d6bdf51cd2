"""Schedules never drift, lateness never piles up, retries never hammer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.pacing import (
    MAX_LAG_NS,
    MAX_WAIT_NS,
    SOUND_TOLERANCE_NS,
    Play,
    SoundTime,
    backoff_s,
    drift_ns,
    fit_within,
    following_ns,
    may_restart,
    next_tick,
    period_ns,
    play,
)
from app.core.types import NS_PER_S

times = st.integers(0, 10**18)
periods = st.integers(1, 10**11)


@given(times, periods, st.integers(-1, 10**6), st.integers(0, 10**15))
def test_a_tick_keeps_the_phase_of_its_schedule(start: int, period: int, after: int, late_by: int) -> None:
    tick = next_tick(start, period, after, start + late_by)
    assert (tick.due_ns - start) % period == 0
    assert tick.index > after


@given(times, periods, st.integers(-1, 10**6), st.integers(0, 10**15))
def test_a_late_tick_is_the_newest_that_is_due(start: int, period: int, after: int, late_by: int) -> None:
    now = start + late_by
    tick = next_tick(start, period, after, now)
    if tick.due_ns <= now:
        assert 0 <= drift_ns(start, period, tick.index, now) < period
    else:
        assert tick.index == after + 1
        assert tick.skipped == 0


@given(periods, st.lists(st.integers(0, 10**12), max_size=50))
def test_every_tick_is_either_served_or_skipped(period: int, work: list[int]) -> None:
    now, index, served, skipped = 0, -1, 0, 0
    for work_ns in work:
        tick = next_tick(0, period, index, now)
        now = max(now, tick.due_ns) + work_ns
        index = tick.index
        served += 1
        skipped += tick.skipped
    assert served + skipped == index + 1


def test_a_reader_that_is_quick_enough_skips_nothing() -> None:
    now, index = 0, -1
    for _ in range(100):
        tick = next_tick(0, 100, index, now)
        assert tick.skipped == 0
        index, now = tick.index, max(now, tick.due_ns) + 99
    assert drift_ns(0, 100, index, now) == 99


def test_a_rate_is_above_zero() -> None:
    assert period_ns(10.0) == 100_000_000
    with pytest.raises(ValueError, match="above zero"):
        period_ns(0.0)


@pytest.mark.parametrize(
    ("media", "wanted", "lag", "waited", "decision"),
    [
        (90, 100, 0, 0, Play.THIN),
        (100, 100, -5, 0, Play.SHOW),
        (100, 100, 99, 0, Play.SHOW),
        (100, 100, 100, 0, Play.LATE),
        (100, 100, MAX_LAG_NS, MAX_WAIT_NS - 1, Play.LATE),
        (100, 100, 100, MAX_WAIT_NS, Play.SHOW),
        (90, 100, 100, MAX_WAIT_NS, Play.THIN),
        (100, 100, MAX_LAG_NS + 1, 0, Play.RESYNC),
        (90, 100, MAX_LAG_NS + 1, 0, Play.THIN),
    ],
)
def test_a_picture_of_a_file_is_shown_thinned_or_skipped(
    media: int, wanted: int, lag: int, waited: int, decision: Play
) -> None:
    assert play(media, wanted, lag, waited, 100) is decision


@given(st.integers(0, 10**12), st.integers(0, 10**12), periods)
def test_the_next_wanted_picture_lies_ahead_and_in_phase(wanted: int, beyond: int, period: int) -> None:
    media = wanted + beyond
    following = following_ns(media, wanted, period)
    assert media < following <= media + period
    assert (following - wanted) % period == 0


CHUNK_NS = NS_PER_S // 10


def heard(time: SoundTime, *measured_ns: int) -> tuple[list[int], SoundTime]:
    starts = []
    for at_ns in measured_ns:
        start_ns, time = time.next(at_ns, CHUNK_NS, broken=False)
        starts.append(start_ns)
    return starts, time


@given(times, st.integers(-SOUND_TOLERANCE_NS, SOUND_TOLERANCE_NS))
def test_jitter_of_a_chunk_hardly_moves_it(expected: int, error: int) -> None:
    start, _ = SoundTime(expected).next(expected + error, CHUNK_NS, broken=False)
    assert abs(start - expected) <= SOUND_TOLERANCE_NS // 20 + 1


def test_sound_that_the_system_kept_while_we_slept_is_put_where_it_belongs() -> None:
    slept_ns, chunks = 8 * NS_PER_S, 80
    starts, time = heard(SoundTime(0), *(slept_ns + n * 10**6 for n in range(chunks)))
    assert starts == [n * CHUNK_NS for n in range(chunks - 2)] + starts[-2:]
    (after,), _ = heard(time, slept_ns + CHUNK_NS)
    assert abs(after - slept_ns) < SOUND_TOLERANCE_NS


def test_sound_that_stays_late_shows_a_hole() -> None:
    starts, _ = heard(SoundTime(0), *(3 * NS_PER_S + n * CHUNK_NS for n in range(12)))
    assert starts[:10] == [n * CHUNK_NS for n in range(10)]
    assert starts[10:] == [3 * NS_PER_S + n * CHUNK_NS for n in (10, 11)]


def test_the_first_sound_begins_when_it_was_heard_and_is_followed_by_the_next() -> None:
    start_ns, time = SoundTime().next(NS_PER_S, CHUNK_NS, broken=False)
    assert (start_ns, time) == (NS_PER_S, SoundTime(NS_PER_S + CHUNK_NS))


def test_sound_that_the_system_says_was_lost_shows_a_hole_at_once() -> None:
    assert SoundTime(0).next(NS_PER_S, CHUNK_NS, broken=True)[0] == NS_PER_S
    assert SoundTime(0).skipped(NS_PER_S).next(NS_PER_S, CHUNK_NS, broken=False)[0] == NS_PER_S


@given(times, st.lists(st.tuples(st.integers(-(10**10), 10**10), st.booleans()), max_size=30))
def test_sound_never_goes_back_by_more_than_a_hundredth_of_a_second(start: int, errors: list[tuple[int, bool]]) -> None:
    time = SoundTime(start)
    for error, broken in errors:
        before = time.expected_ns
        assert before is not None
        begun, time = time.next(before + error, CHUNK_NS, broken=broken)
        assert begun >= before - SOUND_TOLERANCE_NS // 20


@given(st.integers(-5, 10**6))
def test_retries_wait_longer_up_to_a_limit(attempt: int) -> None:
    assert 0.5 <= backoff_s(attempt) <= backoff_s(attempt + 1) <= 10.0


def test_the_first_retries_double() -> None:
    assert [backoff_s(n) for n in range(1, 8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_a_worker_may_be_restarted_five_times_in_a_minute() -> None:
    restarts = [s * NS_PER_S for s in (1, 2, 3, 4, 5)]
    assert may_restart(restarts[:4], 6 * NS_PER_S)
    assert not may_restart(restarts, 6 * NS_PER_S)
    assert not may_restart(restarts, 61 * NS_PER_S - 1)
    assert may_restart(restarts, 61 * NS_PER_S)


sides = st.integers(1, 10_000)


@given(sides, sides, sides, sides)
def test_a_fitted_picture_is_never_enlarged_and_always_even(width: int, height: int, most_w: int, most_h: int) -> None:
    fitted_w, fitted_h = fit_within(width, height, most_w, most_h)
    assert fitted_w % 2 == fitted_h % 2 == 0
    assert 2 <= fitted_w <= max(2, min(width, most_w))
    assert 2 <= fitted_h <= max(2, min(height, most_h))


def test_a_fitted_picture_keeps_its_shape() -> None:
    assert fit_within(1920, 1080, 640, 480) == (640, 360)
    assert fit_within(1366, 768, 1366, 768) == (1366, 768)
    assert fit_within(480, 640, 640, 480) == (360, 480)
