"""The lists of programs and of machines' signs: those that ship, and IT's beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from app.core.errors import BadInput
from app.core.lockdown import program_name
from app.keys.issuers import machine_trust_paths
from app.lockdown.machine_signs import MachineSigns, read_signs
from app.lockdown.processes import ListedProcess, read_process_list
from app.runtime.resources import resources_dir

MOST_BYTES = 2_000_000
FOLDER = "lists"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Lists:
    """``problems`` are sentences about files that were refused whole; the others are used all the same."""

    programs: tuple[ListedProcess, ...] = ()
    signs: MachineSigns = field(default_factory=MachineSigns)
    problems: tuple[str, ...] = ()


def list_folders() -> tuple[Path, ...]:
    """Ours, then the machine's: a folder ``lists`` beside IT's list of trusted issuers, which users can't write to."""
    return (resources_dir() / FOLDER, *(path.parent / FOLDER for path in machine_trust_paths()))


def load_lists(folders: Iterable[Path]) -> Lists:
    """All ``*.json`` in the folders, in order; a later entry for the same program or sign replaces the earlier one.

    Never raises: no exam is kept from starting because a list is broken.
    """
    programs: dict[str, ListedProcess] = {}
    signs = MachineSigns()
    problems: list[str] = []
    for path in _files(folders, problems):
        try:
            data = _read(path)
            if isinstance(data, list):
                programs |= {program_name(entry.name): entry for entry in read_process_list(data, path)}
            else:
                signs = signs.and_those(read_signs(data, str(path)))
        except BadInput as error:
            log.warning("a list was refused", error=str(error))
            problems.append(str(error))
    return Lists(tuple(programs.values()), signs, tuple(problems))


def _files(folders: Iterable[Path], problems: list[str]) -> list[Path]:
    found: list[Path] = []
    for folder in folders:
        try:
            found += sorted(folder.glob("*.json"))
        except OSError as error:
            problems.append(f"The folder of lists {folder} can't be read ({error.strerror}).")
    return found


def _read(path: Path) -> object:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise BadInput(f"The list {path} is larger than {MOST_BYTES // 1_000_000} MB; split it.")
        return json.loads(data)
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"The list {path} can't be read ({error}); correct or remove it.") from error
