"""Time in a manifest: when an exam was watched by its own account, what excuses silence, and whether time ran forward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.core import lockdown
from app.core.types import NS_PER_S, Entry, EntryKind, Json

NOT_SEEN: Mapping[str, str] = {
    lockdown.MONITORS: "monitors",
    lockdown.PROCESSES: "programs",
    lockdown.WINDOWS: "windows of other programs",
    lockdown.CLIPBOARD_USE: "the clipboard",
    lockdown.INPUT: "injected input",
    lockdown.SESSION: "the login session",
    lockdown.DEVICES: "devices",
    lockdown.MACHINE: "signs of a virtual machine or remote control",
}
"""What each watcher watches, for people."""

BACK_FROM_NS = 5 * NS_PER_S
_IN_ORDER = frozenset({EntryKind.SESSION, EntryKind.EVENT, EntryKind.VIOLATION})
"""Written when they happened. Media and gaps are entered when they are complete, with their own times."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """UTC nanoseconds."""

    start_ns: int
    end_ns: int


def watched(entries: Iterable[Entry]) -> dict[int, list[Span]]:
    """By session: the spans in which the exam was watched. One that a crash cut off ends with its last sign of life."""
    spans: dict[int, list[Span]] = {}
    session, since_ns, alive_ns = 0, None, 0
    for entry in entries:
        if entry.kind is not EntryKind.EVENT:
            continue
        now_ns, body = entry.at.utc_ns, entry.body
        if body.get("event") == "watching":
            alive_ns = now_ns
        if body.get("event") != "phase":
            continue
        number, phase = body.get("session"), body.get("phase")
        number = number if isinstance(number, int) else session
        if since_ns is not None and (number != session or phase not in ("running", "held")):
            end_ns = now_ns if number == session and body.get("because") != "restarted" else max(alive_ns, since_ns)
            spans.setdefault(session, []).append(Span(since_ns, end_ns))
            since_ns = None
        session = number
        if since_ns is None and phase == "running":
            since_ns = alive_ns = now_ns
    if since_ns is not None:
        spans.setdefault(session, []).append(Span(since_ns, max(alive_ns, since_ns)))
    return spans


def not_running(entries: Iterable[Entry]) -> list[Span]:
    """Spans of which the manifest itself says that the machine slept, or that nothing could run."""
    found: list[Span] = []
    asleep_ns: int | None = None
    for entry in entries:
        now_ns, body = entry.at.utc_ns, entry.body
        if entry.kind is EntryKind.GAP and body.get("cause") in ("client_down", "stalled", "paused"):
            found += _span(body)
        elif body.get("event") == "stalled":
            seconds = body.get("seconds")
            found.append(
                Span(now_ns - round(seconds * NS_PER_S) if isinstance(seconds, int | float) else now_ns, now_ns)
            )
        elif body.get("event") == "session" and body.get("state") == "asleep":
            asleep_ns = now_ns
        elif body.get("event") == "session" and asleep_ns is not None:
            found.append(Span(asleep_ns, now_ns))
            asleep_ns = None
    return found


def media(entries: Iterable[Entry]) -> dict[str, list[Span]]:
    """By stream: what was recorded, whether or not it was kept, and the gaps that were owned up to."""
    found: dict[str, list[Span]] = {}
    for entry in entries:
        if entry.kind in (EntryKind.SEGMENT, EntryKind.GAP):
            found.setdefault(str(entry.body.get("stream")), []).extend(_span(entry.body))
    return found


def longest_left(span: Span, signs: Iterable[Span], excused: Iterable[Span]) -> int:
    """The longest stretch of ``span`` with no sign in it, in nanoseconds; excused time in it does not count."""
    ordered = sorted(each for each in signs if each.end_ns >= span.start_ns and each.start_ns <= span.end_ns)
    excuses = merged(excused)
    ends = [Span(span.start_ns, span.start_ns), *ordered, Span(span.end_ns, span.end_ns)]
    longest_ns, reached_ns = 0, span.start_ns
    for each in ends:
        stretch = Span(reached_ns, min(each.start_ns, span.end_ns))
        longest_ns = max(longest_ns, _left_between(stretch, excuses))
        reached_ns = max(reached_ns, each.end_ns)
    return longest_ns


def merged(spans: Iterable[Span]) -> list[Span]:
    """In order, without overlaps."""
    found: list[Span] = []
    for each in sorted(spans):
        if found and each.start_ns <= found[-1].end_ns:
            found[-1] = Span(found[-1].start_ns, max(found[-1].end_ns, each.end_ns))
        else:
            found.append(each)
    return found


def disorder(entries: Sequence[Entry]) -> Iterator[tuple[str, str, str, float, tuple[int, ...]]]:
    """What, sentence, innocent explanation, weight and entries, where time ran backwards or two clocks disagree."""
    told = [entry for entry in entries if entry.kind in _IN_ORDER]
    back = [(one, other) for one, other in pairwise(told) if one.at.utc_ns - other.at.utc_ns > BACK_FROM_NS]
    if back:
        one, other = max(back, key=lambda pair: pair[0].at.utc_ns - pair[1].at.utc_ns)
        yield (
            "time_backwards",
            f"Entry {other.seq} is {words(one.at.utc_ns - other.at.utc_ns)} older than the one before it.",
            "None is known: the client counts time on by itself, and never back.",
            0.7,
            tuple(each.seq for _, each in back[:20]),
        )
    apart = list(_apart(told))
    if apart:
        yield (
            "clocks_apart",
            "Within one session the time of day and the time since the computer started do not go together.",
            "None is known: the client takes the time of day once and counts on.",
            0.6,
            tuple(apart[:20]),
        )


def _apart(told: Iterable[Entry]) -> Iterator[int]:
    """Entries of a monitored session whose two times differ otherwise than at its start."""
    ahead_ns: int | None = None
    boot = ""
    for entry in told:
        offset_ns = entry.at.utc_ns - entry.at.mono_ns
        if entry.kind is EntryKind.SESSION:
            ahead_ns, boot = None, entry.at.boot_id  # from here on nothing sets it any more
        elif entry.body.get("event") == "monitoring_started":
            ahead_ns, boot = offset_ns, entry.at.boot_id
        elif entry.body.get("because") == "restarted":
            ahead_ns = None
        elif ahead_ns is not None and entry.at.boot_id == boot and abs(offset_ns - ahead_ns) > BACK_FROM_NS:
            yield entry.seq


def words(span_ns: int) -> str:
    seconds = round(span_ns / NS_PER_S)
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"


def _left_between(stretch: Span, excuses: Sequence[Span]) -> int:
    left_ns = stretch.end_ns - stretch.start_ns
    for each in excuses:
        left_ns -= max(0, min(each.end_ns, stretch.end_ns) - max(each.start_ns, stretch.start_ns))
    return max(0, left_ns)


def _span(body: Mapping[str, Json]) -> list[Span]:
    """``start`` and ``end`` of a segment or gap; empty where they can't be read."""
    start_ns, end_ns = (_utc_ns(body.get(name)) for name in ("start", "end"))
    return [] if start_ns is None or end_ns is None or end_ns < start_ns else [Span(start_ns, end_ns)]


def _utc_ns(value: Json) -> int | None:
    text = value.get("utc_ns") if isinstance(value, dict) else None
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) <= 30 else None
