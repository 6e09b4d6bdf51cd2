"""The upload jobs of an attempt, in its journal: nothing is queued in memory."""

from __future__ import annotations

import sqlite3
from functools import partial

from app.core.ports import UploadJob, UploadTotals
from app.evidence import schema
from app.evidence.journal import Journal
from app.evidence.spool import Spool

_NEXT = """
SELECT uploads.id AS job, uploads.tries, files.* FROM uploads JOIN files ON files.id = uploads.file_id
WHERE uploads.state = 'pending' AND files.state = 'here' AND uploads.retry_at_utc_ns <= ?
ORDER BY uploads.urgency, uploads.id LIMIT 1
"""
_TOTALS = """
SELECT uploads.state = 'done' AS done, count(*) AS files, sum(files.size_bytes) AS bytes
FROM uploads JOIN files ON files.id = uploads.file_id WHERE uploads.state IN ('pending', 'done') GROUP BY done
"""


class Uploads:
    """Implements ``ports.UploadQueue``. Any thread."""

    def __init__(self, journal: Journal, spool: Spool) -> None:
        self._journal = journal
        self._spool = spool

    def next_job(self, now_utc_ns: int) -> UploadJob | None:
        """Manifest and report first, then snapshots and clips, then segments; oldest first among equals.

        A file that went missing is never offered: its job ends as ``lost`` (the store's next start records the gap).
        """
        while True:
            rows = self._journal.rows(_NEXT, (now_utc_ns,))
            if not rows:
                return None
            job = self._job(rows[0])
            if job.path.is_file():
                return job
            self._journal.run(partial(_set_state, job_id=job.id, state="lost"))

    def job_done(self, job_id: int, server_sha256: str) -> bool:
        """True and the job is done when the hash is ours; otherwise nothing changes. A repeated answer is fine."""

        def work(db: sqlite3.Connection) -> bool:
            row = db.execute(
                "SELECT files.sha256 FROM uploads JOIN files ON files.id = uploads.file_id WHERE uploads.id = ?",
                (job_id,),
            ).fetchone()
            if row is None or row["sha256"] != server_sha256.lower():
                return False
            _set_state(db, job_id, "done")
            return True

        return self._journal.run(work)

    def job_failed(self, job_id: int, error: str, retry_at_utc_ns: int) -> None:
        self._journal.run(
            lambda db: db.execute(
                "UPDATE uploads SET tries = tries + 1, error = ?, retry_at_utc_ns = ? WHERE id = ? AND state = 'pending'",
                (error, retry_at_utc_ns, job_id),
            )
        )

    def totals(self) -> UploadTotals:
        counted = {bool(row["done"]): (int(row["files"]), int(row["bytes"])) for row in self._journal.rows(_TOTALS)}
        return UploadTotals(*counted.get(False, (0, 0)), *counted.get(True, (0, 0)))

    def _job(self, row: sqlite3.Row) -> UploadJob:
        return UploadJob(
            id=row["job"],
            kind=row["kind"],
            stream=row["stream"],
            path=self._spool.files_dir / row["name"],
            sha256=row["sha256"],
            size_bytes=row["size_bytes"],
            mime=row["mime"],
            start_utc_ns=row["start_utc_ns"],
            end_utc_ns=row["end_utc_ns"],
            tries=row["tries"],
        )


def queue_upload(db: sqlite3.Connection, file_id: int, kind: str) -> None:
    """Queues a file inside the caller's transaction; once, however often it is asked for."""
    db.execute("INSERT OR IGNORE INTO uploads (file_id, urgency) VALUES (?, ?)", (file_id, schema.URGENCY[kind]))


def _set_state(db: sqlite3.Connection, job_id: int, state: str) -> None:
    db.execute("UPDATE uploads SET state = ? WHERE id = ?", (state, job_id))
