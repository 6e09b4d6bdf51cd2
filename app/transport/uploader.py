"""Delivers an attempt's files to the backend, one at a time, for as long as it takes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from app.core.errors import BackendError, InvigilError
from app.core.ports import Clock, ExamBackend, UploadJob, UploadQueue
from app.core.types import NS_PER_MS, NS_PER_S
from app.core.upload import Failure, GiveUp, Problem, backoff_s, next_action
from app.transport.bodies import LocalFileError

_LOOK_AGAIN_S = 2.0
"""How often the queue is looked into when nothing says that it changed."""
_HORIZON_NS = 24 * 3600 * NS_PER_S
"""A job that is not due within a day is not being tried, but put off."""
_TELL_EVERY_NS = 200 * NS_PER_MS
_JOIN_S = 0.05
_JOINS_MAX = 200


class UploadState(StrEnum):
    IDLE = "idle"
    UPLOADING = "uploading"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """``bytes_done`` includes what was sent of the file under way; ``refused_files`` stay on the machine.

    ``next_try_s`` is set while ``state`` is waiting. ``sentence`` is for the candidate.
    """

    state: UploadState
    files_done: int
    files_left: int
    bytes_done: int
    bytes_left: int
    refused_files: int
    next_try_s: float | None
    sentence: str


class _Stopped(InvigilError):
    """The transfer under way is broken off because the uploader is being stopped."""


@runtime_checkable
class Interruptible(Protocol):
    """A backend whose calls another thread can break off, so that stop() need not wait for a dead server."""

    def interrupt(self, thread: int) -> None:
        """Breaks off the call that the thread with this ident is in; it raises BackendError."""


class Uploader:
    """Takes jobs from the queue and deletes nothing. ``on_progress`` is called on the uploader's thread.

    ``random`` gives numbers in 0..1. A backend that is Interruptible is interrupted by stop().
    """

    def __init__(
        self,
        queue: UploadQueue,
        backend: ExamBackend,
        clock: Clock,
        exam_id: str,
        user_id: str,
        random: Callable[[], float],
        on_progress: Callable[[UploadProgress], None],
    ) -> None:
        self._queue = queue
        self._backend = backend
        self._clock = clock
        self._exam_id = exam_id
        self._user_id = user_id
        self._random = random
        self._on_progress = on_progress
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._stopping = False
        self._nudged = False
        self._failures_in_row = 0
        self._paused_until_ns = 0
        self._file_due_ns = 0
        self._eager = False
        self._trouble = ""
        self._refused: dict[int, str] = {}
        self._mismatches: dict[int, int] = {}
        self._told_ns = 0

    def start(self) -> None:
        """Begins delivering. Once."""
        self._thread = threading.Thread(target=self._run, name="uploader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Breaks off a transfer under way and ends the thread. Safe to call twice and without start()."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        for _ in range(_JOINS_MAX):
            thread.join(_JOIN_S)
            if not thread.is_alive():
                return
            if isinstance(self._backend, Interruptible):
                self._backend.interrupt(thread.ident or 0)

    def nudge(self) -> None:
        """There is something new in the queue."""
        with self._changed:
            self._nudged = True
            self._changed.notify_all()

    def retry_now(self) -> None:
        """Forgets every wait: the network is back, or the person asks for it."""
        with self._changed:
            self._paused_until_ns = 0
            self._eager = True
            self._nudged = True
            self._changed.notify_all()

    def wait_until_empty(self, timeout_s: float) -> bool:
        """True when nothing is left to try: the server acknowledged everything, but for what it refused (see refused()).

        False at the deadline, or early when the uploader is stopped. Any thread but the uploader's.
        """
        deadline_ns = self._clock.now().mono_ns + round(timeout_s * NS_PER_S)
        with self._changed:
            while True:
                if self._nothing_to_try():
                    return True
                remaining_s = (deadline_ns - self._clock.now().mono_ns) / NS_PER_S
                if remaining_s <= 0 or self._stopping:
                    return False
                self._changed.wait(min(remaining_s, _LOOK_AGAIN_S))

    def _nothing_to_try(self) -> bool:
        """Refused files, of this run or an earlier one, are put off for days."""
        if not self._queue.totals().pending_files:
            return True
        return self._queue.next_job(self._clock.now().utc_ns + _HORIZON_NS) is None

    def refused(self) -> dict[int, str]:
        """The jobs that the server will not take as they are, and why."""
        with self._changed:
            return dict(self._refused)

    def _run(self) -> None:
        while not self._stopping:
            try:
                job = self._next_job()
                if job is None:
                    self._rest()
                else:
                    self._deliver(job)
            except _Stopped:
                return
            except InvigilError as error:  # the queue itself failed (a full disk, say): it may work again
                self._pause(backoff_s(self._failures_in_row + 1, self._random()), str(error))

    def _next_job(self) -> UploadJob | None:
        with self._changed:
            now = self._clock.now()
            if now.mono_ns < self._paused_until_ns:
                return None
            horizon_ns = _HORIZON_NS if self._eager else 0
            self._nudged = False
        job = self._queue.next_job(now.utc_ns + horizon_ns)
        if job is None:
            self._eager = False
        return job

    def _rest(self) -> None:
        """Until the pause is over, a nudge, or it is time to look again."""
        self._tell_idle()
        with self._changed:
            left_s = (self._paused_until_ns - self._clock.now().mono_ns) / NS_PER_S
            paused = left_s > 0
            if self._stopping or (self._nudged and not paused):
                return
            due_s = (self._file_due_ns - self._clock.now().mono_ns) / NS_PER_S
            wait_s = left_s if paused else due_s if due_s > 0 else _LOOK_AGAIN_S
            self._changed.wait(min(wait_s, _LOOK_AGAIN_S))

    def _deliver(self, job: UploadJob) -> None:
        self._tell(UploadState.UPLOADING, 0, "Your recordings are being uploaded.")
        try:
            sha256 = self._backend.upload_recording(self._exam_id, self._user_id, job, self._sent)
        except LocalFileError as error:
            self._failed(job, Failure(Problem.FILE_UNREADABLE), str(error))
        except BackendError as error:
            if self._stopping:
                raise _Stopped from error
            problem = Problem.NO_ANSWER if error.status is None else Problem.ANSWER
            self._failed(job, Failure(problem, error.status or 0, error.retry_after_s), str(error))
        else:
            if self._queue.job_done(job.id, sha256):
                self._succeeded(job)
            else:
                self._failed(job, Failure(Problem.HASH_MISMATCH), "what the server stored differs from the file")

    def _sent(self, sent_bytes: int) -> None:
        if self._stopping:
            raise _Stopped
        if self._clock.now().mono_ns - self._told_ns >= _TELL_EVERY_NS:
            self._tell(UploadState.UPLOADING, sent_bytes, "Your recordings are being uploaded.")

    def _succeeded(self, job: UploadJob) -> None:
        with self._changed:
            self._failures_in_row = 0
            self._trouble = ""
            self._refused.pop(job.id, None)
            self._changed.notify_all()

    def _failed(self, job: UploadJob, failure: Failure, error: str) -> None:
        self._failures_in_row += 1
        now = self._clock.now()
        self._eager = False
        action = next_action(failure, self._tries(job, failure.problem), self._random(), now)
        if isinstance(action, GiveUp):
            self._queue.job_failed(job.id, f"{action.reason}: {error}", action.recheck_utc_ns)
            with self._changed:
                self._failures_in_row = 0  # the server does answer
                self._refused[job.id] = action.reason
                self._changed.notify_all()
            return
        self._queue.job_failed(job.id, error, action.at_utc_ns)
        self._file_due_ns = now.mono_ns + round(action.wait_s * NS_PER_S)
        if action.pauses_all:
            self._pause(action.wait_s, error)
        elif self._failures_in_row > 1:
            self._pause(backoff_s(self._failures_in_row, self._random()), error)

    def _tries(self, job: UploadJob, problem: Problem) -> int:
        """The failures that count: a server that was down says nothing about the file."""
        if problem is Problem.HASH_MISMATCH:
            self._mismatches[job.id] = self._mismatches.get(job.id, 0) + 1
            return self._mismatches[job.id]
        if problem is Problem.NO_ANSWER:
            return self._failures_in_row
        return max(job.tries + 1, self._failures_in_row)

    def _pause(self, wait_s: float, trouble: str) -> None:
        with self._changed:
            self._trouble = trouble
            self._paused_until_ns = self._clock.now().mono_ns + round(wait_s * NS_PER_S)

    def _tell_idle(self) -> None:
        left_s = (self._paused_until_ns - self._clock.now().mono_ns) / NS_PER_S
        if left_s > 0:
            seconds = max(1, round(left_s))
            sentence = f"{self._trouble} Nothing is lost; the next try is in {seconds} s."
            self._tell(UploadState.WAITING, 0, sentence, left_s)
        elif self._refused:
            count = len(self._refused)
            self._tell(UploadState.IDLE, 0, f"The server refused {count} file(s); they are kept on this computer.")
        elif not self._nothing_to_try():
            self._tell(UploadState.WAITING, 0, "Some recordings will be tried again soon; nothing is lost.")
        else:
            self._tell(UploadState.IDLE, 0, "Everything recorded so far is uploaded.")

    def _tell(self, state: UploadState, sent_bytes: int, sentence: str, next_try_s: float | None = None) -> None:
        totals = self._queue.totals()
        self._told_ns = self._clock.now().mono_ns
        self._on_progress(
            UploadProgress(
                state,
                totals.done_files,
                totals.pending_files,
                totals.done_bytes + sent_bytes,
                max(0, totals.pending_bytes - sent_bytes),
                len(self._refused),
                next_try_s,
                sentence,
            )
        )
