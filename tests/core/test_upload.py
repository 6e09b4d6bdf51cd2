"""What the client does after a delivery failed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.types import NS_PER_S, Instant
from app.core.upload import (
    CEILING_S,
    FLOOR_S,
    MISMATCHES_MAX,
    RETRY_AFTER_MAX_S,
    Failure,
    GiveUp,
    Problem,
    Retry,
    backoff_s,
    next_action,
)

NOW = Instant(mono_ns=5 * NS_PER_S, utc_ns=1_800_000_000 * NS_PER_S, boot_id="b")
chances = st.floats(0, 1)
tries_so_far = st.integers(1, 10_000)
failures = st.builds(
    Failure,
    st.sampled_from(Problem),
    st.integers(300, 599),
    st.none() | st.floats(-1e9, 1e12, allow_nan=False),
)


def answered(status: int, retry_after_s: float | None = None) -> Failure:
    return Failure(Problem.ANSWER, status, retry_after_s)


@given(failures, tries_so_far, chances)
def test_every_failure_has_an_answer_that_neither_spins_nor_strands_the_evidence(
    failure: Failure, tries: int, chance: float
) -> None:
    action = next_action(failure, tries, chance, NOW)
    if isinstance(action, Retry):
        assert FLOOR_S <= action.wait_s <= RETRY_AFTER_MAX_S * 1.1
        assert math.isclose((action.at_utc_ns - NOW.utc_ns) / NS_PER_S, action.wait_s, abs_tol=1e-6)
    else:
        assert action.reason
        assert action.recheck_utc_ns > NOW.utc_ns


@given(tries_so_far)
def test_waits_are_spread_from_the_floor_to_a_ceiling_that_doubles_up_to_five_minutes(tries: int) -> None:
    assert backoff_s(tries, 0.0) == FLOOR_S
    assert backoff_s(tries, 1.0) == min(CEILING_S, 2.0 ** min(tries - 1, 9))
    assert backoff_s(tries, 0.5) == pytest.approx(max(FLOOR_S, backoff_s(tries, 1.0) / 2))


@given(st.floats(0.1, RETRY_AFTER_MAX_S), chances, tries_so_far)
def test_the_servers_wish_is_never_cut_short(wish_s: float, chance: float, tries: int) -> None:
    action = next_action(answered(503, wish_s), tries, chance, NOW)
    assert isinstance(action, Retry)
    assert action.wait_s >= wish_s


def test_an_absurd_wish_is_capped() -> None:
    action = next_action(answered(429, 1e9), 1, 0.0, NOW)
    assert isinstance(action, Retry)
    assert action.wait_s == RETRY_AFTER_MAX_S


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_file_that_the_server_refuses_is_given_up_but_the_others_go_on(status: int) -> None:
    assert isinstance(next_action(answered(status), 1, 0.5, NOW), GiveUp)


@pytest.mark.parametrize("status", [302, 401, 403, 404, 405, 501])
def test_what_only_a_person_can_mend_is_asked_again_slowly_and_stops_everything(status: int) -> None:
    action = next_action(answered(status), 1, 1.0, NOW)
    assert isinstance(action, Retry)
    assert action.wait_s == 60
    assert action.pauses_all


@pytest.mark.parametrize("failure", [Failure(Problem.NO_ANSWER), answered(429), answered(502), answered(503)])
def test_an_ill_or_unreachable_server_pauses_everything(failure: Failure) -> None:
    action = next_action(failure, 1, 1.0, NOW)
    assert isinstance(action, Retry)
    assert action.wait_s == 1
    assert action.pauses_all


@pytest.mark.parametrize("failure", [answered(500), answered(409), Failure(Problem.HASH_MISMATCH)])
def test_a_trouble_with_one_file_does_not_hold_up_the_others(failure: Failure) -> None:
    action = next_action(failure, 1, 1.0, NOW)
    assert isinstance(action, Retry)
    assert not action.pauses_all


def test_a_hash_that_differs_every_time_is_given_up() -> None:
    failure = Failure(Problem.HASH_MISMATCH)
    assert isinstance(next_action(failure, MISMATCHES_MAX - 1, 0.5, NOW), Retry)
    assert isinstance(next_action(failure, MISMATCHES_MAX, 0.5, NOW), GiveUp)


def test_a_file_that_is_gone_is_given_up() -> None:
    assert isinstance(next_action(Failure(Problem.FILE_UNREADABLE), 1, 0.5, NOW), GiveUp)
