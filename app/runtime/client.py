"""The client process: composition root of everything that a candidate sees and that records."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType

import structlog
from PySide6.QtCore import QSize, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication

from app.browser.environment import prepare_environment
from app.browser.loopback import refuse_ipv6_datagrams
from app.core.errors import InvigilError
from app.core.lockdown import CLIPBOARD, System, wanted_operations
from app.core.session import Event, EventName, Phase
from app.core.types import NS_PER_S, EntryKind, FocusChanged, Json, KeyBlocked
from app.keys.tokens import ConfigKey
from app.lockdown.platform import active_window, belongs_elsewhere, is_elsewhere, machine_facts
from app.runtime.asking import KeyOpening, Openers
from app.runtime.attempts import PAGES, open_attempt
from app.runtime.clock import SteadyClock
from app.runtime.clock_moves import ClockMoves, Moved
from app.runtime.controller import SessionController
from app.runtime.foreign import foreign_environment
from app.runtime.guardian import ELSEWHERE, SCRUBBED
from app.runtime.guardian_watch import tell_end
from app.runtime.key_updates import KeyUpdates, Verify
from app.runtime.models import Models
from app.runtime.open_key import Opened, interrupted_key, keep_key, newest_key, stays_on_loopback
from app.runtime.opening import Asker, NobodyToAsk, Opener, machine_trust
from app.runtime.options import ClientOptions
from app.runtime.parts import ClientParts
from app.runtime.resources import resources_dir
from app.runtime.self_watch import SelfWatch
from app.runtime.shell import ClientShell
from app.runtime.status import StatusFile
from app.runtime.windows import Windows
from app.ui.interpreter import keep_singletons_alive
from app.ui.kiosk import Kiosk
from app.ui.main_window import ClientWindow
from app.ui.theme import apply_theme

log = structlog.get_logger()


class RunningAttempt:
    """Everything of one opened key. Built and closed on the UI thread."""

    def __init__(
        self,
        opened: Opened,
        options: ClientOptions,
        clock: SteadyClock,
        windows: Windows,
        kiosk: Kiosk,
        status: StatusFile,
        verify: Verify,
        scrubbed: Sequence[str],
    ) -> None:
        key = opened.key
        self._clock = clock
        self._clock_moves = ClockMoves()
        self._models = Models(key.policy)
        parts = ClientParts(key.policy, options, clock, self._models, kiosk)
        parts.sources()  # refused before anything is written
        clock.follow()
        self._attempt = open_attempt(options.data_dir, key.policy, key.kid, clock.now())
        try:
            keep_key(self._attempt.root, opened)
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
        self._self_watch = SelfWatch(
            options.journal, clock, self.controller.post_observation, self._noted, lambda: self.controller.judges,
            os.environ, scrubbed,
        )  # fmt: skip

    def start(self) -> None:
        self._models.start()
        self._self_watch.start()
        self._self_watch.tell_guardian(restart=self.policy.lockdown.restart_client)
        self.controller.start()

    def _noted(self, body: dict[str, Json]) -> None:
        """Any thread. What is told when the exam has just ended is not written: the chain may be sealed."""
        self.controller.call(lambda: self._note(body) if self.controller.state.monitored else None)

    def _note(self, body: dict[str, Json]) -> None:
        self._attempt.note(EntryKind.EVENT, body, self._clock.now())

    def look_at_clock(self) -> None:
        moved_ns, state = self._clock.moved_ns(), self.controller.state
        if moved_ns and state.phase in BEFORE_LOCK and not state.begun:
            self._clock.follow()
            self.shell.clock_was_set(Moved(round(moved_ns / NS_PER_S), "before the exam"))
        elif told := self._clock_moves.look(moved_ns, self._clock.now().mono_ns):
            self.shell.clock_was_set(told)

    def stop(self) -> None:
        """The session may be waiting for this thread, to lock or unlock the window: so it goes on meanwhile."""
        with ExitStack() as then:  # from the last to the first, past errors
            then.callback(self._attempt.store.close)
            then.callback(self._models.close)
            then.callback(self.shell.close)
            then.callback(self._self_watch.stop)
            self.controller.stop(meanwhile=lambda: QApplication.processEvents())


class Client:
    """The application object: windows, and at most one running attempt."""

    def __init__(
        self, options: ClientOptions, scrubbed: Sequence[str] = (), leave: Callable[[], None] = QApplication.quit
    ) -> None:
        self._options = options
        self._leave = leave
        self._scrubbed = tuple(scrubbed)
        self._clock = SteadyClock()
        self._status = StatusFile(options.status)
        self._window = ClientWindow(resources_dir() / "ui")
        self._kiosk = Kiosk(self._window, active_window=active_window)
        self._windows = Windows(self._window, self._kiosk, resources_dir() / "sdk" / "page_api.js", self._status)
        self._running: RunningAttempt | None = None
        self._leaving = False
        self._moves = False
        self._refused: InvigilError | None = None
        openers = Openers(self._opener, self._opened, self._refuse)
        self._opening = KeyOpening(self._window, self._windows.run, openers)
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
        if text is None and is_elsewhere():
            text = newest_key(self._options.data_dir)
        if text is None:
            self._window.show_start()
        else:
            self._opening.begin(text)

    @property
    def exit_code(self) -> int:
        """4 to be started again on a desktop of the exam's own, 2 (or 1) when all that was opened was refused, 1 when this
        computer did not pass the check, otherwise 0."""
        if self._moves:
            return ELSEWHERE
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
            then.callback(self._opening.close)
            if running is not None:
                running.stop()

    def _opened(self, argument: str, opened: Opened) -> None:
        policy = opened.key.policy
        try:
            self._window.set_policy(policy)
            self._window.show_opening(policy.exam.title)
            self._running = RunningAttempt(
                opened, self._options, self._clock, self._windows, self._kiosk, self._status, self._verified,
                self._scrubbed,
            )  # fmt: skip
        except InvigilError as error:
            self._refuse(argument, error)
            return
        self._refused = None
        if belongs_elsewhere(policy):
            self._moves = True
            self._leave()
            return
        self._kiosk.allow_quit(policy.lockdown.quit_always)
        self._kiosk.keep_copies(CLIPBOARD in wanted_operations(policy))
        self._running.start()

    def _refuse(self, argument: str, error: InvigilError) -> None:
        self._refused = error
        log.error("the exam can't be opened", error=str(error))
        if argument == self._options.key:
            print(f"invigil: {error}", file=sys.stderr)
        self._window.show_start(str(error))
        self._status.write(problem=str(error))  # last: who waits for it finds the page there

    def _opener(self, ask: Asker) -> tuple[Opener, Callable[[], None]]:
        machine = machine_trust(self._options)
        return Opener(self._options, machine, ask), machine.close

    def _verified(self, token: str, at: datetime) -> ConfigKey:
        """A newer key, judged as the first one was. Any thread."""
        machine = machine_trust(self._options)
        machine.load()
        return machine.verify(token, at)

    def _connect(self) -> None:
        window, kiosk = self._window, self._kiosk
        window.key_chosen.connect(self._opening.begin)
        window.checks_repeated.connect(lambda: self._post(EventName.CHECKS_REPEATED))
        window.checks_accepted.connect(lambda: self._call(lambda r: r.shell.accept_checks()))
        window.verdict_asked.connect(lambda: self._call(lambda r: r.shell.show_verdict()))
        window.let_pass_entered.connect(self._let_pass)
        window.consent_given.connect(lambda: self._post(EventName.CONSENT_GIVEN))
        window.consent_declined.connect(lambda: self._post(EventName.CONSENT_DECLINED))
        window.photo_requested.connect(lambda: self._call(lambda r: r.shell.identity.request()))
        window.photo_retaken.connect(lambda: self._call(lambda r: r.shell.identity.retake()))
        window.photo_accepted.connect(lambda: self._call(lambda r: r.shell.accept_photo(r.controller.state)))
        window.finish_confirmed.connect(lambda: self._post(EventName.FINISH_REQUESTED, "finished by the candidate"))
        window.quit_requested.connect(self._quit)
        window.hold_continued.connect(lambda: self._call(lambda r: r.shell.holding.go_on(r.controller.state)))
        window.hold_close_asked.connect(lambda: self._call(lambda r: r.shell.holding.close_for_me(r.controller.state)))
        window.hold_left.connect(lambda: self._call(lambda r: r.shell.holding.leave(r.controller.state)))
        window.hold_password_entered.connect(self._unlock)
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

    def _unlock(self, password: str) -> None:
        self._call(lambda r: r.shell.holding.try_password(r.controller.state, password))

    def _let_pass(self, password: str, reason: str) -> None:
        self._call(lambda r: r.shell.let_pass(password, reason, r.controller.state))

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
    nobody = NobodyToAsk("There is no display that answers; start Invigil in a desktop session.")
    if options.key is not None:
        Opener(options, machine_trust(options), nobody).open(options.key)
    raise InvigilError(nobody.sentence)


def run_client(options: ClientOptions) -> int:
    """Runs until the person is done; returns the exit code. 0-3 are endings, anything else makes the guardian restart."""
    try:
        code = _run(options)
    except InvigilError:
        tell_end(options.journal)
        raise
    except Exception:
        # Python would end with 1, which the guardian takes for an ending: whatever it was, the exam has to go on
        log.exception("the client failed")
        return CRASHED
    tell_end(options.journal)
    return code


def _run(options: ClientOptions) -> int:
    _need_display(options)
    keep_singletons_alive()
    taken = prepare_environment(os.environ, is_root=hasattr(os, "geteuid") and os.geteuid() == 0)
    kept_off = [name for name in os.environ.pop(SCRUBBED, "").split(",") if name]
    if options.loopback:
        refuse_ipv6_datagrams()
    if options.key is not None and stays_on_loopback(options.key):
        refuse_ipv6_datagrams()
    application = QApplication(["invigil"])
    application.setApplicationName("Invigil")
    application.setQuitOnLastWindowClosed(False)
    apply_theme(application, None)
    client = Client(options, sorted({*taken, *kept_off}), leave=lambda: application.exit(0))
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
