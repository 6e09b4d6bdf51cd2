"""Which responses rules may have: none that ends or holds an exam wrongly, or for good."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest

from app.core.codes import CAMERA_CODES, EVIDENCE, MICROPHONE_CODES
from app.core.policy import Candidate, Exam, Live, Lockdown, Policy, Response, RuleSetting, Upload
from app.core.response_rules import (
    CLOSING,
    ENDING,
    NEVER_HOLDING,
    by_one_sign,
    has_no_release,
    holding,
    is_stricter,
    response_of,
    stuck,
    unfit,
)
from app.core.rule_table import DEFAULTS, INSTANT_RULES, MACHINE_RULES, TAMPERING

RESPONSES: tuple[Response, ...] = get_args(Response)
POLICY = Policy(
    exam=Exam(id="e", title="Exam", start_url="https://exam.example/"),
    candidate=Candidate(id="c"),
    upload=Upload(endpoint="https://api.example", token="t", exam_id="e"),
)


def ruled(**rules: RuleSetting) -> Policy:
    """Rules by code, written as ``c5007``."""
    by_code = {int(name[1:]): rule for name, rule in rules.items()}
    return replace(POLICY, detection=replace(POLICY.detection, rules=by_code))


@pytest.mark.parametrize("code", sorted(EVIDENCE))
def test_every_rule_can_be_ignored_recorded_and_told(code: int) -> None:
    assert [unfit(code, response) for response in ("ignore", "record", "warn")] == ["", "", ""]


def test_what_pictures_sound_and_signs_say_never_ends_an_exam() -> None:
    uncertain = CAMERA_CODES | MICROPHONE_CODES | MACHINE_RULES | {5008}
    assert all(unfit(code, "end").startswith("may be nobody's fault") for code in uncertain)


def test_a_slip_of_a_moment_never_ends_an_exam() -> None:
    assert {TAMPERING} == ENDING & INSTANT_RULES


def test_only_programs_can_be_closed() -> None:
    assert {code for code in EVIDENCE if not unfit(code, "close")} == CLOSING == {5111, 5122}


def test_a_return_and_a_suspicion_hold_nothing() -> None:
    assert {code for code in EVIDENCE if unfit(code, "hold")} == NEVER_HOLDING == {5006, 5008}


@pytest.mark.parametrize("code", sorted(DEFAULTS))
def test_by_default_no_exam_is_held_or_ended_and_no_program_closed(code: int) -> None:
    assert response_of(code, None) in ("record", "warn")
    assert DEFAULTS[code].response == response_of(code, RuleSetting(dwell_s=1.0))


def test_a_rule_that_is_off_has_no_response() -> None:
    assert response_of(5007, RuleSetting(enabled=False, response="hold")) == "ignore"
    assert response_of(5007, RuleSetting(response="ignore")) == "ignore"
    assert response_of(5007, RuleSetting(response="hold")) == "hold"
    assert response_of(5103, None) == "record"


def test_responses_are_ordered_from_the_mildest() -> None:
    assert [is_stricter(after, before) for before, after in pairwise(RESPONSES)] == [True] * 5
    assert not any(is_stricter(one, one) for one in RESPONSES)


def test_an_exam_is_held_by_what_holds_or_closes() -> None:
    policy = ruled(
        c5007=RuleSetting(response="hold"),
        c5111=RuleSetting(response="close"),
        c5120=RuleSetting(response="end"),
        c5112=RuleSetting(enabled=False, response="hold"),
    )
    assert holding(policy) == [5007, 5111]
    assert holding(POLICY) == []


def test_a_held_exam_goes_on_when_its_cause_is_gone() -> None:
    assert stuck(ruled(c5007=RuleSetting(response="hold"))) == []


def test_a_virtual_machine_can_not_be_left_so_somebody_has_to_release_it() -> None:
    virtual = ruled(c5113=RuleSetting(response="hold"))
    assert stuck(virtual) == [5113]
    assert stuck(replace(virtual, lockdown=Lockdown(unlock_password="sha256$"))) == []
    assert stuck(replace(virtual, live=Live(endpoint="wss://api.example"))) == []


def test_an_exam_that_only_others_release_needs_others() -> None:
    held = ruled(c5007=RuleSetting(response="hold"), c5111=RuleSetting(response="close"))
    waiting = replace(held, lockdown=Lockdown(hold_release="proctor"))
    assert stuck(waiting) == [5007, 5111]
    assert has_no_release(5007, waiting)
    assert not has_no_release(5007, replace(waiting, live=Live(endpoint="wss://api.example")))
    assert not has_no_release(5007, held)


@pytest.mark.parametrize("code", sorted(MACHINE_RULES))
def test_a_single_sign_of_the_machine_can_not_hold_an_exam(code: int) -> None:
    assert by_one_sign(code, "hold", 0.8)
    assert not by_one_sign(code, "hold", 0.81)
    assert not by_one_sign(code, "hold", None)
    assert not by_one_sign(code, "warn", 0.2)
    assert not by_one_sign(5007, "hold", 0.5)
