"""The client process: composition root of everything that a candidate sees and that records."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType

import structlog
from PySide6.QtCore import QSize, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication

from app import __version__
from app.browser.environment import prepare_environment
from app.browser.loopback import refuse_ipv6_datagrams
from app.core.control import ControlMessage
from app.core.errors import InvigilError
from app.core.lockdown import System
from app.core.policy import Policy
from app.core.ports import Clock
from app.core.session import Event, EventName, Phase
from app.core.types import NS_PER_S, AudioChunk, CheckResult, FocusChanged, Frame, Json, KeyBlocked, Observation
from app.keys.issuers import TrustedIssuers, default_trust_paths
from app.keys.tokens import ConfigKey, read_key
from app.lockdown.platform import active_window, machine_facts
from app.lockdown.processes import ListedProcess, load_process_list
from app.runtime.attempts import PAGES, Attempt, open_attempt
from app.runtime.checks import CheckContext, run_checks
from app.runtime.clock import SteadyClock
from app.runtime.control_line import Greet
from app.runtime.controller import SessionController
from app.runtime.delivery import Delivery, DeliveryListener
from app.runtime.foreign import foreign_environment
from app.runtime.key_updates import KeyUpdates, Verify
from app.runtime.models import Models
from app.runtime.open_key import interrupted_key, keep_key, open_key, stays_on_loopback
from app.runtime.options import ClientOptions
from app.runtime.preview import Preview
from app.runtime.protection import Protection
from app.runtime.recording import Recording, RecordingListener, Sources, chosen_sources
from app.runtime.resources import resources_dir
from app.runtime.shell import ClientShell
from app.runtime.status import StatusFile
from app.runtime.windows import Windows
from app.transport.control import ControlChannel
from app.transport.proctorai import ProctorAiBackend
from app.ui.interpreter import keep_singletons_alive
from app.ui.kiosk import Kiosk
from app.ui.main_window import ClientWindow
from app.ui.theme import apply_theme

log = structlog.get_logger()


class ClientParts:
    """Makes the parts of one session from its policy and the command line's choices."""

    def __init__(self, policy: Policy, options: ClientOptions, clock: Clock, models: Models, kiosk: Kiosk) -> None:
        self._policy = policy
        self._options = options
        self._clock = clock
        self._models = models
        self._kiosk = kiosk

    def _backend(self, attempt_id: str | None = None) -> ProctorAiBackend:
        upload = self._policy.upload
        return ProctorAiBackend(upload.endpoint, upload.token, upload.connection_timeout_s, attempt_id=attempt_id)

    def sources(self) -> Sources:
        """Raises BadInput when a source was asked for that the key does not allow."""
        return chosen_sources(
            self._policy.capture, self._options.camera, self._options.microphone, self._options.screen, self._clock
        )

    def preview(self, on_frame: Callable[[Frame], None], on_sound: Callable[[AudioChunk], None]) -> Preview:
        return Preview(self.sources(), self._clock, on_frame, on_sound)

    def checks(self, preview: Preview) -> list[CheckResult]:
        return run_checks(
            CheckContext(self._policy, self._options.data_dir, preview, preview.streams, self._backend(), self._clock)
        )

    def recording(self, attempt: Attempt, listener: RecordingListener) -> Recording:
        faces, sound = self._models.faces(), self._models.sound()
        return Recording(self._policy, self.sources(), attempt.store, self._clock, faces, sound, listener)

    def delivery(self, attempt: Attempt, listener: DeliveryListener) -> Delivery:
        policy = self._policy
        announced: dict[str, Json] = {
            "attemptId": attempt.id,
            "candidate": {
                "id": policy.candidate.id,
                "name": policy.candidate.name,
                "email": policy.candidate.email,
                "group": policy.candidate.group,
            },
            "exam": policy.exam.id,
            "attemptNumber": policy.candidate.attempt_number,
            "publicKey": attempt.key.public_key_hex,
            "client": __version__,
        }
        return Delivery(
            exam_id=policy.upload.exam_id,
            user_id=policy.candidate.id,
            attempt=announced,
            queue=attempt.store,
            backend=self._backend(attempt.id),
            clock=self._clock,
            random=random.SystemRandom().random,
            listener=listener,
        )

    def control(
        self, attempt: Attempt, greet: Greet, on_message: Callable[[ControlMessage], None]
    ) -> ControlChannel | None:
        live = self._policy.live
        if not live.endpoint:
            return None
        token = self._policy.upload.token
        return ControlChannel(live.endpoint, token, attempt.id, greet, on_message, random.SystemRandom().random)

    def protection(self, on_observation: Callable[[Observation], None]) -> Protection:
        return Protection(
            self._policy, self._options.journal, self._kiosk, self._clock, on_observation, _known_programs()
        )


