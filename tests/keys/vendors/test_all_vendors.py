"""What holds for the settings of every vendor."""

from __future__ import annotations

import copy
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInput
from app.core.types import Json
from app.keys.imported import Imported
from app.keys.policy_model import parse_policy
from app.keys.presets import PRESETS, combined
from app.keys.settings import paths as policy_paths
from app.keys.vendors import VENDORS, import_settings
from app.keys.vendors.kinds import CREDENTIAL
from app.keys.vendors.table import Field
from tests.examples import examples
from tests.keys.vendors.samples import SAMPLES, completed, leaves

NAMES = sorted(VENDORS)
FEWER = examples(0.5)
VALUES: tuple[Json, ...] = (
    True, False, 0, 1, "0", "1", 2, 6, "6", 0.5, 1500, "1500", 3000, 600000, "", "text", "two words", "a/b", "^usb.*",
    "https://exams.example.org/photo.jpg", "center", "Paused", {}, [], ["book"],
    {"cell phone": {"count": 1, "score": 0.6, "action": "warning"}, "laptop": {"score": 0.4}, "cup": {"score": 0.7}},
)  # fmt: skip

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def accepted(field: Field) -> list[Json]:
    if field.kind is CREDENTIAL:
        return ["credential-4711"]
    words = field.kind.accepts.replace(" or ", ", ").split(", ")
    return [value for value in (*words, *VALUES) if reads(field, value)]


def reads(field: Field, value: Json) -> bool:
    try:
        field.kind.read(value)
    except ValueError:
        return False
    return True


def put(data: dict[str, Json], path: str, value: Json) -> None:
    *groups, name = path.replace("*", "further").split(".")
    for group in groups:
        inner = data.setdefault(group, {})
        assert isinstance(inner, dict)
        data = inner
    data[name] = copy.deepcopy(value)


@st.composite
def valid(draw: st.DrawFn, name: str) -> dict[str, Json]:
    """A vendor's settings with any of its fields, each with a value of its kind."""
    data: dict[str, Json] = {"position": {}} if name == "blinkexam" else {}
    for field in VENDORS[name].fields:
        if field.required or draw(st.booleans()):
            put(data, field.source, draw(st.sampled_from(accepted(field))))
    return data


@st.composite
def odd(draw: st.DrawFn, name: str) -> dict[str, Json]:
    """A vendor's settings where some have any value at all, and some are none of the vendor's."""
    data = copy.deepcopy(SAMPLES[name])
    for field in draw(st.lists(st.sampled_from(VENDORS[name].fields), max_size=3)):
        *groups, _ = field.source.split(".")
        if all(isinstance(data.get(group, {}), dict) for group in groups[:1]) and len(groups) < 2:
            put(data, field.source, draw(anything))
    return data | draw(st.dictionaries(st.text(), anything, max_size=3))


def sources(found: Imported) -> set[str]:
    return {line.source for line in found.mapped} | {line.source for line in found.unmapped}


def untold(data: dict[str, Json], found: Imported) -> list[str]:
    told = sources(found)
    return [
        leaf
        for leaf in leaves(data)
        if leaf and not any(leaf == s or leaf.startswith((f"{s}.", f"{s}[")) for s in told)
    ]


def at(policy: Json, path: str) -> Json:
    for part in path.split("."):
        assert isinstance(policy, dict)
        policy = policy[part]
    return policy


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_of_the_vendors_own_sample_is_told_of(name: str) -> None:
    assert untold(SAMPLES[name], import_settings(name, SAMPLES[name])) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_vendors_own_sample_becomes_a_policy_that_can_be_issued(name: str) -> None:
    parse_policy(completed(import_settings(name, SAMPLES[name]).policy))


@pytest.mark.parametrize("name", NAMES)
@FEWER
@given(data=st.data())
def test_whatever_a_vendor_allows_becomes_a_policy_that_can_be_issued(name: str, data: st.DataObject) -> None:
    drawn = data.draw(valid(name))
    found = import_settings(name, drawn)
    parse_policy(completed(found.policy))
    assert untold(drawn, found) == []


@pytest.mark.parametrize("name", NAMES)
@FEWER
@given(data=st.data(), preset=st.sampled_from(sorted(PRESETS)))
def test_settings_go_with_every_preset(name: str, data: st.DataObject, preset: str) -> None:
    found = import_settings(name, data.draw(valid(name)))
    parse_policy(completed(combined(preset, (), found.policy)))


@pytest.mark.parametrize("name", NAMES)
@FEWER
@given(data=st.data())
def test_every_line_says_what_the_policy_holds(name: str, data: st.DataObject) -> None:
    found = import_settings(name, data.draw(valid(name)))
    assert [line for line in found.mapped if at(found.policy, line.path) != line.value] == []


@pytest.mark.parametrize("name", NAMES)
@FEWER
@given(data=st.data())
def test_the_tables_name_every_field_that_a_setting_becomes(name: str, data: st.DataObject) -> None:
    by_source = {field.source: field.paths for field in VENDORS[name].fields}
    found = import_settings(name, data.draw(valid(name)))
    strange = [line for line in found.mapped if line.path not in by_source[line.source.removesuffix(" (not given)")]]
    assert strange == []


