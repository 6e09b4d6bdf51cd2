"""What the system check makes of a machine: when it refuses, what it says, and what a supervisor's override changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.checks import CheckResult
from app.core.machine import FoundSignal, Judgement, judge
from app.core.machine_signals import KNOWN
from app.core.policy import Candidate, Detection, Exam, Policy, Response, RuleSetting, Upload
from app.core.verdict import (
    NOTHING,
    Override,
    VerdictView,
    machine_checks,
    reason_problem,
    refused_codes,
    verdict_view,
    with_override,
)

VIRTUAL = ("vm_product", "vm_bios_vendor", "vm_device")
PLAIN = Policy(
    exam=Exam(id="e", title="Exam", start_url="https://exam.example/"),
    candidate=Candidate(id="c", name="Sample Candidate"),
    upload=Upload(endpoint="https://api.example", token="t", exam_id="e"),
)


def policy(response: Response | None = None, threshold: float | None = None) -> Policy:
    return replace(PLAIN, detection=Detection(rules={5113: RuleSetting(response=response, threshold=threshold)}))


def judged(*names: str) -> tuple[Judgement, ...]:
    return judge([FoundSignal(name, "QEMU") for name in names], KNOWN)


def row(asked: Policy | None, *names: str) -> CheckResult:
    rows = machine_checks(judged(*names), asked)
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize("response", ["hold", "close", "end"])
def test_an_exam_that_would_be_stopped_for_it_does_not_start_on_a_likely_virtual_machine(response: Response) -> None:
    result = row(policy(response), *VIRTUAL)
    assert (result.ok, result.required, result.name) == (False, True, "virtual_machine")
    assert result.detail == "It is likely that this is a virtual machine: 92 of 100."
    assert refused_codes([result]) == {5113}


@pytest.mark.parametrize("response", [None, "record", "warn"])
def test_otherwise_it_is_a_note_and_the_exam_may_begin(response: Response | None) -> None:
    result = row(policy(response), *VIRTUAL)
    assert (result.ok, result.required) == (False, False)
    assert result.advice == "You can go on; the people who give the exam are told."
    assert refused_codes([result]) == frozenset()


def test_what_the_policy_does_not_ask_about_is_not_mentioned() -> None:
    assert row(policy("ignore"), *VIRTUAL) == CheckResult("machine", True, False, NOTHING)


def test_what_refuses_the_exam_comes_first_on_the_screen() -> None:
    rules = {5112: RuleSetting(response="hold")}
    rows = machine_checks(
        judged(*VIRTUAL, "vnc_connected", "vnc_server_running"), replace(PLAIN, detection=Detection(rules=rules))
    )
    view = verdict_view(rows, Override(), password=True)
    assert [(part.title, part.refused) for part in view.parts] == [("Remote control", True), ("Virtual machine", False)]


def test_what_is_only_possible_refuses_nobody() -> None:
    result = row(policy("hold"), *VIRTUAL[:2])
    assert (result.required, result.detail) == (False, "It is possible that this is a virtual machine: 75 of 100.")


def test_the_threshold_of_the_rule_decides_where_there_is_one() -> None:
    assert not row(policy("hold", 0.95), *VIRTUAL).required
    assert row(policy("hold", 0.9), *VIRTUAL).required


def test_a_machine_on_which_little_was_seen_has_a_line_that_says_so() -> None:
    assert row(policy("hold"), "hypervisor_bit") == CheckResult("machine", True, False, NOTHING)


def test_where_no_exam_is_known_nothing_is_required() -> None:
    assert not row(None, *VIRTUAL).required


def test_the_screen_lists_each_sign_the_same_cause_once_and_the_same_advice_once() -> None:
    view = verdict_view([row(policy("hold"), *VIRTUAL, "hypervisor_bit")], Override(), password=True)
    (part,) = view.parts
    assert (part.title, part.points, part.refused, view.refused, view.password) == (
        "Virtual machine",
        94,
        True,
        True,
        True,
    )
    assert [sign.counts for sign in part.signs] == [
        "counts for much",
        "has the same cause as a sign above, and counts once with it",
        "counts for much",
        "counts for little",
    ]
    assert [bool(sign.advice) for sign in part.signs] == [True, False, False, True]
    assert part.signs[0].words.endswith("(QEMU)")


def test_a_note_asks_for_no_password() -> None:
    view = verdict_view([row(policy("warn"), *VIRTUAL)], Override(), password=True)
    assert (view.refused, view.password) == (False, False)


def test_an_override_makes_a_note_of_what_was_refused_and_of_nothing_else() -> None:
    given = Override(frozenset({5113}), "This is our classroom's desktop.")
    camera = CheckResult("camera", False, True, "No camera.")
    passed, other = with_override([row(policy("hold"), *VIRTUAL), camera], given)
    assert not passed.required
    assert passed.advice == "A supervisor let the exam start all the same: This is our classroom's desktop."
    assert other == camera
    view = verdict_view([passed], given, password=True)
    assert view == VerdictView(view.parts, refused=False, let_pass="This is our classroom's desktop.")


@pytest.mark.parametrize(("code", "response", "then"), [
    (5113, "hold", "record"), (5113, "end", "record"), (5113, "close", "record"), (5113, "warn", "warn"),
    (5112, "hold", "hold"),
])  # fmt: skip
def test_after_an_override_its_rules_are_recorded_and_never_hold(code: int, response: Response, then: Response) -> None:
    assert Override(frozenset({5113}), "because").response(code, response) == then


@pytest.mark.parametrize(("reason", "fits"), [("", False), ("  a b  ", False), ("classroom", True), ("x" * 501, False)])
def test_a_reason_is_needed_and_has_to_say_something(reason: str, fits: bool) -> None:
    assert (reason_problem(reason) == "") is fits
