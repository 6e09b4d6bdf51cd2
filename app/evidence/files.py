"""Rows of finished files, inside the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from app.core.types import EntryKind, Instant, Segment, Stream
from app.evidence.uploads import queue_upload

_INSERT = """
INSERT INTO files (kind, stream, name, sha256, size_bytes, mime, frames,
                   start_mono_ns, start_utc_ns, end_mono_ns, end_utc_ns, boot_id, kept)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_TOUCHED = "SELECT 1 FROM kept_spans WHERE start_utc_ns <= ? AND end_utc_ns >= ? LIMIT 1"
_TO_KEEP = """
SELECT id, stream FROM files
WHERE state = 'here' AND kind = 'segment' AND kept = 0 AND start_utc_ns <= ? AND end_utc_ns >= ?
"""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One finished file as the journal knows it. ``kind`` is an entry kind, ``manifest`` or ``report``."""

    kind: str
    name: str
    media: Segment


def insert(db: sqlite3.Connection, row: FileRow, *, kept: bool) -> None:
    """Adds the file and, when it is kept, its upload."""
    media = row.media
    cursor = db.execute(
        _INSERT,
        (
            row.kind,
            media.stream.value,
            row.name,
            media.sha256,
            media.size_bytes,
            media.mime,
            media.frames,
            media.start.mono_ns,
            media.start.utc_ns,
            media.end.mono_ns,
            media.end.utc_ns,
            media.start.boot_id,
            int(kept),
        ),
    )
    if kept and cursor.lastrowid is not None:
        queue_upload(db, cursor.lastrowid, row.kind)


def is_kept(db: sqlite3.Connection, start: Instant, end: Instant) -> bool:
    """Whether a span that is to be kept touches this one."""
    return db.execute(_TOUCHED, (end.utc_ns, start.utc_ns)).fetchone() is not None


def keep(db: sqlite3.Connection, start_utc_ns: int, end_utc_ns: int, private: Collection[Stream]) -> None:
    """Remembers the span and keeps the segments that touch it, but for those of private streams."""
    db.execute("INSERT INTO kept_spans (start_utc_ns, end_utc_ns) VALUES (?, ?)", (start_utc_ns, end_utc_ns))
    for row in db.execute(_TO_KEEP, (end_utc_ns, start_utc_ns)).fetchall():
        if Stream(row["stream"]) in private:
            continue
        db.execute("UPDATE files SET kept = 1 WHERE id = ?", (row["id"],))
        queue_upload(db, row["id"], EntryKind.SEGMENT.value)


def is_known(db: sqlite3.Connection, media: Segment) -> bool:
    """Whether this very segment has a row: same content, stream and start."""
    found = db.execute(
        "SELECT 1 FROM files WHERE sha256 = ? AND stream = ? AND start_mono_ns = ? LIMIT 1",
        (media.sha256, media.stream.value, media.start.mono_ns),
    )
    return found.fetchone() is not None


def set_state(db: sqlite3.Connection, file_id: int, state: str) -> None:
    db.execute("UPDATE files SET state = ? WHERE id = ?", (state, file_id))


def to_segment(row: sqlite3.Row) -> Segment:
    return Segment(
        Stream(row["stream"]),
        Instant(row["start_mono_ns"], row["start_utc_ns"], row["boot_id"]),
        Instant(row["end_mono_ns"], row["end_utc_ns"], row["boot_id"]),
        row["sha256"],
        row["size_bytes"],
        row["mime"],
        row["frames"],
    )
