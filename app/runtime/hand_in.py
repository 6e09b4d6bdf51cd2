"""Handing in: from the sealed evidence to the report, and what the candidate sees of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from app.core.errors import InvigilError
from app.core.policy import Policy
from app.core.ports import Clock
from app.core.session import ENDED, LEFT, Event, EventName, Phase, State
from app.core.types import NS_PER_S, Instant, Json
from app.runtime.attempts import PAGES, Attempt
from app.runtime.delivery import Delivery, DeliveryListener
from app.runtime.finish import FinishedAttempt, finish_attempt, submission_of, write_page
from app.runtime.open_key import forget_key
from app.runtime.status import StatusFile
from app.transport.uploader import UploadProgress, UploadState

SEAL_AGAIN_NS = 5 * NS_PER_S

log = structlog.get_logger()


class HandInFace(Protocol):
    """What handing in asks of the windows. Any thread; nothing waits for the UI."""

    def show_finishing(self) -> None: ...
    def show_uploading(self, done_bytes: int, total_bytes: int, files_left: int, sentence: str) -> None: ...
    def show_done(self, report_url: str | None, lines: list[str], left: bool) -> None: ...
    def show_failure(self, sentence: str) -> None: ...
    def network(self, online: bool, sentence: str) -> None: ...


class HandIn:
    """Owns the delivery. On the session thread, but for what the delivery tells; ``close`` from any but that one.

    ``make_delivery`` is called once; ``later`` runs work on the session thread; ``post`` gives it an event.
    """

    def __init__(
        self,
        policy: Policy,
        attempt: Attempt,
        clock: Clock,
        face: HandInFace,
        status: StatusFile,
        make_delivery: Callable[[DeliveryListener], Delivery],
        later: Callable[[Callable[[], None]], None],
        post: Callable[[Event], None],
    ) -> None:
        self._policy = policy
        self._attempt = attempt
        self._clock = clock
        self._face = face
        self._status = status
        self._make_delivery = make_delivery
        self._later = later
        self._post = post
        self._delivery: Delivery | None = None
        self._finished: FinishedAttempt | None = None
        self._submitting = False
        self._network_trouble = ""
        self._failed_at_ns: int | None = None

    def use_policy(self, policy: Policy) -> None:
        """Session thread."""
        self._policy = policy

    def begin_delivery(self) -> None:
        """From here on, what is kept goes to the server. Safe to call twice."""
        if self._delivery is None:
            self._delivery = self._make_delivery(self)
            self._delivery.start()

    def close(self) -> None:
        """What is not delivered goes on after the next start."""
        if self._delivery is not None:
            self._delivery.stop()
            self._delivery = None

    def seal(self, state: State) -> None:
        """Ends the evidence and writes the report. What the disk does not let happen now is tried again by ``tick``."""
        self._failed_at_ns = None
        try:
            self._attempt.write_waiting()
            self._finished = finish_attempt(self._policy, self._attempt, self._clock)
        except (InvigilError, OSError) as error:
            self._failed_at_ns = self._clock.now().mono_ns
            log.error("the exam can't be handed in yet", error=str(error))
            sentence = str(error)
            if isinstance(error, OSError):
                why = error.strerror or "an error of the system"
                sentence = f"The report can't be written to {self._attempt.root} ({why}); free room on that disk."
            self._status.write(problem=sentence)
            self._face.show_failure(sentence)
            return
        self._status.write(report=str(self._finished.report_path), score=self._finished.score)
        if state.phase is Phase.FINISHING:
            self._post(Event(EventName.SEALED))
        else:
            self._submit()

    def upload(self, state: State) -> None:
        if self._finished is None:
            self.seal(state)
        else:
            self._submit()

    def _drop_delivered(self) -> None:
        """The report here then shows no files that are gone, and the key with its upload token has served."""
        root = self._attempt.root
        try:
            if self._attempt.store.drop_delivered() and self._finished is not None:
                write_page(root, self._finished.summary.data)
            forget_key(root)
        except (InvigilError, OSError) as error:  # it is tried again when the attempt is opened again
            log.warning("what was delivered stays on this disk", error=str(error))

    def show_done(self) -> None:
        self._drop_delivered()
        shutil.rmtree(self._attempt.root / PAGES, ignore_errors=True)
        url = self._attempt.store.get_meta("report_url")
        lines = []
        report = self._attempt.root / "report.html"
        if report.is_file():
            lines.append(f"A copy of the report is on this computer: {report}")
        self._status.write(done=True, report_url=url)
        reason = self._attempt.state.reason
        if reason.startswith(ENDED):
            lines.insert(0, f"The exam was {reason}")
        left = reason.startswith(LEFT)
        if left:
            lines.insert(0, "What was recorded until then was handed in.")
        self._face.show_done(url, lines, left)

    def retry(self, state: State) -> None:
        """Now, because the person asks for it."""
        if self._failed_at_ns is not None:
            if state.phase is Phase.FINISHING:
                self._face.show_finishing()
            self.seal(state)

    def tick(self, state: State, now: Instant) -> None:
        if self._failed_at_ns is not None and now.mono_ns - self._failed_at_ns >= SEAL_AGAIN_NS:
            self.seal(state)

    def _submit(self) -> None:
        if self._finished is None:
            return
        self.begin_delivery()
        self._submitting = True
        totals = self._attempt.store.totals()
        self._show(totals.done_bytes, totals.done_bytes + totals.pending_bytes, totals.pending_files, "")
        if self._delivery is not None:
            self._delivery.submit(submission_of(self._policy, self._attempt, self._finished))

    def _show(self, done_bytes: int, total_bytes: int, files_left: int, sentence: str) -> None:
        self._face.show_uploading(done_bytes, total_bytes, files_left, sentence or self._network_trouble)

    # ---- DeliveryListener, on the delivery's threads

    def upload_progressed(self, progress: UploadProgress) -> None:
        if self._submitting:
            waiting = progress.state is UploadState.WAITING
            self._show(
                progress.bytes_done,
                progress.bytes_done + progress.bytes_left,
                progress.files_left,
                progress.sentence if waiting else "",
            )

    def network_changed(self, online: bool, sentence: str) -> None:
        self._network_trouble = sentence
        self._face.network(online, sentence)

    def submitted(self, answer: Mapping[str, Json]) -> None:
        self._submitting = False
        url = answer.get("reportUrl")
        # it will be opened by the system, which has programs for other schemes, too
        page = url if isinstance(url, str) and url.lower().startswith(("https://", "http://")) else None
        self._later(lambda: self._was_submitted(page))

    def _was_submitted(self, url: str | None) -> None:
        if url is not None:
            self._attempt.store.set_meta("report_url", url)
        self._post(Event(EventName.UPLOADED))
