"""The client's one window: which page is shown, and what the candidate did on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent, QImage, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow, QRhiWidget, QStackedWidget, QVBoxLayout, QWidget

from app.core.checks import CheckResult
from app.core.hold import HoldView
from app.core.policy import Policy
from app.core.verdict import VerdictView
from app.ui.candidate_page import CandidatePage
from app.ui.checks_page import ChecksPage
from app.ui.consent_page import ConsentPage
from app.ui.end_page import AbortedPage, DonePage, ProblemPage
from app.ui.exam_page import ExamPage
from app.ui.header import Header
from app.ui.icons import Icons
from app.ui.identity_page import IdentityPage
from app.ui.issuer_page import IssuerPage
from app.ui.overlay import NoticeKind
from app.ui.page import Page
from app.ui.password_page import PasswordPage
from app.ui.progress_page import UploadPage, WaitPage
from app.ui.start_page import StartPage
from app.ui.theme import current
from app.ui.verdict_page import VerdictPage

PageName = Literal[
    "",
    "start",
    "opening",
    "password",
    "server",
    "issuer",
    "candidate",
    "checks",
    "verdict",
    "consent",
    "identity",
    "exam",
    "hold",
    "paused",
    "finishing",
    "uploading",
    "done",
    "aborted",
    "problem",
]

_MIN_SIZE_PX = (800, 560)
_ASKING = frozenset({"password", "server", "issuer", "candidate"})
_NO_STEPS = _ASKING | {"start", "opening", "problem", "finishing", "uploading", "done", "aborted"}
_NO_QUIT = frozenset({"finishing", "uploading", "done", "aborted"})


class ClientWindow(QMainWindow):
    """Shows one page at a time and emits what the candidate decided. It decides nothing. UI thread only.

    Every ``show_…`` may be called at any time and again. ``page_changed`` carries the name that
    ``current_page()`` returns from then on. While the lock screen or the pause lies over the exam,
    that is ``hold`` or ``paused``.
    """

    key_chosen = Signal(str)
    password_entered = Signal(str)
    trust_answered = Signal(bool)
    candidate_entered = Signal(object)
    opening_left = Signal()
    checks_repeated = Signal()
    checks_accepted = Signal()
    verdict_asked = Signal()
    let_pass_entered = Signal(str, str)
    consent_given = Signal()
    consent_declined = Signal()
    photo_requested = Signal()
    photo_retaken = Signal()
    photo_accepted = Signal()
    finish_confirmed = Signal()
    quit_requested = Signal()
    lockdown_retried = Signal()
    problem_retried = Signal()
    hold_password_entered = Signal(str)
    hold_continued = Signal()
    hold_close_asked = Signal()
    hold_left = Signal()
    zoom_changed = Signal(float)
    report_requested = Signal(str)
    close_requested = Signal()
    closed_by_system = Signal()
    page_changed = Signal(str)

    def __init__(self, icons: Path) -> None:
        super().__init__()
        self.allow_close = False
        self._name: PageName = ""
        self._photo_step = True
        self._lockdown_problem = False
        pictures = Icons(icons)
        self.header = Header(pictures)
        self.start_page = StartPage(pictures)
        self.opening_page = WaitPage(pictures, self.tr("Opening your exam"))
        self.password_page = PasswordPage(pictures)
        self.issuer_page = IssuerPage(pictures)
        self.candidate_page = CandidatePage(pictures)
        self.checks_page = ChecksPage(pictures)
        self.verdict_page = VerdictPage(pictures)
        self.consent_page = ConsentPage(pictures)
        self.identity_page = IdentityPage(pictures)
        self.exam_page = ExamPage(pictures)
        self.finishing_page = WaitPage(pictures, self.tr("Finishing your exam"))
        self.upload_page = UploadPage(pictures)
        self.done_page = DonePage(pictures)
        self.aborted_page = AbortedPage(pictures)
        self.problem_page = ProblemPage(pictures)
        self._stack = QStackedWidget()
        self._graphics = QRhiWidget()
        self._lay_out()
        self._connect()
        self.setWindowTitle("Invigil")
        self.setWindowIcon(pictures.icon("shield", current().colours.accent))

    def _lay_out(self) -> None:
        for page in (
            self.start_page, self.opening_page, self.password_page, self.issuer_page, self.candidate_page,
            self.checks_page, self.verdict_page, self.consent_page, self.identity_page, self.exam_page,
            self.finishing_page, self.upload_page, self.done_page, self.aborted_page, self.problem_page,
        ):  # fmt: skip
            self._stack.addWidget(page)
        whole = QWidget()
        whole.setProperty("surface", "window")
        # Hidden, and never drawn: without it the first web view would make Qt destroy and create this window
        # again to draw with the graphics card, and a new native window has lost full screen and every grab.
        self._graphics.setParent(whole)
        self._graphics.hide()
        down = QVBoxLayout(whole)
        down.setContentsMargins(0, 0, 0, 0)
        down.setSpacing(0)
        down.addWidget(self.header)
        down.addWidget(self._stack, 1)
        self.setCentralWidget(whole)
        self.setMinimumSize(*_MIN_SIZE_PX)
        self.resize(current().px(1100), current().px(740))

    def _connect(self) -> None:
        self.header.quit_pressed.connect(self.quit_requested)
        QShortcut(QKeySequence("Ctrl+Alt+Shift+Q"), self).activated.connect(self.quit_requested)
        self.start_page.key_chosen.connect(self.key_chosen)
        self.password_page.entered.connect(self.password_entered)
        self.issuer_page.answered.connect(self.trust_answered)
        self.candidate_page.entered.connect(self.candidate_entered)
        for asking in (self.password_page, self.candidate_page):
            asking.left.connect(self.opening_left)
        self.checks_page.repeated.connect(self.checks_repeated)
        self.checks_page.accepted.connect(self.checks_accepted)
        self.checks_page.verdict_asked.connect(self.verdict_asked)
        self.verdict_page.left.connect(lambda: self._show(self.checks_page, "checks"))
        self.verdict_page.repeated.connect(self.checks_repeated)
        self.verdict_page.let_pass.connect(self.let_pass_entered)
        self.consent_page.given.connect(self.consent_given)
        self.consent_page.declined.connect(self.consent_declined)
        self.identity_page.requested.connect(self.photo_requested)
        self.identity_page.retaken.connect(self.photo_retaken)
        self.identity_page.accepted.connect(self.photo_accepted)
        self.exam_page.finish_confirmed.connect(self.finish_confirmed)
        self.exam_page.quit_confirmed.connect(self.quit_requested)
        self.exam_page.zoom_changed.connect(self.zoom_changed)
        self.exam_page.password_entered.connect(self.hold_password_entered)
        self.exam_page.hold_continued.connect(self.hold_continued)
        self.exam_page.hold_close_asked.connect(self.hold_close_asked)
        self.exam_page.hold_left.connect(self.hold_left)
        self.exam_page.cover_changed.connect(self._cover_changed)
        self.problem_page.retried.connect(self._retried)
        self.done_page.report_requested.connect(self.report_requested)
        for closing in (self.upload_page, self.done_page, self.aborted_page):
            closing.closed.connect(self.close_requested)

    # ---- before the exam

    def show_start(self, problem: str = "") -> None:
        self.header.show_title("")
        self.candidate_page.clear()
        self.start_page.show_problem(problem)
        self._show(self.start_page, "start")

    def show_opening(self, title: str) -> None:
        """``title`` of the exam where it is known, otherwise empty."""
        self.header.show_title(title)
        self.opening_page.show_words(self.tr("Opening your exam"), title or self.tr("This takes a moment."))
        self._show(self.opening_page, "opening")

    def show_password(self, problem: str, wait_s: int) -> None:
        """Asks for the key's password; ``problem`` says why again. Emits ``password_entered`` or ``opening_left``."""
        self.password_page.ask(problem, wait_s)
        self._show(self.password_page, "password")

    def show_server(self, address: str) -> None:
        """Asks whether this server, which nobody vouches for, may be asked. Emits ``trust_answered``."""
        self.issuer_page.ask_server(address)
        self._show(self.issuer_page, "server")

    def show_issuer(self, name: str, fingerprint: str, address: str) -> None:
        """Asks whether to trust an issuer that the server at ``address`` told of. Emits ``trust_answered``."""
        self.issuer_page.ask_issuer(name, fingerprint, address)
        self._show(self.issuer_page, "issuer")

    def show_candidate(self, exam: str, group: str, problem: str) -> None:
        """Asks who the person is. Emits ``candidate_entered`` with a ``core.policy.Candidate`` or ``opening_left``."""
        self.candidate_page.ask(exam, group, problem)
        self._show(self.candidate_page, "candidate")

    def set_policy(self, policy: Policy) -> None:
        """What the pages before consent may already show: the exam's title and the devices that it uses."""
        self.header.show_title(policy.exam.title)
        self._photo_step = policy.identity.photo
        self.checks_page.set_capture(policy.capture)

    def show_checks(self, results: Sequence[CheckResult], running: bool) -> None:
        self.checks_page.show_results(results, running)
        self._show(self.checks_page, "checks")

    def show_verdict(self, view: VerdictView) -> None:
        """What the machine was judged by. Back leads to the checks; otherwise ``checks_repeated`` or ``let_pass_entered``."""
        self.verdict_page.show_view(view)
        self._show(self.verdict_page, "verdict")

    def set_preview(self, picture: QImage) -> None:
        """The camera's newest picture, for whichever page shows it."""
        if self._name == "checks":
            self.checks_page.set_picture(picture)
        elif self._name == "identity":
            self.identity_page.set_preview(picture)

    def set_mic_level(self, dbfs: float, speech: bool) -> None:
        self.checks_page.meter.show_level(dbfs, speech)

    def show_consent(self, policy: Policy) -> None:
        self.set_policy(policy)
        self.consent_page.show_policy(policy)
        self._show(self.consent_page, "consent")

    def show_identity(self, policy: Policy) -> None:
        self.set_policy(policy)
        self.identity_page.show_policy(policy)
        self._show(self.identity_page, "identity")

    def set_photo(self, photo: QImage) -> None:
        """The picture that was taken, to be used or taken again. A null picture goes back to the live one."""
        self.identity_page.set_photo(photo)

    def set_identity_hint(self, text: str) -> None:
        self.identity_page.set_hint(text)

    # ---- the exam

    def show_exam(self, view: QWidget, policy: Policy) -> None:
        """``view`` becomes a child of this window until ``release_view`` or the next view."""
        self.set_policy(policy)
        self.exam_page.show_exam(view, policy)
        self._show(self.exam_page, self.exam_page.state)

    def release_view(self) -> QWidget | None:
        """The exam's view, without a parent again; None when there is none."""
        return self.exam_page.release_view()

    def set_time_left(self, seconds: int | None) -> None:
        """None hides the clock."""
        self.exam_page.bar.time.show_seconds(seconds)

    def set_indicators(self, camera: bool, microphone: bool, screen: bool) -> None:
        """What is recorded at this moment."""
        self.exam_page.bar.indicators.show_capture(camera, microphone, screen)

    def set_network(self, online: bool, sentence: str) -> None:
        self.exam_page.bar.show_network(online, sentence)

    def set_battery(self, percent: int | None, charging: bool) -> None:
        """None hides the battery."""
        self.exam_page.bar.show_battery(percent, charging)

    def show_message(self, text: str) -> None:
        """Over the exam, until it is dismissed; an empty one takes the last away."""
        self.exam_page.show_message(text)

    def show_notice(self, text: str, kind: NoticeKind) -> None:
        self.exam_page.show_notice(text, kind)

    def show_hold(self, view: HoldView) -> None:
        """Locks the exam's page. Called again, it shows what has changed: what is still open, a wrong password."""
        self.exam_page.show_hold(view)
        self._show(self.exam_page, "hold")

    def hide_hold(self) -> None:
        self.exam_page.hide_hold()

    def show_paused(self, reason: str) -> None:
        self.exam_page.show_paused(reason)
        self._show(self.exam_page, self.exam_page.state)

    def hide_paused(self) -> None:
        self.exam_page.hide_paused()

    # ---- after the exam

    def show_finishing(self, sentence: str) -> None:
        words = sentence or self.tr("Your answers are in. Please leave the computer on.")
        self.finishing_page.show_words(self.tr("Finishing your exam"), words)
        self._show(self.finishing_page, "finishing")

    def show_uploading(self, done_bytes: int, total_bytes: int, files_left: int, sentence: str) -> None:
        self.upload_page.show_progress(done_bytes, total_bytes, files_left, sentence)
        self._show(self.upload_page, "uploading")

    def show_done(self, title: str, report_url: str | None, lines: Sequence[str]) -> None:
        self.done_page.show_end(title, report_url, lines)
        self._show(self.done_page, "done")

    def show_aborted(self, reason: str, advice: str) -> None:
        self.aborted_page.show_end(reason, advice)
        self._show(self.aborted_page, "aborted")

    def show_problem(self, title: str, sentence: str, advice: str, retry: bool) -> None:
        """With ``retry`` a button emits ``problem_retried``."""
        self._lockdown_problem = False
        self.problem_page.show_problem(title, sentence, advice, retry)
        self._show(self.problem_page, "problem")

    def show_lockdown_problem(self, sentence: str, advice: str) -> None:
        """The exam can't be locked as it has to be. Its button emits ``lockdown_retried``."""
        self._lockdown_problem = True
        self.problem_page.show_problem(self.tr("The exam can't start yet"), sentence, advice, True)
        self._show(self.problem_page, "problem")

    # ---- the window

    def current_page(self) -> PageName:
        return self._name

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What the focused control had no use for goes to its page."""
        page = self._stack.currentWidget()
        if isinstance(page, Page | ExamPage) and page.handle_key(event):
            event.accept()
            return
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.allow_close:
            event.accept()
            return
        event.ignore()
        self.closed_by_system.emit()

    def _show(self, page: Page | ExamPage, name: PageName) -> None:
        """Turns to a page; nothing moves when it is the one that is shown."""
        if page is not self.exam_page:
            self.exam_page.clear()
        if name == self._name:
            return
        self._name = name
        self._show_header(name)
        turned = self._stack.currentWidget() is not page
        self._stack.setCurrentWidget(page)
        if turned or page is not self.exam_page:
            page.take_focus()
        self.page_changed.emit(name)

    def _show_header(self, name: PageName) -> None:
        self.header.setVisible(name not in ("exam", "hold", "paused"))
        self.header.show_quit(name not in _NO_QUIT)
        steps = [("checks", self.tr("Check")), ("consent", self.tr("Agree"))]
        if self._photo_step:
            steps.append(("identity", self.tr("Photo")))
        steps.append(("exam", self.tr("Exam")))
        shown = "checks" if name == "verdict" else name
        at = [step for step, _ in steps].index(shown) if shown in dict(steps) else -1
        self.header.show_steps([] if name in _NO_STEPS else [words for _, words in steps], at)

    def _cover_changed(self, _cover: str) -> None:
        if self._name in ("exam", "hold", "paused") and self._stack.currentWidget() is self.exam_page:
            state = self.exam_page.state
            if state != self._name:
                self._name = state
                self.page_changed.emit(state)

    def _retried(self) -> None:
        (self.lockdown_retried if self._lockdown_problem else self.problem_retried).emit()
