"""A shell that only writes down what it is told, and a session around a real evidence store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.core.errors import InvigilError
from app.core.policy import Candidate, Capture, Exam, Policy, Response, Upload
from app.core.session import Command, Event, EventName, State
from app.core.types import EntryKind, Instant, Json, Observation, Violation
from app.runtime.attempts import Attempt, open_attempt
from app.runtime.controller import SessionController
from tests.fakes.sources import ManualClock

WAIT_S = 20.0
BEGIN = (
    EventName.CHECKS_PASSED,
    EventName.CONSENT_GIVEN,
    EventName.IDENTITY_TAKEN,
    EventName.LOCKDOWN_PERFORMED,
    EventName.CAPTURE_STARTED,
)
"""From the accepted key to the running exam."""
TOKEN = "t0ken-of-the-exam"


def exam_policy(duration_min: int | None = None) -> Policy:
    return Policy(
        exam=Exam(id="e", title="Exam", start_url="https://exam.example/", duration_min=duration_min),
        candidate=Candidate(id="c", name="Candidate"),
        upload=Upload(endpoint="https://api.example", token=TOKEN, exam_id="e"),
        capture=Capture(allow_file_sources=True),
    )


@dataclass
class FakeShell:
    """``snapshot`` is given for every violation; a command in ``failing`` raises a sentence."""

    snapshot: str | None = None
    failing: dict[Command, str] = field(default_factory=dict)
    on_command: Callable[[Command], None] = lambda _command: None
    done: list[Command] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    seen: list[Observation] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    ticks: int = 0

    def execute(self, command: Command, state: State) -> None:
        self.done.append(command)
        self.on_command(command)
        if command in self.failing:
            raise InvigilError(self.failing[command])

    def noticed(self, seen: Observation) -> None:
        self.seen.append(seen)

    def violation_opened(self, violation: Violation, response: Response, at: Instant) -> str | None:
        self.opened.append(violation.code)
        self.responses.append(response)
        return self.snapshot

    def violation_closed(self, violation: Violation) -> None:
        self.closed.append(violation.code)

    def tick(self, state: State, now: Instant) -> None:
        self.ticks += 1

    def failed(self, sentence: str) -> None:
        self.problems.append(sentence)


@dataclass
class Session:
    """One run of the client without windows and devices."""

    attempt: Attempt
    clock: ManualClock
    shell: FakeShell
    controller: SessionController

    def post(self, *names: EventName, reason: str = "") -> State:
        for name in names:
            self.controller.post_event(Event(name, reason))
        return self.settle()

    def settle(self) -> State:
        """Waits until everything posted so far was done, and what that posted."""
        for _ in range(3):
            done = threading.Event()
            self.controller.call(done.set)
            assert done.wait(WAIT_S), "the session thread hangs"
        return self.controller.state

    def bodies(self, kind: EntryKind = EntryKind.EVENT, event: str | None = None) -> list[Mapping[str, Json]]:
        return [
            e.body
            for e in self.attempt.store.entries()
            if e.kind is kind and (event is None or e.body.get("event") == event)
        ]


@contextmanager
def session(
    folder: Path, policy: Policy | None = None, shell: FakeShell | None = None, clock: ManualClock | None = None
) -> Iterator[Session]:
    """Opens the attempt in ``folder`` anew or again, and runs its session until the block ends, as a kill would."""
    policy, clock, shell = policy or exam_policy(), clock or ManualClock(), shell or FakeShell()
    attempt = open_attempt(folder, policy, "kid", clock.now())
    running = Session(attempt, clock, shell, SessionController(policy, attempt, clock, shell))
    running.controller.start()
    try:
        running.settle()
        yield running
    finally:
        running.controller.stop()
        attempt.store.close()
