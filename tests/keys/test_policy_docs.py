"""docs/policy.md says what the program does.

INVIGIL_WRITE_DOCS=1 writes the page instead of comparing it.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from app.core.abilities import LATER, LATER_VALUES
from app.keys.policy_docs import render
from app.keys.policy_model import parse_policy
from app.keys.settings import SETTINGS
from app.keys.vendors import VENDORS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policy.md"


def test_the_page_is_the_one_that_the_program_renders() -> None:
    if os.environ.get("INVIGIL_WRITE_DOCS"):
        PAGE.write_text(render(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == render(), "run this test once with INVIGIL_WRITE_DOCS=1"


def test_every_field_has_its_row_with_its_meaning() -> None:
    page = render()
    for path, setting in SETTINGS.items():
        group, _, name = path.rpartition(".")
        heading = {"detection.rules.*": "Rules"}.get(group, group)
        section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
        row = next(line for line in section.splitlines() if line.startswith(f"| `{name}` |"))
        assert setting.meaning in row, path


@pytest.mark.parametrize("name", VENDORS)
def test_every_vendor_setting_that_decides_on_a_field_is_beside_it(name: str) -> None:
    page = render()
    for field in VENDORS[name].fields:
        for path in field.paths:
            group, _, last = path.rpartition(".")
            row = next(
                line
                for line in page.split(f"\n## {'Rules' if group.startswith('detection.rules') else group}\n")[
                    1
                ].splitlines()
                if line.startswith(f"| `{last}` |")
            )
            elsewhere = row.split(" | ")[-1].split(f"{VENDORS[name].name} ")[1].split("; ")[0]
            assert f"`{field.source}`" in elsewhere, (field.source, path)


def test_what_is_not_done_yet_is_marked() -> None:
    page = render()
    assert page.count("*Not yet: this client ") == len(LATER)
    assert page.count("*Not yet `") == sum(map(len, LATER_VALUES.values()))


def test_the_example_on_the_page_is_a_policy() -> None:
    example = re.search(r"```json\n(.*?)```", render(), re.DOTALL)
    assert example is not None
    assert parse_policy(json.loads(example[1])).exam.duration_min == 90
