"""A key that is protected by a password asks for it."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent

from app.ui.entry import Entry
from app.ui.icons import Icons
from app.ui.page import CardPage
from app.ui.widgets import Button, CheckLine, Message

_PASSWORD_CHARS_MAX = 1000
_TICK_MS = 1000


class PasswordPage(CardPage):
    """Signals: ``entered`` and ``left``. What was typed is not kept once it was entered or left."""

    entered = Signal(str)
    left = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, "lock", "accent", self.tr("Key password"))
        self.set_lead(self.tr("Your exam key is protected. Enter its password."))
        self._wait_s = 0
        self._problem = ""
        self._clock = QTimer(self)
        self._clock.setInterval(_TICK_MS)
        self._clock.timeout.connect(self._tick)
        self.field = Entry(self.tr("Password"), chars_max=_PASSWORD_CHARS_MAX, secret=True)
        self.show_check = CheckLine(self.tr("Show the password"))
        self.problem = Message(icons, "danger")
        self.back_button = Button(self.tr("Back"), "secondary")
        self.continue_button = Button(self.tr("Continue"), "primary")
        self.body.addLayout(self.field.with_caption())
        self.body.addWidget(self.show_check)
        self.body.addWidget(self.problem)
        self.add_buttons(self.back_button, self.continue_button)
        self.first_focus = self.field
        self.set_default(self.continue_button)
        self.field.textChanged.connect(self._changed)
        self.show_check.toggled.connect(self.field.show_secret)
        self.continue_button.clicked.connect(self._entered)
        self.back_button.clicked.connect(self._left)

    def ask(self, problem: str, wait_s: int) -> None:
        """Why it is asked again, empty the first time. Nothing can be entered for ``wait_s`` seconds, which count down."""
        self.field.clear()
        self.show_check.setChecked(False)
        self._problem, self._wait_s = problem, max(0, wait_s)
        self.problem.show_text(self._words())
        self.field.mark(self._words())
        self._allow()
        if self._wait_s:
            self._clock.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._clock.stop()

    def _tick(self) -> None:
        """The words alone change: a screen reader is not to count along."""
        self._wait_s -= 1
        self.problem.words.setText(self._words())
        if self._wait_s <= 0:
            self._clock.stop()
            self.problem.show_text(self._words())
            self._allow()
            self.take_focus()

    def _words(self) -> str:
        if self._wait_s > 0:
            return self.tr("There were too many wrong passwords. You can try again in {seconds} s.").format(
                seconds=self._wait_s
            )
        return self._problem

    def _allow(self) -> None:
        waiting = self._wait_s > 0
        if waiting:
            self.back_button.setFocus()
        self.field.setEnabled(not waiting)
        self.continue_button.setEnabled(not waiting and bool(self.field.text()))
        self.first_focus = self.back_button if waiting else self.field

    def _changed(self, text: str) -> None:
        self.continue_button.setEnabled(bool(text) and not self._wait_s)
        if text and not self._wait_s:
            self.problem.show_text("")
            self.field.mark("")

    def _entered(self) -> None:
        password = self.field.text()
        if password:
            self.rest_focus()
            self.field.clear()
            self.entered.emit(password)

    def _left(self) -> None:
        self.field.clear()
        self.left.emit()
