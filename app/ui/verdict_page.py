"""Why an exam does not start on this computer: every sign, what it counts, what to do, and what happens next."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.core.verdict import LEAST_REASON_CHARS, MOST_REASON_CHARS, Sign, VerdictPart, VerdictView
from app.ui.entry import Entry
from app.ui.icons import Icons
from app.ui.page import ContentPage
from app.ui.theme import current
from app.ui.widgets import Button, IconView, Message, announce, column, frame, label, row
from app.ui.words import breakable

_PASSWORD_CHARS_MAX = 1000
_TICK_MS = 1000


class VerdictPage(ContentPage):
    """Signals: ``left`` goes back to the check, ``repeated`` checks again, ``let_pass`` carries password and reason.

    What was typed as password is not kept once it was entered or left.
    """

    left = Signal()
    repeated = Signal()
    let_pass = Signal(str, str)

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, self.tr("What was seen of this computer"), width_px=860)
        self._wait_s = 0
        self._problem = ""
        self._clock = QTimer(self)
        self._clock.setInterval(_TICK_MS)
        self._clock.timeout.connect(self._tick)
        self._parts = column(14)
        self.body.addLayout(self._parts)
        self.supervisor = self._build_supervisor()
        self.body.addWidget(self.supervisor)
        self.body.addStretch(1)
        self.back_button = Button(self.tr("Back"), "secondary")
        self.let_pass_button = Button(self.tr("Let the exam start"), "secondary")
        self.repeat_button = Button(self.tr("Check again"), "primary", icons, "repeat")
        self.choices.addWidget(self.back_button)
        self.choices.addStretch(1)
        self.choices.addWidget(self.let_pass_button)
        self.choices.addWidget(self.repeat_button)
        self.set_default(self.repeat_button)
        self.back_button.clicked.connect(self._leave)
        self.repeat_button.clicked.connect(self._repeat)
        self.let_pass_button.clicked.connect(self._enter)
        for entry in (self.reason, self.field):
            entry.textChanged.connect(lambda _text: self._allow())

    def _build_supervisor(self) -> QFrame:
        card = frame("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(*[current().px(18)] * 4)
        inside.setSpacing(current().px(10))
        self.reason = Entry(self.tr("Supervisor: why may the exam start here?"), chars_max=MOST_REASON_CHARS)
        self.field = Entry(self.tr("Supervisor's password"), chars_max=_PASSWORD_CHARS_MAX, secret=True)
        self.problem = Message(self.icons, "danger")
        inside.addWidget(label(self.tr("A supervisor can let the exam start"), "strong"))
        note = self.tr("The reason is kept with the exam. What was seen is recorded, and does not stop the exam later.")
        inside.addWidget(label(note, "muted"))
        inside.addLayout(self.reason.with_caption())
        inside.addLayout(self.field.with_caption())
        inside.addWidget(self.problem)
        return card

    def show_view(self, view: VerdictView) -> None:
        self._show_parts(view)
        self.title.setText(self._title(view))
        self.set_lead(self._next(view))
        for part in (self.supervisor, self.let_pass_button):
            part.setVisible(view.password)
        self._problem, self._wait_s = view.problem, max(0, view.wait_s)
        self._say()
        self._allow()
        if self._wait_s:
            self._clock.start()
        if self.isVisible() and view.problem:
            self.scroller.ensureWidgetVisible(self.problem)
            if not self._wait_s:
                self.field.setFocus()
        announce(self, f"{self.title.text()}. {self.lead.text()}")

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._clock.stop()
        self.field.clear()

    def return_pressed(self, event: QKeyEvent) -> None:
        """In the supervisor's lines it leads on; elsewhere it checks again."""
        if self.reason.hasFocus():
            self.field.setFocus()
        elif self.field.hasFocus():
            self._enter()
        else:
            super().return_pressed(event)

    def _title(self, view: VerdictView) -> str:
        return self.tr("The exam can't start on this computer yet") if view.refused else self.tr("The exam can start")

    def _next(self, view: VerdictView) -> str:
        if view.let_pass:
            return self.tr("A supervisor let the exam start: {reason}").format(reason=breakable(view.let_pass))
        if not view.refused:
            return self.tr(
                "You need not change anything: Back leads to the check, and on from there. This is written down for the "
                "people who give the exam, who know that it may be harmless."
            )
        if view.password:
            return self.tr(
                "Put right what you can, and check again. If it stays, ask your supervisor, who can let it start."
            )
        return self.tr("Put right what you can, and check again. If it stays, ask the people who invited you.")

    def _show_parts(self, view: VerdictView) -> None:
        while (item := self._parts.takeAt(0)) is not None:
            gone = item.widget()
            if gone is not None:
                gone.hide()
                gone.deleteLater()
        for part in view.parts:
            self._parts.addWidget(_PartCard(self.icons, part))

    def _tick(self) -> None:
        """The words alone change: a screen reader is not to count along."""
        self._wait_s -= 1
        self.problem.words.setText(self._words())
        if self._wait_s <= 0:
            self._clock.stop()
            self._say()
            self._allow()

    def _words(self) -> str:
        if self._wait_s > 0:
            wait = self.tr("A password can be entered again in {seconds} s.").format(seconds=self._wait_s)
            return f"{self._problem} {wait}".strip()
        return self._problem

    def _say(self) -> None:
        self.problem.show_text(self._words())
        self.field.mark(self._problem)

    def _allow(self) -> None:
        waiting = self._wait_s > 0
        if waiting and self.field.hasFocus():
            self.rest_focus()
        self.field.setEnabled(not waiting)
        long_enough = len(self.reason.text().strip()) >= LEAST_REASON_CHARS
        self.let_pass_button.setEnabled(not waiting and bool(self.field.text()) and long_enough)

    def _enter(self) -> None:
        """Both are needed: Return in one of them leads to the other."""
        password = self.field.text()
        if len(self.reason.text().strip()) < LEAST_REASON_CHARS:
            self.reason.setFocus()
        elif password and self.field.isEnabled():
            self.rest_focus()
            self.field.clear()
            self.let_pass.emit(password, self.reason.text())

    def _leave(self) -> None:
        self.field.clear()
        self.left.emit()

    def _repeat(self) -> None:
        self.field.clear()
        self.repeated.emit()


class _PartCard(QFrame):
    """One suspicion: how much speaks for it in words and as a bar, and its signs."""

    def __init__(self, icons: Icons, part: VerdictPart) -> None:
        super().__init__()
        theme = current()
        self.setProperty("surface", "card")
        inside = QVBoxLayout(self)
        inside.setContentsMargins(*[theme.px(18)] * 4)
        inside.setSpacing(theme.px(10))
        head = row(12)
        icon, colour = ("failed", "danger") if part.refused else ("warning", "warning")
        head.addWidget(IconView(icons, icon, colour, 22), 0, Qt.AlignmentFlag.AlignTop)
        words = column(2)
        words.addWidget(label(part.title, "strong"))
        words.addWidget(label(f"{part.words} ({self.tr('{points} of 100').format(points=part.points)})"))
        head.addLayout(words, 1)
        inside.addLayout(head)
        for sign in part.signs:
            inside.addWidget(_SignLine(sign))


class _SignLine(QWidget):
    def __init__(self, sign: Sign) -> None:
        super().__init__()
        words = column(2)
        words.setContentsMargins(current().px(34), 0, 0, 0)
        words.addWidget(label(f"{breakable(sign.words)}: {sign.counts}."))
        if sign.advice:
            words.addWidget(label(breakable(sign.advice), "muted"))
        self.setLayout(words)
