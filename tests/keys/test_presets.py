"""Presets are ready to be completed, ask nothing that can't be done, and accommodations only ever grant."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.abilities import unmet
from app.core.errors import BadInput
from app.core.policy import Accessibility, Policy
from app.core.response_rules import holding, stuck
from app.core.rule_table import settings_for
from app.core.types import Json
from app.keys.policy_model import parse_policy, policy_to_json
from app.keys.presets import ACCOMMODATIONS, PRESETS, combined, laid_over
from tests.fakes.policies import small_policy

LISTED = Path(__file__).resolve().parents[2] / "resources" / "lists" / "processes.json"
GRANTS = ("extra-time=25%", "extra-time=15", "screen-reader", "looking-away", "second-person", "reading-aloud")
COMPLETION = small_policy(exam__duration_min=60)


def completed(preset: str, *accommodations: str) -> Policy:
    return parse_policy(laid_over(combined(preset, accommodations), COMPLETION))


def leaves(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}")
    else:
        yield path


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_a_policy_once_exam_candidate_and_upload_are_filled_in(preset: str) -> None:
    policy = policy_to_json(completed(preset))
    assert json.loads(json.dumps(laid_over(policy, combined(preset)))) == policy


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_asks_nothing_that_this_client_can_not_do(preset: str) -> None:
    assert unmet(completed(preset, *GRANTS)) == []


def test_presets_set_the_same_fields_so_that_none_shines_through_another() -> None:
    first, *others = (set(leaves(preset.policy)) for preset in PRESETS.values())
    assert all(other == first for other in others)
    for one, another in itertools.permutations(PRESETS, 2):
        assert laid_over(combined(one), combined(another)) == combined(another)


def test_practice_can_be_left_takes_files_for_devices_and_keeps_nothing() -> None:
    policy = completed("practice")
    assert policy.lockdown.quit_always
    assert policy.capture.allow_file_sources
    assert not policy.identity.photo
    assert settings_for(policy.detection) == {}, "without violations, no clip is kept"
    assert (policy.evidence.mode, policy.evidence.keep_after_upload) == ("clips", False)


@pytest.mark.parametrize("preset", ["standard", "strict"])
def test_real_exams_can_not_be_left_nor_fed_with_files(preset: str) -> None:
    policy = completed(preset)
    assert not policy.lockdown.quit_always
    assert not policy.capture.allow_file_sources
    assert policy.lockdown.kiosk
    assert policy.identity.photo


def test_strict_sees_more_than_standard() -> None:
    standard, strict = completed("standard"), completed("strict")
    assert set(standard.lockdown.denied_processes) < set(strict.lockdown.denied_processes)
    usual, quick = settings_for(standard.detection), settings_for(strict.detection)
    assert usual.keys() == quick.keys()
    assert all(quick[code].dwell_ns <= usual[code].dwell_ns for code in usual)
    assert (standard.evidence.mode, strict.evidence.mode) == ("clips", "continuous")


def test_only_strict_holds_and_only_for_what_a_candidate_can_put_right() -> None:
    assert [holding(completed(preset)) for preset in ("practice", "standard")] == [[], []]
    assert holding(completed("strict")) == [5007, 5111, 5112]
    assert stuck(completed("strict")) == []


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_ends_an_exam_or_a_program(preset: str) -> None:
    policy = completed(preset)
    assert not policy.lockdown.kill_processes
    assert "end" not in {rule.response for rule in policy.detection.rules.values()}


@pytest.mark.parametrize("preset", PRESETS)
def test_denied_programs_are_on_the_list_that_says_why(preset: str) -> None:
    known = {entry["name"] for entry in json.loads(LISTED.read_text(encoding="utf-8"))}
    assert set(completed(preset).lockdown.denied_processes) <= known


@given(st.sampled_from(sorted(PRESETS)), st.permutations(GRANTS), st.integers(0, len(GRANTS)))
def test_accommodations_combine_with_each_preset_and_each_other_in_any_order(
    preset: str, order: list[str], count: int
) -> None:
    chosen = order[:count]
    policy = completed(preset, *chosen)
    assert policy.accessibility == Accessibility(
        extra_time_min=15 if "extra-time=15" in chosen else 0,
        extra_time_percent=25.0 if "extra-time=25%" in chosen else 0.0,
        screen_reader="screen-reader" in chosen,
        looking_away="looking-away" in chosen,
        second_person="second-person" in chosen,
        reading_aloud="reading-aloud" in chosen,
    )
    without = policy_to_json(policy) | {"accessibility": policy_to_json(completed(preset))["accessibility"]}
    assert without == policy_to_json(completed(preset)), "nothing else changes"


def test_what_is_permitted_is_no_rule_whatever_the_preset() -> None:
    policy = completed("strict", "looking-away", "second-person")
    applied = settings_for(policy.detection, policy.accessibility)
    assert applied.keys().isdisjoint({5101, 5002, 5106, 5107})
    assert 5001 in applied


def test_an_overlay_wins_over_the_preset_and_accommodations_over_both() -> None:
    overlay: dict[str, Json] = {
        "detection": {"sensitivity": "low", "rules": {"5101": {"dwell_s": 4}}},
        "lockdown": {"denied_processes": ["calculator"]},
        "accessibility": {"looking_away": False, "second_person": True},
    }
    whole = combined("strict", ["looking-away"], overlay)
    policy = parse_policy(laid_over(whole, COMPLETION))
    assert policy.detection.sensitivity == "low"
    assert policy.detection.rules[5101].dwell_s == 4
    assert 5121 in policy.detection.rules, "rules are laid over each other code by code"
    assert policy.lockdown.denied_processes == ("calculator",)
    assert (policy.accessibility.looking_away, policy.accessibility.second_person) == (True, True)


def test_the_presets_themselves_are_never_changed() -> None:
    before = json.dumps({name: preset.policy for name, preset in PRESETS.items()})
    whole = combined("strict")
    lockdown = whole["lockdown"]
    assert isinstance(lockdown, dict)
    lockdown["kiosk"] = False
    programs = lockdown["denied_processes"]
    assert isinstance(programs, list)
    programs.clear()
    assert json.dumps({name: preset.policy for name, preset in PRESETS.items()}) == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["extra-time"], "The accommodation 'extra-time' can't be used; write extra-time=25% or extra-time=15."),
        (["extra-time=a lot"], "The accommodation 'extra-time=a lot' can't be used; write "),
        (["extra-time=-5"], "can't be used"),
        (["extra-time=٣"], "can't be used"),
        (["looking-away=yes"], "The accommodation 'looking-away=yes' can't be used; write looking-away."),
        (["looking-away="], "can't be used"),
        (["extra-time=5", "extra-time=6"], "The accommodation 'extra-time' is given twice; give it once."),
        (["more-time"], "There is no accommodation 'more-time'; choose from extra-time, screen-reader, "),
    ],
)
def test_an_accommodation_that_is_none_is_refused_with_what_to_write(words: list[str], sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        combined("standard", words)
    assert sentence in str(caught.value)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="no preset 'lenient'; choose one of practice, standard, strict"):
        combined("lenient")


def test_more_extra_time_than_a_policy_takes_is_refused_with_its_path() -> None:
    with pytest.raises(BadInput, match=r"policy\.accessibility\.extra_time_percent: has to be between 0 and 300"):
        completed("standard", "extra-time=400%")


def test_each_accommodation_has_a_form_that_works() -> None:
    for name, accommodation in ACCOMMODATIONS.items():
        for form in accommodation.form.split(" or "):
            assert form.startswith(name)
            assert combined("standard", [form])["accessibility"]
