"""The report of an attempt as data, from its evidence chain alone.

Times are milliseconds since the exam's start (the first time that monitoring began), with UTC
milliseconds beside them where a person may want the clock. docs/report.md describes the fields.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.core import codes
from app.core.trust import Scored, TrustScore, score
from app.core.types import NS_PER_MS, Entry, EntryKind, Json

REPORT_VERSION = 1
INNOCENT: Mapping[int, str] = {
    5001: "Leaning down to write, a cough, or poor light can hide a face for some seconds.",
    5002: "A poster, a picture on the wall or someone passing by in a shared room can look like a second person.",
    5004: "A door, traffic, a cough or a noisy room is no help with an exam.",
    5005: "A system message or an update can take the focus by itself.",
    5007: "A docking station or a television that was still connected counts as a monitor.",
    5101: "Looking up to think, at the keyboard, or at allowed paper is usual.",
    5102: "Glasses, hair, light or another angle can change how a face measures.",
    5103: "A calculator, a remote control or a wallet can look like a phone.",
    5104: "A box or a notepad can look like a book, and some exams allow books.",
    5105: "Detectors often take one thing for another.",
    5106: "Reading a question aloud or speaking to oneself is usual for some people.",
    5107: "A television, a neighbour or a voice through a wall is not a conversation.",
    5108: "A camera's driver may hang, and some people sit very still.",
    5109: "A cloud, a lamp that went out or a loose cover can darken the picture.",
    5110: "Some cameras come with a driver that looks like a program.",
    5111: "The program may have started by itself with the system.",
    5112: "Remote support that an organisation installed can be there without being used.",
    5113: "Some institutions give out virtual machines on purpose.",
    5114: "Copying within one's own answer is usual.",
    5115: "The key may have been hit by mistake; nothing was captured by it.",
    5116: "A loose cable or a display that wakes up looks the same.",
    5117: "A mouse or headphones count as well.",
    5118: "Systems set their clocks by themselves.",
    5119: "A loose cable or a slow machine is the usual cause.",
    5120: "A system short of memory ends programs by itself, and a failing disk damages files without anybody's doing.",
    5121: "Such keys are often pressed from habit; they had no effect.",
    5122: "Notifications, a screen keyboard or an update open windows by themselves.",
    5123: "Screen keyboards, speech input and programmable mice make keys and clicks, too.",
}
"""What would explain a violation innocently: said to the reviewer beside each."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The parts of a report that callers need by name; ``data`` is the whole, ready for JSON."""

    data: dict[str, Json]
    score: float
    violations: list[dict[str, Json]]
    gaps: list[dict[str, Json]]


@dataclass(slots=True)
class _Gathered:
    """The chain's entries by what the report needs of them."""

    attempt: Mapping[str, Json] = field(default_factory=dict)
    sessions: list[Entry] = field(default_factory=list)
    events: list[Entry] = field(default_factory=list)
    violations: list[Mapping[str, Json]] = field(default_factory=list)
    gaps: list[Mapping[str, Json]] = field(default_factory=list)
    segments: list[Mapping[str, Json]] = field(default_factory=list)
    discarded: set[str] = field(default_factory=set)
    clips: dict[str, str] = field(default_factory=dict)
    photo: str | None = None
    first_ms: int = 0
    last_ms: int = 0


def build_report(
    entries: Iterable[Entry],
    *,
    verification: Mapping[str, Json],
    state: str,
    generated_utc_ms: int,
    weights: Mapping[int, float] | None = None,
) -> Summary:
    """``weights`` scores again with others than the policy's. Unknown entries are left out, never guessed."""
    seen = _gather(entries)
    policy = _policy(seen)
    start_ms, end_ms = _span(seen)
    violations = [_violation(body, seen, start_ms) for body in seen.violations]
    gaps = [_gap(body, start_ms) for body in seen.gaps]
    trust = _trust(violations, gaps, end_ms - start_ms, weights if weights is not None else _weights(policy))
    data: dict[str, Json] = {
        "version": REPORT_VERSION,
        "generated_utc_ms": generated_utc_ms,
        "attempt": {
            "id": seen.attempt.get("attempt"),
            "number": seen.attempt.get("number"),
            "state": state,
            "ended_because": _ended_because(seen),
        },
        "exam": _part(policy, "exam", ("id", "title", "duration_min")),
        "candidate": _part(policy, "candidate", ("id", "name", "email", "group")),
        "started_utc_ms": start_ms,
        "ended_utc_ms": end_ms,
        "duration_ms": end_ms - start_ms,
        "trust": _trust_json(trust),
        "violations": list[Json](violations),
        "events": _events(seen, start_ms),
        "gaps": list[Json](gaps),
        "sessions": _sessions(seen, start_ms),
        "streams": _streams(seen, start_ms),
        "environment": _environment(seen),
        "photo": seen.photo,
        "verification": dict(verification),
    }
    return Summary(data, trust.score, violations, gaps)


