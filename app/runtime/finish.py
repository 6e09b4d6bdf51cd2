"""The end of an attempt: clips, report, seal, and what is submitted. Every step can be repeated after a crash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from app.core.errors import EvidenceError
from app.core.policy import Policy
from app.core.ports import Clock
from app.core.types import NS_PER_MS, NS_PER_S, EntryKind, Json, Stream
from app.evidence.clips import ClipSource, make_clip
from app.evidence.report_data import Summary, build_report
from app.evidence.report_html import render_html
from app.evidence.verify import Verification, verify
from app.runtime.attempts import Attempt
from app.runtime.delivery import Submission

MAX_CLIP_S = 90.0
_GENERATED = "report_generated_utc_ms"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FinishedAttempt:
    """``report_path`` is the HTML page in the attempt's folder; ``data`` is the same as JSON."""

    summary: Summary
    report_path: Path
    data_path: Path

    @property
    def score(self) -> float:
        return self.summary.score


def finish_attempt(policy: Policy, attempt: Attempt, clock: Clock) -> FinishedAttempt:
    """Makes the clips that are missing, seals the chain, verifies it and writes the report.

    Done again after a restart it gives the same report, so that a backend takes it for the same submission.
    Raises EvidenceError or OSError.
    """
    if attempt.store.seal_of() is None:
        make_clips(policy, attempt, clock)
        attempt.store.discard_unkept(clock.now().utc_ns)
        attempt.store.seal(attempt.key.private_key)
    checked = verify(attempt.root)
    summary = build_report(
        attempt.store.entries(),
        verification=verification_json(checked),
        state="finished",
        generated_utc_ms=_first_time_utc_ms(attempt, clock),
    )
    data_path, report_path = attempt.root / "report.json", attempt.root / "report.html"
    data_path.write_text(json.dumps(summary.data, indent=1, ensure_ascii=False), encoding="utf-8")
    write_page(attempt.root, summary.data)
    return FinishedAttempt(summary, report_path, data_path)


def write_page(root: Path, report: Mapping[str, Json]) -> None:
    """The report's page in an attempt's folder, with those of its files that are here now."""
    (root / "report.html").write_text(render_html(report, LocalMedia(root)), encoding="utf-8")


def _first_time_utc_ms(attempt: Attempt, clock: Clock) -> int:
    known = attempt.store.get_meta(_GENERATED)
    if known is None:
        known = str(clock.now().utc_ns // NS_PER_MS)
        attempt.store.set_meta(_GENERATED, known)
    return int(known)


def verification_json(checked: Verification) -> dict[str, Json]:
    return {
        "ok": checked.ok,
        "entries": checked.entries,
        "head": checked.head,
        "sealed": checked.sealed,
        "signature_ok": checked.signature_ok,
        "problems": [str(p) for p in checked.problems],
    }


class LocalMedia:
    """Where a report on this machine finds a file: beside itself, if it was still here when this was made."""

    def __init__(self, root: Path) -> None:
        folder = root / "files"
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        self._names = {name.split(".", 1)[0]: name for name in reversed(names)}

    def __call__(self, sha256: str) -> str | None:
        name = self._names.get(sha256)
        return None if name is None else f"files/{name}"


def make_clips(policy: Policy, attempt: Attempt, clock: Clock) -> None:
    """One clip of camera and sound per violation, pre-roll and post-roll included, made of its segments."""
    have = {str(e.body.get("violation")) for e in attempt.store.entries(EntryKind.CLIP)}
    for body in [e.body for e in attempt.store.violations()]:
        if str(body["id"]) in have or not body["severity"]:
            continue
        try:
            _add_clip(policy, attempt, clock, body)
        except (EvidenceError, OSError) as error:  # a full disk: the segments that it would be made of are kept
            log.warning("no clip", violation=str(body["id"]), error=str(error))
            attempt.note(EntryKind.EVENT, {"event": "degraded", "sentence": f"No clip: {error}"}, clock.now())


def _add_clip(policy: Policy, attempt: Attempt, clock: Clock, body: Mapping[str, Json]) -> None:
    start_ns, end_ns = _clip_span(policy, body)
    out = attempt.root / "spool" / "clip.part"
    pictures = _touching(policy, attempt, Stream.CAMERA, start_ns, end_ns)
    sound = _touching(policy, attempt, Stream.MICROPHONE, start_ns, end_ns)
    if not make_clip(pictures, sound, start_ns, end_ns, out):
        return
    facts: dict[str, Json] = {"violation": body["id"], "code": body["code"]}
    data = out.read_bytes()
    out.unlink()
    stream, mime = (Stream.CAMERA, "video/webm") if pictures else (Stream.MICROPHONE, "audio/webm")
    attempt.store.add_file(EntryKind.CLIP, stream, data, ".webm", mime, clock.now(), facts)


def _clip_span(policy: Policy, body: Mapping[str, Json]) -> tuple[int, int]:
    start_ms, end_ms = body["start_utc_ms"], body["end_utc_ms"]
    if not isinstance(start_ms, int) or not isinstance(end_ms, int):
        raise TypeError("a violation's times are whole milliseconds")
    start_ns = start_ms * NS_PER_MS - int(policy.evidence.pre_roll_s * NS_PER_S)
    end_ns = end_ms * NS_PER_MS + int(policy.evidence.post_roll_s * NS_PER_S)
    return start_ns, min(end_ns, start_ns + int(MAX_CLIP_S * NS_PER_S))


def _touching(policy: Policy, attempt: Attempt, stream: Stream, start_ns: int, end_ns: int) -> list[ClipSource]:
    """Nothing of a stream whose recordings are not to leave this machine."""
    if not policy.upload.sends(stream):
        return []
    found = attempt.store.segments_during(stream, start_ns, end_ns)
    return [ClipSource(path, segment.start.utc_ns) for segment, path in found]


def submission_of(policy: Policy, attempt: Attempt, finished: FinishedAttempt) -> Submission:
    """The ProctorAI submit: stats, warnings, and our report, manifest and seal beside them."""
    data = finished.summary.data
    payload: dict[str, Json] = {
        "stats": {
            "attemptId": attempt.id,
            "userId": policy.candidate.id,
            "duration": _seconds(data["duration_ms"]),
            "startTime": _iso(data["started_utc_ms"]),
            "endTime": _iso(data["ended_utc_ms"]),
            "browserInfo": data["environment"],
            "trustScore": finished.score,
        },
        "warnings": [
            {
                "timestamp": _iso(v["start_utc_ms"]),
                "type": str(v["name"]).replace(" ", "_"),
                "details": v["sentence"],
                "userId": policy.candidate.id,
                "code": v["code"],
            }
            for v in finished.summary.violations
        ],
        "report": data,
    }
    files = {"manifest": attempt.root / "manifest.jsonl", "seal": attempt.root / "seal.json"}
    return Submission(payload, files)


def _seconds(ms: Json) -> int:
    return ms // 1000 if isinstance(ms, int) else 0


def _iso(ms: Json) -> str:
    if not isinstance(ms, int):
        return ""
    return datetime.fromtimestamp(ms / 1000, tz=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
