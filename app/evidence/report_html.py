"""The report as one self-contained HTML page: no scripts, no addresses but those of its media."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import jinja2

from app.core.types import Json

K = TypeVar("K")
MediaUrl = Callable[[str], str | None]
"""A file's SHA-256 -> its address for the page, None when it is not to be had."""

LATEST_MS = 253_402_300_800_000
"""The end of the year 9999."""
LARGEST = 10.0**15
"""More milliseconds or bytes than any exam has."""
WIDTH = 1000.0
"""Units of the timeline across the exam's whole time."""
TICKS_AIMED = 8
NICE_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
STREAM_NAMES = {"camera": "Camera", "microphone": "Microphone", "screen": "Screen"}
CAUSES = {
    "device_lost": "the device was unplugged or failed",
    "device_missing": "the device was not there",
    "stalled": "the device gave nothing",
    "dropped": "the machine was too busy",
    "client_down": "the client was not running",
    "disk": "the disk was full or not writable",
    "damaged": "the file was damaged by a crash",
    "paused": "the exam was paused",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One mark of the timeline, in its units."""

    x: float
    width: float
    title: str
    href: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    kind: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """All violations of one code, for the summary."""

    name: str
    count: int
    href: str
    level: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """``ticks`` are position and label; ``rows`` from top to bottom."""

    ticks: tuple[tuple[float, str], ...]
    rows: tuple[Row, ...]


def render_html(report: Mapping[str, Json], media_url: MediaUrl) -> str:
    """The whole page. Nothing in the report is trusted: text is escaped, and what has the wrong type is left out."""
    report = shaped(report)
    template = _environment().get_template("report.html.j2")
    violations = dicts(report.get("violations"))
    return template.render(
        report=report,
        violations=violations,
        media=lambda sha: media_url(sha) if isinstance(sha, str) else None,
        timeline=timeline(report),
        points=points_by_violation(report),
        dial=dial(number(mapping(report.get("trust")).get("score"))),
        kinds=kinds(violations),
        stream_names=STREAM_NAMES,
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("app.evidence"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.ChainableUndefined,
    )
    environment.filters.update(
        clock=clock, length=length, utc=utc, size=size, percent=percent, level=level, cause=cause, said=said
    )
    return environment


SECTIONS = ("attempt", "exam", "candidate", "trust", "environment", "verification")
LISTS = ("violations", "events", "gaps", "sessions", "streams")
NUMBERS = frozenset(
    {
        "code",
        "start_ms",
        "end_ms",
        "start_utc_ms",
        "severity",
        "confidence",
        "t_ms",
        "recorded_ms",
        "kept_ms",
        "kept_bytes",
    }
)


def shaped(report: Mapping[str, Json]) -> dict[str, Json]:
    """The report with every section there and of its type, whatever was submitted."""
    found: dict[str, Json] = dict(report)
    for name in SECTIONS:
        found[name] = dict(mapping(report.get(name)))
    for name in LISTS:
        found[name] = [_row(row) for row in dicts(report.get(name))]
    for section, name in (("trust", "contributions"), ("environment", "checks")):
        part = dict(mapping(found[section]))
        part[name] = [_row(row) for row in dicts(part.get(name))]
        found[section] = part
    verification = dict(mapping(found["verification"]))
    problems = verification.get("problems")
    verification["problems"] = [str(p) for p in problems] if isinstance(problems, list) else []
    found["verification"] = verification
    return found


def _row(row: Mapping[str, Json]) -> dict[str, Json]:
    made = {key: _scalar(key, value) for key, value in row.items()}
    for key in ("code", "start_ms", "end_ms"):
        made.setdefault(key, 0.0)
    made["code"] = int(number(made["code"]))
    missing = made.get("missing_protections")
    made["missing_protections"] = [str(p) for p in missing] if isinstance(missing, list) else []
    return made


def _scalar(key: str, value: Json) -> Json:
    if key in NUMBERS:
        return number(value)
    return value if key == "spans" or not isinstance(value, list | dict) else str(value)


def timeline(report: Mapping[str, Json]) -> Timeline:
    """Streams with what was kept and what is missing, then one row per kind of violation."""
    total_ms = max(1.0, number(report.get("duration_ms")))
    streams = {str(s.get("stream")): s for s in reversed(dicts(report.get("streams")))}
    gaps = _by(lambda gap: str(gap.get("stream")), dicts(report.get("gaps")))
    rows = [
        _stream_row(name, streams.get(name, {}), gaps.get(name, []), total_ms) for name in _in_order({*streams, *gaps})
    ]
    by_code = _by(lambda violation: int(number(violation.get("code"))), dicts(report.get("violations")))
    for _code, mine in sorted(by_code.items()):
        bars = tuple(_violation_bar(v, total_ms) for v in mine)
        rows.append(Row(str(mine[0].get("name")), "violation", bars))
    return Timeline(_ticks(total_ms), tuple(rows))


def _by(
    key: Callable[[Mapping[str, Json]], K], found: Sequence[Mapping[str, Json]]
) -> dict[K, list[Mapping[str, Json]]]:
    """In one pass: a submitted report may have any number of rows, all different."""
    groups: dict[K, list[Mapping[str, Json]]] = {}
    for one in found:
        groups.setdefault(key(one), []).append(one)
    return groups


def _in_order(streams: set[str]) -> list[str]:
    """Those we know in their usual order, then others."""
    return [s for s in STREAM_NAMES if s in streams] + sorted(streams - set(STREAM_NAMES))


def _stream_row(name: str, stream: Mapping[str, Json], gaps: Sequence[Mapping[str, Json]], total_ms: float) -> Row:
    spans = stream.get("spans")
    merged = _merged(spans if isinstance(spans, list) else [])
    kept = [_bar(s, e, total_ms, f"kept {clock(s)} to {clock(e)}", "kept") for s, e in merged]
    missing = [
        _bar(
            number(g.get("start_ms")),
            number(g.get("end_ms")),
            total_ms,
            f"missing {clock(number(g.get('start_ms')))} to {clock(number(g.get('end_ms')))}: {cause(g.get('cause'))}",
            "gap",
        )
        for g in gaps
    ]
    return Row(STREAM_NAMES.get(name, name), "stream", tuple(b for b in kept + missing if b.width > 0))


def _violation_bar(violation: Mapping[str, Json], total_ms: float) -> Bar:
    start, end = number(violation.get("start_ms")), number(violation.get("end_ms"))
    title = f"{violation.get('name')}, {clock(start)}, {length(end - start)}"
    bar = _bar(start, end, total_ms, title, level(violation.get("severity")))
    return Bar(bar.x, max(4.0, bar.width), bar.title, f"#v{violation.get('id')}", bar.level)


def _bar(start_ms: float, end_ms: float, total_ms: float, title: str, kind: str) -> Bar:
    start, end = max(0.0, start_ms), min(total_ms, end_ms)
    return Bar(
        round(start / total_ms * WIDTH, 2), round(max(0.0, end - start) / total_ms * WIDTH, 2), title, level=kind
    )


def _merged(spans: Sequence[Json]) -> list[tuple[float, float]]:
    """Neighbouring segments drawn as one: less than a second apart."""
    found: list[tuple[float, float]] = []
    for span in sorted((number(s[0]), number(s[1])) for s in spans if isinstance(s, list) and len(s) == 2):
        if found and span[0] - found[-1][1] < 1000:
            found[-1] = (found[-1][0], max(found[-1][1], span[1]))
        else:
            found.append(span)
    return found


def _ticks(total_ms: float) -> tuple[tuple[float, str], ...]:
    hours = math.ceil(total_ms / 1000 / NICE_S[-1] / TICKS_AIMED)  # a report may claim any length
    step_s = next((s for s in NICE_S if total_ms / 1000 / s <= TICKS_AIMED), hours * NICE_S[-1])
    count = int(total_ms // (step_s * 1000))
    return tuple((round(i * step_s * 1000 / total_ms * WIDTH, 2), clock(i * step_s * 1000)) for i in range(count + 1))


def points_by_violation(report: Mapping[str, Json]) -> dict[str, float]:
    contributions = dicts(mapping(report.get("trust")).get("contributions"))
    return {str(c["violation"]): number(c.get("points")) for c in contributions if c.get("violation") is not None}


def kinds(violations: Sequence[Mapping[str, Json]]) -> list[Kind]:
    """How often each code was seen, the gravest first; each leads to the gravest of its kind."""
    by_code: dict[Json, list[Mapping[str, Json]]] = {}
    for violation in sorted(violations, key=lambda v: -number(v.get("severity"))):
        by_code.setdefault(violation.get("code"), []).append(violation)
    return [
        Kind(str(mine[0].get("name")), len(mine), f"#v{mine[0].get('id')}", level(mine[0].get("severity")))
        for mine in by_code.values()
    ]


def dial(score: float, radius: float = 52.0) -> dict[str, float | str]:
    """Lengths of the score's ring, and the score as it is written in it."""
    around = 2 * math.pi * radius
    filled = round(around * min(100.0, max(0.0, score)) / 100, 2)
    return {"radius": radius, "around": round(around, 2), "filled": filled, "shown": f"{score:g}"}


# ---- filters


def clock(ms: Json) -> str:
    """m:ss or h:mm:ss since the exam's start; negative before it."""
    seconds = int(abs(number(ms)) // 1000)
    sign = "-" if number(ms) < 0 and seconds else ""
    hours, rest = divmod(seconds, 3600)
    return f"{sign}{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{sign}{rest // 60}:{rest % 60:02}"


def length(ms: Json) -> str:
    seconds = max(0.0, number(ms)) / 1000
    if seconds < 0.05:
        return "a moment"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def utc(ms: Json) -> str:
    if not isinstance(ms, int | float) or not 0 < ms < LATEST_MS:
        return "–"
    return datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%d %B %Y, %H:%M:%S UTC")


def size(count: Json) -> str:
    value = number(count)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def percent(share: Json) -> str:
    return f"{number(share):.0%}"


def level(severity: Json) -> str:
    value = number(severity)
    return "high" if value >= 0.7 else "medium" if value >= 0.35 else "low"


def cause(name: Json) -> str:
    return CAUSES.get(str(name), str(name))


def said(event: Mapping[str, Json]) -> str:
    """One event of the log in words."""
    kind = str(event.get("event", "")).replace("_", " ")
    rest = [
        f"{key.replace('_', ' ')} {value}"
        for key, value in event.items()
        if key not in ("event", "t_ms", "session") and isinstance(value, str | int | float) and value != ""
    ]
    rest += [f"applied {one.get('path')}: {one.get('old')} to {one.get('new')}" for one in dicts(event.get("applied"))]
    rest += [f"refused {one.get('path')}, since it {one.get('reason')}" for one in dicts(event.get("refused"))]
    return f"{kind}: {', '.join(rest)}" if rest else kind


def number(value: Json) -> float:
    """The number, if it is one that a report can mean; otherwise 0."""
    sane = isinstance(value, int | float) and -LARGEST <= value <= LARGEST
    return float(value) if sane and isinstance(value, int | float) else 0.0


def mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def dicts(value: Json) -> list[Mapping[str, Json]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
