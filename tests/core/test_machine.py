"""What signals of a machine add up to: never a verdict from one cause, never less from more signals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.machine import (
    LIKELY_FROM,
    MAX_WEIGHT,
    POSSIBLE_FROM,
    FoundSignal,
    Judgement,
    KnownSignal,
    Suspicion,
    Verdict,
    judge,
)

VM = Suspicion.VIRTUAL_MACHINE
ORDER = (Verdict.CLEAR, Verdict.POSSIBLE, Verdict.LIKELY)


def known(name: str, group: str, weight: float, about: Suspicion = VM) -> KnownSignal:
    return KnownSignal(name, about, group, weight, f"{name} was seen", f"Do something about {name}.")


FIRMWARE = known("firmware", "maker", 0.7)
BOARD = known("board", "maker", 0.5)
TOOLS = known("tools", "guest tools", 0.6)
FLAG = known("flag", "processor", 0.2)
REMOTE = known("session", "remote", 0.8, Suspicion.REMOTE_CONTROL)
TABLE = (FIRMWARE, BOARD, TOOLS, FLAG, REMOTE)

tables = st.lists(
    st.builds(
        known,
        st.sampled_from("abcdefgh"),
        st.sampled_from(["maker", "tools", "network", "processor"]),
        st.floats(-1, 3, allow_nan=False),
        st.sampled_from(Suspicion),
    ),
    unique_by=lambda one: one.name,
)
founds = st.lists(st.builds(FoundSignal, st.sampled_from("abcdefghi"), st.sampled_from(["", "x", "y"])))


def judged(*names: str, about: Suspicion = VM) -> Judgement:
    return {one.about: one for one in judge([FoundSignal(name) for name in names], TABLE)}[about]


def test_nothing_found_is_clear_of_everything() -> None:
    assert judge([], TABLE) == tuple(Judgement(about, 0.0, Verdict.CLEAR, ()) for about in Suspicion)


def test_independent_signals_add_up_as_probabilities_do() -> None:
    seen = judged("firmware", "tools")
    assert seen.score == pytest.approx(1 - 0.3 * 0.4)
    assert seen.verdict is Verdict.LIKELY


def test_signals_with_one_cause_count_once_the_strongest() -> None:
    assert judged("firmware", "board").score == judged("firmware").score == 0.7
    strongest_first = (known("a", "maker", 0.7), known("b", "maker", 0.5))
    assert judge([FoundSignal("a"), FoundSignal("b")], strongest_first)[0].score == 0.7


def test_the_weightiest_signal_can_not_make_a_likelihood_alone() -> None:
    assert MAX_WEIGHT < LIKELY_FROM


def test_the_strongest_cause_alone_makes_a_possibility_and_weak_ones_none() -> None:
    assert judged("firmware", "board").verdict is Verdict.POSSIBLE
    assert judged("flag").verdict is Verdict.CLEAR
    assert judged("flag", "board").verdict is Verdict.POSSIBLE


def test_a_signal_counts_for_what_it_is_about_only() -> None:
    assert judged("session").score == 0.0
    assert judged("session", about=Suspicion.REMOTE_CONTROL).score == 0.8


def test_a_verdict_says_what_was_seen_the_weightiest_first_with_its_detail() -> None:
    found = [FoundSignal("flag"), FoundSignal("board"), FoundSignal("firmware", "Example VM")]
    signals = judge(found, TABLE)[0].signals
    assert [one.words for one in signals] == ["firmware was seen (Example VM)", "board was seen", "flag was seen"]
    assert [one.group for one in signals] == ["maker", "maker", "processor"]
    assert signals[0].advice == "Do something about firmware."


def test_what_is_not_in_the_table_is_left_out() -> None:
    assert judge([FoundSignal("horoscope", "bad")], TABLE) == judge([], TABLE)


def test_scores_at_the_bounds_are_a_possibility_and_a_likelihood() -> None:
    table = (known("a", "one", POSSIBLE_FROM), known("b", "two", 0.75))
    assert judge([FoundSignal("a")], table)[0].verdict is Verdict.POSSIBLE
    both = judge([FoundSignal("a"), FoundSignal("b")], table)[0]
    assert (both.score, both.verdict) == (LIKELY_FROM, Verdict.LIKELY)


@given(tables, founds)
def test_no_single_cause_is_ever_enough(table: list[KnownSignal], found: list[FoundSignal]) -> None:
    for one in judge(found, table):
        groups = {signal.group for signal in one.signals}
        if len(groups) < 2:
            assert one.verdict is not Verdict.LIKELY
            assert one.score <= MAX_WEIGHT


@given(tables, founds, st.sampled_from("abcdefgh"))
def test_a_further_signal_never_lowers_a_score(table: list[KnownSignal], found: list[FoundSignal], name: str) -> None:
    for before, after in zip(judge(found, table), judge([*found, FoundSignal(name)], table), strict=True):
        assert after.score >= before.score
        assert ORDER.index(after.verdict) >= ORDER.index(before.verdict)


@given(tables, founds.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_order_and_repetition_change_nothing(
    table: list[KnownSignal], orders: tuple[list[FoundSignal], list[FoundSignal]]
) -> None:
    one, another = orders
    assert judge(one, table) == judge(another, list(reversed(table))) == judge([*one, *another], table)


@given(tables, founds)
def test_a_score_is_between_none_and_certainty_and_every_suspicion_has_one(
    table: list[KnownSignal], found: list[FoundSignal]
) -> None:
    verdicts = judge(found, table)
    assert [one.about for one in verdicts] == list(Suspicion)
    assert all(0.0 <= one.score <= 1.0 for one in verdicts)
