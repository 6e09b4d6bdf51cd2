"""What differs between two policies, and what of it an exam that runs may take over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from app.core.policy import Accessibility, Candidate, Exam, Policy, Response, RuleSetting, Upload
from app.core.policy_change import Change, applied, differences, extra_time_s, flat
from app.keys.bounds import problems
from app.keys.policy_model import policy_to_json
from app.keys.settings import paths
from tests.examples import examples
from tests.fakes.any_policy import policies

LATER = "can't change while the exam runs"
LESS = "takes time away from a running exam"
TAKEN_BACK = "takes back what the candidate was granted"
STRICTER = "answers more strictly than the candidate agreed to"
NOT_AGREED = "judges what the candidate did not agree to"

RUNNING = Policy(
    exam=Exam(id="algebra-1", title="Algebra I", start_url="https://exam.example/", duration_min=60),
    candidate=Candidate(id="s1", name="Sample Candidate"),
    upload=Upload(endpoint="https://api.example", token="t0ken", exam_id="e"),
)


def with_(path: str, value: object, policy: Policy = RUNNING) -> Policy:
    group, name = path.split(".")
    return replace(policy, **{group: replace(getattr(policy, group), **{name: value})})


def change(old: Policy, new: Policy, path: str) -> Change:
    return next(one for one in differences(old, new) if one.path == path)


def test_equal_policies_do_not_differ() -> None:
    assert differences(RUNNING, RUNNING) == []
    assert applied(RUNNING, RUNNING) == (RUNNING, [])


def test_each_difference_has_its_path_and_both_values() -> None:
    newer = with_("browser.allow", ("a.example",), with_("exam.title", "Algebra II"))
    assert differences(RUNNING, newer) == [
        Change("exam.title", "Algebra I", "Algebra II", LATER),
        Change("browser.allow", [], ["a.example"], LATER),
    ]


def test_rules_and_weights_are_compared_code_by_code() -> None:
    old = with_("detection.rules", {5001: RuleSetting(dwell_s=2.0)}, with_("score.weights", {5001: 4.0}))
    new = with_("detection.rules", {5001: RuleSetting(dwell_s=3.0)}, with_("score.weights", {5002: 9.0}))
    assert [(one.path, one.old, one.new) for one in differences(old, new)] == [
        ("detection.rules.5001.dwell_s", 2.0, 3.0),
        ("score.weights.5001", 4.0, None),
        ("score.weights.5002", None, 9.0),
    ]


@pytest.mark.parametrize("path", [path for path in paths() if "*" not in path])
def test_every_field_is_compared(path: str) -> None:
    if path in {"detection.rules", "score.weights"}:
        return
    assert path in dict(flat(RUNNING))


def test_message_thresholds_sensitivity_and_weights_are_taken_over() -> None:
    newer = with_("exam.message", "Question 3 is left out.")
    newer = with_("detection.sensitivity", "low", newer)
    newer = with_("detection.rules", {5101: RuleSetting(dwell_s=5.0, threshold=40.0)}, newer)
    newer = with_("score.weights", {5101: 1.0}, newer)
    policy, changes = applied(RUNNING, newer)
    assert policy == newer
    assert {one.refusal for one in changes} == {""}


@pytest.mark.parametrize(
    ("minutes", "refusal"),
    [(90, ""), (None, ""), (59, LESS)],
)
def test_a_running_exam_gets_more_time_and_never_less(minutes: int | None, refusal: str) -> None:
    policy, (only,) = applied(RUNNING, with_("exam.duration_min", minutes))
    assert only.refusal == refusal
    assert policy.exam.duration_min == (60 if refusal else minutes)


def test_an_exam_without_end_gets_none() -> None:
    endless = with_("exam.duration_min", None)
    policy, (only,) = applied(endless, RUNNING)
    assert (policy, only.refusal) == (endless, LESS)


def test_time_is_judged_as_a_whole() -> None:
    shorter_but_longer = with_("accessibility.extra_time_min", 30, with_("exam.duration_min", 45))
    policy, changes = applied(RUNNING, shorter_but_longer)
    assert policy == shorter_but_longer
    assert [one.refusal for one in changes] == ["", ""]
    granted = with_("accessibility.extra_time_percent", 50.0)
    assert (
        change(granted, with_("accessibility.extra_time_percent", 25.0), "accessibility.extra_time_percent").refusal
        == LESS
    )


@pytest.mark.parametrize("name", ["screen_reader", "looking_away", "second_person", "reading_aloud"])
def test_a_candidate_can_be_granted_more_and_nothing_is_taken_back(name: str) -> None:
    path = f"accessibility.{name}"
    granted = with_(path, True)
    assert applied(RUNNING, granted)[0] == granted
    policy, (only,) = applied(granted, RUNNING)
    assert (policy, only.refusal) == (granted, TAKEN_BACK)


def test_a_rule_can_be_switched_off_and_not_on() -> None:
    off = with_("detection.rules", {5101: RuleSetting(enabled=False)})
    on = with_("detection.rules", {5101: RuleSetting(enabled=True)})
    assert change(on, off, "detection.rules.5101.enabled").refusal == ""
    assert change(off, on, "detection.rules.5101.enabled").refusal == NOT_AGREED
    assert applied(off, on)[0].detection.rules == {5101: RuleSetting(enabled=False)}


@pytest.mark.parametrize(
    ("code", "was", "wanted", "refusal"),
    [
        (5007, "hold", "warn", ""),
        (5007, "end", "hold", ""),
        (5007, "warn", "record", ""),
        (5111, "close", "hold", ""),
        (5007, "record", "warn", STRICTER),
        (5007, "warn", "hold", STRICTER),
        (5111, "hold", "close", STRICTER),
        (5111, "close", "end", STRICTER),
        (5007, "ignore", "record", STRICTER),
        (5007, None, "record", ""),
        (5007, None, "warn", ""),
        (5007, None, "hold", STRICTER),
        (5007, "hold", None, ""),
        (5113, None, "warn", STRICTER),
        (5007, "ignore", None, STRICTER),
    ],
)
def test_what_follows_a_violation_may_become_milder_and_not_stricter(
    code: int, was: Response | None, wanted: Response | None, refusal: str
) -> None:
    running = with_("detection.rules", {code: RuleSetting(response=was)})
    policy, changes = applied(running, with_("detection.rules", {code: RuleSetting(response=wanted)}))
    assert [one.refusal for one in changes if one.path.endswith(".response")] == ([refusal] if was != wanted else [])
    assert policy.detection.rules[code].response == (was if refusal else wanted)


def test_a_rule_that_answered_mildly_goes_on_so_when_the_newer_key_does_not_name_it() -> None:
    quiet = with_("detection.rules", {5007: RuleSetting(response="ignore")})
    policy, changes = applied(quiet, RUNNING)
    assert policy == quiet
    assert {one.refusal for one in changes} == {STRICTER}


def test_no_newer_key_makes_a_hold_that_nobody_could_end() -> None:
    waiting = with_("lockdown.hold_release", "proctor", with_("detection.rules", {5007: RuleSetting(response="end")}))
    held = with_("detection.rules", {5007: RuleSetting(response="hold")}, waiting)
    assert applied(waiting, held)[0] == waiting
    assert (
        change(waiting, held, "detection.rules.5007.response").refusal
        == "would hold an exam that nobody could let go on"
    )
    released = with_("lockdown.unlock_password", "sha256$", waiting)
    assert applied(released, held)[0].detection.rules == held.detection.rules


def test_no_newer_key_lets_a_single_sign_hold_the_exam() -> None:
    holding = with_("detection.rules", {5112: RuleSetting(response="hold")})
    eager = with_("detection.rules", {5112: RuleSetting(response="hold", threshold=0.5)})
    assert applied(holding, eager)[0] == holding
    assert change(holding, eager, "detection.rules.5112.threshold").refusal == "would hold the exam for a single sign"
    telling = with_("detection.rules", {5112: RuleSetting(response="warn", threshold=0.5)})
    assert applied(holding, telling)[0] == telling
    unnamed = with_("detection.rules", {5112: RuleSetting(threshold=0.5)})
    assert applied(holding, unnamed)[0] == unnamed


def test_a_rule_that_was_off_stays_off_when_the_newer_key_does_not_name_it() -> None:
    off = with_("detection.rules", {5101: RuleSetting(enabled=False)})
    assert change(off, RUNNING, "detection.rules.5101.enabled").refusal == NOT_AGREED
    assert applied(off, RUNNING)[0].detection.rules == {5101: RuleSetting(enabled=False)}


def test_a_newer_key_can_set_a_threshold_of_a_rule_that_stays_off() -> None:
    off = with_("detection.rules", {5101: RuleSetting(enabled=False)})
    newer = with_("detection.rules", {5101: RuleSetting(enabled=True, dwell_s=9.0)})
    assert applied(off, newer)[0].detection.rules == {5101: RuleSetting(enabled=False, dwell_s=9.0)}


def test_a_rule_about_a_device_that_is_not_recorded_is_refused() -> None:
    deaf = with_("capture.microphone", False)
    policy, changes = applied(deaf, with_("detection.rules", {5106: RuleSetting(dwell_s=3.0)}, deaf))
    assert policy == deaf
    assert {one.refusal for one in changes} == {"is about a device that this exam does not record"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("capture.camera", False),
        ("capture.screen", False),
        ("lockdown.kiosk", False),
        ("lockdown.unlock_password", "sha256$"),
        ("lockdown.denied_processes", ("obs",)),
        ("lockdown.hold_release", "proctor"),
        ("lockdown.kill_processes", True),
        ("lockdown.watch_machine", False),
        ("identity.ongoing", True),
        ("detection.enabled", False),
        ("detection.server", "live"),
        ("evidence.mode", "continuous"),
        ("upload.endpoint", "https://elsewhere.example"),
        ("exam.start_url", "https://elsewhere.example"),
        ("candidate.name", "Somebody Else"),
        ("privacy.retention_days", 3650),
        ("accessibility.assistive_programs", ("obs",)),
    ],
)
def test_what_was_agreed_to_stays_as_it_is(path: str, value: object) -> None:
    policy, (only,) = applied(RUNNING, with_(path, value))
    assert (policy, only.path, only.refusal) == (RUNNING, path, LATER)


def test_what_may_change_is_taken_beside_what_may_not() -> None:
    newer = with_("exam.message", "Ten more minutes.", with_("exam.duration_min", 70, with_("capture.camera", False)))
    policy, changes = applied(RUNNING, newer)
    assert policy == with_("exam.message", "Ten more minutes.", with_("exam.duration_min", 70))
    assert [(one.path, bool(one.refusal)) for one in changes] == [
        ("exam.duration_min", False),
        ("exam.message", False),
        ("capture.camera", True),
    ]


@pytest.mark.parametrize(
    ("duration_min", "granted", "seconds"),
    [
        (60, Accessibility(), 0),
        (60, Accessibility(extra_time_min=10), 600),
        (60, Accessibility(extra_time_percent=25.0), 900),
        (90, Accessibility(extra_time_min=5, extra_time_percent=33.3), 5 * 60 + 1798),
        (1, Accessibility(extra_time_percent=0.5), 0),
    ],
)
def test_extra_time_is_minutes_and_a_share_of_the_duration(
    duration_min: int, granted: Accessibility, seconds: int
) -> None:
    assert extra_time_s(duration_min, granted) == seconds


@examples(0.5)
@given(policies(), policies())
def test_applying_a_newer_policy_leaves_only_what_was_refused(running: Policy, update: Policy) -> None:
    policy, changes = applied(running, update)
    left = {one.path for one in differences(policy, update)}
    refused = {one.path for one in changes if one.refusal}
    assert left <= refused
    for one in changes:
        taken, wanted = dict(flat(policy)), dict(flat(update))
        if not one.refusal and one.path in wanted:
            assert taken[one.path] == wanted[one.path]


@examples(0.5)
@given(policies(), policies())
def test_a_second_time_nothing_more_is_taken(running: Policy, update: Policy) -> None:
    once, _ = applied(running, update)
    twice, _ = applied(once, update)
    assert twice == once


@examples(0.5)
@given(policies(), policies())
def test_what_is_recorded_sent_and_agreed_to_is_never_touched(running: Policy, update: Policy) -> None:
    policy, _ = applied(running, update)
    untouched = ("candidate", "identity", "lockdown", "browser", "capture", "evidence", "upload", "live", "privacy")
    assert all(getattr(policy, group) == getattr(running, group) for group in untouched)


@examples(0.5)
@given(policies(), policies())
def test_the_applied_policy_is_one_that_a_key_could_carry(running: Policy, update: Policy) -> None:
    policy, _ = applied(running, update)
    assert problems(policy) == []
    assert policy_to_json(policy)


@examples(0.5)
@given(policies(), policies())
def test_no_update_makes_an_exam_shorter(running: Policy, update: Policy) -> None:
    policy, _ = applied(running, update)
    before, after = running.exam.duration_min, policy.exam.duration_min
    if before is None:
        assert after is None
    elif after is not None:
        had = before * 60 + extra_time_s(before, running.accessibility)
        assert after * 60 + extra_time_s(after, policy.accessibility) >= had