def _gather(entries: Iterable[Entry]) -> _Gathered:
    seen = _Gathered()
    by_kind: dict[EntryKind, list[Entry]] = {kind: [] for kind in EntryKind}
    for entry in entries:
        ms = entry.at.utc_ns // NS_PER_MS
        seen.first_ms = seen.first_ms or ms
        seen.last_ms = max(seen.last_ms, ms)
        by_kind[entry.kind].append(entry)
    seen.attempt = by_kind[EntryKind.ATTEMPT][0].body if by_kind[EntryKind.ATTEMPT] else {}
    seen.sessions, seen.events = by_kind[EntryKind.SESSION], by_kind[EntryKind.EVENT]
    seen.violations = [e.body for e in by_kind[EntryKind.VIOLATION]]
    seen.gaps = [e.body for e in by_kind[EntryKind.GAP]]
    seen.segments = [e.body for e in by_kind[EntryKind.SEGMENT]]
    seen.discarded = {str(e.body.get("sha256")) for e in by_kind[EntryKind.DISCARD]}
    seen.clips = {str(e.body.get("violation")): str(e.body.get("sha256")) for e in by_kind[EntryKind.CLIP]}
    photos = [e for e in by_kind[EntryKind.SNAPSHOT] if e.body.get("shows") == "candidate photo"]
    seen.photo = str(photos[-1].body.get("sha256")) if photos else None
    return seen


def _span(seen: _Gathered) -> tuple[int, int]:
    """From the first start of monitoring to the move to finishing; the chain's own span where these are missing."""
    start = _first_ms(seen, lambda body: body.get("event") == "monitoring_started")
    end = _first_ms(seen, lambda body: body.get("phase") == "finishing")
    begun = start if start is not None else seen.first_ms
    return begun, max(begun, end if end is not None else seen.last_ms)


