"""Which build of this program runs: its version, and one hash over its own files."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from app import __version__
from app.core.types import Json
from app.runtime.resources import resources_dir

Kind = Literal["source", "installed", "packaged"]

_RESOURCES = ("lists", "models", "sdk", "ui")
"""What decides what the program does in an exam; the demo's film and page do not."""
_NOT_OURS = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache"})


@dataclass(frozen=True, slots=True)
class Build:
    """``hash`` is a SHA-256 in hex, empty when a file of the program could not be read.

    ``source`` is a source tree, ``installed`` a wheel, ``packaged`` the application that PyInstaller made. Source tree and
    wheel of the same files have the same hash.
    """

    version: str
    hash: str
    kind: Kind

    def to_json(self) -> dict[str, Json]:
        return {"version": self.version, "hash": self.hash, "kind": self.kind}


@cache
def own_build() -> Build:
    """Read once per process, in about 0.2 s: not on the UI thread. Libraries are not in the hash."""
    kind = _kind()
    try:
        return Build(__version__, files_hash(_packaged() if kind == "packaged" else _plain()), kind)
    except OSError:
        return Build(__version__, "", kind)


def files_hash(files: Iterable[tuple[str, Path]]) -> str:
    """SHA-256 over ``name``, a zero byte, the SHA-256 of the file in hex and a newline, for each file in the order of
    the names. Raises OSError."""
    whole = hashlib.sha256()
    for name, path in sorted(files):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{name}\0{digest}\n".encode())
    return whole.hexdigest()


def files_below(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Every file below, by ``name``, its path in the folder and slashes; without what Python keeps for itself."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if not _NOT_OURS.intersection(parts) and path.is_file():
            yield "/".join((name, *parts)), path


def _kind() -> Kind:
    if getattr(sys, "_MEIPASS", None) is not None:
        return "packaged"
    return "installed" if resources_dir().name == "_resources" else "source"


def _plain() -> Iterator[tuple[str, Path]]:
    package = Path(__file__).resolve().parents[1]
    for name, path in files_below(package, "app"):
        if not name.startswith("app/_resources/"):
            yield name, path
    yield from _resources()


def _packaged() -> Iterator[tuple[str, Path]]:
    """The executable holds all of our Python code; beside it are templates, scripts and lists."""
    program = Path(sys.executable)
    yield program.name, program
    yield from files_below(resources_dir().parent / "app", "app")
    yield from _resources()


def _resources() -> Iterator[tuple[str, Path]]:
    for name in _RESOURCES:
        yield from files_below(resources_dir() / name, f"resources/{name}")
