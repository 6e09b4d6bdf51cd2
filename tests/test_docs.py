"""The documentation says what is so: commands, links, pictures, fields, codes, formulas."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.main import build_parser
from app.core import codes
from app.core.trust import DEFAULT_WEIGHTS, Scored, score
from app.evidence.report_data import INNOCENT, build_report
from tests.evidence.sample_chain import sample_chain

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
REPORT = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HIDDEN = {"client"}
"""Started by ``take``, never by people."""


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands() -> dict[str, argparse.ArgumentParser]:
    """Every command and action by its words, such as ``key issue``."""
    return dict(_commands(build_parser(), ""))


def _commands(parser: argparse.ArgumentParser, words: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield f"{words} {name}".strip(), sub
                yield from _commands(sub, f"{words} {name}".strip())


def readme_table() -> str:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return readme.split("## Commands")[1].split("\n## ")[0]


def table_commands() -> list[str]:
    """The commands that the first column of README's table names, without arguments."""
    found = []
    for line in readme_table().splitlines():
        if line.startswith("| `invigil"):
            for text in re.findall(r"`([^`]+)`", line.split(" | ")[0]):
                words = [w for w in text.removeprefix("invigil").split() if w.islower() and not w.startswith("-")]
                found.append(" ".join(words))
    return found


def test_every_command_of_the_readme_exists() -> None:
    known = commands()
    named = [command for command in table_commands() if command]
    actions = {"lockdown status": "lockdown", "lockdown restore": "lockdown"}
    assert [c for c in named if actions.get(c, c) not in known] == []
    assert len(named) >= 15


def test_every_command_that_people_use_is_in_the_readme() -> None:
    named = {command.split()[0] for command in table_commands() if command}
    assert named == {command.split()[0] for command in commands()} - HIDDEN


def test_every_option_that_the_table_names_exists() -> None:
    known = {option for parser in commands().values() for a in parser._actions for option in a.option_strings}
    assert set(re.findall(r"--[a-z][a-z-]*", readme_table())) <= known


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_says_what_it_is_for_and_what_it_takes(name: str) -> None:
    parser = commands()[name]
    if " " not in name:
        assert parser.description, f"{name} has no description"
    silent = [a.dest for a in parser._actions if a.help is None and not isinstance(a, argparse._SubParsersAction)]
    assert silent == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} in {page.name}"
        if anchor:
            assert anchor in anchors(file), f"{target} in {page.name}"


def anchors(page: Path) -> set[str]:
    """The addresses of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_the_pictures_are_there_and_small() -> None:
    images = sorted((ROOT / "docs" / "images").glob("*"))
    shown = ["check", "consent", "editor", "exam", "lock", "report", "verdict"]
    assert [image.stem for image in images] == shown
    assert sum(image.stat().st_size for image in images) < 700_000
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [image.name for image in images if f"images/{image.name})" not in pages] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_no_page_names_a_machine_it_was_written_on(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"(?:^|[\s`\"'(])(/(?:work|root|home/\w+|Users|tmp)/\S*)", text) == []
    assert (
        re.findall(r"https?://(?!127\.0\.0\.1|\S*example\.(?:org|com))[\w.-]*(?:pypi|npm|mirror|registry)\S*", text)
        == []
    )


def test_the_report_page_names_every_field() -> None:
    summary = build_report(sample_chain(), verification={}, state="finished", generated_utc_ms=0)
    fields = set(summary.data)
    for part in ("attempt", "exam", "candidate", "trust", "environment"):
        value = summary.data[part]
        assert isinstance(value, dict)
        fields |= set(value)
    for part in ("violations", "gaps", "sessions", "streams"):
        rows = summary.data[part]
        assert isinstance(rows, list)
        assert isinstance(rows[0], dict)
        fields |= set(rows[0])
    assert {field for field in fields if f"`{field}`" not in REPORT} == set()


def test_the_weights_of_the_report_page_are_those_of_the_score() -> None:
    rows = [line for line in REPORT.splitlines() if line.startswith("| 5")]
    pairs = re.findall(r"\| (\d{4}) \| (\d+) (?=\|)", "\n".join(rows))
    assert {int(code): float(weight) for code, weight in pairs} == dict(DEFAULT_WEIGHTS)


def test_the_worked_example_is_what_the_program_computes() -> None:
    seen = [
        Scored("1-1", 5101, 10.0, 0.3, 0.9),
        Scored("1-2", 5101, 14.0, 0.3, 0.9),
        Scored("1-3", 5001, 5.0, 0.5, 1.0),
    ]
    made = score(seen, 2 / 40)
    assert [c.points for c in made.contributions] == [2.8, 1.0, 1.0, 1.5]
    assert f"**{made.score}**" in REPORT


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_codes_of_the_documentation_exist(page: Path) -> None:
    numbers = {int(n) for n in re.findall(r"\b([245][01]\d\d)\b(?! ?(?:UTC|-\d\d))", page.read_text(encoding="utf-8"))}
    rows = re.findall(r"^\|? ?(5\d{3}) +\|? ?([a-z][a-z ]+?)(?: \||  )", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert {n for n in numbers if 4001 <= n <= 4099 or 5001 <= n <= 5199 or 2001 <= n <= 2009} <= set(codes.CODES)
    assert [(n, name) for n, name in rows if codes.name(int(n)) != name] == []


def test_every_violation_has_an_innocent_explanation_beside_it() -> None:
    information = {5003, 5006, 5008}
    assert set(codes.EVIDENCE) - information <= set(INNOCENT)
