"""The evidence store of one attempt: its journal, its spool, and the seal."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import EvidenceError
from app.core.manifest import Seal, entry_from_json, gap_to_body, seal_body, segment_to_body
from app.core.ports import UploadJob, UploadTotals
from app.core.types import Entry, EntryKind, Gap, Instant, Json, Segment, Stream
from app.evidence import files
from app.evidence.attempt_key import public_key_hex
from app.evidence.journal import Journal, append_entry, get_meta, set_meta
from app.evidence.recovery import RecoveryReport, recover
from app.evidence.seal import sign, write_manifest, write_seal
from app.evidence.spool import FLOOR_BYTES, Spool, as_evidence_error, extension_for, sha256_of, sync_file, write_durably
from app.evidence.uploads import Uploads

Document = Literal["manifest", "report"]

_SEGMENTS = "SELECT * FROM files WHERE kind = 'segment' AND (? IS NULL OR stream = ?) AND state IN ('here', 'delivered') ORDER BY id"
_DURING = """
SELECT * FROM files WHERE kind = 'segment' AND state = 'here' AND stream = ? AND start_utc_ns < ? AND end_utc_ns > ?
ORDER BY id
"""
_UNKEPT = "SELECT * FROM files WHERE kind = 'segment' AND state = 'here' AND kept = 0 AND end_utc_ns < ? ORDER BY id"
_DELIVERED = """
SELECT files.* FROM files JOIN uploads ON uploads.file_id = files.id
WHERE uploads.state = 'done' AND files.state = 'here' AND (? IS NULL OR files.kind = ?)
"""
_SEAL_KEYS = ("seal.head", "seal.signature", "seal.public_key")


class SqliteEvidenceStore:
    """Implements ``ports.EvidenceStore`` and ``ports.UploadQueue``.

    Every method is safe from any thread and durable when it returns; a failure is an EvidenceError and leaves what
    was stored before untouched. ``clips`` uploads only what ``keep`` touches, ``continuous`` every segment; segments
    of ``private`` streams are never kept and never uploaded.
    A local copy is deleted only after the server gave back its hash, and never with ``keep_after_upload``; while
    the attempt goes on it stays for clips and report (see ``drop_delivered``) unless room is needed.
    """

    def __init__(
        self,
        root: Path,
        *,
        mode: Literal["clips", "continuous"],
        quota_bytes: int,
        keep_after_upload: bool,
        private: frozenset[Stream] = frozenset(),
    ) -> None:
        self._mode = mode
        self._private = private
        self._quota_bytes = quota_bytes
        self._keep_after_upload = keep_after_upload
        self._spool = Spool(root)
        self._journal = Journal(root / "journal.sqlite", self._spool.release_reserve)
        self._uploads = Uploads(self._journal, self._spool)
        self._owed: list[Gap] = []
        self._owed_lock = threading.Lock()

    @property
    def root(self) -> Path:
        return self._spool.root

    # ---- life

    def open(self, clock_now: Instant) -> RecoveryReport:
        """Opens or makes the folder and repairs what a crash left; the report says what was done.

        EvidenceError when the place can't be written, is in use by another client, or is damaged.
        """
        self._spool.create()
        self._journal.open()
        try:
            sealed = self.seal_of() is not None
            if not sealed:
                self._spool.fill_reserve()
            report = recover(
                self._journal, self._spool, clock_now, mode=self._mode, private=self._private, sealed=sealed
            )
            if sealed:
                self._write_sealed()
        except BaseException:
            self._journal.close()
            raise
        return report

    def close(self) -> None:
        """Safe to call twice."""
        with contextlib.suppress(EvidenceError):  # they could not be written until now either
            self._pay_owed()
        self._journal.close()

    # ---- the chain

    def append(self, kind: EntryKind, body: Mapping[str, Json], at: Instant) -> Entry:
        self._pay_owed()
        return self._journal.run(lambda db: append_entry(db, kind, body, at))

    def add_gap(self, gap: Gap) -> Entry:
        """When the disk is too full even for this, EvidenceError, and the gap is journalled as soon as there is room."""
        try:
            return self.append(EntryKind.GAP, gap_to_body(gap), gap.end)
        except EvidenceError:
            with self._owed_lock:
                self._owed.append(gap)
            raise

    def entries(self, kind: EntryKind | None = None) -> Iterator[Entry]:
        """All, or those of one kind, in order."""
        return self._journal.entries(kind)

    def violations(self) -> Iterator[Entry]:
        return self.entries(EntryKind.VIOLATION)

    # ---- media

    def part_path(self, stream: Stream) -> Path:
        """Refuses with EvidenceError when quota or disk is used up: the caller records the span as a gap of cause DISK.

        Media leaves the last few MiB of the disk to the journal, so that what happens can still be written down.
        """
        if self.seal_of() is not None:
            raise EvidenceError("The evidence is sealed; nothing can be added to it.")
        if self._room_problem():
            self.drop_delivered(EntryKind.SEGMENT)
        problem = self._room_problem()
        if problem:
            raise EvidenceError(f"{problem}; recording goes on when there is room again.")
        return self._spool.new_part(stream.value)

    def finish_segment(
        self, part: Path, stream: Stream, start: Instant, end: Instant, mime: str, frames: int
    ) -> Segment:
        """The part is evidence when this returns; after an EvidenceError it stays for the next start to recover."""
        self._pay_owed()
        with as_evidence_error(f"The recording {part} can't be stored"):
            sync_file(part)
            sha256, size_bytes = sha256_of(part), part.stat().st_size
            if size_bytes == 0:
                raise EvidenceError(f"The recording {part} is empty.")
            final = self._spool.adopt(part, sha256, extension_for(mime))
        segment = Segment(stream, start, end, sha256, size_bytes, mime, frames)
        row = files.FileRow(EntryKind.SEGMENT.value, final.name, segment)

        def work(db: sqlite3.Connection) -> None:
            append_entry(db, EntryKind.SEGMENT, segment_to_body(segment), end)
            wanted = self._mode == "continuous" or files.is_kept(db, start, end)
            files.insert(db, row, kept=wanted and stream not in self._private)

        self._journal.run(work)
        return segment

    def add_file(
        self,
        kind: EntryKind,
        stream: Stream,
        data: bytes,
        suffix: str,
        mime: str,
        at: Instant,
        body: Mapping[str, Json],
    ) -> str:
        """``kind`` is SNAPSHOT or CLIP; the entry's body is ``body`` with stream, sha256, size_bytes and mime."""
        self._pay_owed()
        media, name = self._store_bytes(stream, data, suffix, mime, at)
        own: dict[str, Json] = {"stream": stream.value, "sha256": media.sha256, "size_bytes": len(data), "mime": mime}

        def work(db: sqlite3.Connection) -> None:
            append_entry(db, kind, {**body, **own}, at)
            files.insert(db, files.FileRow(kind.value, name, media), kept=True)

        self._journal.run(work)
        return media.sha256

    def add_document(self, kind: Document, data: bytes, suffix: str, mime: str, at: Instant) -> str:
        """Queues a file that is about the evidence and no part of it (report, manifest), also after the seal."""
        media, name = self._store_bytes(Stream.SCREEN, data, suffix, mime, at)
        self._journal.run(lambda db: files.insert(db, files.FileRow(kind, name, media), kept=True))
        return media.sha256

    def keep(self, start_utc_ns: int, end_utc_ns: int) -> None:
        self._journal.run(lambda db: files.keep(db, start_utc_ns, end_utc_ns, self._private))

    def discard_unkept(self, before_utc_ns: int) -> int:
        """Each one leaves a DISCARD entry with its hash and span, so that the chain shows what was dropped, and why."""

        def work(db: sqlite3.Connection) -> list[str]:
            rows = db.execute(_UNKEPT, (before_utc_ns,)).fetchall()
            for row in rows:
                segment = files.to_segment(row)
                body = {**segment_to_body(segment), "reason": "not needed by policy"}
                append_entry(db, EntryKind.DISCARD, body, segment.end)
                files.set_state(db, row["id"], "discarded")
            return [row["name"] for row in rows]

        names = self._journal.run(work) if self._journal.rows(_UNKEPT, (before_utc_ns,)) else []
        self._remove_unused(names)
        return len(names)

    def segments(self, stream: Stream | None = None) -> Iterator[Segment]:
        """Segments that were not discarded or lost, oldest first; ``path_of`` says whether a file is still here."""
        wanted = None if stream is None else stream.value
        return (files.to_segment(row) for row in self._journal.rows(_SEGMENTS, (wanted, wanted)))

    def segments_during(self, stream: Stream, start_utc_ns: int, end_utc_ns: int) -> list[tuple[Segment, Path]]:
        """The segments that overlap the span and whose files are here, oldest first."""
        rows = self._journal.rows(_DURING, (stream.value, end_utc_ns, start_utc_ns))
        found = [(files.to_segment(row), self._spool.files_dir / row["name"]) for row in rows]
        return [(segment, path) for segment, path in found if path.is_file()]

    def path_of(self, sha256: str) -> Path | None:
        """The local copy of a finished file; None when it is not here."""
        rows = self._journal.rows("SELECT name FROM files WHERE sha256 = ? AND state = 'here' LIMIT 1", (sha256,))
        path = self._spool.files_dir / rows[0]["name"] if rows else None
        return path if path is not None and path.is_file() else None

    def used_bytes(self) -> int:
        """What finished and unfinished media take on this disk."""
        row = self._journal.rows("SELECT coalesce(sum(size_bytes), 0) AS total FROM files WHERE state = 'here'")[0]
        return int(row["total"]) + self._spool.parts_bytes()

    # ---- uploads

    def next_job(self, now_utc_ns: int) -> UploadJob | None:
        return self._uploads.next_job(now_utc_ns)

    def job_done(self, job_id: int, server_sha256: str) -> bool:
        done = self._uploads.job_done(job_id, server_sha256)
        if done and self.seal_of() is not None:
            self.drop_delivered(EntryKind.SEGMENT)
        return done

    def job_failed(self, job_id: int, error: str, retry_at_utc_ns: int) -> None:
        self._uploads.job_failed(job_id, error, retry_at_utc_ns)

    def totals(self) -> UploadTotals:
        return self._uploads.totals()

    def drop_delivered(self, kind: EntryKind | None = None) -> int:
        """Deletes local copies (of one kind) that the server acknowledged, unless the policy keeps them; how many."""
        if self._keep_after_upload:
            return 0
        wanted = None if kind is None else kind.value

        def work(db: sqlite3.Connection) -> list[str]:
            rows = db.execute(_DELIVERED, (wanted, wanted)).fetchall()
            for row in rows:
                files.set_state(db, row["id"], "delivered")
            return [row["name"] for row in rows]

        names = self._journal.run(work)
        self._remove_unused(names)
        return len(names)

    # ---- what the runtime keeps here

    def get_meta(self, key: str) -> str | None:
        rows = self._journal.rows("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0]["value"]) if rows else None

    def set_meta(self, key: str, value: str) -> None:
        self._journal.run(lambda db: set_meta(db, key, value))

    # ---- the seal

    def seal(self, private_key: Ed25519PrivateKey, at: Instant | None = None) -> Seal:
        """Ends the chain with a signed SEAL entry and writes manifest.jsonl and seal.json.

        All encoders are stopped by now: a part that a full disk left behind is recovered first.
        Sealed once, it stays so: a second call returns the first seal, whatever the key. ``at`` is the time of the
        SEAL entry, by default that of the entry before it. From here on only the state of uploads changes.
        """
        if self.seal_of() is None:
            self._spool.release_reserve()  # from here on the room is for the end
            self._pay_owed()
            end = at or self._last_instant()
            recover(self._journal, self._spool, end, mode=self._mode, private=self._private, sealed=False)
            if any(part.suffix == ".part" for part in self._spool.parts()):
                raise EvidenceError(
                    f"The disk of {self.root} is full; free some room on it, to save what was recorded."
                )
            self._journal.run(lambda db: self._seal_in(db, private_key, end))
        return self._write_sealed()

    def seal_of(self) -> Seal | None:
        """The seal; None while the evidence is open."""
        values = [self.get_meta(key) for key in _SEAL_KEYS]
        head, signature, public_key = values
        if head is None or signature is None or public_key is None:
            return None
        return Seal(head, signature, public_key)

    def _last_instant(self) -> Instant:
        rows = self._journal.rows("SELECT line FROM entries ORDER BY seq DESC LIMIT 1")
        if not rows:
            raise EvidenceError(f"There is no evidence in {self.root} to seal.")
        return entry_from_json(rows[0]["line"]).at

    def _seal_in(self, db: sqlite3.Connection, private_key: Ed25519PrivateKey, at: Instant) -> None:
        if get_meta(db, _SEAL_KEYS[0]) is not None:
            return
        body = seal_body(list(self.entries()), public_key_hex(private_key))
        entry = append_entry(db, EntryKind.SEAL, body, at)
        seal = sign(private_key, entry.hash)
        for key, value in zip(_SEAL_KEYS, (seal.head, seal.signature, seal.public_key), strict=True):
            set_meta(db, key, value)

    def _write_sealed(self) -> Seal:
        seal = self.seal_of()
        if seal is None:
            raise EvidenceError(f"The evidence in {self.root} is not sealed.")
        write_manifest(self.root, self.entries())
        write_seal(self.root, seal)
        return seal

    # ---- inside

    def _room_problem(self) -> str:
        """Why no new segment can be begun; empty when one can."""
        if self.used_bytes() >= self._quota_bytes:
            return f"The evidence in {self.root} takes all of its {self._quota_bytes // 1_000_000} MB"
        with as_evidence_error(f"The disk of {self.root} can't be read"):
            if self._spool.free_bytes() < FLOOR_BYTES:
                return f"The disk of {self.root} is full"
        return ""

    def _store_bytes(self, stream: Stream, data: bytes, suffix: str, mime: str, at: Instant) -> tuple[Segment, str]:
        part = self._spool.new_part("file")
        with as_evidence_error(f"A file can't be stored in {self.root}"):
            try:
                write_durably(part, data)
                sha256 = sha256_of(part)
                name = self._spool.adopt(part, sha256, suffix or extension_for(mime)).name
            finally:
                part.unlink(missing_ok=True)
        return Segment(stream, at, at, sha256, len(data), mime, 1), name

    def _remove_unused(self, names: list[str]) -> None:
        """Deletes files, except those that another row shares (equal content)."""
        for name in names:
            if not self._journal.rows("SELECT 1 FROM files WHERE name = ? AND state = 'here' LIMIT 1", (name,)):
                self._spool.remove(name)
        if names:
            self._spool.fill_reserve()

    def _pay_owed(self) -> None:
        """Journals gaps that found no room before."""
        with self._owed_lock:
            while self._owed:
                gap = self._owed[0]
                self._journal.run(partial(_append_gap, gap=gap))
                self._owed.pop(0)


def _append_gap(db: sqlite3.Connection, gap: Gap) -> Entry:
    return append_entry(db, EntryKind.GAP, gap_to_body(gap), gap.end)
