"""The lists that ship and IT's beside them: merged, and a broken file is refused whole with a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.lockdown.processes import ListedProcess, load_process_list, reasons
from app.runtime.lists import MOST_BYTES, Lists, list_folders, load_lists
from app.runtime.resources import resources_dir

OURS = resources_dir() / "lists"


@pytest.fixture
def it(tmp_path: Path) -> Path:
    return tmp_path


def loaded(it: Path) -> Lists:
    return load_lists((OURS, it, it / "not there"))


def test_what_ships_is_read_whole(it: Path) -> None:
    lists = loaded(it)
    assert lists.problems == ()
    assert lists.programs == load_process_list(OURS / "processes.json")
    assert lists.signs.firmware["qemu"] == "QEMU"


def test_it_adds_programs_and_signs_and_says_more_of_those_that_ship(it: Path) -> None:
    own = {"name": "OurChat", "kind": "messenger", "why": "is our own chat"}
    other = {"name": "AnyDesk.exe", "kind": "remote control", "why": "is used by our help desk"}
    (it / "programs.json").write_text(json.dumps([own, other]))
    (it / "signs.json").write_text('{"cameras": {"lectern camera": "our lectern"}}')
    lists = loaded(it)
    assert reasons(["ourchat", "anydesk"], lists.programs) == {
        "ourchat": "messenger: is our own chat",
        "anydesk": "remote control: is used by our help desk",
    }
    assert lists.signs.virtual_cameras(["Lectern Camera 2"]) == "our lectern"
    assert lists.signs.virtual_cameras(["ManyCam"]) == "ManyCam"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "can't be read"),
        ("[{}]", "Entry 1"),
        ('{"cameras": {"x": 1}}', "entry 'x' of cameras"),
        ("[" * 100_000, ""),
    ],
    ids=["no JSON", "program", "sign", "nested"],
)
def test_a_broken_file_is_refused_whole_and_the_others_are_used(it: Path, text: str, told: str) -> None:
    (it / "a.json").write_text('[{"name": "ourchat", "kind": "messenger", "why": "w"}]')
    (it / "b.json").write_text(text)
    lists = loaded(it)
    (problem,) = lists.problems
    assert str(it / "b.json") in problem
    assert told in problem
    assert ListedProcess("ourchat", "messenger", "w") in lists.programs


def test_a_file_that_is_too_large_is_not_read(it: Path) -> None:
    (it / "a.json").write_text(" " * (MOST_BYTES + 1) + "[]")
    assert "larger than 2 MB" in loaded(it).problems[0]


def test_its_lists_are_beside_its_trusted_issuers_where_users_can_not_write() -> None:
    ours, *its = list_folders()
    assert ours == OURS
    assert Path("/etc/xdg/invigil/lists") in its
