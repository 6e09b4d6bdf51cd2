"""A small but complete chain of entries, as a client writes them, for tests of the report."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.manifest import GENESIS, instant_to_json, make_entry
from app.core.types import NS_PER_MS, Entry, EntryKind, Instant, Json

START_MS = 1_790_000_000_000


def at(ms: int) -> Instant:
    return Instant((100_000 + ms) * NS_PER_MS, (START_MS + ms) * NS_PER_MS, "boot")


def span(stream: str, start_ms: int, end_ms: int, **more: Json) -> dict[str, Json]:
    return {"stream": stream, "start": instant_to_json(at(start_ms)), "end": instant_to_json(at(end_ms)), **more}


def segment(stream: str, start_ms: int, end_ms: int, sha: str) -> dict[str, Json]:
    return span(stream, start_ms, end_ms, sha256=sha * 64, size_bytes=50_000, mime="video/webm", frames=50)


def violation(key: str, code: int, start_ms: int, end_ms: int, severity: float, **more: Json) -> dict[str, Json]:
    return {
        "id": key,
        "session": int(key.split("-")[0]),
        "number": int(key.split("-")[1]),
        "code": code,
        "name": "x",
        "start_utc_ms": START_MS + start_ms,
        "end_utc_ms": START_MS + end_ms,
        "severity": severity,
        "confidence": 0.9,
        "detail": "",
        **more,
    }


POLICY: Mapping[str, Json] = {
    "exam": {"id": "exam_1", "title": "Sample exam", "duration_min": 30},
    "candidate": {"id": "c-17", "name": "Sample Candidate", "email": "candidate@example.org", "group": ""},
    "score": {"weights": {}},
}
CHECKS: list[Json] = [
    {"name": "camera", "ok": True, "detail": "HD Webcam", "advice": ""},
    {"name": "clock", "ok": False, "detail": "140 seconds behind", "advice": "Set the machine's clock."},
]


def sample_chain() -> list[Entry]:
    """Two sessions, six violations, one of them cut short, gaps of two causes, discarded segments, a clip, a photo."""
    rows: list[tuple[EntryKind, int, Mapping[str, Json]]] = [
        (EntryKind.ATTEMPT, -30_000, {"attempt": "att_1", "exam": "exam_1", "candidate": "c-17", "number": 1}),
        (EntryKind.SNAPSHOT, -9000, {"stream": "camera", "sha256": "f" * 64, "shows": "candidate photo"}),
        (EntryKind.SESSION, -2000, _session(1)),
        (EntryKind.EVENT, 0, {"event": "monitoring_started", "session": 1}),
        (EntryKind.SEGMENT, 5000, segment("camera", 0, 5000, "1")),
        (EntryKind.SEGMENT, 10_000, segment("camera", 5000, 10_000, "2")),
        (EntryKind.DISCARD, 12_000, {"stream": "camera", "sha256": "1" * 64, "reason": "not needed by policy"}),
        (EntryKind.VIOLATION, 9000, violation("1-1", 5101, 6000, 9000, 0.3, detail="to the left", snapshot="a" * 64)),
        (EntryKind.CLIP, 9500, {"stream": "camera", "sha256": "c" * 64, "violation": "1-1"}),
        (EntryKind.VIOLATION, 21_000, violation("1-2", 5001, 15_000, 21_000, 0.5)),
        (EntryKind.EVENT, 22_000, {"event": "error", "code": 4005, "stream": "microphone", "sentence": "it failed"}),
        (EntryKind.GAP, 24_000, span("microphone", 22_000, 24_000, cause="device_lost", count=0)),
        (EntryKind.VIOLATION, 26_000, violation("1-3", 5002, 25_000, 26_000, 0.8, cut_short=True)),
        (EntryKind.SESSION, 40_000, _session(2)),
        (EntryKind.GAP, 40_000, span("camera", 26_000, 40_000, cause="client_down", count=0)),
        (EntryKind.EVENT, 41_000, {"event": "monitoring_started", "session": 2}),
        (EntryKind.VIOLATION, 45_000, violation("2-1", 5115, 45_000, 45_000, 0.4, detail="PrintScreen")),
        (EntryKind.VIOLATION, 50_000, violation("2-2", 5106, 47_000, 50_000, 0.4)),
        (EntryKind.SEGMENT, 55_000, segment("camera", 41_000, 55_000, "3")),
        (EntryKind.SEGMENT, 55_000, segment("screen", 41_000, 55_000, "4")),
        (EntryKind.EVENT, 60_000, {"event": "phase", "phase": "finishing", "because": "finish_requested", "reason": "by the page"}),
    ]  # fmt: skip
    entries: list[Entry] = []
    for seq, (kind, ms, body) in enumerate(rows, start=1):
        entries.append(make_entry(entries[-1].hash if entries else GENESIS, seq, kind, at(ms), body))
    return entries


def _session(number: int) -> dict[str, Json]:
    return {
        "session": number,
        "client": "0.1.0",
        "system": "Linux",
        "release": "6.1",
        "machine": "x86_64",
        "policy": dict(POLICY),
        "checks": CHECKS,
        "missing_protections": ["Text consoles can't be blocked."] if number == 2 else [],
    }
