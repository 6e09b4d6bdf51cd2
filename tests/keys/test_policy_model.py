"""A policy is taken exactly as it is written, or refused with the path of what is wrong."""

from __future__ import annotations

import json
import time
from dataclasses import fields, replace
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.policy import Capture, Detection, Policy, RuleSetting
from app.core.rule_table import DEFAULTS
from app.core.types import Json
from app.keys.bounds import ADDRESSES, CHOICES, LENGTHS, NUMBERS, PATTERNS, RULE_THRESHOLDS, is_loopback
from app.keys.policy_model import POLICY_VERSION, parse_policy, policy_to_json
from app.keys.settings import THRESHOLDS, paths
from tests.fakes.any_policy import policies
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
        (
            {"exam__exit_url": "ftp://example.org"},
            "policy.exam.exit_url: has to be an address that begins with https://.",
        ),
        (
            {"identity__reference_photo_url": "http://example.org/photo.jpg"},
            "policy.identity.reference_photo_url: has to begin with https:// (http:// is for this machine only).",
        ),
        (
            {"live__endpoint": "ws://example.org"},
            "policy.live.endpoint: has to begin with wss:// (ws:// is for this machine only).",
        ),
        (
            {"live__endpoint": "mailto:proctor@example.org"},
            "policy.live.endpoint: has to be an address that begins with https:// or wss://.",
        ),
        (
            {"live__endpoint": "https://example.org/?room=1"},
            "policy.live.endpoint: may not have a query or fragment.",
        ),
        ({"upload__endpoint": "https://example.org#x"}, "policy.upload.endpoint: may not have a query or fragment."),
        (
            {"exam__start_url": "https://example.org\\@evil.example"},
            "policy.exam.start_url: has to be an address that begins with https://.",
        ),
        ({"exam__exit_url": "   "}, "policy.exam.exit_url: may not be empty."),
        ({"exam__message": "x" * 2001}, "policy.exam.message: may have at most 2000 characters."),
        (
            {"capture__second_microphone": True, "capture__second_microphone_label": "(desk"},
            "policy.capture.second_microphone_label: is not a regular expression as Python reads them.",
        ),
        (
            {"capture__second_microphone": True, "capture__second_microphone_label": "a{99999999999999}"},
            "policy.capture.second_microphone_label: is not a regular expression as Python reads them.",
        ),
        (
            {"capture__second_microphone": True, "capture__second_microphone_label": "[[a]"},
            "policy.capture.second_microphone_label: is not a regular expression as Python reads them.",
        ),
        (
            {"capture__second_microphone": True, "capture__second_microphone_label": "(" * 201},
            "policy.capture.second_microphone_label: may have at most 200 characters.",
        ),
        (
            {"detection__object_categories": ["phone"]},
            "policy.detection.object_categories[0]: is not a name of the list in docs/policy.md.",
        ),
        *(
            (
                {"lockdown__unlock_password": hashed},
                "policy.lockdown.unlock_password: is not a password's hash; make one with invigil key unlock-password.",
            )
            for hashed in (
                "hunter2",
                f"sha256${'A' * 64}",
                "scrypt$15$8$1$AAAA$AAAA",
                f"scrypt$31$8$1${'A' * 24}${'A' * 44}",
            )
        ),
        (
            {"lockdown__denied_processes": ["obs", "sha256:12"]},
            "policy.lockdown.denied_processes[1]: has to be sha256: and the 64 digits of a file's hash.",
        ),
        (
            {"detection__rules": {"5007": {"response": "stop"}}},
            "policy.detection.rules.5007.response: has to be 'ignore', 'record', 'warn', 'hold', 'close' or 'end'.",
        ),
        ({"browser__container_id": "two words"}, "policy.browser.container_id: may not contain white space."),
        ({"upload__file_name_prefix": "../596"}, "policy.upload.file_name_prefix: may not contain / or \\."),
        *(
            (
                {"upload__path_prefix": folder},
                "policy.upload.path_prefix: has to be a folder below the backend's own, such as exams/2026.",
            )
            for folder in ("/exams", "exams/../..", "..", "exams//2026", "exams\\2026", "./exams")
        ),
        ({"accessibility__assistive_programs": [" "]}, "policy.accessibility.assistive_programs[0]: may not be empty."),
        ({"detection__rules": {"05001": {}}}, "policy.detection.rules.05001: is not the number of an evidence code."),
        ({"score__weights": {"5_001": 1}}, "policy.score.weights.5_001: is not the number of an evidence code."),
        (
            {"score__weights": {"9" * 400: 1}},
            "policy.score.weights.(a long number): is not the number of an evidence code.",
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


@given(policies())
def test_a_policy_survives_its_json_form(policy: Policy) -> None:
    text = json.dumps(policy_to_json(policy))
    assert parse_policy(json.loads(text)) == policy


@given(policies(), st.sampled_from(sorted(path for path in NUMBERS if "*" not in path)), st.booleans())
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


def test_every_number_has_bounds_and_the_tables_name_only_fields_that_exist() -> None:
    known = set(paths()) | {"score.weights.*"}
    assert set(NUMBERS) | set(LENGTHS) | set(ADDRESSES) | set(CHOICES) <= known
    numbers = {int, float, int | None, float | None}
    assert set(PATTERNS) <= known
    groups = {
        f"{name}.": kind for name, kind in get_type_hints(Policy).items() if hasattr(kind, "__dataclass_fields__")
    }
    groups["detection.rules.*."] = RuleSetting
    found = {
        f"{prefix}{field.name}"
        for prefix, kind in groups.items()
        for field in fields(kind)
        if get_type_hints(kind)[field.name] in numbers
    }
    assert found == set(NUMBERS) - {"score.weights.*"}


@pytest.mark.parametrize("code", [5001, 5005, 5111, 5121])
def test_a_threshold_of_a_rule_that_has_none_is_refused(code: int) -> None:
    told = refusal(small_policy(detection__rules={str(code): {"threshold": 0.5}}))
    assert told == f"policy.detection.rules.{code}.threshold: would have no effect: this rule has no threshold."


@pytest.mark.parametrize(
    ("code", "threshold", "bounds"),
    [
        (5106, 50, "between 0 and 1"),
        (5002, -0.1, "between 0 and 1"),
        (5007, 0, "between 1 and 100"),
        (5101, 400, "between 0 and 90"),
        (5004, 101, "between 0 and 100"),
        (5102, 2, "between -1 and 1"),
        (5110, 1.5, "between 0.1 and 1"),
        (5112, 0, "between 0.1 and 1"),
        (5113, 85, "between 0.1 and 1"),
    ],
)
def test_a_threshold_that_would_always_or_never_be_reached_is_refused(code: int, threshold: Json, bounds: str) -> None:
    told = refusal(small_policy(detection__rules={str(code): {"threshold": threshold}}))
    assert told == f"policy.detection.rules.{code}.threshold: has to be {bounds}."


def test_the_rules_with_a_threshold_are_those_that_are_explained_and_default_within_its_bounds() -> None:
    assert set(THRESHOLDS) <= set(RULE_THRESHOLDS)
    for code, rule in DEFAULTS.items():
        for threshold in rule.thresholds:
            assert threshold is None or RULE_THRESHOLDS[code][0] <= threshold <= RULE_THRESHOLDS[code][1]


@pytest.mark.parametrize("field", ["allow", "block"])
@pytest.mark.parametrize("rule", ["a b", "http://[", "example.org:port", "://"])
def test_a_rule_that_the_browser_could_not_read_is_refused_when_the_key_is_made(field: str, rule: str) -> None:
    rules: dict[str, Json] = {f"browser__{field}": ["example.org/*", rule]}
    told = refusal(small_policy(**rules))
    assert told == f"policy.browser.{field}[1]: can't be read as a rule; try it with invigil url-filter."


@pytest.mark.parametrize("url", ["https://256.256.256.256/", "https://a..b/", "https://*/", "https://[v1.x]/"])
def test_an_address_that_the_browser_could_not_open_is_refused_when_the_key_is_made(url: str) -> None:
    assert refusal(small_policy(exam__start_url=url)) == (
        "policy.exam.start_url: is not an address that a browser can open."
    )
    told = refusal(small_policy(browser__page_api_origins=[url.rstrip("/")]))
    assert told == "policy.browser.page_api_origins[0]: is not an address that a browser can open."


@pytest.mark.parametrize("folder", ["", "testResources", "exams/2026", "exams/2026/", "..exams", "a.b/c d"])
def test_folders_at_the_backend_are_relative(folder: str) -> None:
    assert parse_policy(small_policy(upload__path_prefix=folder)).upload.path_prefix == folder


@pytest.mark.parametrize(
    "url", ["wss://example.org/v1", "https://example.org", "ws://127.0.0.1:8000", "http://localhost"]
)
def test_the_line_to_a_proctor_may_be_a_web_or_a_websocket_address(url: str) -> None:
    assert parse_policy(small_policy(live__endpoint=url)).live.endpoint == url


@pytest.mark.parametrize("fields", [{}, {"candidate": {}}, {"candidate": {"group": "7b"}}, {"candidate": {"id": "s1"}}])
def test_a_policy_may_leave_open_who_takes_the_exam(fields: dict[str, Json]) -> None:
    data = small_policy(**fields)
    if not fields:
        del data["candidate"]
    assert parse_policy(data).candidate.name == ""


def test_a_message_may_have_several_lines_and_other_texts_may_not() -> None:
    assert parse_policy(small_policy(exam__message="ten\nminutes")).exam.message == "ten\nminutes"
    assert "control characters" in refusal(small_policy(exam__message="ten\x1b[2Jminutes"))
    assert "control characters" in refusal(small_policy(exam__message="ten\x9b2Jminutes"))
    assert "control characters" in refusal(small_policy(exam__title="Algebra\x9b2J"))


def test_a_policy_may_say_which_version_it_is() -> None:
    assert parse_policy(small_policy() | {"version": POLICY_VERSION}) == parse_policy(small_policy())


@pytest.mark.parametrize("version", [0, 2, "1", 1.0, True, None, [1]])
def test_a_policy_of_another_version_is_refused_before_its_fields_are_looked_at(version: Json) -> None:
    assert refusal({"version": version, "news": 1}) == (
        "policy.version: is not 1, the only one that this client reads; a newer client may read it."
    )


def nested(depth: int) -> list[object]:
    inner: list[object] = []
    for _ in range(depth):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    "data",
    [
        nested(100_000),
        small_policy() | {"exam": nested(300)},
        small_policy(exam__duration_min=10**4000),
        small_policy(exam__duration_min=10**5000),
        small_policy(capture__camera_fps=10**4000),
        small_policy(capture__camera_fps=float("inf")),
        small_policy(capture__camera_fps=float("-inf")),
        small_policy(capture__camera_fps=float("nan")),
        small_policy(detection__rules={"5001": {"threshold": float("nan")}}),
        small_policy(score__weights={"5001": float("nan")}),
        small_policy(score__weights={"9" * 6000: 1}),
        small_policy(exam__title="\ud800"),
        small_policy(exam__title="\0"),
        small_policy(upload__path_prefix="a/" * 10_000 + "\\"),
        small_policy(browser__allow=["a"] * 50_000),
        small_policy() | {"x\x1b[2J\n" + "y" * 100_000: 1},
        {str(n): n for n in range(20_000)},
    ],
    ids=range(17),
)
def test_what_would_choke_a_reader_is_one_short_sentence_soon(data: object) -> None:
    begin = time.monotonic()
    sentence = refusal(data)
    assert time.monotonic() - begin < 5
    assert len(sentence) < 700
    assert sentence.isprintable()
    assert sentence.endswith(".")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(policies(), st.sampled_from(paths()), json_values)
def test_any_value_in_any_field_is_taken_as_it_is_or_refused_with_a_sentence(
    policy: Policy, path: str, value: object
) -> None:
    data = policy_to_json(policy)
    *way, name = path.replace("*", "5001").split(".")
    inner: object = data
    for part in way:
        assert isinstance(inner, dict)
        inner = inner.setdefault(part, {})
    assert isinstance(inner, dict)
    inner[name] = value
    try:
        parsed = parse_policy(data)
    except BadInput as refused:
        sentence = str(refused)
        assert sentence.startswith(("policy.", "The policy can't be used", "policy: "))
        assert sentence.endswith(".")
        assert sentence.isprintable()
    else:
        assert parse_policy(json.loads(json.dumps(policy_to_json(parsed)))) == parsed


@given(json_values)
def test_whatever_json_is_no_policy_is_refused_with_a_sentence(data: object) -> None:
    assert refusal(data).isprintable()
