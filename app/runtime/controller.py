"""The session thread: steps the attempt's state machine, judges observations, and writes both down.

It decides by ``core.session`` and ``core.rules`` alone. What has to be done goes to a Shell,
whose outcomes come back as events. Everything that other threads have to say is posted to the
inbox; nothing here runs on the UI thread.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import structlog

from app.core import codes, rules
from app.core.errors import InvigilError
from app.core.policy import Policy, Response
from app.core.ports import Clock
from app.core.session import UNDER_WAY, Command, Event, EventName, Phase, State, step
from app.core.types import (
    NS_PER_MS,
    NS_PER_S,
    DisplaysSeen,
    EntryKind,
    FocusChanged,
    Instant,
    Json,
    MachineSeen,
    Observation,
    ProcessesSeen,
    SessionSeen,
    StreamBack,
    StreamLost,
    Violation,
    WindowsSeen,
)
from app.runtime.attempts import Attempt
from app.runtime.presence import Presence

log = structlog.get_logger()

INBOX_SIZE = 2000
OBSERVATIONS_MAX = 1500
"""How many may wait in the inbox before more are dropped: the rest of it is for what people and devices do."""
TICK_S = 0.25
KEEP_WHOLE_S = 60.0
TELL_AGAIN_S = 60.0
JOIN_S = 0.02


class Shell(Protocol):
    """Carries out commands. Called on the session thread; must not block for longer than its work needs."""

    def execute(self, command: Command, state: State) -> None: ...

    def noticed(self, seen: Observation) -> None:
        """What lasts until it is contradicted, before it is judged."""

    def violation_opened(self, violation: Violation, response: Response, at: Instant) -> str | None:
        """Tells page and candidate; returns the SHA-256 of a picture that shows it, where there is one."""

    def violation_closed(self, violation: Violation) -> None: ...

    def tick(self, state: State, now: Instant) -> None: ...

    def failed(self, sentence: str) -> None:
        """The session can't go on writing or working as it should; the person is told."""


@dataclass(slots=True)
class _Open:
    """A violation that goes on: its picture, and until when its media are kept."""

    violation: Violation
    snapshot: str | None


