"""Carries out the session's commands: the one place where the parts of the client meet.

Runs on the session thread. Everything of Qt is behind ``Face``; what takes long has a thread of
its own and comes back as an event.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.core import codes
from app.core.checks import CheckResult
from app.core.errors import InvigilError, LockdownError
from app.core.policy import Policy, Response
from app.core.ports import Clock, SourceInfo
from app.core.responses import NORMAL_LIFE
from app.core.session import UNDER_WAY, Command, Event, EventName, Phase, State
from app.core.types import (
    NS_PER_S,
    ClockSet,
    EntryKind,
    Instant,
    Json,
    Observation,
    SessionSeen,
    SessionState,
    Stream,
    Violation,
)
from app.runtime.attempts import Attempt
from app.runtime.capturing import Capturing
from app.runtime.checks import required_failed, result_json
from app.runtime.clock_moves import Moved
from app.runtime.control_line import ControlLine
from app.runtime.exam_time import ExamTime
from app.runtime.hand_in import HandIn
from app.runtime.holding import Holding
from app.runtime.identity_step import IdentityStep
from app.runtime.key_updates import KeyUpdates, Updated, told_changes
from app.runtime.liveness import Liveness
from app.runtime.models import Models
from app.runtime.preview import Preview
from app.runtime.responding import Responding
from app.runtime.session_facts import session_body
from app.runtime.shell_ports import Face, Parts, Session
from app.runtime.status import StatusFile
from app.runtime.unlock_tries import UnlockTries
from app.runtime.verdict import VerdictStep

log = structlog.get_logger()

URL_KEPT = 500
"""Characters of a refused address that are written down."""
TAKE_AGAIN_NS = 5 * NS_PER_S
URLS_MAX = 200
"""Refused addresses that are written down in a session: a page that tries again and again fills no disk."""


class ClientShell:
    """Executes commands on the session thread. ``close()`` at the very end, from any thread but that one."""

    def __init__(
        self,
        policy: Policy,
        attempt: Attempt,
        clock: Clock,
        face: Face,
        parts: Parts,
        models: Models,
        status: StatusFile,
        updates: KeyUpdates,
    ) -> None:
        self._policy = policy
        self._key = updates.key
        self._attempt = attempt
        self._clock = clock
        self._face = face
        self._parts = parts
        self._models = models
        self._status = status
        self._session: Session | None = None
        self._preview: Preview | None = None
        self._time = ExamTime(attempt, policy)
        self._login = SessionState.HERE
        self._take_again_ns: int | None = None
        self._urls_blocked: set[str] = set()
        self._checks: list[CheckResult] = []
        self.checks_failed = False
        self.identity = IdentityStep(policy, attempt, clock, models, face)
        self.hand_in = HandIn(
            policy, attempt, clock, face, status, lambda listener: parts.delivery(attempt, listener),
            lambda work: self._controller.call(work), lambda event: self._controller.post_event(event),
        )  # fmt: skip
        self._protection = parts.protection(self.observed)
        self._capturing = Capturing(
            policy, attempt, clock, face, status, lambda: parts.recording(attempt, self), self._journal
        )
        self._responding = Responding(
            policy, clock, parts.closer, lambda event: self._controller.post_event(event), self._journal
        )
        tries = UnlockTries(attempt, clock, parts.unlock_matches, self._journal)
        self.holding = Holding(
            policy, attempt, face, status, self._responding, tries,
            lambda event: self._controller.post_event(event), lambda: self._line,
        )  # fmt: skip
        self._verdict = VerdictStep(policy, attempt, face, tries, self._journal)
        self._liveness = Liveness(self._protection, lambda: self._controller.dropped, self._journal)
        self._line = ControlLine(
            updates, lambda greet, heard: parts.control(attempt, greet, heard),
            lambda work: self._controller.call(work), self._use, status, self.holding,
        )  # fmt: skip
        self._commands: dict[Command, Callable[[State], None]] = {
            Command.RUN_CHECKS: self._run_checks,
            Command.SHOW_CHECKS: lambda _: None,  # they were shown when they were run
            Command.SHOW_CONSENT: lambda _: face.show_consent(policy),
            Command.SHOW_IDENTITY: self._show_identity,
            Command.SKIP_IDENTITY: lambda _: self._post(EventName.IDENTITY_TAKEN, "not asked for"),
            Command.PERFORM_LOCKDOWN: self._perform_lockdown,
            Command.SHOW_LOCKDOWN_PROBLEM: lambda state: face.show_lockdown_problem(state.reason),
            Command.START_CAPTURE: self._start_capture,
            Command.START_MONITORING: self._start_monitoring,
            Command.PAUSE_MONITORING: self._pause,
            Command.RESUME_MONITORING: self._resume,
            Command.SHOW_HOLD: self.holding.show,
            Command.HIDE_HOLD: lambda _: self.holding.hide(),
            Command.STOP_CAPTURE: self._stop_capture,
            Command.SEAL: self.hand_in.seal,
            Command.REVERT_LOCKDOWN: self._revert_lockdown,
            Command.UPLOAD: self.hand_in.upload,
            Command.FORGET: self._forget,
            Command.SHOW_ABORTED: lambda state: face.show_aborted(state.reason),
            Command.SHOW_DONE: lambda _: self.hand_in.show_done(),
        }

    def attach(self, session: Session) -> None:
        """Once, before the session starts."""
        self._session = session

    def close(self) -> None:
        """Stops what runs. The attempt's store stays open for its owner to close."""
        self._stop_preview()
        self._capturing.stop()
        self._protection.revert()
        self._line.end()
        self.hand_in.close()

    # ---- Shell, on the session thread

    def execute(self, command: Command, state: State) -> None:
        self._status.write(command=command.value, phase=state.phase.value, session=state.session)
        self._commands[command](state)

    def noticed(self, seen: Observation) -> None:
        self._responding.seen(seen)
        if isinstance(seen, SessionSeen) and seen.state is not self._login:
            was, self._login = self._login, seen.state
            self._journal({"event": "session", "state": seen.state.value})
            if was in NORMAL_LIFE and seen.state is SessionState.HERE:
                self._take_again_ns = self._clock.now().mono_ns

    def violation_opened(self, violation: Violation, response: Response, at: Instant) -> str | None:
        code, response = codes.code(violation.code), self._verdict.override.response(violation.code, response)
        self._status.write(violation=violation.code, name=code.name)
        self._face.page_event(
            "apEvidenceEvent",
            {"evidenceCode": violation.code, "message": code.sentence, "severity": violation.severity},
        )
        if response != "record":
            self._face.notice(code.sentence, warning=violation.severity >= 0.5)
        self._responding.opened(violation, response)
        return self._capturing.snapshot(violation)

    def violation_closed(self, violation: Violation) -> None:
        self._responding.closed(violation)

    def tick(self, state: State, now: Instant) -> None:
        if state.phase is Phase.LOCKED and self._capturing.settled(now):
            self._post(EventName.CAPTURE_STARTED)
        if state.monitored:
            self._responding.act()
        if state.phase in UNDER_WAY:
            self._take_again(now)
        self.holding.tick(state)
        self._liveness.tick(now, runs=state.monitored)
        self.hand_in.tick(state, now)
        self._count_time(state, now)

    def failed(self, sentence: str) -> None:
        self._face.notice(sentence, warning=True)
        self._status.write(problem=sentence)

    # ---- RecordingListener and others, on their threads

    def observed(self, seen: Observation) -> None:
        self._controller.post_observation(seen)

    def stream_lost(self, stream: Stream, code: int, sentence: str) -> None:
        self._controller.call(lambda: self._capturing.lost_or_back(stream, code, sentence))

    def stream_back(self, stream: Stream) -> None:
        self._controller.call(lambda: self._capturing.lost_or_back(stream, None, ""))

    def source_opened(self, info: SourceInfo) -> None:
        body: dict[str, Json] = {"event": "source_opened", "stream": info.stream.value, "name": info.name}
        body["facts"] = dict(info.facts)
        self._controller.call(lambda: self._journal(body))

    def clock_was_set(self, moved: Moved) -> None:
        """The evidence's own times are steady; that somebody set the machine's is written down, and judged if unexplained."""
        self._controller.call(lambda: self._journal(moved.body()))
        if not moved.explained:
            self.observed(ClockSet(self._clock.now().mono_ns, moved.seconds))

    def degraded(self, sentence: str) -> None:
        self._controller.call(lambda: self._journal({"event": "degraded", "sentence": sentence}))
        log.warning("degraded", sentence=sentence)

    def url_blocked(self, url: str) -> None:
        """On the session thread. The exam's page wanted to go where the policy does not let it; each place is told once."""
        kept = url[:URL_KEPT]
        if kept not in self._urls_blocked and len(self._urls_blocked) < URLS_MAX:
            self._urls_blocked.add(kept)
            self._journal({"event": "url_blocked", "url": kept})

    def not_stored(self) -> None:
        log.error("not stored", folder=str(self._attempt.root))
        sentence = "This disk is full: nothing is recorded until there is room; your exam goes on."
        self._controller.call(lambda: self.failed(sentence))

    # ---- what the candidate did, on the session thread

    def accept_checks(self) -> None:
        """Only what passed can be accepted."""
        if self._checks and not required_failed(self._checks):
            self._post(EventName.CHECKS_PASSED)

    def show_verdict(self) -> None:
        """Why the exam does not start on this machine, or what speaks against the machine."""
        self._verdict.show(self._checks)

    def let_pass(self, password: str, reason: str, state: State) -> None:
        """A supervisor lets the exam start on a machine that the check refused."""
        if state.phase is Phase.CONFIGURED and self._verdict.let_pass(self._checks, password, reason):
            self._checks = self._verdict.judged(self._checks)
            self.checks_failed = required_failed(self._checks)
            self._face.show_checks(self._checks, running=False)

    def accept_photo(self, state: State) -> None:
        """The held photo becomes evidence, after consent and once."""
        if state.phase is not Phase.CONSENTED:
            return
        try:
            taken = self.identity.accept()
        except InvigilError as error:
            log.error("photo", error=str(error))
            self._status.write(problem=str(error))
            self._face.show_hint(str(error))
            return
        if taken:
            self._post(EventName.IDENTITY_TAKEN)

    # ---- commands

    def _run_checks(self, _state: State) -> None:
        self._face.show_checks([], running=True)
        if self._preview is None:
            self._preview = self._parts.preview(self.identity.offer, self.identity.hear)
            self._preview.start()
        self._checks = self._verdict.judged(self._parts.checks(self._preview))
        self._journal({"event": "checks", "results": [result_json(r) for r in self._checks]})
        self.checks_failed = failed = required_failed(self._checks)
        self._face.show_checks(self._checks, running=False)
        for result in self._checks:
            if not result.ok:
                log.warning("check", name=result.name, code=result.code, required=result.required, detail=result.detail)
            if result.code is not None and not result.ok:
                self._journal({"event": "error", "code": result.code, "sentence": result.detail})
        if failed:
            self._stop_preview()
            self._post(EventName.CHECKS_FAILED)

    def _show_identity(self, _state: State) -> None:
        if self._preview is None:
            self._preview = self._parts.preview(self.identity.offer, self.identity.hear)
            self._preview.start()
        self.identity.begin()
        self._face.show_identity(self._policy)

    def _perform_lockdown(self, state: State) -> None:
        self._stop_preview()
        try:
            missing = self._protection.perform()
        except LockdownError as error:
            self._post(EventName.LOCKDOWN_FAILED, str(error))
            return
        now = self._clock.now()
        self._attempt.note(
            EntryKind.SESSION, session_body(self._policy, state.session, self._checks, missing, self._key), now
        )
        self._post(EventName.LOCKDOWN_PERFORMED)

    def _start_capture(self, state: State) -> None:
        self._face.show_exam(self._policy)
        self._capturing.start(state)
        self.hand_in.begin_delivery()
        self._line.begin()
        if self._policy.exam.message:
            self._face.message(self._policy.exam.message)
        if self._models.problem:
            self.degraded(self._models.problem)
            self.failed(self._models.problem)

    def _start_monitoring(self, state: State) -> None:
        lost_streams = self._capturing.lost_streams()
        self._journal({"event": "monitoring_started", "session": state.session})
        for number in (2001, 2002, 2003):
            self._face.page_event("apSuccessEvent", {"successCode": number})
        self._face.page_event("apSetupComplete")
        self._face.page_event("apMonitoringStarted")
        self._protection.watch()
        for lost in lost_streams:
            self.observed(lost)
        self._capturing.show_indicators()

    def _pause(self, state: State) -> None:
        self._responding.excuse()  # what was about to follow is not made up for after the pause
        self._capturing.suspend()
        self._face.show_paused(state.reason)

    def _resume(self, _state: State) -> None:
        self._capturing.resume()
        self._face.hide_paused()

    def _stop_capture(self, _state: State) -> None:
        self._face.page_event("apMonitoringStopped")
        self._line.end()
        self._face.show_finishing()
        self._capturing.stop()
        self._face.indicators(frozenset())

    def _revert_lockdown(self, _state: State) -> None:
        for problem in self._protection.revert():
            log.error("lockdown", problem=problem)
            self._status.write(problem=problem)

    def _forget(self, _state: State) -> None:
        self._stop_preview()
        self.hand_in.close()
        self._attempt.forget()

    # ---- helpers, on the session thread

    @property
    def _controller(self) -> Session:
        if self._session is None:
            raise RuntimeError("attach() was not called")
        return self._session

    def _post(self, name: EventName, reason: str = "") -> None:
        self._controller.post_event(Event(name, reason))

    def _journal(self, body: dict[str, Json]) -> None:
        if self._attempt.state.phase not in (Phase.UPLOADING, Phase.DONE, Phase.ABORTED):
            self._attempt.note(EntryKind.EVENT, body, self._clock.now())

    def _use(self, updated: Updated) -> None:
        before_min, before = self._time.total_min, self._policy
        self._policy = updated.policy
        self._controller.use_policy(updated.policy)
        for part in (self.hand_in, self.holding, self._responding):
            part.use_policy(updated.policy)
        self._time.use(updated.policy)
        if told := told_changes(before, updated.policy, before_min, self._time.total_min):
            self._face.notice(" ".join(told), warning=False)
        if updated.policy.exam.message != before.exam.message:
            self._face.message(updated.policy.exam.message)

    def _stop_preview(self) -> None:
        if self._preview is not None:
            self._preview.stop()
            self._preview = None

    def _take_again(self, now: Instant) -> None:
        """After the screen was unlocked or the machine woke: the kiosk and the keyboard, until both are ours again."""
        due_ns = self._take_again_ns
        if due_ns is not None and now.mono_ns >= due_ns:
            self._take_again_ns = None if self._protection.take_again() else now.mono_ns + TAKE_AGAIN_NS

    def _count_time(self, state: State, now: Instant) -> None:
        if not self._time.advance(now, runs=state.monitored):
            return
        left_s = self._time.left_s
        if left_s is not None:
            self._face.time_left(left_s)
        if left_s == 0:
            self._post(EventName.TIME_UP, self._time.over)
        self._time.save()
