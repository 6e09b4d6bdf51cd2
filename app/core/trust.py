"""Trust score: 0-100 from violations and gaps, every point explained.

A violation of code *c* costs ``weight(c) * severity * confidence * length`` points, where
``length`` rises evenly from 0.5 for an instant to 1 for ten seconds and more. Costs of one
code saturate: with their sum *s* and the cap *k* = 3 * weight(c), the code takes
``k * (1 - exp(-s / k))`` points, so that a habit seen thirty times does not count thirtyfold;
each violation carries its share of that in proportion to its cost. Monitoring that is missing
takes ``weight(5119) * 10 * share of the time missing``. The score is 100 minus the sum, not below 0.
The score is a help for sorting; it is no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FULL_LENGTH_S = 10.0
CAP_FACTOR = 3.0
MONITORING_GAP = 5119

DEFAULT_WEIGHTS: Mapping[int, float] = {
    5001: 8.0,
    5002: 15.0,
    5004: 3.0,
    5005: 5.0,
    5007: 12.0,
    5101: 4.0,
    5102: 30.0,
    5103: 15.0,
    5104: 6.0,
    5105: 4.0,
    5106: 5.0,
    5107: 8.0,
    5108: 5.0,
    5109: 6.0,
    5110: 12.0,
    5111: 10.0,
    5112: 20.0,
    5113: 5.0,
    5114: 3.0,
    5115: 4.0,
    5116: 2.0,
    5117: 1.0,
    5118: 4.0,
    5119: 3.0,
    5120: 40.0,
    5121: 1.0,
    5122: 6.0,
    5123: 3.0,
}
"""Points for one violation of severity 1, confidence 1 and ten seconds; codes not named weigh nothing."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What the score needs of a violation. ``key`` names it in the explanation."""

    key: str
    code: int
    length_s: float
    severity: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Contribution:
    """``points`` lost, to one decimal; ``key`` is None for the monitoring gap."""

    key: str | None
    code: int
    points: float
    why: str


@dataclass(frozen=True, slots=True)
class TrustScore:
    """``score`` = 100 - sum of the contributions' points, not below 0, to one decimal."""

    score: float
    contributions: tuple[Contribution, ...]


def weight_of(number: int, weights: Mapping[int, float]) -> float:
    return weights.get(number, DEFAULT_WEIGHTS.get(number, 0.0))


def score(violations: Sequence[Scored], missing_share: float, weights: Mapping[int, float] | None = None) -> TrustScore:
    """``missing_share`` is the part of the exam's time, 0..1, in which a required stream is missing."""
    chosen = weights or {}
    parts: list[Contribution] = []
    by_code: dict[int, list[Scored]] = {}
    for violation in violations:
        by_code.setdefault(violation.code, []).append(violation)
    for number, of_code in sorted(by_code.items()):
        parts += _of_code(number, of_code, weight_of(number, chosen))
    share = min(1.0, max(0.0, missing_share))
    gap_points = round(weight_of(MONITORING_GAP, chosen) * 10.0 * share, 1)
    if gap_points > 0:
        why = f"{share:.0%} of the monitoring is missing"
        parts.append(Contribution(None, MONITORING_GAP, gap_points, why))
    return TrustScore(max(0.0, round(100.0 - sum(p.points for p in parts), 1)), tuple(parts))


def _of_code(number: int, violations: Sequence[Scored], weight: float) -> list[Contribution]:
    costs = [weight * v.severity * v.confidence * _length_factor(v.length_s) for v in violations]
    total = sum(costs)
    if total <= 0:
        return []
    cap = CAP_FACTOR * weight
    taken = cap * (1.0 - math.exp(-total / cap))
    found = []
    for violation, cost in zip(violations, costs, strict=True):
        points = round(taken * cost / total, 1)
        why = (
            f"weight {weight:g} × severity {violation.severity:.2f} × confidence {violation.confidence:.2f}"
            f" × length {_length_factor(violation.length_s):.2f} = {cost:.1f}, counted as {points:.1f}"
        )
        if len(violations) > 1:
            why += f" because {len(violations)} of this kind count {taken:.1f} together, not {total:.1f}"
        found.append(Contribution(violation.key, number, points, why))
    return found


def _length_factor(length_s: float) -> float:
    return 0.5 + 0.5 * min(1.0, max(0.0, length_s) / FULL_LENGTH_S)