class RunningAttempt:
    """Everything of one opened key. Built and closed on the UI thread."""

    def __init__(
        self,
        key: ConfigKey,
        options: ClientOptions,
        clock: SteadyClock,
        windows: Windows,
        kiosk: Kiosk,
        status: StatusFile,
        verify: Verify,
    ) -> None:
        self._clock = clock
        self._models = Models(key.policy)
        parts = ClientParts(key.policy, options, clock, self._models, kiosk)
        parts.sources()  # refused before anything is written
        clock.follow()
        self._attempt = open_attempt(options.data_dir, key.policy, key.kid, clock.now())
        try:
            keep_key(self._attempt.root, key)
        except InvigilError:
            self._attempt.store.close()
            raise
        if self._attempt.alive is not None:
            clock.not_before(self._attempt.alive.utc_ns)
        windows.keep_pages_in(self._attempt.root / PAGES)
        updates = KeyUpdates(key, self._attempt, clock, verify)
        self.policy = updates.policy
        self.shell = ClientShell(self.policy, self._attempt, clock, windows, parts, self._models, status, updates)
        self.controller = SessionController(self.policy, self._attempt, clock, self.shell)
        self.shell.attach(self.controller)

    def start(self) -> None:
        self._models.start()
        self.controller.start()

    def look_at_clock(self) -> None:
        moved_ns = self._clock.moved_ns()
        if moved_ns:
            state = self.controller.state
            if state.phase in BEFORE_LOCK and not state.begun:
                self._clock.follow()
            self.shell.clock_was_set(round(moved_ns / NS_PER_S))

    def stop(self) -> None:
        """The session may be waiting for this thread, to lock or unlock the window: so it goes on meanwhile."""
        with ExitStack() as then:  # from the last to the first, past errors
            then.callback(self._attempt.store.close)
            then.callback(self._models.close)
            then.callback(self.shell.close)
            self.controller.stop(meanwhile=lambda: QApplication.processEvents())


