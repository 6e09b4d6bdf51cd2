"""What became of somebody else's settings: a policy's fields, and a line for each setting, used or not."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.types import Json


@dataclass(frozen=True, slots=True)
class Mapped:
    """``source`` is the setting's path in the vendor's words, ``path`` the policy's field that it became."""

    source: str
    path: str
    value: Json


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A setting that became no field; ``reason`` says why, and what takes its place, as a sentence."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """``policy`` is JSON by group and may be incomplete: it is to be laid over a preset and completed.

    Every leaf of the input is in ``mapped`` or ``unmapped``, some in several lines; nothing is dropped silently.
    Values of secrets are never in it, but for the hash of the unlock password, which only ``policy`` carries.
    """

    policy: dict[str, Json] = field(default_factory=dict)
    mapped: tuple[Mapped, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return {
            "policy": self.policy,
            "mapped": [{"source": m.source, "path": m.path, "value": m.value} for m in self.mapped],
            "unmapped": [{"source": u.source, "reason": u.reason} for u in self.unmapped],
        }
