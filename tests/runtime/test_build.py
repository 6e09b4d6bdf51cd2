"""The build hash: the same for the same files wherever they are, another one as soon as one of them changes."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import __version__
from app.runtime import build
from app.runtime.build import files_below, files_hash, own_build


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "one"
    (made / "lists").mkdir(parents=True)
    (made / "a.py").write_text("a = 1\n")
    (made / "lists" / "b.json").write_text("[]")
    return made


@pytest.fixture
def unread() -> Iterator[None]:
    """Forgets what was read of this program before and afterwards."""
    own_build.cache_clear()
    yield
    own_build.cache_clear()


def hash_of(folder: Path) -> str:
    return files_hash(files_below(folder, "app"))


def test_the_hash_can_be_made_by_hand(folder: Path) -> None:
    a, b = (hashlib.sha256(text).hexdigest() for text in (b"a = 1\n", b"[]"))
    by_hand = hashlib.sha256(f"app/a.py\0{a}\napp/lists/b.json\0{b}\n".encode())
    assert hash_of(folder) == by_hand.hexdigest()


def test_the_same_files_elsewhere_have_the_same_hash(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "two")
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "a.pyc").write_bytes(b"compiled")
    assert hash_of(copy) == hash_of(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.py").write_text("a = 2\n"),
        lambda folder: (folder / "a.py").rename(folder / "c.py"),
        lambda folder: (folder / "lists" / "b.json").unlink(),
        lambda folder: (folder / "new.py").write_text(""),
    ],
    ids=["changed", "renamed", "removed", "added"],
)
def test_any_change_gives_another_hash(folder: Path, change: Callable[[Path], object]) -> None:
    before = hash_of(folder)
    change(folder)
    assert hash_of(folder) != before


def test_a_source_tree_says_that_it_is_one() -> None:
    mine = own_build()
    assert (mine.version, mine.kind, len(mine.hash)) == (__version__, "source", 64)


@pytest.mark.usefixtures("unread")
def test_an_application_is_its_program_and_the_files_beside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program, inside = tmp_path / "invigil", tmp_path / "_internal"
    program.write_bytes(b"program and its Python code")
    (inside / "resources" / "lists").mkdir(parents=True)
    (inside / "resources" / "lists" / "processes.json").write_text("[]")
    (inside / "libpython.so").write_bytes(b"of other makers")
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(sys, "_MEIPASS", str(inside), raising=False)
    expected = [("invigil", program), ("resources/lists/processes.json", inside / "resources/lists/processes.json")]
    assert own_build() == build.Build(__version__, files_hash(expected), "packaged")


@pytest.mark.usefixtures("unread")
def test_a_program_that_can_not_be_read_runs_all_the_same_without_a_hash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert own_build() == build.Build(__version__, "", "packaged")