class Client:
    """The application object: windows, and at most one running attempt."""

    def __init__(self, options: ClientOptions) -> None:
        self._options = options
        self._clock = SteadyClock()
        self._status = StatusFile(options.status)
        self._window = ClientWindow(resources_dir() / "ui")
        self._kiosk = Kiosk(self._window, active_window=active_window)
        self._windows = Windows(self._window, self._kiosk, resources_dir() / "sdk" / "page_api.js", self._status)
        self._running: RunningAttempt | None = None
        self._leaving = False
        self._refused: InvigilError | None = None
        self._connect()

    def open(self) -> None:
        """Shows the window and begins with the key of the command line, if there is one."""
        self._window.resize(self._window.size().boundedTo(self._window.screen().availableSize() - FRAME))
        self._window.show()
        if self._options.problem is not None:
            self._status.write(problem=self._options.problem)
            self._window.show_start(self._options.problem)
            return
        text = self._options.key or interrupted_key(self._options.data_dir)
        if text is None:
            self._window.show_start()
        else:
            self._begin(text)

    @property
    def exit_code(self) -> int:
        """2 (or 1) when all that was opened was refused, 1 when this computer did not pass the check, otherwise 0."""
        if self._running is not None:
            return int(self._running.shell.checks_failed)
        return 0 if self._refused is None else self._refused.exit_code

    def look_at_clock(self) -> None:
        """Now and then: whether somebody set the machine's clock."""
        if self._running is not None:
            self._running.look_at_clock()

    def close(self) -> None:
        running, self._running = self._running, None
        with ExitStack() as then:
            then.callback(self._kiosk.release)
            then.callback(self._windows.close)
            if running is not None:
                running.stop()

    def _begin(self, text: str) -> None:
        try:
            key = open_key(text, self._options.trust, self._options.data_dir, datetime.now(tz=UTC))
            self._window.set_policy(key.policy)
            self._window.show_opening(key.policy.exam.title)
            self._running = RunningAttempt(
                key, self._options, self._clock, self._windows, self._kiosk, self._status, self._verified
            )
        except InvigilError as error:
            self._refused = error
            log.error("the exam can't be opened", error=str(error))
            if text == self._options.key:
                print(f"invigil: {error}", file=sys.stderr)
            self._window.show_start(str(error))
            self._status.write(problem=str(error))  # last: who waits for it finds the page there
            return
        self._refused = None
        self._kiosk.allow_quit(key.policy.lockdown.quit_always)
        self._running.start()

    def _verified(self, token: str, at: datetime) -> ConfigKey:
        """A newer key, judged as the first one was. Any thread."""
        trusted = TrustedIssuers.load([*default_trust_paths(), *self._options.trust])
        return read_key(token, trusted, at, __version__)

    def _connect(self) -> None:
        window, kiosk = self._window, self._kiosk
        window.key_chosen.connect(self._begin)
        window.checks_repeated.connect(lambda: self._post(EventName.CHECKS_REPEATED))
        window.checks_accepted.connect(lambda: self._call(lambda r: r.shell.accept_checks()))
        window.consent_given.connect(lambda: self._post(EventName.CONSENT_GIVEN))
        window.consent_declined.connect(lambda: self._post(EventName.CONSENT_DECLINED))
        window.photo_requested.connect(lambda: self._call(lambda r: r.shell.identity.request()))
        window.photo_retaken.connect(lambda: self._call(lambda r: r.shell.identity.retake()))
        window.photo_accepted.connect(lambda: self._call(lambda r: r.shell.accept_photo(r.controller.state)))
        window.finish_confirmed.connect(lambda: self._post(EventName.FINISH_REQUESTED, "finished by the candidate"))
        window.quit_requested.connect(self._quit)
        window.lockdown_retried.connect(lambda: self._post(EventName.LOCKDOWN_RETRIED))
        window.problem_retried.connect(lambda: self._call(lambda r: r.shell.hand_in.retry(r.controller.state)))
        window.close_requested.connect(QApplication.quit)
        window.report_requested.connect(_open_report)
        window.closed_by_system.connect(self._quit)
        window.page_changed.connect(self._left)
        self._windows.on_page_finished = self._page_finished
        self._windows.on_url_blocked = lambda url: self._call(lambda r: r.shell.url_blocked(url))
        kiosk.focus_changed.connect(self._focus_changed)
        kiosk.key_blocked.connect(self._key_blocked)
        kiosk.quit_combination.connect(self._quit)

    def _post(self, name: EventName, reason: str = "") -> None:
        if self._running is not None:
            self._running.controller.post_event(Event(name, reason))

    def _call(self, work: Callable[[RunningAttempt], None]) -> None:
        running = self._running
        if running is not None:
            running.controller.call(lambda: work(running))

    def _quit(self) -> None:
        """Before an exam runs the window just closes; a running exam ends only where the policy lets it."""
        if self._running is None:
            QApplication.quit()
            return
        state = self._running.controller.state
        always = self._running.policy.lockdown.quit_always
        interrupted = state.phase is Phase.VERIFIED and state.begun and not always
        if interrupted or state.phase in (Phase.FINISHING, Phase.UPLOADING, Phase.DONE, Phase.ABORTED):
            QApplication.quit()  # and go on at the next start
        elif always or state.phase in BEFORE_LOCK:
            self._leaving = state.phase in BEFORE_LOCK
            self._post(EventName.ABORT_REQUESTED, "quit by the candidate")

    def _left(self, page: str) -> None:
        """Whoever quits before anything was recorded is not asked to close the window as well."""
        if self._leaving and page == "aborted":
            QApplication.quit()

    def _page_finished(self, reason: str) -> None:
        words = f"finished by the exam page ({reason})" if reason else "finished by the exam page"
        self._post(EventName.FINISH_REQUESTED, words)

    def _focus_changed(self, focused: bool, detail: str) -> None:
        if self._running is not None:
            self._running.controller.post_observation(FocusChanged(self._clock.now().mono_ns, focused, detail))

    def _key_blocked(self, keys: str, capture: bool) -> None:
        if self._running is not None:
            self._running.controller.post_observation(KeyBlocked(self._clock.now().mono_ns, keys, capture))


