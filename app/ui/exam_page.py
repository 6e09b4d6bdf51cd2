"""The exam itself: the page of the institution under the bar, and what may lie over it."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.core.hold import HoldView
from app.core.policy import Policy
from app.ui.exam_bar import ExamBar
from app.ui.hold_overlay import HoldOverlay
from app.ui.icons import Icons
from app.ui.overlay import Notice, NoticeKind, Overlay, PausedOverlay, Question

Cover = Literal["", "question", "paused", "hold"]


class ExamPage(QWidget):
    """Signals of the bar and the overlays, passed on. ``cover_changed`` tells what lies over the exam.

    A lock lies over a pause; both take an open question away when they come. While something lies over the exam,
    neither keys nor clicks reach it. F6 goes from the exam to the bar, to a message if there is one, and back.
    """

    finish_confirmed = Signal()
    quit_confirmed = Signal()
    zoom_changed = Signal(float)
    password_entered = Signal(str)
    hold_continued = Signal()
    hold_close_asked = Signal()
    hold_left = Signal()
    cover_changed = Signal(str)

    def __init__(self, icons: Icons) -> None:
        super().__init__()
        self.view: QWidget | None = None
        self.cover: Cover = ""
        self.bar = ExamBar(icons)
        self._holder = QWidget()
        self._inside = QVBoxLayout(self._holder)
        self._inside.setContentsMargins(0, 0, 0, 0)
        self.notice = Notice(icons, self._holder)
        self.message = Notice(icons, self._holder, lasting=True)
        self.hold = HoldOverlay(icons)
        self.paused = PausedOverlay(icons)
        self.finish_question = Question(
            icons,
            "flag",
            self.tr("Finish the exam?"),
            self.tr("You can't come back to your answers after this."),
            self.tr("Finish now"),
            self.tr("Keep working"),
        )
        self.quit_question = Question(
            icons,
            "leave",
            self.tr("Leave the exam?"),
            self.tr("The exam ends here, and what was recorded so far is sent."),
            self.tr("Leave now"),
            self.tr("Stay"),
        )
        self.leave_question = Question(
            icons,
            "flag",
            self.tr("Hand in and leave?"),
            self.tr("The exam ends here. You can't come back to your answers after this."),
            self.tr("Hand in now"),
            self.tr("Stay"),
        )
        self._question: Question | None = None
        self._held = False
        self._paused = False
        for overlay in self._overlays:
            overlay.setParent(self._holder)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        whole.addWidget(self._holder, 1)
        self._holder.installEventFilter(self)
        self._connect()

    @property
    def _overlays(self) -> tuple[Overlay, ...]:
        return (self.finish_question, self.quit_question, self.leave_question, self.paused, self.hold)

    @property
    def top_overlay(self) -> Overlay | None:
        by_cover: dict[Cover, Overlay | None] = {"hold": self.hold, "paused": self.paused, "question": self._question}
        return by_cover.get(self.cover)

    @property
    def state(self) -> Literal["exam", "paused", "hold"]:
        return "hold" if self._held else "paused" if self._paused else "exam"

    def _connect(self) -> None:
        self.bar.finish_pressed.connect(lambda: self._ask(self.finish_question))
        self.bar.quit_pressed.connect(lambda: self._ask(self.quit_question))
        self.bar.zoom_changed.connect(self.zoom_changed)
        self.hold.password_entered.connect(self.password_entered)
        self.hold.continued.connect(self.hold_continued)
        self.hold.close_asked.connect(self.hold_close_asked)
        self.hold.left.connect(lambda: self._ask(self.leave_question))
        for question in (self.finish_question, self.quit_question, self.leave_question):
            question.confirmed.connect(self._answered)
            question.declined.connect(self._answered)
        self.finish_question.confirmed.connect(self.finish_confirmed)
        self.quit_question.confirmed.connect(self.quit_confirmed)
        self.leave_question.confirmed.connect(self.hold_left)
        for keys, by in ((("Ctrl++", "Ctrl+="), 1), (("Ctrl+-",), -1), (("Ctrl+0",), 0)):
            shortcut = QShortcut(self)
            shortcut.setKeys([QKeySequence(key) for key in keys])
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda by=by: self._zoom(by))
        change = QShortcut(QKeySequence("F6"), self)
        change.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        change.activated.connect(self._change_sides)

    def show_exam(self, view: QWidget, policy: Policy) -> None:
        """Puts ``view`` under the bar. The view before it, if any, is handed back without a parent."""
        self.bar.show_policy(policy)
        if view is not self.view:
            self.release_view()
            self.view = view
            self._inside.addWidget(view)
            self.bar.reset_zoom()
            for widget in (self.notice, self.message, *self._overlays):
                widget.raise_()
        self._cover_up()

    def release_view(self) -> QWidget | None:
        """Takes the exam's view out of the window, so that its owner can delete it."""
        view, self.view = self.view, None
        if view is not None:
            self._inside.removeWidget(view)
            view.setParent(None)
        return view

    def show_hold(self, view: HoldView) -> None:
        """Called again it shows what has changed, and leaves a question that was opened meanwhile."""
        self.hold.show_view(view)
        if not self._held:
            self._held = True
            self._question = None
            self._cover_up()

    def hide_hold(self) -> None:
        self._end_hold()
        self._cover_up()

    def _end_hold(self) -> None:
        self._held = False
        self.hold.forget()
        if self._question is self.leave_question:
            self._question = None

    def show_paused(self, reason: str) -> None:
        self.paused.show_reason(reason)
        self._paused = True
        self._question = None
        self._cover_up()

    def hide_paused(self) -> None:
        self._paused = False
        self._cover_up()

    def clear(self) -> None:
        """Nothing lies over the exam any more: another page is shown."""
        self._end_hold()
        self._paused = False
        self._question = None
        self._cover_up()

    def show_notice(self, text: str, kind: NoticeKind) -> None:
        self.notice.show_text(text, kind)

    def show_message(self, text: str) -> None:
        """From the people who give the exam; an empty one takes the last away."""
        if text:
            self.message.show_text(self.tr("Message: {text}").format(text=text), "info")
        else:
            self.message.hide()

    def take_focus(self) -> None:
        overlay = self.top_overlay
        if overlay is not None:
            overlay.take_focus()
        elif self.view is not None:
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def handle_key(self, event: QKeyEvent) -> bool:
        overlay = self.top_overlay
        button = overlay.default_button if overlay is not None else None
        if button is None or event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter) or event.isAutoRepeat():
            return False
        button.click()
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            for overlay in self._overlays:
                overlay.setGeometry(self._holder.rect())
        return super().eventFilter(watched, event)

    def _ask(self, question: Question) -> None:
        """Over a lock, too: Quit, where it is shown, works at any time."""
        self._question = question
        self._cover_up()

    def _answered(self) -> None:
        self._question = None
        self._cover_up()

    def _zoom(self, by: int) -> None:
        if not self.cover:
            self.bar.step_zoom(by)

    def _change_sides(self) -> None:
        if self.cover:
            return
        in_bar = any(control.hasFocus() for control in self.bar.findChildren(QPushButton))
        if in_bar and self.message.isVisible():
            self.message.dismiss_button.setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif in_bar or self.message.dismiss_button.hasFocus():
            self.take_focus()
        else:
            self.bar.finish_button.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _cover_up(self) -> None:
        cover: Cover = "question" if self._question else "hold" if self._held else "paused" if self._paused else ""
        self.cover = cover
        if cover:
            self._lay_over()
        else:
            self._uncover()
        self.notice.raise_()
        self.message.raise_()
        self.cover_changed.emit(cover)

    # The focus is moved before anything that has it is hidden or disabled. Left to Qt it would wander on as
    # by Tab, and a web page that it so enters jumps to its first field and selects what is written there.

    def _lay_over(self) -> None:
        shown = self.top_overlay
        if shown is None:
            return
        if self._question is not None:  # it must not uncover what a hold or a pause hides
            self._question.set_solid(self._held or self._paused)
        shown.show()
        shown.raise_()
        if self.isVisible():
            shown.take_focus()
        self._let_work(False)
        self._hide_overlays_but(shown)

    def _uncover(self) -> None:
        self._let_work(True)
        if self.isVisible():
            self.take_focus()
        self._hide_overlays_but(None)

    def _let_work(self, on: bool) -> None:
        if self.view is not None:
            self.view.setEnabled(on)
        self.bar.set_working(on)

    def _hide_overlays_but(self, shown: Overlay | None) -> None:
        for overlay in self._overlays:
            if overlay is not shown:
                overlay.hide()
