"""docs/policy.md says what the program does.

INVIGIL_WRITE_DOCS=1 writes the page instead of comparing it.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from app.keys.policy_docs import MEANINGS, paths, render
from app.keys.policy_model import parse_policy

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policy.md"


def test_the_page_is_the_one_that_the_program_renders() -> None:
    if os.environ.get("INVIGIL_WRITE_DOCS"):
        PAGE.write_text(render(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == render(), "run this test once with INVIGIL_WRITE_DOCS=1"


def test_every_field_has_a_meaning_and_no_meaning_is_left_over() -> None:
    assert set(MEANINGS) == paths()


def test_the_example_on_the_page_is_a_policy() -> None:
    example = re.search(r"```json\n(.*?)```", render(), re.DOTALL)
    assert example is not None
    assert parse_policy(json.loads(example[1])).exam.duration_min == 90
