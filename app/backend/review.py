"""What a submitted report says of one recording's time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.backend.schemas import Analysis, FaceDetection, SuspiciousActivity
from app.core.types import NS_PER_MS

_NO_FACE = frozenset({5001, 5109})
_MULTIPLE_FACES = frozenset({5002})
_PHONE = frozenset({5103})
_LOOKING_AWAY = frozenset({5101})
_TALKING = frozenset({5106, 5107})


def analysis_of(report: Mapping[str, Any], start_ns: int | None, end_ns: int | None) -> Analysis | None:
    """The shares of the recording's time that the report's violations cover; None where its time is unknown."""
    if start_ns is None or end_ns is None or end_ns <= start_ns:
        return None
    spans = list(_spans(report))
    start_ms, end_ms = start_ns / NS_PER_MS, end_ns / NS_PER_MS

    def share(codes: frozenset[int]) -> float:
        covered = _covered_ms((one[1:] for one in spans if one[0] in codes), start_ms, end_ms)
        return round(covered / (end_ms - start_ms), 4)

    nobody, several = share(_NO_FACE), share(_MULTIPLE_FACES)
    return Analysis(
        faceDetection=FaceDetection(facePresent=round(max(0.0, 1.0 - nobody), 4), multipleFaces=several, noFace=nobody),
        suspiciousActivity=SuspiciousActivity(
            phoneUsage=share(_PHONE), lookingAway=share(_LOOKING_AWAY), talking=share(_TALKING)
        ),
    )


def _spans(report: Mapping[str, Any]) -> Iterable[tuple[int, float, float]]:
    """Code, start and end (UTC ms) of the report's violations; a client's report is read with care."""
    begun, violations = report.get("started_utc_ms"), report.get("violations")
    if not isinstance(begun, int | float) or not isinstance(violations, list):
        return
    for one in violations:
        if not isinstance(one, dict):
            continue
        code, start, end = one.get("code"), one.get("start_ms"), one.get("end_ms")
        if isinstance(code, int) and isinstance(start, int | float) and isinstance(end, int | float):
            yield code, begun + start, begun + end


def _covered_ms(spans: Iterable[tuple[float, float]], start_ms: float, end_ms: float) -> float:
    """How much of start..end at least one span covers."""
    covered, reached = 0.0, start_ms
    for span_start, span_end in sorted(spans):
        begin, end = max(span_start, reached), min(span_end, end_ms)
        if end > begin:
            covered += end - begin
            reached = end
    return covered
