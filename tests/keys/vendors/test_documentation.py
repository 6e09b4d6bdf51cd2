"""docs/vendor-settings.md says what the program does.

INVIGIL_WRITE_DOCS=1 writes the page instead of comparing it.
"""

from __future__ import annotations

import os
from pathlib import Path

from app.keys.vendors import VENDORS
from app.keys.vendors.documentation import render

PAGE = Path(__file__).resolve().parents[3] / "docs" / "vendor-settings.md"


def test_the_page_is_the_one_that_the_program_renders() -> None:
    if os.environ.get("INVIGIL_WRITE_DOCS"):
        PAGE.write_text(render(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == render(), "run this test once with INVIGIL_WRITE_DOCS=1"


def test_every_setting_of_every_vendor_is_on_the_page() -> None:
    page = render()
    wanted = {field.source for vendor in VENDORS.values() for field in vendor.fields}
    assert {source for source in wanted if f"| `{source}`" not in page} == set()


def test_no_cell_breaks_its_table() -> None:
    rows = [line for line in render().splitlines() if line.startswith("|")]
    assert [row for row in rows if row.count("|") != 5] == []
