"""A whole session without windows: real recording, delivery and evidence around fake devices and a fake backend."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core import unlock
from app.core.audience import Audience
from app.core.checks import CheckResult
from app.core.control import ControlMessage
from app.core.errors import BackendError, BadInput, LockdownError
from app.core.hold import HoldView
from app.core.policy import Capture, Detection, Evidence, Identity, Lockdown, Policy
from app.core.ports import AttemptRegistration, Closer, UploadJob
from app.core.session import Event, EventName, Phase
from app.core.types import NS_PER_S, AudioChunk, EntryKind, Frame, Instant, Json, Observation, Stream
from app.core.verdict import VerdictView
from app.keys.tokens import ConfigKey
from app.runtime.attempts import Attempt, open_attempt
from app.runtime.clock import SystemClock
from app.runtime.control_line import Greet
from app.runtime.controller import SessionController
from app.runtime.delivery import Delivery, DeliveryListener
from app.runtime.key_updates import KeyUpdates, Verify
from app.runtime.models import Models
from app.runtime.preview import Preview
from app.runtime.protection import Protection
from app.runtime.recording import Recording, RecordingListener, Sources
from app.runtime.shell import ClientShell
from app.runtime.status import StatusFile
from app.transport.control import ControlChannel
from tests.fakes.session import exam_policy
from tests.fakes.sources import FakeCamera, FakeMicrophone

WAIT_S = 20.0
DEVICES = SystemClock()


class LeapingClock:
    """The real time, and what it was moved on by."""

    def __init__(self) -> None:
        self._ahead_ns = 0

    def now(self) -> Instant:
        now = DEVICES.now()
        return Instant(now.mono_ns + self._ahead_ns, now.utc_ns + self._ahead_ns, now.boot_id)

    def leap(self, seconds: float) -> None:
        self._ahead_ns += round(seconds * NS_PER_S)


@dataclass
class FakeFace:
    """Writes down what would be shown: names in ``shown``, the rest by what it is about."""

    shown: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    page_events: list[tuple[str, Mapping[str, Json] | None]] = field(default_factory=list)
    recorded: list[frozenset[Stream]] = field(default_factory=list)
    seconds_left: list[int | None] = field(default_factory=list)
    photos: list[Frame] = field(default_factory=list)
    pictures: int = 0
    levels: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    holds: list[HoldView] = field(default_factory=list)
    verdicts: list[VerdictView] = field(default_factory=list)

    def show_picture(self, frame: Frame) -> None:
        self.pictures += 1

    def show_level(self, dbfs: float, speech: bool) -> None:
        self.levels.append(dbfs)

    def show_hint(self, hint: str) -> None:
        self.hints.append(hint)

    def show_photo(self, frame: Frame) -> None:
        self.photos.append(frame)

    def show_checks(self, results: list[CheckResult], running: bool) -> None:
        self.shown.append("checking" if running else "checked")

    def show_verdict(self, view: VerdictView) -> None:
        self.verdicts.append(view)

    def show_consent(self, policy: Policy) -> None:
        self.shown.append("consent")

    def show_identity(self, policy: Policy) -> None:
        self.shown.append("identity")

    def show_exam(self, policy: Policy) -> None:
        self.shown.append("exam")

    def show_lockdown_problem(self, sentence: str) -> None:
        self.shown.append("lockdown problem")
        self.problems.append(sentence)

    def show_paused(self, reason: str) -> None:
        self.shown.append("paused")

    def hide_paused(self) -> None:
        self.shown.append("not paused")

    def show_hold(self, view: HoldView) -> None:
        self.holds.append(view)
        if self.shown[-1:] != [f"hold: {view.reason}"]:
            self.shown.append(f"hold: {view.reason}")

    def hide_hold(self) -> None:
        self.shown.append("no hold")

    def show_finishing(self) -> None:
        self.shown.append("finishing")

    def show_uploading(self, done_bytes: int, total_bytes: int, files_left: int, sentence: str) -> None:
        if self.shown[-1:] != ["uploading"]:
            self.shown.append("uploading")

    def show_done(self, report_url: str | None, lines: list[str], left: bool) -> None:
        self.shown.append("left" if left else "done")

    def show_failure(self, sentence: str) -> None:
        self.shown.append("failure")
        self.problems.append(sentence)

    def message(self, text: str) -> None:
        self.messages.append(text)

    def show_aborted(self, reason: str) -> None:
        self.shown.append(f"aborted: {reason}")

    def notice(self, text: str, warning: bool) -> None:
        self.notices.append(text)

    def indicators(self, streams: frozenset[Stream]) -> None:
        self.recorded.append(streams)

    def time_left(self, seconds: int | None) -> None:
        self.seconds_left.append(seconds)

    def network(self, online: bool, sentence: str) -> None: ...

    def page_event(self, name: str, detail: Mapping[str, Json] | None = None) -> None:
        self.page_events.append((name, detail))


@dataclass
class FakeBackend:
    """Takes everything, or nothing while ``down``. ``calls`` names what was asked of it."""

    down: bool = False
    calls: list[str] = field(default_factory=list)
    payloads: list[Mapping[str, Json]] = field(default_factory=list)

    def register_attempt(self, exam_id: str, attempt: Mapping[str, Json]) -> AttemptRegistration | None:
        self._answer("register")
        return None

    def upload_recording(self, exam_id: str, user_id: str, job: UploadJob, progress: Callable[[int], None]) -> str:
        self._answer(f"upload {job.kind}")
        return hashlib.sha256(job.path.read_bytes()).hexdigest()

    def submit(self, exam_id: str, payload: Mapping[str, Json], files: Mapping[str, Path]) -> Mapping[str, Json]:
        self._answer("submit")
        self.payloads.append(payload)
        return {"reportUrl": "https://api.example/report"}

    def reachable(self) -> None:
        self._answer("reachable")

    def _answer(self, call: str) -> None:
        if self.down:
            raise BackendError("The server does not answer.")
        self.calls.append(call)


@dataclass
class FakeCloser:
    """Writes down what was asked of it; ``refusal`` is raised instead."""

    refusal: str = ""
    asked_windows: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    def ask_window(self, handle: int) -> None:
        self._refuse()
        self.asked_windows.append(handle)

    def ask_process(self, pid: int) -> None:
        self._refuse()
        self.asked.append(pid)

    def end_process(self, pid: int) -> None:
        self._refuse()
        self.ended.append(pid)

    def _refuse(self) -> None:
        if self.refusal:
            raise LockdownError(self.refusal)


@dataclass
class FakeKiosk:
    """``refusal`` is raised instead of locking."""

    refusal: str = ""
    on: bool = False
    taken_again: int = 0

    def set_kiosk(self, on: bool) -> None:
        if on and self.refusal:
            raise LockdownError(self.refusal)
        self.on = on

    def grab_keyboard(self, on: bool) -> bool:
        return on

    def handle(self) -> int:
        return 0


class KioskProtection(Protection):
    """The kiosk window alone: what needs no X server."""

    def __init__(self, kiosk: FakeKiosk) -> None:
        self._kiosk = kiosk
        self.watched = False

    def watching(self) -> dict[str, tuple[int, int]]:
        return {"monitors": (60, 0)} if self.watched else {}

    def unwatched(self) -> tuple[str, ...]:
        return ("windows",)

    def take_again(self) -> bool:
        """The first time something else still has the keyboard."""
        self._kiosk.taken_again += 1
        return self._kiosk.taken_again > 1

    def perform(self) -> tuple[str, ...]:
        self._kiosk.set_kiosk(True)
        return ("The monitors can't be counted here.",)

    def watch(self) -> None:
        self.watched = True

    def revert(self) -> list[str]:
        self._kiosk.set_kiosk(False)
        return []


def trusts_nobody(token: str, at: datetime) -> ConfigKey:
    raise BadInput("This key was issued by someone whom this machine does not trust.")


def config_key(policy: Policy, serial: int = 1, issuer: str = "Example University") -> ConfigKey:
    """A key as it is once it was verified."""
    now = datetime.now(UTC)
    return ConfigKey(
        policy=policy,
        audience=Audience.of(policy),
        issuer_name=issuer,
        kid="kid",
        key_id=f"key-{serial}",
        serial=serial,
        issued=now,
        not_before=now,
        expires=now + timedelta(hours=1),
        min_client="0.1.0",
        token=f"token-{serial}",
    )


@dataclass
class Machine:
    """What outlives a client: devices, time, the server, and the folder of attempts."""

    folder: Path
    policy: Policy
    clock: LeapingClock = field(default_factory=LeapingClock)
    camera: FakeCamera = field(default_factory=lambda: FakeCamera(DEVICES))
    microphone: FakeMicrophone = field(default_factory=lambda: FakeMicrophone(DEVICES))
    backend: FakeBackend = field(default_factory=FakeBackend)
    kiosk: FakeKiosk = field(default_factory=FakeKiosk)
    closer: FakeCloser = field(default_factory=FakeCloser)
    checks: list[CheckResult] = field(default_factory=lambda: [CheckResult("system", True, True, "fine")])
    verify: Verify = trusts_nobody

    def locked(self) -> bool:
        return self.kiosk.on

    def sources(self) -> Sources:
        return Sources(camera=lambda: self.camera, microphone=lambda: self.microphone, screen=None)


class FakeParts:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def preview(self, on_frame: Callable[[Frame], None], on_sound: Callable[[AudioChunk], None]) -> Preview:
        return Preview(self._machine.sources(), DEVICES, on_frame, on_sound)

    def checks(self, preview: Preview) -> list[CheckResult]:
        return self._machine.checks

    def recording(self, attempt: Attempt, listener: RecordingListener) -> Recording:
        machine = self._machine
        return Recording(machine.policy, machine.sources(), attempt.store, DEVICES, None, None, listener)

    def delivery(self, attempt: Attempt, listener: DeliveryListener) -> Delivery:
        return Delivery(
            "e", "c", {"attemptId": attempt.id}, attempt.store, self._machine.backend, DEVICES, lambda: 0.0, listener,
            look_s=0.1, look_again_s=0.1,
        )  # fmt: skip

    def control(
        self, attempt: Attempt, greet: Greet, on_message: Callable[[ControlMessage], None]
    ) -> ControlChannel | None:
        endpoint = self._machine.policy.live.endpoint
        if not endpoint:
            return None
        return ControlChannel(endpoint, "t0ken", attempt.id, greet, on_message, lambda: 0.0)

    def protection(self, on_observation: Callable[[Observation], None]) -> Protection:
        return KioskProtection(self._machine.kiosk)

    def closer(self) -> Closer:
        return self._machine.closer

    def unlock_matches(self, stored: str, password: str) -> bool:
        return unlock.matches(stored, password)


def machine(folder: Path, *, photo: bool = True, duration_min: int | None = None) -> Machine:
    policy = replace(
        exam_policy(duration_min),
        identity=Identity(photo=photo),
        capture=Capture(screen=False, camera_fps=200.0, segment_s=1.0),
        detection=Detection(enabled=False),
        lockdown=Lockdown(),
        evidence=Evidence(pre_roll_s=1.0, post_roll_s=1.0),
    )
    return Machine(folder, policy)


@dataclass
class Run:
    """One run of the client on a machine."""

    attempt: Attempt
    face: FakeFace
    models: Models
    shell: ClientShell
    controller: SessionController

    @property
    def phase(self) -> Phase:
        return self.controller.state.phase

    def do(self, work: Callable[[], None]) -> None:
        """On the session thread, as the windows have it done; returns when it is."""
        done = threading.Event()
        self.controller.call(work)
        self.controller.call(done.set)
        assert done.wait(WAIT_S)

    def until(self, reached: Callable[[], object], what: str = "that") -> None:
        deadline = time.monotonic() + WAIT_S
        while not reached():
            assert time.monotonic() < deadline, f"waited in vain for {what} in {self.phase}; shown: {self.face.shown}"
            time.sleep(0.01)

    def until_phase(self, phase: Phase) -> None:
        self.until(lambda: self.phase is phase, phase.value)

    def consent(self) -> None:
        self.until(lambda: "checked" in self.face.shown, "the checks")
        self.do(self.shell.accept_checks)
        self.until_phase(Phase.CHECKED)
        self.controller.post_event(Event(EventName.CONSENT_GIVEN))
        self.until(lambda: self.phase is not Phase.CHECKED)

    def take_photo(self) -> None:
        self.until(lambda: self.face.pictures, "a picture")
        self.do(self.shell.identity.request)
        self.do(lambda: self.shell.accept_photo(self.controller.state))

    def reach_exam(self) -> None:
        self.consent()
        if self.phase is Phase.CONSENTED:
            self.take_photo()
        self.until_phase(Phase.RUNNING)

    def finish(self) -> None:
        self.controller.post_event(Event(EventName.FINISH_REQUESTED, "finished by the candidate"))
        self.until_handed_in()

    def until_handed_in(self) -> None:
        self.until(lambda: {"done", "left"} & set(self.face.shown), "the end")

    def bodies(self, kind: EntryKind = EntryKind.EVENT, name: str | None = None) -> list[Mapping[str, Json]]:
        entries = self.attempt.store.entries()
        return [e.body for e in entries if e.kind is kind and (name is None or e.body.get("event") == name)]


@contextmanager
def client(on: Machine) -> Iterator[Run]:
    """Starts a client and ends it as SIGTERM does, whatever it is in."""
    attempt = open_attempt(on.folder / "data", on.policy, "kid", on.clock.now())
    face, models = FakeFace(), Models(on.policy)
    status = StatusFile(on.folder / "status.jsonl")
    updates = KeyUpdates(config_key(on.policy), attempt, on.clock, on.verify)
    shell = ClientShell(updates.policy, attempt, on.clock, face, FakeParts(on), models, status, updates)
    controller = SessionController(updates.policy, attempt, on.clock, shell)
    shell.attach(controller)
    with ExitStack() as then:
        then.callback(attempt.store.close)
        models.start()
        then.callback(models.close)
        then.callback(shell.close)
        controller.start()
        then.callback(controller.stop)
        run = Run(attempt, face, models, shell, controller)
        run.do(lambda: None)  # it has begun, or gone on
        yield run
