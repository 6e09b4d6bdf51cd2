"""What a crash leaves behind, put in order when the store is opened.

Nothing half-written ever becomes visible: what can be read of a ``.part`` is copied into a clean file and takes the
normal path with a ``recovered`` mark, what can't becomes a gap. A file that was renamed but not yet journalled is
journalled now; a journalled file that is gone becomes a gap.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from app.core.errors import EvidenceError
from app.core.manifest import gap_to_body, segment_to_body
from app.core.types import EntryKind, Gap, GapCause, Instant, Segment, Stream
from app.evidence import files
from app.evidence.journal import Journal, append_entry
from app.evidence.media import MediaFacts, probe, remux
from app.evidence.spool import Spool, sha256_of, sync_file

_LAST = "SELECT * FROM files WHERE kind = 'segment' AND stream = ? ORDER BY id DESC LIMIT 1"
_MISSING = """
SELECT files.*, coalesce(uploads.state = 'done', 0) AS delivered
FROM files LEFT JOIN uploads ON uploads.file_id = files.id WHERE files.state = 'here'
"""


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """``recovered`` segments were finished now, ``gaps`` journalled; ``last_end`` is where each stream's media ends."""

    recovered: tuple[Segment, ...] = ()
    gaps: tuple[Gap, ...] = ()
    last_end: Mapping[Stream, Instant] = field(default_factory=dict)


def recover(
    journal: Journal,
    spool: Spool,
    now: Instant,
    *,
    mode: Literal["clips", "continuous"],
    private: Collection[Stream],
    sealed: bool,
) -> RecoveryReport:
    """Idempotent: killed half-way, the next call goes on. A sealed attempt only has stray files taken away."""
    work = _Recovery(journal, spool, now, keep_all=mode == "continuous", private=private)
    for stray in (*spool.parts_dir.glob("*.remux"), *spool.root.glob("*.tmp")):
        stray.unlink(missing_ok=True)
    if not sealed:
        work.journal_orphans()
        work.finish_parts()
    work.miss_files(record=not sealed)
    return RecoveryReport(tuple(work.recovered), tuple(work.gaps), work.last_ends())


class _Recovery:
    def __init__(
        self, journal: Journal, spool: Spool, now: Instant, *, keep_all: bool, private: Collection[Stream]
    ) -> None:
        self._journal = journal
        self._spool = spool
        self._now = now
        self._private = private
        self._keep_all = keep_all
        self.recovered: list[Segment] = []
        self.gaps: list[Gap] = []

    def journal_orphans(self) -> None:
        """Finished files that the journal does not know, and those that it knows as gone."""
        known = {
            row["name"]: row["state"]
            for row in self._journal.rows("SELECT name, state FROM files ORDER BY state = 'here'")
        }
        for path in sorted(self._spool.files_dir.iterdir()):
            if known.get(path.name) == "here":
                continue
            facts = None if path.name in known else self._intact(path)
            if facts is None:
                path.unlink()
                continue
            self._add(path, facts)

    def finish_parts(self) -> None:
        for part in self._spool.parts():
            stream = _stream_of(part)
            if stream is None:
                part.unlink()
                continue
            clean = part.with_suffix(".remux")
            try:
                facts = remux(part, clean)
                if facts is None or facts.start is None:
                    self._add_gap(self._unreadable(part, stream))
                else:
                    sync_file(clean)
                    self._add(self._spool.adopt(clean, sha256_of(clean), ".webm"), facts)
            except (OSError, EvidenceError):
                clean.unlink(missing_ok=True)  # no room now: the part stays for the next start
                continue
            clean.unlink(missing_ok=True)
            part.unlink()

    def miss_files(self, *, record: bool) -> None:
        for row in self._journal.rows(_MISSING):
            if (self._spool.files_dir / row["name"]).is_file():
                continue
            state = "delivered" if row["delivered"] else "lost"
            segment = files.to_segment(row)
            gap = Gap(segment.stream, segment.start, segment.end, GapCause.DAMAGED, segment.frames)
            self._journal.run(partial(_mark, file_id=row["id"], state=state))
            if record and state == "lost":
                self._add_gap(gap)

    def last_ends(self) -> dict[Stream, Instant]:
        ends = {stream: self._last_end(stream) for stream in Stream}
        return {stream: end for stream, end in ends.items() if end is not None}

    def _intact(self, path: Path) -> MediaFacts | None:
        """What a finished recording says of itself; None for snapshots (nobody was told of them) and damaged files."""
        if path.suffix != ".webm" or sha256_of(path) != path.stem:
            return None
        facts = probe(path)
        return facts if facts is not None and facts.start is not None else None

    def _add(self, path: Path, facts: MediaFacts) -> None:
        if facts.start is None or facts.end is None or facts.stream is None:
            raise EvidenceError(f"The recording {path} does not say when it began.")
        mime = "audio/webm" if facts.stream is Stream.MICROPHONE else "video/webm"
        segment = Segment(facts.stream, facts.start, facts.end, path.stem, path.stat().st_size, mime, facts.frames)

        def work(db: sqlite3.Connection) -> bool:
            if files.is_known(db, segment):
                return False
            append_entry(db, EntryKind.SEGMENT, {**segment_to_body(segment), "recovered": True}, self._now)
            wanted = self._keep_all or files.is_kept(db, segment.start, segment.end)
            kept = wanted and segment.stream not in self._private
            files.insert(db, files.FileRow(EntryKind.SEGMENT.value, path.name, segment), kept=kept)
            return True

        if self._journal.run(work):
            self.recovered.append(segment)

    def _add_gap(self, gap: Gap) -> None:
        self._journal.run(lambda db: append_entry(db, EntryKind.GAP, gap_to_body(gap), self._now))
        self.gaps.append(gap)

    def _unreadable(self, part: Path, stream: Stream) -> Gap:
        """From the end of the stream's last segment, as far as that can be known, to the last write."""
        written = self._now
        with contextlib.suppress(OSError):
            written = self._now.at(self._now.mono_ns - max(0, self._now.utc_ns - part.stat().st_mtime_ns))
        start = self._last_end(stream)
        if start is None or start.boot_id != self._now.boot_id or start.mono_ns > written.mono_ns:
            start = written
        return Gap(stream, start, written, GapCause.DAMAGED)

    def _last_end(self, stream: Stream) -> Instant | None:
        rows = self._journal.rows(_LAST, (stream.value,))
        return files.to_segment(rows[0]).end if rows else None


def _mark(db: sqlite3.Connection, file_id: int, state: str) -> None:
    files.set_state(db, file_id, state)
    if state == "lost":
        db.execute("UPDATE uploads SET state = 'lost' WHERE file_id = ? AND state = 'pending'", (file_id,))


def _stream_of(part: Path) -> Stream | None:
    """The stream that the part's name begins with; None for snapshots and other files."""
    label = part.name.split("-", 1)[0]
    return Stream(label) if label in set(Stream) else None
