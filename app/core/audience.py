"""For whom a config key is: everybody who takes an exam, one group of them, or one candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.policy import Candidate, Policy
from app.core.types import Json


@dataclass(frozen=True, slots=True)
class Audience:
    """``exam`` is always named. Group and candidate are empty where the key does not care; never both are set."""

    exam: str
    group: str = ""
    candidate: str = ""

    @classmethod
    def of(cls, policy: Policy) -> Audience:
        """The narrowest audience that a policy means: its candidate, else its group, else the exam."""
        person = policy.candidate
        if person.id:
            return cls(policy.exam.id, candidate=person.id)
        return cls(policy.exam.id, group=person.group)

    def to_json(self) -> dict[str, Json]:
        named = {"exam": self.exam, "group": self.group, "candidate": self.candidate}
        return {name: value for name, value in named.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Audience | None:
        """None where this is no audience: other fields, empty ones, no exam, or both group and candidate."""
        known = {"exam", "group", "candidate"}
        if not set(data) <= known or not all(isinstance(value, str) and value for value in data.values()):
            return None
        if "exam" not in data or {"group", "candidate"} <= set(data):
            return None
        return cls(**{name: str(value) for name, value in data.items()})

    def refusal(self, exam_id: str, candidate: Candidate) -> str | None:
        """Why this candidate of this exam may not use the key, as the end of a sentence; None when they may.

        Somebody who is not named yet (``id`` empty) may use a key for the exam or for their group, and is asked who
        they are; a key for one candidate is for that name only.
        """
        if self.exam != exam_id:
            return f"it is for the exam {self.exam!r}"
        if self.candidate and candidate.id != self.candidate:
            return "it is for another candidate"
        if self.group and candidate.group != self.group:
            return f"it is for the group {self.group!r}"
        return None