def _first_ms(seen: _Gathered, wanted: Callable[[Mapping[str, Json]], bool]) -> int | None:
    return next((e.at.utc_ns // NS_PER_MS for e in seen.events if wanted(e.body)), None)


def _policy(seen: _Gathered) -> Mapping[str, Json]:
    """What was in force at the end: each session names it, and so does each key update that changed it."""
    updates = [entry for entry in seen.events if isinstance(entry.body.get("policy"), dict)]
    newest = max([*seen.sessions[-1:], *updates[-1:]], key=lambda entry: entry.seq, default=None)
    policy = None if newest is None else newest.body.get("policy")
    return policy if isinstance(policy, dict) else {}


def _part(policy: Mapping[str, Json], name: str, fields: Sequence[str]) -> dict[str, Json]:
    part = policy.get(name)
    return {key: part.get(key) for key in fields} if isinstance(part, dict) else dict.fromkeys(fields)


def _weights(policy: Mapping[str, Json]) -> dict[int, float]:
    part = policy.get("score")
    weights = part.get("weights") if isinstance(part, dict) else None
    if not isinstance(weights, dict):
        return {}
    known = {k: v for k, v in weights.items() if k.isdecimal() and isinstance(v, int | float)}
    return {int(k): min(100.0, max(0.0, _float(v))) for k, v in known.items()}


def _violation(body: Mapping[str, Json], seen: _Gathered, start_ms: int) -> dict[str, Json]:
    number = _int(body.get("code"))
    known = codes.EVIDENCE.get(number)
    begun, ended = _int(body.get("start_utc_ms")), _int(body.get("end_utc_ms"))
    key = str(body.get("id"))
    return {
        "id": key,
        "session": body.get("session"),
        "code": number,
        "name": known.name if known else str(body.get("name", number)),
        "start_ms": begun - start_ms,
        "end_ms": ended - start_ms,
        "start_utc_ms": begun,
        "severity": body.get("severity"),
        "confidence": body.get("confidence"),
        "detail": body.get("detail", ""),
        "sentence": known.sentence if known else "",
        "innocent": INNOCENT.get(number, ""),
        "cut_short": bool(body.get("cut_short", False)),
        "snapshot": body.get("snapshot"),
        "clip": seen.clips.get(key),
    }


def _gap(body: Mapping[str, Json], start_ms: int) -> dict[str, Json]:
    return {
        "stream": body.get("stream"),
        "start_ms": _instant_ms(body.get("start")) - start_ms,
        "end_ms": _instant_ms(body.get("end")) - start_ms,
        "cause": body.get("cause"),
        "count": body.get("count"),
    }


def _trust(
    violations: Sequence[Mapping[str, Json]],
    gaps: Sequence[Mapping[str, Json]],
    total_ms: int,
    weights: Mapping[int, float],
) -> TrustScore:
    scored = [
        Scored(
            str(v["id"]),
            _int(v["code"]),
            max(0, _int(v["end_ms"]) - _int(v["start_ms"])) / 1000,
            _share(v["severity"]),
            _share(v["confidence"]),
        )
        for v in violations
    ]
    return score(scored, _missing_share(gaps, total_ms), weights)


def _missing_share(gaps: Sequence[Mapping[str, Json]], total_ms: int) -> float:
    """The share of the exam during which at least one stream was missing for no reason of the institution's."""
    spans = sorted(
        (max(0, _int(g["start_ms"])), min(total_ms, _int(g["end_ms"]))) for g in gaps if g["cause"] != "paused"
    )
    missing, reached = 0, 0
    for begun, ended in spans:
        missing += max(0, ended - max(begun, reached))
        reached = max(reached, ended)
    return missing / total_ms if total_ms > 0 else 0.0


def _trust_json(trust: TrustScore) -> dict[str, Json]:
    return {
        "score": trust.score,
        "lost": round(sum(c.points for c in trust.contributions), 1),
        "contributions": [
            {
                "violation": c.key,
                "code": c.code,
                "name": codes.EVIDENCE[c.code].name if c.code in codes.EVIDENCE else str(c.code),
                "points": c.points,
                "why": c.why,
            }
            for c in trust.contributions
        ],
    }


def _events(seen: _Gathered, start_ms: int) -> list[Json]:
    """What happened besides violations, in order: phases, errors, degraded detection, devices."""
    found: list[Json] = []
    for entry in seen.events:
        kind = entry.body.get("event")
        if kind in ("violation_opened", "checks", "watching"):
            continue
        body = {k: v for k, v in entry.body.items() if k not in ("event", "policy")}
        found.append({"t_ms": entry.at.utc_ns // NS_PER_MS - start_ms, "event": kind, **body})
    return found


def _sessions(seen: _Gathered, start_ms: int) -> list[Json]:
    found: list[Json] = []
    ends = sorted(_instant_ms(segment.get("end")) for segment in seen.segments)
    finish_ms = _span(seen)[1]
    for i, entry in enumerate(seen.sessions):
        begun = entry.at.utc_ns // NS_PER_MS
        later = seen.sessions[i + 1].at.utc_ns // NS_PER_MS if i + 1 < len(seen.sessions) else None
        found.append(
            {
                "session": entry.body.get("session"),
                "start_ms": begun - start_ms,
                "end_ms": _last_sign_of_life(ends, begun, later, finish_ms) - start_ms,
                "client": entry.body.get("client"),
                "system": f"{entry.body.get('system')} {entry.body.get('release')}",
                "missing_protections": entry.body.get("missing_protections", []),
            }
        )
    return found


def _last_sign_of_life(ends: Sequence[int], begun_ms: int, next_ms: int | None, finish_ms: int) -> int:
    """The end of the last segment that a session recorded; the finish for the last session. ``ends`` are sorted."""
    if next_ms is None:
        return max(begun_ms, finish_ms)
    recorded = bisect_right(ends, next_ms)
    return max(begun_ms, ends[recorded - 1]) if recorded else begun_ms


def _streams(seen: _Gathered, start_ms: int) -> list[Json]:
    found: list[Json] = []
    for stream in sorted({str(s.get("stream")) for s in seen.segments}):
        mine = [s for s in seen.segments if s.get("stream") == stream]
        kept = [s for s in mine if str(s.get("sha256")) not in seen.discarded]
        spans: list[Json] = [
            [_instant_ms(s.get("start")) - start_ms, _instant_ms(s.get("end")) - start_ms] for s in kept
        ]
        found.append(
            {
                "stream": stream,
                "segments": len(mine),
                "kept_segments": len(kept),
                "kept_bytes": sum(_int(s.get("size_bytes")) for s in kept),
                "recorded_ms": sum(_instant_ms(s.get("end")) - _instant_ms(s.get("start")) for s in mine),
                "kept_ms": sum(_instant_ms(s.get("end")) - _instant_ms(s.get("start")) for s in kept),
                "spans": spans,
            }
        )
    return found


def _environment(seen: _Gathered) -> dict[str, Json]:
    if not seen.sessions:
        return {}
    body = seen.sessions[-1].body
    checked = next((s.body for s in reversed(seen.sessions) if s.body.get("checks")), body)  # a restart checks nothing
    return {
        "client": body.get("client"),
        "build": body.get("build"),
        "system": body.get("system"),
        "release": body.get("release"),
        "machine": body.get("machine"),
        "key": body.get("key"),
        "checks": checked.get("checks", []),
    }


def _ended_because(seen: _Gathered) -> str:
    for entry in reversed(seen.events):
        if entry.body.get("phase") == "finishing":
            return str(entry.body.get("reason") or entry.body.get("because"))
    return ""


def _int(value: Json) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _float(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _share(value: Json) -> float:
    return min(1.0, max(0.0, _float(value)))


def _instant_ms(value: Json) -> int:
    """Milliseconds of an instant as the manifest writes it, nanoseconds as decimal strings."""
    utc_ns = value.get("utc_ns") if isinstance(value, dict) else None
    return int(utc_ns) // NS_PER_MS if isinstance(utc_ns, str) and utc_ns.isdecimal() else 0
