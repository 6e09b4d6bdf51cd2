"""Nothing that a policy asks and this client can't do is passed over in silence, and nothing else is named."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, get_args, get_type_hints

import pytest

from app.core.abilities import LATER, LATER_VALUES, MINOR, NOT_LIVE, ONLY_WITH, stopping, unmet
from app.core.codes import EVIDENCE
from app.core.policy import Candidate, Exam, Policy, RuleSetting, Upload
from app.core.rule_table import DEFAULTS
from app.keys.settings import SETTINGS

PLAIN = Policy(
    exam=Exam(id="e", title="Exam", start_url="https://exam.example/"),
    candidate=Candidate(id="c"),
    upload=Upload(endpoint="https://api.example", token="t", exam_id="e"),
)


def having(path: str, value: object, policy: Policy = PLAIN) -> Policy:
    group, name = path.split(".")
    return replace(policy, **{group: replace(getattr(policy, group), **{name: value})})


def other_value(path: str) -> object:
    """One that is not the default."""
    group, name = path.split(".")
    hint: Any = get_type_hints(get_type_hints(Policy)[group])[name]
    default = getattr(getattr(PLAIN, group), name)
    if isinstance(default, bool):
        return not default
    if default is None:
        return 5
    return next((choice for choice in get_args(hint) if choice != default), "something")


def test_the_defaults_ask_nothing_that_can_not_be_done() -> None:
    assert unmet(PLAIN) == []


@pytest.mark.parametrize("path", LATER)
def test_what_can_not_be_done_is_named_with_its_path_when_it_is_asked(path: str) -> None:
    policy = having(ONLY_WITH[path], True) if path in ONLY_WITH else PLAIN
    assert (path, LATER[path]) in unmet(having(path, other_value(path), policy))


@pytest.mark.parametrize(
    ("path", "value"), [(path, value) for path, values in LATER_VALUES.items() for value in values]
)
def test_single_values_that_can_not_be_done_are_named(path: str, value: str) -> None:
    assert unmet(having(path, value)) == [(path, LATER_VALUES[path][value])]


@pytest.mark.parametrize("path", ONLY_WITH)
def test_a_recording_that_is_not_made_need_not_be_kept_back(path: str) -> None:
    assert unmet(having(path, False, having(ONLY_WITH[path], False))) == []


@pytest.mark.parametrize("code", sorted(EVIDENCE))
def test_a_rule_that_is_not_watched_is_named(code: int) -> None:
    rules = {code: RuleSetting(dwell_s=1.0)}
    watched = code in DEFAULTS and code not in NOT_LIVE
    named = [path for path, _ in unmet(having("detection.rules", rules))]
    assert named == ([] if watched else [f"detection.rules.{code}"])
    assert unmet(having("detection.rules", {code: RuleSetting(enabled=False)})) == []
    assert unmet(having("detection.rules", {code: RuleSetting(response="ignore")})) == []


def test_rules_are_not_asked_while_detection_is_off() -> None:
    assert unmet(having("detection.enabled", False, having("detection.rules", {5103: RuleSetting()}))) == []


def test_paths_are_fields_and_words_end_a_sentence_about_this_client() -> None:
    groups = {field.name for field in fields(Policy)}
    told = [*LATER.items(), *((path, words) for path, values in LATER_VALUES.items() for words in values.values())]
    for path, words in told:
        assert path.split(".")[0] in groups
        assert path in SETTINGS
        assert words.split()[0] in {"does", "has", "asks"}
        assert not words.endswith(".")
    assert set(ONLY_WITH) <= set(LATER)


@pytest.mark.parametrize("path", sorted(MINOR))
def test_what_changes_nothing_about_the_exam_keeps_nobody_from_it(path: str) -> None:
    asked = having(path, other_value(path))
    assert path in {named for named, _ in unmet(asked)}
    assert stopping(asked) == []


def test_what_would_make_it_another_exam_stops_it_unless_a_fallback_is_allowed() -> None:
    asked = having("identity.id_document", True)
    assert stopping(asked) == unmet(asked) != []
    assert stopping(having("exam.allow_fallback", True, asked)) == []


def test_every_minor_setting_is_one_that_the_client_does_not_do() -> None:
    assert set(LATER) >= MINOR
