"""The JSON Schema refuses nothing that a policy may be, and is the one in docs.

INVIGIL_WRITE_DOCS=1 writes docs/policy.schema.json instead of comparing it.
"""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from app.cli.main import main
from app.core.errors import BadInput
from app.core.policy import Policy
from app.core.types import Json
from app.keys.bounds import NUMBERS
from app.keys.policy_model import parse_policy, policy_to_json
from app.keys.presets import PRESETS, combined, laid_over
from app.keys.schema import policy_schema, schema_text
from app.keys.settings import GROUPS, SETTINGS, paths
from tests.fakes.any_policy import policies
from tests.fakes.policies import small_policy

FILE = Path(__file__).resolve().parents[2] / "docs" / "policy.schema.json"
VALIDATOR = Draft202012Validator(policy_schema())


def of(path: str) -> dict[str, Any]:
    """The part of the schema that describes a field."""
    part: dict[str, Any] = policy_schema()
    for name in path.split("."):
        part = part["additionalProperties"] if name == "*" else part["properties"][name]
    return part


def accepted(data: object) -> bool:
    try:
        parse_policy(data)
    except BadInput:
        return False
    return True


def test_the_file_in_docs_is_the_schema() -> None:
    if os.environ.get("INVIGIL_WRITE_DOCS"):
        FILE.write_text(schema_text(), encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == schema_text(), "run this test once with INVIGIL_WRITE_DOCS=1"


def test_it_is_a_schema_of_its_dialect() -> None:
    Draft202012Validator.check_schema(policy_schema())


def test_every_field_has_its_name_and_meaning() -> None:
    for path, setting in [*GROUPS.items(), *SETTINGS.items()]:
        assert (of(path)["title"], of(path)["description"]) == (setting.label, setting.meaning), path


@pytest.mark.parametrize("path", NUMBERS)
def test_every_number_has_its_bounds(path: str) -> None:
    assert (of(path)["minimum"], of(path)["maximum"]) == NUMBERS[path]


def test_defaults_are_those_of_the_program() -> None:
    policy = policy_to_json(parse_policy(small_policy()))
    for path in paths():
        if "*" in path or "default" not in of(path) or path.startswith("candidate."):
            continue
        group, _, name = path.partition(".")
        part = policy[group]
        assert isinstance(part, dict)
        assert of(path)["default"] == part[name], path


def test_what_must_be_there_must_be_there() -> None:
    assert policy_schema()["required"] == ["exam", "upload"]
    assert of("exam")["required"] == ["id", "title", "start_url"]
    assert of("upload")["required"] == ["endpoint", "token", "exam_id"]


@given(policies())
def test_whatever_is_a_policy_is_valid(policy: Policy) -> None:
    assert list(VALIDATOR.iter_errors(policy_to_json(policy))) == []


@pytest.mark.parametrize("preset", PRESETS)
def test_completed_presets_are_valid(preset: str) -> None:
    VALIDATOR.validate({"version": 1, **laid_over(combined(preset), small_policy())})


@pytest.mark.parametrize(
    "fields",
    [
        {"capture__camera_fps": 31},
        {"capture__camera": 1},
        {"exam__duration_min": "90"},
        {"exam__title": " "},
        {"exam__title": "a\nb"},
        {"exam__start_url": "file:///etc/passwd"},
        {"live__mode": "both"},
        {"lockdown__unlock_password": "hunter2"},
        {"detection__rules": {"5007": {"response": "stop"}}},
        {"capture__colour": True},
        {"detection__rules": {"5999": {}}},
        {"detection__rules": {"5001": {"severity": 2}}},
        {"detection__object_categories": ["phone"]},
        {"score__weights": {"5001": -1}},
        {"browser__allow": [""]},
        {"version": 2},
    ],
)
def test_what_is_plainly_wrong_is_refused_by_both(fields: dict[str, Json]) -> None:
    data = small_policy(**fields)
    assert not VALIDATOR.is_valid(data)
    assert not accepted(data)


WILD = (
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**7)
    | st.floats(-1e6, 1e7, allow_nan=False)
    | st.sampled_from(["", " ", "\n", "off", "live", "HTTPS://A.example", "https://a.example", "cell phone", "x" * 600])
    | st.text(max_size=5)
    | st.lists(st.sampled_from(["", "book", "a"]), max_size=3)
    | st.dictionaries(st.sampled_from(["5001", "5999", "05001", "x"]), st.integers(-1, 200), max_size=2)
)


@given(policies(), st.sampled_from(["version", *GROUPS, *paths(), "extra", "exam.extra"]), WILD, st.booleans())
def test_what_the_schema_refuses_the_program_refuses(policy: Policy, path: str, value: Any, gone: bool) -> None:
    data: Any = copy.deepcopy(policy_to_json(policy))
    *way, name = path.replace("*", "5001").split(".")
    inner = data
    for part in way:
        inner = inner.setdefault(part, {})
    inner[name] = value
    if gone:
        del inner[name]
    if not VALIDATOR.is_valid(data):
        assert not accepted(data)


def test_the_command_prints_the_schema_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == policy_schema()
    assert main(["key", "schema", "--out", str(tmp_path / "policy.schema.json")]) == 0
    assert (tmp_path / "policy.schema.json").read_text(encoding="utf-8") == schema_text()


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "schema", "--out", str(tmp_path / "none" / "x.json")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
