"""What one line of the system check says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.core.machine import Judgement
from app.core.types import Json


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the system check. ``advice`` says what to do; empty when ``ok``.

    ``judgement``: the machine's signs that it was made from, where it was; see ``core.verdict``.
    """

    name: str
    ok: bool
    required: bool
    detail: str
    advice: str = ""
    code: int | None = None
    facts: Mapping[str, Json] = field(default_factory=dict)
    judgement: Judgement | None = None
