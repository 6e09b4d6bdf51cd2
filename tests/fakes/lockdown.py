"""Operations of the tests' own: one that records calls, one that changes a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.core.types import Json


@dataclass
class RecordedOperation:
    """Notes every call in ``calls``; fails where told."""

    name: str
    calls: list[tuple[str, str]]
    fails: frozenset[str] = frozenset()
    refuses: str | None = None

    def check(self) -> str | None:
        self._note("check")
        return self.refuses

    def before(self) -> dict[str, Json]:
        self._note("before")
        return {"was": self.name}

    def perform(self) -> None:
        self._note("perform")

    def revert(self, before: Mapping[str, Json]) -> None:
        assert before == {"was": self.name}
        self._note("revert")

    def _note(self, what: str) -> None:
        self.calls.append((what, self.name))
        if what in self.fails:
            raise ValueError(f"{what} of {self.name}")


class FileOperation:
    """The protected 'setting' is a file's text; performing writes ``locked``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return f"file:{self._path.name}"

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        return {"text": self._path.read_text()}

    def perform(self) -> None:
        self._path.write_text("locked")

    def revert(self, before: Mapping[str, Json]) -> None:
        self._path.write_text(str(before["text"]))
