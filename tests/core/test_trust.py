"""The trust score: documented arithmetic, every point explained."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.codes import EVIDENCE
from app.core.trust import DEFAULT_WEIGHTS, Scored, score


def test_nothing_seen_keeps_all_points() -> None:
    assert score([], 0.0).score == 100.0


def test_one_long_violation_costs_its_weight_less_saturation() -> None:
    result = score([Scored("1-1", 5002, 12.0, 1.0, 1.0)], 0.0)
    assert result.contributions[0].points == pytest.approx(12.8, abs=0.05)  # 45 * (1 - exp(-15/45))
    assert result.score == 87.2
    assert result.contributions[0].why == (
        "weight 15 × severity 1.00 × confidence 1.00 × length 1.00 = 15.0, counted as 12.8"
    )


def test_an_instant_costs_half_of_a_long_one() -> None:
    weights = {5121: 0.3}
    short = score([Scored("a", 5121, 0.0, 1.0, 1.0)], 0.0, weights).contributions[0].points
    assert short == pytest.approx(0.1, abs=0.06)


def test_missing_monitoring_costs_by_its_share_and_names_no_violation() -> None:
    result = score([], 0.5)
    assert [(c.key, c.code, c.points) for c in result.contributions] == [(None, 5119, 15.0)]


def test_other_weights_score_again() -> None:
    seen = [Scored("1-1", 5001, 10.0, 1.0, 1.0)]
    assert score(seen, 0.0, {5001: 0.0}).score == 100.0
    assert score(seen, 0.0, {5001: 20.0}).score < score(seen, 0.0).score


def test_codes_for_information_weigh_nothing() -> None:
    assert score([Scored("1-1", 5006, 5.0, 1.0, 1.0), Scored("1-2", 9999, 5.0, 1.0, 1.0)], 0.0).score == 100.0


def test_every_weight_belongs_to_a_code_of_the_table() -> None:
    assert set(DEFAULT_WEIGHTS) <= set(EVIDENCE)


scored = st.builds(
    Scored,
    st.text(min_size=1, max_size=4),
    st.sampled_from(sorted(EVIDENCE)),
    st.floats(0, 600),
    st.floats(0, 1),
    st.floats(0, 1),
)


@given(st.lists(scored, max_size=30), st.floats(0, 1))
def test_the_contributions_sum_to_the_loss(violations: list[Scored], missing: float) -> None:
    result = score(violations, missing)
    loss = sum(c.points for c in result.contributions)
    assert result.score == pytest.approx(max(0.0, 100.0 - loss), abs=0.051)
    assert 0.0 <= result.score <= 100.0


@given(st.lists(scored, max_size=15), scored)
def test_one_more_violation_never_raises_the_score(violations: list[Scored], more: Scored) -> None:
    assert score([*violations, more], 0.0).score <= score(violations, 0.0).score + 0.05 * (len(violations) + 1)