@pytest.mark.parametrize("name", NAMES)
@FEWER
@given(data=st.data())
def test_odd_settings_are_told_of_or_refused_with_one_sentence(name: str, data: st.DataObject) -> None:
    drawn = data.draw(odd(name))
    told: list[str] = []
    try:
        found = import_settings(name, drawn)
    except BadInput as refused:
        told.append(str(refused))
    else:
        assert len(sources(found)) >= len(drawn)
        parse_policy(completed(found.policy))
        told.extend(f"{source}." for source in sources(found))
    assert [text for text in told if not text.isprintable() or not text.endswith(".")] == []


@pytest.mark.parametrize("name", NAMES)
@FEWER
@given(data=st.dictionaries(st.from_regex(r"[a-z]{12}", fullmatch=True), anything, max_size=5))
def test_an_unknown_setting_is_reported_and_changes_nothing(name: str, data: dict[str, Json]) -> None:
    known = import_settings(name, SAMPLES[name])
    found = import_settings(name, SAMPLES[name] | data)
    assert found.policy == known.policy
    assert {line.source.partition(".")[0].partition("[")[0] for line in found.unmapped} >= set(data)


CREDENTIALS = [(name, field) for name in NAMES for field in VENDORS[name].fields if field.kind is CREDENTIAL]


@pytest.mark.parametrize(("name", "field"), CREDENTIALS, ids=lambda part: getattr(part, "source", part))
def test_values_of_credentials_are_nowhere_in_the_result(name: str, field: Field) -> None:
    sample = copy.deepcopy(SAMPLES[name])
    put(sample, field.source, "a-very-secret-value")
    found = import_settings(name, sample)
    assert "a-very-secret-value" not in json.dumps(found.to_json())
    reasons = [line.reason for line in found.unmapped if line.source == field.source]
    assert len(reasons) == 1
    assert reasons[0].startswith("A credential")


def test_credentials_of_all_vendors_are_known_as_such() -> None:
    assert {field.source for _, field in CREDENTIALS} == {
        "serviceAccessKey",
        "api_token",
        "student.user.password",
        "publicKey",
        "privateKey",
        "msbKey",
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_value_of_the_wrong_kind_is_refused_with_the_settings_name_and_what_is_accepted(name: str) -> None:
    for field in VENDORS[name].fields:
        wrong = [value for value in VALUES if value not in ({}, "") and not reads(field, value)]
        assert wrong or field.kind.accepts == "anything"
        for value in wrong[:6]:
            sample = copy.deepcopy(SAMPLES[name])
            put(sample, field.source, value)
            with pytest.raises(BadInput) as refused:
                import_settings(name, sample)
            assert f"{field.source} has to be {field.kind.accepts}" in str(refused.value)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_setting_becomes_are_fields_of_the_policy(name: str) -> None:
    known, become = policy_paths(), {path for field in VENDORS[name].fields for path in field.paths}
    plain = {re.sub(r"(?<=detection\.rules)\.\d{4}(?=\.)", ".*", path) for path in become}
    assert plain - set(known) == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_row_says_what_becomes_of_its_setting(name: str) -> None:
    assert [field.source for field in VENDORS[name].fields if not re.fullmatch(r".+\.", field.meaning)] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_two_rows_of_a_table_are_for_the_same_setting(name: str) -> None:
    named = [source for field in VENDORS[name].fields for source in (field.source, *field.aliases)]
    assert sorted(named) == sorted(set(named))


def test_an_unknown_vendor_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="choose one of blinkexam, proctorai, trustexam, mettl"):
        import_settings("another", {})


@pytest.mark.parametrize("name", NAMES)
def test_a_null_setting_says_nothing_and_is_told_of(name: str) -> None:
    optional = [field for field in VENDORS[name].fields if not field.required and "*" not in field.source]
    sample = copy.deepcopy(SAMPLES[name])
    put(sample, optional[0].source, None)
    found = import_settings(name, sample)
    assert [line.reason for line in found.unmapped if line.source == optional[0].source] == [
        "It is null, which says nothing."
    ]


@pytest.mark.parametrize("name", NAMES)
def test_settings_nested_without_end_are_told_of_at_a_depth(name: str) -> None:
    deep: Json = "bottom"
    for _ in range(900):
        deep = {"a": deep}
    found = import_settings(name, SAMPLES[name] | {"unknown": deep})
    assert any(line.source.startswith("unknown.a.a") for line in found.unmapped)


@pytest.mark.parametrize("name", NAMES)
def test_more_settings_than_anybody_has_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match="there are more than 5000 of them"):
        import_settings(name, SAMPLES[name] | {"unknown": list(range(5001))})


def test_a_name_of_endless_length_is_cut() -> None:
    found = import_settings("proctorai", {"a" * 100_000: 1})
    assert [len(line.source) for line in found.unmapped] == [101]
