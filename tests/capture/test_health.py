"""A stream is lost once and back once, and what is missing in between is exactly one gap."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.capture.health import Health
from app.core.types import Gap, GapCause, Instant, Stream

PATIENCE = 100


def at(ns: int) -> Instant:
    return Instant(ns, ns, "boot")


def test_a_failure_is_news_once_and_its_first_cause_stays() -> None:
    health, news = Health(Stream.CAMERA, at(5), PATIENCE).failed(GapCause.STALLED)
    assert news
    again, still_news = health.failed(GapCause.DEVICE_LOST)
    assert not still_news
    assert again.cause is GapCause.STALLED


def test_the_gap_lies_between_the_last_good_item_and_the_next() -> None:
    health, _, _ = Health(Stream.MICROPHONE, at(0), PATIENCE).captured(at(10), at(20), 0)
    health, _ = health.failed(GapCause.DEVICE_LOST)
    health, gap, back = health.captured(at(70), at(80), 0)
    assert back
    assert gap == Gap(Stream.MICROPHONE, at(20), at(70), GapCause.DEVICE_LOST)
    assert health.stopped(at(90)) is None


def test_a_stream_that_never_came_back_ends_with_its_gap() -> None:
    health, _ = Health(Stream.SCREEN, at(3), PATIENCE).failed(GapCause.DEVICE_MISSING)
    assert health.stopped(at(9)) == Gap(Stream.SCREEN, at(3), at(9), GapCause.DEVICE_MISSING)


def test_items_that_the_source_lost_are_a_gap_with_their_count() -> None:
    _, gap, back = Health(Stream.MICROPHONE, at(20), PATIENCE).captured(at(50), at(60), 3)
    assert not back
    assert gap == Gap(Stream.MICROPHONE, at(20), at(50), GapCause.DROPPED, 3)


def test_a_hole_that_nobody_noticed_while_it_lasted_is_a_gap() -> None:
    health, gap, _ = Health(Stream.CAMERA, at(20), PATIENCE).captured(at(120), at(120), 0)
    assert gap is None
    _, gap, back = health.captured(at(221), at(221), 0)
    assert not back
    assert gap == Gap(Stream.CAMERA, at(120), at(221), GapCause.STALLED)


@given(st.lists(st.tuples(st.sampled_from(["item", "fail", "drop"]), st.integers(0, 150)), max_size=40))
def test_losses_and_returns_alternate_and_gaps_never_overlap(steps: list[tuple[str, int]]) -> None:
    health, now, told, gaps = Health(Stream.CAMERA, at(0), PATIENCE), 0, [], []
    for step, passed in steps:
        now += passed
        if step == "fail":
            health, news = health.failed(GapCause.DEVICE_LOST)
            told += ["lost"] * news
        else:
            health, gap, back = health.captured(at(now), at(now), step == "drop")
            told += ["back"] * back
            gaps += [gap] if gap is not None else []
    last = health.stopped(at(now + 1))
    gaps += [last] if last is not None else []
    assert told == (["lost", "back"] * len(told))[: len(told)]
    assert (last is not None) == (len(told) % 2 == 1)
    assert all(gap.start.mono_ns <= gap.end.mono_ns for gap in gaps)
    assert all(one.end.mono_ns <= other.start.mono_ns for one, other in pairwise(gaps))
