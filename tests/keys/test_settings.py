"""Every setting of a policy has a name and an explanation, in the policy's order."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

from app.core.policy import Policy, Response
from app.core.rule_table import DEFAULTS
from app.keys.settings import GROUPS, RESPONSES, SETTINGS, THRESHOLDS, paths


def test_every_field_is_explained_and_nothing_else() -> None:
    assert list(SETTINGS) == paths()


def test_every_group_is_explained_and_nothing_else() -> None:
    assert list(GROUPS) == [field.name for field in fields(Policy)]


def test_meanings_are_sentences_and_labels_are_few_words() -> None:
    for path, setting in [*GROUPS.items(), *SETTINGS.items()]:
        assert setting.meaning.endswith("."), path
        assert setting.meaning[0].isupper() or setting.meaning[0] in "`0", path
        assert not setting.label.endswith("."), path
        assert 0 < len(setting.label) <= 40, path


def test_no_two_settings_of_a_group_have_the_same_label() -> None:
    labels = [(path.split(".")[0], path.count("."), setting.label) for path, setting in SETTINGS.items()]
    assert len(set(labels)) == len(labels)


def test_thresholds_are_explained_where_a_rule_has_one() -> None:
    assert {code for code, rule in DEFAULTS.items() if any(t is not None for t in rule.thresholds)} <= set(THRESHOLDS)
    assert set(THRESHOLDS) <= set(DEFAULTS)


def test_every_response_is_explained_the_mildest_first() -> None:
    assert tuple(RESPONSES) == get_args(Response)
