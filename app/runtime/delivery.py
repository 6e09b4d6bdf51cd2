"""Delivery of one attempt: announces it, uploads while the exam runs, and submits at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from app.core.errors import BackendError, InvigilError
from app.core.ports import Clock, ExamBackend, UploadQueue
from app.core.types import Json
from app.core.upload import Failure, GiveUp, Problem, next_action
from app.transport.uploader import Interruptible, Uploader, UploadProgress, UploadState

REFUSED_WAIT_S = 300.0
"""A refused report is offered again at this interval: it is whole and kept, and rules change."""
LOOK_S = 20.0
"""How often the server is asked for a sign of life, so that the candidate knows; spread by chance."""
LOOK_AGAIN_S = 5.0
"""The same while it gives none."""
STEP_S = 0.5
CALLS, FILES = "calls", "files"
"""Who has trouble with the server: this thread, or the uploader's."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Submission:
    """What goes to ``/exams/{id}/submit`` once everything else is there."""

    payload: Mapping[str, Json]
    files: Mapping[str, Path]


class DeliveryListener(Protocol):
    """Told from the delivery's threads; must not block."""

    def upload_progressed(self, progress: UploadProgress) -> None: ...

    def network_changed(self, online: bool, sentence: str) -> None:
        """Whether the server answers; ``sentence`` says why not. Only changes are told."""

    def submitted(self, answer: Mapping[str, Json]) -> None: ...


class Delivery:
    """One thread besides the uploader's. ``start()``; ``submit()`` once the evidence is sealed; ``stop()`` at any time.

    What is not delivered when it stops is delivered after the next start. A server that comes back is noticed within
    seconds, however long the pauses between the tries have become.
    """

    def __init__(
        self,
        exam_id: str,
        user_id: str,
        attempt: Mapping[str, Json],
        queue: UploadQueue,
        backend: ExamBackend,
        clock: Clock,
        random: Callable[[], float],
        listener: DeliveryListener,
        *,
        look_s: float = LOOK_S,
        look_again_s: float = LOOK_AGAIN_S,
    ) -> None:
        self._exam_id = exam_id
        self._attempt = attempt
        self._backend = backend
        self._random = random
        self._clock = clock
        self._listener = listener
        self._look_s = look_s
        self._look_again_s = look_again_s
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._submission: Submission | None = None
        self._network_lock = threading.Lock()
        self._troubles = {CALLS: "", FILES: ""}
        self._gone = False
        self._files_done = 0
        self._uploader = Uploader(
            queue=queue,
            backend=backend,
            clock=clock,
            exam_id=exam_id,
            user_id=user_id,
            random=random,
            on_progress=self._progressed,
        )
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        self._uploader.start()
        self._thread.start()

    def nudge(self) -> None:
        """Something new is in the queue."""
        self._uploader.nudge()

    def submit(self, submission: Submission) -> None:
        self._submission = submission
        self._ready.set()

    def stop(self) -> None:
        self._stopping.set()
        self._ready.set()
        self._uploader.stop()
        while self._thread.is_alive():
            if isinstance(self._backend, Interruptible):
                self._backend.interrupt(self._thread.ident or 0)
            self._thread.join(0.05)

    # ---- the delivery's thread

    def _run(self) -> None:
        if not self._until_done(self._register, may_be_refused=True):
            return
        next_look_s = self._next_look_s()
        while not self._ready.wait(next_look_s):
            self._look()
            next_look_s = self._next_look_s()
        self._uploader.nudge()
        waited_s = 0.0
        while not self._stopping.is_set():
            if self._uploader.wait_until_empty(STEP_S):
                self._until_done(self._submit)
                return
            waited_s += STEP_S
            if self._trouble() and waited_s >= next_look_s:
                self._look()
                waited_s, next_look_s = 0.0, self._next_look_s()

    def _register(self) -> None:
        self._backend.register_attempt(self._exam_id, self._attempt)

    def _submit(self) -> None:
        submission = self._submission
        if submission is None:
            return
        answer = self._backend.submit(self._exam_id, submission.payload, submission.files)
        self._listener.submitted(answer)

    def _until_done(self, work: Callable[[], None], *, may_be_refused: bool = False) -> bool:
        """Tries again and again, ever more slowly, until it is done (True) or the client stops (False).

        ``may_be_refused``: a server that will not have it keeps nothing else from being delivered.
        """
        tries = 0
        while not self._stopping.is_set():
            try:
                work()
            except InvigilError as error:
                if self._stopping.is_set():
                    return False
                tries += 1
                wait_s = self._wait_s(error, tries)
                if wait_s is None and may_be_refused:
                    log.warning("backend", error=str(error))
                    return True
                wait_s = REFUSED_WAIT_S if wait_s is None else wait_s
                log.warning("backend", error=str(error), next_try_s=round(wait_s, 1))
                self._network(str(error), CALLS)
                self._rest(wait_s)
            else:
                self._network("", CALLS)
                return True
        return False

    def _rest(self, wait_s: float) -> None:
        """Waits; not longer than it takes a server that was gone to come back."""
        while wait_s > 0:
            step_s = min(wait_s, self._next_look_s())
            if self._stopping.wait(step_s):
                return
            wait_s -= step_s
            if wait_s > 0 and self._look():
                return

    def _look(self) -> bool:
        """Asks the server for a sign of life, and tells; True when it was gone and is back.

        One that was there all along, but answers with errors, keeps the pauses it asked for.
        """
        if self._stopping.is_set():
            return False
        was_gone = self._gone
        try:
            self._backend.reachable()
        except BackendError as error:
            if not self._stopping.is_set():
                self._gone = True
                self._network(str(error), CALLS)
            return False
        self._gone = False
        if was_gone:
            self._network("", CALLS, FILES)
            self._uploader.retry_now()
        return was_gone

    def _next_look_s(self) -> float:
        """Spread, so that the clients of an exam do not all ask at once."""
        return (self._look_again_s if self._trouble() else self._look_s) * (0.75 + self._random() / 2)

    def _wait_s(self, error: InvigilError, tries: int) -> float | None:
        """None when trying again is of no use before something has changed."""
        if not isinstance(error, BackendError):
            return None
        if error.status is None:
            failure = Failure(Problem.NO_ANSWER)
        else:
            failure = Failure(Problem.ANSWER, error.status, error.retry_after_s)
        action = next_action(failure, tries, self._random(), self._clock.now())
        return None if isinstance(action, GiveUp) else action.wait_s

    # ---- any of its threads

    def _progressed(self, progress: UploadProgress) -> None:
        """A file that arrived shows that the server is there; a pause, that it is not."""
        if progress.files_done > self._files_done:
            self._network("", FILES)
        elif progress.state is UploadState.WAITING and progress.next_try_s is not None:
            self._network(progress.sentence, FILES)
        self._files_done = progress.files_done
        self._listener.upload_progressed(progress)

    def _network(self, trouble: str, *whose: str) -> None:
        """``trouble`` says why the server can't be used; empty when it can. Changes of the whole are told."""
        with self._network_lock:
            before = self._trouble()
            self._troubles.update(dict.fromkeys(whose, trouble))
            after = self._trouble()
            if bool(before) == bool(after):
                return
            if after:
                log.warning("the server can't be used", why=after)
            else:
                log.info("the server answers")
            self._listener.network_changed(not after, after)

    def _trouble(self) -> str:
        return self._troubles[CALLS] or self._troubles[FILES]
