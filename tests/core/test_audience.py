"""For whom a key is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.audience import Audience
from app.core.policy import Candidate, Exam, Policy, Upload
from app.core.types import Json

WORDS = st.text(min_size=1, max_size=10)
AUDIENCES = st.one_of(
    st.builds(Audience, WORDS),
    st.builds(Audience, WORDS, group=WORDS),
    st.builds(Audience, WORDS, candidate=WORDS),
)


def policy(candidate: Candidate) -> Policy:
    return Policy(
        exam=Exam(id="algebra-1", title="Algebra I", start_url="https://exam.example/"),
        candidate=candidate,
        upload=Upload(endpoint="https://api.example", token="t", exam_id="e"),
    )


@pytest.mark.parametrize(
    ("candidate", "audience"),
    [
        (Candidate(), Audience("algebra-1")),
        (Candidate(group="7b"), Audience("algebra-1", group="7b")),
        (Candidate(id="s1", name="Sample Candidate"), Audience("algebra-1", candidate="s1")),
        (Candidate(id="s1", group="7b"), Audience("algebra-1", candidate="s1")),
    ],
)
def test_a_policy_is_for_its_candidate_else_its_group_else_the_exam(candidate: Candidate, audience: Audience) -> None:
    assert Audience.of(policy(candidate)) == audience


@given(AUDIENCES)
def test_an_audience_survives_its_json_form(audience: Audience) -> None:
    assert Audience.from_json(audience.to_json()) == audience


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"exam": ""},
        {"exam": 1},
        {"exam": None},
        {"exam": ["algebra-1"]},
        {"group": "7b"},
        {"candidate": "s1"},
        {"exam": "algebra-1", "group": ""},
        {"exam": "algebra-1", "group": "7b", "candidate": "s1"},
        {"exam": "algebra-1", "room": "12"},
    ],
)
def test_what_is_no_audience_is_none(data: dict[str, Json]) -> None:
    assert Audience.from_json(data) is None


@pytest.mark.parametrize(
    ("audience", "candidate", "refusal"),
    [
        (Audience("algebra-1"), Candidate(), None),
        (Audience("algebra-1"), Candidate(id="s1", group="7b"), None),
        (Audience("algebra-2"), Candidate(id="s1"), "it is for the exam 'algebra-2'"),
        (Audience("algebra-1", group="7b"), Candidate(id="s1", group="7b"), None),
        (Audience("algebra-1", group="7b"), Candidate(id="s1", group="7c"), "it is for the group '7b'"),
        (Audience("algebra-1", group="7b"), Candidate(id="s1"), "it is for the group '7b'"),
        (Audience("algebra-1", candidate="s1"), Candidate(id="s1"), None),
        (Audience("algebra-1", candidate="s1"), Candidate(id="s2"), "it is for another candidate"),
        (Audience("algebra-1", candidate="s1"), Candidate(id="s1", group="7b"), None),
        (Audience("algebra-1", group="7b"), Candidate(group="7b"), None),
        (Audience("algebra-1", group="7b"), Candidate(), "it is for the group '7b'"),
        (Audience("algebra-1", candidate="s1"), Candidate(), "it is for another candidate"),
    ],
)
def test_who_is_not_meant_is_told_why(audience: Audience, candidate: Candidate, refusal: str | None) -> None:
    assert audience.refusal("algebra-1", candidate) == refusal


def test_the_refusal_does_not_tell_whose_the_key_is() -> None:
    assert "s1" not in str(Audience("algebra-1", candidate="s1").refusal("algebra-1", Candidate(id="s2")))


@given(AUDIENCES, st.builds(Candidate, id=WORDS, group=st.just("") | WORDS))
def test_only_the_named_exam_is_ever_opened(audience: Audience, candidate: Candidate) -> None:
    assert audience.refusal(f"{audience.exam}'", candidate) is not None


@given(st.builds(Candidate, id=st.just("") | WORDS, group=st.just("") | WORDS))
def test_a_policys_own_candidate_is_always_meant(candidate: Candidate) -> None:
    whole = policy(candidate)
    assert Audience.of(whole).refusal(whole.exam.id, candidate) is None
