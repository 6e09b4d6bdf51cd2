"""What became of imported settings, for people: two tables, and what the policy still needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.plain import shown
from app.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.core.types import Json
    from app.keys.imported import Imported

_TO_COMPLETE: dict[str, Json] = {
    "exam": {"id": "exam", "title": "Exam", "start_url": "https://exams.example.org/"},
    "upload": {"endpoint": "https://proctoring.example.org", "token": "token", "exam_id": "exam"},
    "live": {"endpoint": "https://proctoring.example.org"},
}
"""Stands in for what only the institution knows, so that the rest can be judged."""


def tables(found: Imported) -> str:
    """Each setting with the field that it became and its value; then each that became none, with the reason."""
    taken = [(line.source, f"{line.path} = {shown(line.value)}") for line in found.mapped]
    left = [(line.source, line.reason) for line in found.unmapped]
    width = max((len(source) for source, _ in (*taken, *left)), default=0)
    return "\n".join(["Taken over:", *_rows(taken, width), "", "Not taken over:", *_rows(left, width), ""])


def _rows(rows: list[tuple[str, str]], width: int) -> list[str]:
    return [f"  {source:{width}}  {words}" for source, words in rows] or ["  nothing"]


def notes(policy: Mapping[str, Json]) -> list[str]:
    """What has to be added or corrected before a key can be issued, and what of it this client can't do yet."""
    from app.core.abilities import unmet
    from app.keys.policy_model import parse_policy
    from app.keys.presets import laid_over

    try:
        parse_policy(dict(policy))
        found = []
    except BadInput as wrong:
        found = [f"before a key can be issued: {wrong}"]
    try:
        whole = parse_policy(laid_over(_TO_COMPLETE, policy))
    except BadInput as wrong:
        told = f"before a key can be issued: {wrong}"
        return found if told in found else [*found, told]
    missing = [f"{path}: this client {what}" for path, what in unmet(whole)]
    if missing and not whole.exam.allow_fallback:
        missing.append("set exam.allow_fallback if the exam may start without it")
    return [*found, *missing]
