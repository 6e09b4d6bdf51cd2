"""The token bucket."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.backend.limits import RateLimiter
from app.core.types import NS_PER_S, Instant


class HandClock:
    """Moves only when told to."""

    def __init__(self) -> None:
        self.mono_ns = 0

    def now(self) -> Instant:
        return Instant(self.mono_ns, self.mono_ns, "b")


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_never_more_than_the_burst_and_the_rate_over_any_time(waits_s: list[float]) -> None:
    clock = HandClock()
    limiter = RateLimiter(2.0, 5, clock)
    allowed = 0
    for wait_s in waits_s:
        clock.mono_ns += round(wait_s * NS_PER_S)
        allowed += limiter.take("me") is None
        assert allowed <= 5 + 2 * clock.mono_ns / NS_PER_S + 1e-6


def test_who_waits_as_long_as_told_may_go_on_and_callers_do_not_share() -> None:
    clock = HandClock()
    limiter = RateLimiter(0.5, 1, clock)
    assert limiter.take("me") is None
    wait_s = limiter.take("me")
    assert wait_s is not None
    assert limiter.take("other") is None
    clock.mono_ns += round(wait_s * NS_PER_S)
    assert limiter.take("me") is None


def test_what_is_given_back_was_never_taken_and_makes_no_more_than_the_burst() -> None:
    limiter = RateLimiter(0.001, 2, HandClock())
    for _ in range(10):
        assert limiter.take("me") is None
        limiter.give_back("me")
    limiter.give_back("me")
    limiter.give_back("nobody")
    assert [limiter.take("me") is None for _ in range(3)] == [True, True, False]


def test_no_rate_means_no_limit() -> None:
    limiter = RateLimiter(0, 0, HandClock())
    assert [limiter.take("me") for _ in range(100)] == [None] * 100


def test_callers_long_unseen_are_forgotten() -> None:
    limiter = RateLimiter(0.001, 1, HandClock())
    assert limiter.take("first") is None
    for number in range(10_000):
        limiter.take(str(number))
    assert limiter.take("first") is None
