"""What was missed while the client was down, from what an attempt's evidence and its last sign of life say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.core.errors import EvidenceError
from app.core.manifest import gap_from_body
from app.core.types import Entry, EntryKind, Gap, GapCause, Instant, Stream


def missed(
    entries: Iterable[Entry],
    media_ends: Mapping[Stream, Instant],
    streams: Iterable[Stream],
    alive: Instant | None,
    now: Instant,
    *,
    paused: bool,
) -> list[Gap]:
    """The gaps up to ``now``, per stream, from where its media or the last gap known of it ends.

    ``media_ends`` counts segments that were discarded since, too. ``alive`` is the last sign of life of the session
    before; until then a paused exam was paused. Nothing was missed when monitoring had never begun.
    """
    begun: Instant | None = None
    gap_ends: dict[Stream, Instant] = {}
    for entry in entries:
        if entry.kind is EntryKind.GAP:
            _note_end(gap_ends, entry)
        elif begun is None and entry.kind is EntryKind.EVENT and entry.body.get("event") == "monitoring_started":
            begun = entry.at
    if begun is None:
        return []
    found: list[Gap] = []
    for stream in streams:
        start = begun
        for end in (media_ends.get(stream), gap_ends.get(stream)):
            start = end if end is not None and _after(end, start) else start
        start = now if _after(start, now) else start
        if paused and alive is not None and _after(alive, start) and _after(now, alive):
            found.append(Gap(stream, start, alive, GapCause.PAUSED))
            start = alive
        found.append(Gap(stream, start, now, GapCause.CLIENT_DOWN))
    return found


def _note_end(ends: dict[Stream, Instant], entry: Entry) -> None:
    try:
        gap = gap_from_body(entry.body)
    except EvidenceError:  # of a later version, say: what can't be read says nothing
        return
    if gap.stream not in ends or _after(gap.end, ends[gap.stream]):
        ends[gap.stream] = gap.end


def _after(one: Instant, other: Instant) -> bool:
    """By the monotonic clock where both have the same one, otherwise by UTC."""
    if one.boot_id == other.boot_id:
        return one.mono_ns > other.mono_ns
    return one.utc_ns > other.utc_ns