class SessionController:
    """Owns the attempt while it runs. ``start()`` begins or continues it; ``stop()`` ends the thread."""

    def __init__(self, policy: Policy, attempt: Attempt, clock: Clock, shell: Shell) -> None:
        self._policy = policy
        self._attempt = attempt
        self._clock = clock
        self._shell = shell
        self._inbox: queue.Queue[Callable[[], None] | None] = queue.Queue(INBOX_SIZE)
        self._thread = threading.Thread(target=self._run, name="session", daemon=True)
        self._settings = rules.settings_for(policy.detection, policy.accessibility)
        self._rules = rules.RuleState()
        self._open: dict[int, _Open] = {}
        self._standing: dict[str, Observation] = {}
        self._presence = Presence()
        self._stopping = threading.Event()
        self._begun = False
        self._last_alive_ns = 0
        self._last_discard_ns = 0
        self._told = ""
        self._told_ns = 0
        self.dropped = 0
        self.state = attempt.state

    def start(self) -> None:
        self._thread.start()

    def stop(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Returns when the session thread has done what was posted before, and ended.

        ``meanwhile`` is called again and again until then: the session may be waiting for the caller's thread.
        """
        try:
            self._inbox.put_nowait(None)
        except queue.Full:
            self._stopping.set()
        while self._thread.is_alive():
            self._thread.join(JOIN_S)
            meanwhile()

    # ---- from any thread; nothing here blocks

    @property
    def judges(self) -> bool:
        """Whether what is observed now counts. Not before an attempt that was cut off has begun again, whatever it did then."""
        return self._begun and self.state.monitored

    def post_event(self, event: Event) -> None:
        self.call(lambda: self._handle(event))

    def post_observation(self, seen: Observation) -> None:
        """An observation that finds the inbox crowded is dropped and counted."""
        if self._inbox.qsize() >= OBSERVATIONS_MAX:
            self.dropped += 1
        else:
            self.call(lambda: self._observe(seen))

    def call(self, work: Callable[[], None]) -> None:
        """Runs ``work`` on the session thread, in turn."""
        try:
            self._inbox.put_nowait(work)
        except queue.Full:
            self.dropped += 1
            log.critical("the session does not keep up: something posted to it is lost")

    # ---- session thread

    def use_policy(self, policy: Policy) -> None:
        """Judges by other settings from now on. Session thread."""
        self._policy = policy
        self._settings = rules.settings_for(policy.detection, policy.accessibility)

    def _run(self) -> None:
        self._begin()
        while not self._stopping.is_set():
            try:
                work = self._inbox.get(timeout=TICK_S)
            except queue.Empty:
                self._tick()
                continue
            if work is None:
                return
            self._guarded(work)
            self._tick()

    def _guarded(self, work: Callable[[], None]) -> None:
        """A disk that takes nothing ends neither this thread nor the exam; the person is told, but not every time."""
        try:
            work()
        except InvigilError as error:
            now_ns = self._clock.now().mono_ns
            if str(error) == self._told and now_ns - self._told_ns < TELL_AGAIN_S * NS_PER_S:
                return
            self._told, self._told_ns = str(error), now_ns
            log.error("the session can't do what it has to", error=str(error))
            self._shell.failed(str(error))

    def _begin(self) -> None:
        now = self._clock.now()
        if self._attempt.fresh:
            self._handle(Event(EventName.KEY_ACCEPTED))
        else:
            self._guarded(lambda: self._close_left_open(now))
            self._handle(Event(EventName.RESTARTED))
        self._begun = True

    def _handle(self, event: Event) -> None:
        before = self.state
        after, commands = step(before, event, self._policy)
        if after == before and not commands:
            return
        if before.monitored and not after.monitored:
            self._close_all()
        if before.phase in UNDER_WAY and after.phase is Phase.FINISHING:
            self._note_dropped()
        if Command.PERFORM_LOCKDOWN in commands:
            self._standing.clear()
        self.state = after
        if Command.FORGET not in commands and not self._sealed(before):
            self._journal(event, after)
        self._guarded(lambda: self._attempt.save_state(after))
        log.info("phase", was=before.phase, now=after.phase, because=event.name, reason=event.reason)
        for command in commands:
            self._guarded(partial(self._shell.execute, command, after))
        if after.monitored and not before.monitored:
            self._judge_standing()

    def _sealed(self, state: State) -> bool:
        """After the seal the chain takes no more entries; delivery is recorded in the upload jobs alone."""
        return state.phase in (Phase.FINISHING, Phase.UPLOADING, Phase.DONE, Phase.ABORTED)

    def _journal(self, event: Event, after: State) -> None:
        body: dict[str, Json] = {
            "event": "phase",
            "phase": after.phase.value,
            "because": event.name.value,
            "session": after.session,
        }
        if event.reason:
            body["reason"] = event.reason
        if event.by is not None:
            body["by"] = event.by.value
        self._attempt.note(EntryKind.EVENT, body, self._clock.now())

    def _observe(self, seen: Observation) -> None:
        key = _lasting(seen)
        if key is not None:
            self._standing[key] = seen
            self._shell.noticed(seen)
        taken = self._presence.taken(seen, self._clock.now().mono_ns)
        if self.state.monitored and taken is not None:
            self._judge(taken)

    def _judge(self, seen: Observation) -> None:
        self._rules, happened = rules.advance(self._rules, seen, self._settings)
        self._settle(happened)

    def _judge_standing(self) -> None:
        """What changed while nothing was judged (before the start, in a pause) is told to the rules as it is now."""
        now_ns = self._clock.now().mono_ns
        self._rules = replace(self._rules, lost={}, focused=True, left=False, away=False)
        for seen in tuple(self._standing.values()):
            taken = self._presence.taken(replace(seen, at_ns=now_ns), now_ns)
            if taken is not None:
                self._judge(taken)

    def _note_dropped(self) -> None:
        if self.dropped:
            body: dict[str, Json] = {"event": "observations_dropped", "count": self.dropped}
            self._attempt.note(EntryKind.EVENT, body, self._clock.now())

    def _close_all(self) -> None:
        self._rules, happened = rules.finish(self._rules, self._clock.now().mono_ns)
        self._settle(happened)

    def _settle(self, happened: tuple[rules.RuleEvent, ...]) -> None:
        for change in happened:
            if isinstance(change, rules.ViolationOpened):
                self._opened(change.violation)
            else:
                self._closed(change.violation)

    def _opened(self, violation: Violation) -> None:
        now = self._clock.now()
        start = now.at(violation.start_ns)
        self._guarded(lambda: self._keep(start.utc_ns, now.utc_ns))
        rule = self._settings.get(violation.code)
        snapshot = self._shell.violation_opened(violation, "record" if rule is None else rule.response, now)
        self._open[violation.number] = _Open(violation, snapshot)
        body = self._body(violation, now, snapshot) | {"event": "violation_opened"}
        self._attempt.note(EntryKind.EVENT, body, now)

    def _closed(self, violation: Violation) -> None:
        now = self._clock.now()
        known = self._open.pop(violation.number, None)
        self._shell.violation_closed(violation)
        end_ns = violation.end_ns if violation.end_ns is not None else now.mono_ns
        self._guarded(lambda: self._keep(now.at(end_ns).utc_ns, now.at(end_ns).utc_ns))
        body = self._body(replace(violation, end_ns=end_ns), now, known.snapshot if known else None)
        self._attempt.note(EntryKind.VIOLATION, body, now)

    def _body(self, violation: Violation, now: Instant, snapshot: str | None) -> dict[str, Json]:
        session = self.state.session
        body: dict[str, Json] = {
            "id": f"{session}-{violation.number}",
            "session": session,
            "number": violation.number,
            "code": violation.code,
            "name": codes.name(violation.code),
            "start_utc_ms": now.at(violation.start_ns).utc_ns // NS_PER_MS,
            "severity": round(violation.severity, 3),
            "confidence": round(violation.confidence, 3),
            "detail": violation.detail,
        }
        if violation.end_ns is not None:
            body["end_utc_ms"] = now.at(violation.end_ns).utc_ns // NS_PER_MS
        if snapshot is not None:
            body["snapshot"] = snapshot
        return body

    def _keep(self, start_utc_ns: int, end_utc_ns: int) -> None:
        pre = int(self._policy.evidence.pre_roll_s * NS_PER_S)
        post = int(self._policy.evidence.post_roll_s * NS_PER_S)
        self._attempt.store.keep(start_utc_ns - pre, end_utc_ns + post)

    def _tick(self) -> None:
        now = self._clock.now()
        if self.state.phase in UNDER_WAY:
            self._guarded(lambda: self._keep_running(now))
            late = self._presence.late(now.mono_ns)
            if late is not None and self.state.monitored:
                self._judge(late)
        self._guarded(lambda: self._shell.tick(self.state, now))

    def _keep_running(self, now: Instant) -> None:
        if now.mono_ns - self._last_alive_ns >= NS_PER_S:
            self._last_alive_ns = now.mono_ns
            self._attempt.write_waiting()
            self._attempt.mark_alive(now)
            for kept in self._open.values():
                if now.mono_ns - kept.violation.start_ns <= KEEP_WHOLE_S * NS_PER_S:
                    self._keep(now.utc_ns, now.utc_ns)
        if now.mono_ns - self._last_discard_ns >= 5 * NS_PER_S:
            self._last_discard_ns = now.mono_ns
            self._attempt.store.discard_unkept(now.utc_ns - self._discard_after_ns())

    def _discard_after_ns(self) -> int:
        """Older than this, no violation to come can still want a segment: pre-roll, the longest dwell, one segment."""
        dwell_s = max((s.dwell_ns for s in self._settings.values()), default=0) / NS_PER_S
        wait_s = self._policy.evidence.pre_roll_s + dwell_s + self._policy.capture.segment_s + 5.0
        return int(wait_s * NS_PER_S)

    def _close_left_open(self, now: Instant) -> None:
        """A violation that was open when the client died ends where the client was last known to live."""
        if self._attempt.store.seal_of() is not None:
            return
        alive = self._attempt.alive or now
        opened: dict[str, Mapping[str, Json]] = {}
        for entry in self._attempt.store.entries():
            if entry.kind is EntryKind.EVENT and entry.body.get("event") == "violation_opened":
                opened[str(entry.body["id"])] = entry.body
            elif entry.kind is EntryKind.VIOLATION:
                opened.pop(str(entry.body["id"]), None)
        for body in opened.values():
            start_ms = body["start_utc_ms"]
            end_ms = max(alive.utc_ns // NS_PER_MS, start_ms if isinstance(start_ms, int) else 0)
            closed = {k: v for k, v in body.items() if k != "event"} | {"end_utc_ms": end_ms, "cut_short": True}
            self._attempt.note(EntryKind.VIOLATION, closed, now)


def _lasting(seen: Observation) -> str | None:
    """Names what stays true until it is contradicted; None for what is only of its moment."""
    if isinstance(seen, StreamLost | StreamBack):
        return f"stream {seen.stream}"
    return type(seen).__name__ if isinstance(seen, _LASTING) else None


_LASTING = FocusChanged | DisplaysSeen | ProcessesSeen | WindowsSeen | SessionSeen | MachineSeen
