"""What a benchmark gives: figures, each beside a baseline that was measured in the same run."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.core.types import Json


@dataclass(frozen=True, slots=True)
class Figure:
    """``ratio`` is ``value`` to ``baseline``. ``aim`` is the most that ``aimed`` (value or ratio) may be, None for a
    figure that is there for information.
    """

    what: str
    value: float
    unit: str
    baseline: float
    aim: float | None = None
    aims_at_ratio: bool = False

    @property
    def ratio(self) -> float:
        return self.value / self.baseline if self.baseline else float("inf")

    @property
    def ok(self) -> bool | None:
        """Whether the aim was met; None where there is none."""
        if self.aim is None:
            return None
        return (self.ratio if self.aims_at_ratio else self.value) <= self.aim

    def to_json(self) -> dict[str, Json]:
        return {
            "what": self.what,
            "value": round(self.value, 3),
            "unit": self.unit,
            "baseline": round(self.baseline, 3),
            "ratio": round(self.ratio, 2),
            "aim": self.aim,
            "ok": self.ok,
        }


def interleaved_medians(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The median time of each call in microseconds. They take turns, so that a busy machine slows all alike."""
    times: list[list[int]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, taken in zip(calls, times, strict=True):
            start = time.perf_counter_ns()
            call()
            taken.append(time.perf_counter_ns() - start)
    return [statistics.median(taken) / 1000 for taken in times]


def percentile(values: Sequence[float], share: int) -> float:
    """The least of the values that ``share`` percent of them do not exceed. ``values`` is not empty."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]
