"""The journal's tables. ``PRAGMA user_version`` is the schema's version; a newer one is refused."""

from __future__ import annotations

VERSION = 1

TABLES = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    hash TEXT NOT NULL,
    line TEXT NOT NULL
);
CREATE INDEX entries_kind ON entries (kind, seq);

-- Every file that was ever finished. state: here, delivered (the server has it, the local copy is gone),
-- discarded (by policy), lost (the file went missing). Instants are mono_ns, utc_ns and boot_id.
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    stream TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    mime TEXT NOT NULL,
    frames INTEGER NOT NULL,
    start_mono_ns INTEGER NOT NULL,
    start_utc_ns INTEGER NOT NULL,
    end_mono_ns INTEGER NOT NULL,
    end_utc_ns INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'here',
    kept INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX files_sha256 ON files (sha256);
CREATE INDEX files_state ON files (state, kind, kept, end_utc_ns);

CREATE TABLE kept_spans (
    start_utc_ns INTEGER NOT NULL,
    end_utc_ns INTEGER NOT NULL
);

-- state: pending, done, lost.
CREATE TABLE uploads (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL UNIQUE REFERENCES files (id),
    urgency INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    tries INTEGER NOT NULL DEFAULT 0,
    retry_at_utc_ns INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX uploads_next ON uploads (state, urgency, id);
"""

URGENCY = {"manifest": 0, "report": 0, "snapshot": 1, "clip": 1, "segment": 2}
"""Lower is uploaded earlier."""
