"""What happens when in the demo's camera film: pure numbers, shared by the film and by the tests that read it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from build_scripts.portrait import Pose

WIDTH_PX, HEIGHT_PX, FPS = 640, 480, 10
DURATION_MS = 52_000
BLINK_EVERY_MS, BLINK_MS = 3_700, 300


@dataclass(frozen=True, slots=True)
class Span:
    """One scene. From ``steady_start_ms`` to ``steady_end_ms`` it shows nothing else; around it people still move."""

    kind: str
    start_ms: int
    end_ms: int
    steady_start_ms: int
    steady_end_ms: int


SPANS = (
    Span("normal", 0, 9_000, 0, 9_000),
    Span("away", 9_000, 15_000, 9_700, 14_300),
    Span("normal", 15_000, 20_000, 15_000, 19_200),
    Span("empty", 20_000, 26_000, 20_000, 26_000),
    Span("normal", 26_000, 31_000, 26_800, 31_000),
    Span("second_face", 31_000, 38_000, 32_200, 36_800),
    Span("normal", 38_000, 52_000, 38_000, 52_000),
)


def ramp(t_ms: float, start_ms: float, end_ms: float) -> float:
    """0 before the start, 1 after the end, smooth between (Hermite)."""
    share = min(1.0, max(0.0, (t_ms - start_ms) / (end_ms - start_ms)))
    return share * share * (3 - 2 * share)


def bump(t_ms: float, span: Span) -> float:
    """1 while the span is steady, easing from 0 and back to 0 within the span."""
    rising = ramp(t_ms, span.start_ms, span.steady_start_ms)
    return rising * (1 - ramp(t_ms, span.steady_end_ms, span.end_ms))


def candidate_pose(t_ms: float) -> Pose:
    """The candidate: sits, sways a little, blinks, looks aside, leaves the chair and makes room for the visitor."""
    away, second = bump(t_ms, SPANS[1]), bump(t_ms, SPANS[5])
    gone = ramp(t_ms, 19_200, 20_000) * (1 - ramp(t_ms, 26_000, 26_800))
    return Pose(
        x_px=322 + _sway(t_ms, 7_300, 9) + _sway(t_ms, 2_900, 2) - 60 * second - 620 * gone,
        y_px=192 + _sway(t_ms, 5_100, 5) + _sway(t_ms, 1_900, 1.2) + 60 * math.sin(math.pi * gone),
        scale=1.58 + _sway(t_ms, 11_000, 0.05) - 0.1 * second,
        yaw_deg=_sway(t_ms, 4_300, 3) + 43 * away,
        pitch_deg=_sway(t_ms, 6_100, 2) - 3 * away,
        roll_deg=_sway(t_ms, 8_700, 1.5),
        gaze=away + _sway(t_ms, 2_300, 0.06),
        blink=_blink(t_ms),
    )


def visitor_pose(t_ms: float) -> Pose | None:
    """The second person, who comes in from the right; None while there is nobody."""
    second = bump(t_ms, SPANS[5])
    if second <= 0:
        return None
    return Pose(
        x_px=860 - 335 * second + _sway(t_ms, 3_100, 4),
        y_px=172 + _sway(t_ms, 2_300, 4),
        scale=1.32,
        yaw_deg=-8 + _sway(t_ms, 3_700, 4),
        pitch_deg=_sway(t_ms, 2_900, 2),
        blink=_blink(t_ms + 1_900),
    )


def _sway(t_ms: float, period_ms: float, amount: float) -> float:
    return amount * math.sin(2 * math.pi * t_ms / period_ms)


def _blink(t_ms: float) -> float:
    since_ms = (t_ms + 1_200) % BLINK_EVERY_MS
    return math.sin(math.pi * since_ms / BLINK_MS) if since_ms < BLINK_MS else 0.0
