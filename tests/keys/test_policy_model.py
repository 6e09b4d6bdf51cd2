"""A policy is taken exactly as it is written, or refused with the path of what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.codes import EVIDENCE
from app.core.errors import BadInput
from app.core.policy import (
    Browser,
    Candidate,
    Capture,
    Detection,
    Evidence,
    Exam,
    Identity,
    Lockdown,
    Policy,
    Privacy,
    RuleSetting,
    Score,
    Upload,
)
from app.core.types import Json
from app.keys.bounds import NUMBERS, is_loopback
from app.keys.policy_model import parse_policy, policy_to_json
from tests.fakes.policies import small_policy


def refusal(data: object) -> str:
    with pytest.raises(BadInput) as caught:
        parse_policy(data)
    return str(caught.value)


def test_what_is_left_out_has_its_default() -> None:
    policy = parse_policy(small_policy())
    assert policy.exam.title == "Algebra I"
    assert policy.capture == Capture()
    assert policy.detection == Detection()


def test_lists_and_codes_are_read_from_json() -> None:
    policy = parse_policy(
        small_policy(
            browser__allow=["example.org"],
            detection__rules={"5001": {"dwell_s": 3}, "5101": {"enabled": False}},
            score__weights={"5002": 20},
        )
    )
    assert policy.browser.allow == ("example.org",)
    assert policy.detection.rules == {5001: RuleSetting(dwell_s=3.0), 5101: RuleSetting(enabled=False)}
    assert policy.score.weights == {5002: 20.0}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"capture__camera_fps": 31}, "policy.capture.camera_fps: has to be between 1 and 30."),
        ({"capture__camera_fps": 0.5}, "policy.capture.camera_fps: has to be between 1 and 30."),
        ({"capture__segment_s": 61}, "policy.capture.segment_s: has to be between 1 and 60."),
        ({"exam__duration_min": 0}, "policy.exam.duration_min: has to be between 1 and 1440."),
        ({"capture__camera": "yes"}, "policy.capture.camera: has to be true or false."),
        ({"capture__camera": 1}, "policy.capture.camera: has to be true or false."),
        ({"exam__duration_min": "90"}, "policy.exam.duration_min: has to be a whole number."),
        ({"exam__duration_min": 90.5}, "policy.exam.duration_min: has to be a whole number."),
        ({"exam__duration_min": True}, "policy.exam.duration_min: has to be a whole number."),
        ({"exam__title": 7}, "policy.exam.title: has to be a text."),
        ({"exam__title": "  "}, "policy.exam.title: may not be empty."),
        ({"candidate__id": "a\nb"}, "policy.candidate.id: may not contain control characters."),
        ({"candidate__name": "x" * 501}, "policy.candidate.name: may have at most 500 characters."),
        ({"browser__allow": "example.org"}, "policy.browser.allow: has to be a list."),
        ({"browser__allow": ["a", ""]}, "policy.browser.allow[1]: may not be empty."),
        ({"browser__new_windows": "tab"}, "policy.browser.new_windows: has to be 'block' or 'same_window'."),
        ({"capture__colour": True}, "policy.capture.colour: is not a known field."),
        ({"camera": {}}, "policy.camera: is not a known field."),
        ({"lockdown": []}, "policy.lockdown: has to be an object."),
        ({"detection__rules": {"5999": {}}}, "policy.detection.rules.5999: is not the number of an evidence code."),
        ({"detection__rules": {"faces": {}}}, "policy.detection.rules.faces: is not the number of an evidence code."),
        (
            {"detection__rules": {"5001": {"severity": 2}}},
            "policy.detection.rules.5001.severity: has to be between 0 and 1.",
        ),
        ({"score__weights": {"5001": -1}}, "policy.score.weights.5001: has to be between 0 and 100."),
        (
            {"exam__start_url": "http://exams.example.org/"},
            "policy.exam.start_url: has to begin with https:// (http:// is for this machine only).",
        ),
        (
            {"exam__start_url": "file:///etc/passwd"},
            "policy.exam.start_url: has to be an address that begins with https://.",
        ),
        (
            {"upload__endpoint": "https://user:pw@example.org"},
            "policy.upload.endpoint: may not contain a user name or password.",
        ),
        ({"upload__endpoint": "https://[::1"}, "policy.upload.endpoint: is not an address."),
        ({"upload__endpoint": "https://example.org:99999"}, "policy.upload.endpoint: is not an address."),
        (
            {"browser__page_api_origins": ["https://example.org/page"]},
            "policy.browser.page_api_origins[0]: has to end after host and port.",
        ),
    ],
)
def test_a_wrong_field_is_named_by_its_path(fields: dict[str, Json], sentence: str) -> None:
    assert refusal(small_policy(**fields)) == sentence


def test_several_wrong_fields_are_one_sentence() -> None:
    policy = small_policy(capture__camera_fps=99, exam__duration_min=-1)
    assert refusal(policy) == (
        "policy.exam.duration_min: has to be between 1 and 1440; policy.capture.camera_fps: has to be between 1 and 30."
    )


def test_many_wrong_fields_are_counted() -> None:
    assert refusal({str(n): n for n in range(20)}).endswith("; and 17 more.")


@pytest.mark.parametrize("data", [None, [], "policy", 5, {1, 2}, float("nan"), {"exam": object()}])
def test_what_is_no_policy_at_all_is_refused(data: object) -> None:
    assert refusal(data).endswith(".")


def test_missing_groups_are_named() -> None:
    assert "policy.upload: is missing" in refusal(
        {"exam": small_policy()["exam"], "candidate": small_policy()["candidate"]}
    )


def test_a_refusal_never_repeats_a_value() -> None:
    assert "s3cret" not in refusal(small_policy(upload__token=["s3cret"], exam__id={"s3cret": 1}))


@pytest.mark.parametrize("url", ["http://localhost:8000/x", "http://127.0.0.1/", "http://[::1]:9/", "https://a.b/"])
def test_http_is_for_this_machine_only(url: str) -> None:
    policy = parse_policy(small_policy(exam__start_url=url, upload__endpoint=url))
    assert policy.exam.start_url == url


@pytest.mark.parametrize(
    "host", ["localhost.example.org", "127.0.0.1.nip.io", "10.0.0.1", "192.168.0.1", "example.org"]
)
def test_other_machines_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"capture__camera": False}, "policy.identity.photo: needs the camera"),
        (
            {"capture__camera": False, "identity__photo": False, "detection__rules": {"5001": {}}},
            "policy.detection.rules.5001: needs the camera",
        ),
        (
            {"capture__microphone": False, "detection__rules": {"5004": {}}},
            "policy.detection.rules.5004: needs the microphone",
        ),
    ],
)
def test_contradictions_are_refused(fields: dict[str, Json], path: str) -> None:
    assert refusal(small_policy(**fields)).startswith(path)


def test_a_rule_that_is_switched_off_contradicts_nothing() -> None:
    policy = small_policy(capture__camera=False, identity__photo=False, detection__rules={"5001": {"enabled": False}})
    assert not parse_policy(policy).capture.camera


names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=20)
flags = st.booleans()


def number(path: str) -> st.SearchStrategy[float]:
    least, most = NUMBERS[path]
    return st.floats(least, most, allow_nan=False, allow_subnormal=False)


def whole(path: str) -> st.SearchStrategy[int]:
    least, most = NUMBERS[path]
    return st.integers(int(least), int(most))


def maybe(strategy: st.SearchStrategy[float]) -> st.SearchStrategy[float | None]:
    return st.none() | strategy


rules = st.builds(
    RuleSetting,
    enabled=flags,
    dwell_s=maybe(number("detection.rules.*.dwell_s")),
    cooldown_s=maybe(number("detection.rules.*.cooldown_s")),
    threshold=maybe(number("detection.rules.*.threshold")),
    severity=maybe(number("detection.rules.*.severity")),
)
codes = st.sampled_from(sorted(EVIDENCE))
policies = st.builds(
    Policy,
    exam=st.builds(
        Exam,
        id=names,
        title=names,
        start_url=st.sampled_from(["https://a.example/x?y=1", "http://127.0.0.1:8000/"]),
        duration_min=st.none() | whole("exam.duration_min"),
        instructions=st.just("") | names,
    ),
    candidate=st.builds(Candidate, id=names, name=names, attempt_number=whole("candidate.attempt_number")),
    upload=st.builds(Upload, endpoint=st.just("https://b.example"), token=names, exam_id=names),
    identity=st.builds(Identity, photo=flags),
    lockdown=st.builds(
        Lockdown, kiosk=flags, grab_keyboard=flags, denied_processes=st.lists(names, max_size=3).map(tuple)
    ),
    browser=st.builds(
        Browser,
        allow=st.lists(names, max_size=3).map(tuple),
        new_windows=st.sampled_from(["block", "same_window"]),
        page_api_origins=st.sampled_from([(), ("https://c.example",)]),
    ),
    capture=st.builds(
        Capture,
        microphone=st.just(True),
        camera_fps=number("capture.camera_fps"),
        screen_fps=number("capture.screen_fps"),
        camera_width_px=whole("capture.camera_width_px"),
        segment_s=number("capture.segment_s"),
    ),
    detection=st.builds(
        Detection,
        enabled=flags,
        sensitivity=st.sampled_from(["low", "medium", "high"]),
        rules=st.dictionaries(codes, rules, max_size=3),
    ),
    evidence=st.builds(Evidence, mode=st.sampled_from(["clips", "continuous"]), quota_mb=whole("evidence.quota_mb")),
    privacy=st.builds(Privacy, institution=names, retention_days=whole("privacy.retention_days")),
    score=st.builds(Score, weights=st.dictionaries(codes, number("score.weights.*"), max_size=3)),
)


@given(policies)
def test_a_policy_survives_its_json_form(policy: Policy) -> None:
    text = json.dumps(policy_to_json(policy))
    assert parse_policy(json.loads(text)) == policy


@given(policies, st.sampled_from(sorted(path for path in NUMBERS if "*" not in path)), st.booleans())
def test_no_number_is_accepted_beyond_its_bounds(policy: Policy, path: str, above: bool) -> None:
    least, most = NUMBERS[path]
    group, name = path.split(".")
    data = policy_to_json(policy)
    inner = data[group]
    assert isinstance(inner, dict)
    inner[name] = int(most) + 1 if above else int(least) - 1
    assert f"policy.{path}: has to be" in refusal(data)


def test_an_unbounded_policy_is_caught_on_reading_not_on_making() -> None:
    policy = parse_policy(small_policy())
    wild = replace(policy, capture=replace(policy.capture, camera_fps=float("inf")))
    assert "camera_fps" in refusal(policy_to_json(wild))
