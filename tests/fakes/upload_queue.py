"""An UploadQueue in memory, for tests of whoever empties it."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from pathlib import Path

from app.core.ports import UploadJob, UploadTotals


class MemoryQueue:
    """Jobs in the order they were added. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.waiting: dict[int, UploadJob] = {}
        self.retry_at: dict[int, int] = {}
        self.done: list[UploadJob] = []
        self.errors: list[str] = []

    def add(self, path: Path, kind: str = "segment", stream: str = "camera", mime: str = "video/webm") -> UploadJob:
        data = path.read_bytes()
        with self._lock:
            number = len(self.waiting) + len(self.done) + 1
            digest = hashlib.sha256(data).hexdigest()
            job = UploadJob(number, kind, stream, path, digest, len(data), mime, 10**18, 10**18 + 5 * 10**9, 0)
            self.waiting[number] = job
            return job

    def next_job(self, now_utc_ns: int) -> UploadJob | None:
        with self._lock:
            due = (job for job in self.waiting.values() if self.retry_at.get(job.id, 0) <= now_utc_ns)
            return next(due, None)

    def job_done(self, job_id: int, server_sha256: str) -> bool:
        with self._lock:
            if self.waiting[job_id].sha256 != server_sha256:
                return False
            self.done.append(self.waiting.pop(job_id))
            return True

    def job_failed(self, job_id: int, error: str, retry_at_utc_ns: int) -> None:
        with self._lock:
            job = self.waiting[job_id]
            self.waiting[job_id] = replace(job, tries=job.tries + 1)
            self.retry_at[job_id] = retry_at_utc_ns
            self.errors.append(error)

    def totals(self) -> UploadTotals:
        with self._lock:
            left, done = self.waiting.values(), self.done
            return UploadTotals(len(left), sum(j.size_bytes for j in left), len(done), sum(j.size_bytes for j in done))