def _known_programs() -> tuple[ListedProcess, ...]:
    """Why programs are denied; no exam is kept from starting because a reason is missing."""
    try:
        return load_process_list(resources_dir() / "lists" / "processes.json")
    except InvigilError as error:
        log.warning("no reasons for denied programs", error=str(error))
        return ()


FRAME = QSize(16, 56)
"""Room that a window manager takes for a title and borders."""
BEFORE_LOCK = frozenset({Phase.CREATED, Phase.CONFIGURED, Phase.CHECKED, Phase.CONSENTED, Phase.VERIFIED})


def _open_report(url: str) -> None:
    """In the system's own browser, which must not meet a frozen application's libraries. The exam is over by now."""
    foreign = foreign_environment(os.environ)
    for name in [n for n in os.environ if n not in foreign]:
        del os.environ[name]
    os.environ.update(foreign)
    QDesktopServices.openUrl(QUrl(url))


CRASHED = 70
"""The exit code by which the guardian knows that the client has to be started again."""


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    """A client whose session thread died can neither judge nor write: better a restart, which the evidence survives."""
    error = failure.exc_value
    name = failure.thread.name if failure.thread else "?"
    log.critical("a thread died", thread=name, exc_info=error)
    if name == "session":
        os._exit(CRASHED)


def _slot_failed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What was clicked did not work, but the exam goes on."""
    log.critical("the window failed", exc_info=(kind, error, trace))


def _need_display(options: ClientOptions) -> None:
    """Without one Qt would end this process without a sentence. A key that can't be used is the more useful one."""
    if machine_facts().system is not System.LINUX_NO_DISPLAY:
        return
    if options.key is not None:
        open_key(options.key, options.trust, options.data_dir, datetime.now(tz=UTC))
    raise InvigilError("There is no display that answers; start Invigil in a desktop session.")


def run_client(options: ClientOptions) -> int:
    """Runs until the person is done; returns the exit code. 0-3 are endings, anything else makes the guardian restart."""
    try:
        return _run(options)
    except InvigilError:
        raise
    except Exception:
        # Python would end with 1, which the guardian takes for an ending: whatever it was, the exam has to go on
        log.exception("the client failed")
        return CRASHED


def _run(options: ClientOptions) -> int:
    _need_display(options)
    keep_singletons_alive()
    prepare_environment(os.environ, is_root=hasattr(os, "geteuid") and os.geteuid() == 0)
    if options.loopback:
        refuse_ipv6_datagrams()
    if options.key is not None and stays_on_loopback(options.key):
        refuse_ipv6_datagrams()
    application = QApplication(["invigil"])
    application.setApplicationName("Invigil")
    application.setQuitOnLastWindowClosed(False)
    apply_theme(application, None)
    client = Client(options)
    beat = QTimer()  # lets Python see SIGTERM while Qt waits
    beat.start(200)
    beat.timeout.connect(client.look_at_clock)
    # exit, as a window may refuse quit; by a timer, as it may come before the loop runs
    signal.signal(signal.SIGTERM, lambda *_: QTimer.singleShot(0, lambda: application.exit(0)))
    threading.excepthook = _thread_failed
    sys.excepthook = _slot_failed
    try:
        client.open()
        return application.exec() or client.exit_code
    finally:
        beat.stop()
        client.close()
