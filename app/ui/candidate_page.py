"""A key for a whole exam or group asks who takes it."""

from __future__ import annotations

from PySide6.QtCore import Signal

from app.core.policy import Candidate
from app.ui.entry import Entry
from app.ui.icons import Icons
from app.ui.page import CardPage
from app.ui.widgets import Button, Message, row

_CHARS_MAX = 200


class CandidatePage(CardPage):
    """Signals: ``entered`` with a ``Candidate`` that has number, name and maybe e-mail address; and ``left``."""

    entered = Signal(object)
    left = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, "question", "accent", self.tr("Who are you?"))
        self.name = Entry(self.tr("Name"), chars_max=_CHARS_MAX)
        self.number = Entry(self.tr("Candidate number"), chars_max=_CHARS_MAX)
        self.email = Entry(self.tr("E-mail (optional)"), chars_max=_CHARS_MAX)
        self.problem = Message(icons, "danger")
        self.back_button = Button(self.tr("Back"), "secondary")
        self.continue_button = Button(self.tr("Continue"), "primary")
        across = row(12)
        across.addLayout(self.number.with_caption())
        across.addLayout(self.email.with_caption())
        self.body.addLayout(self.name.with_caption())
        self.body.addLayout(across)
        self.body.addWidget(self.problem)
        self.add_buttons(self.back_button, self.continue_button)
        self.first_focus = self.name
        self.set_default(self.continue_button)
        for field in (self.name, self.number, self.email):
            field.textChanged.connect(self._changed)
        self.continue_button.clicked.connect(self._entered)
        self.back_button.clicked.connect(self.left)

    def ask(self, exam: str, group: str, problem: str) -> None:
        """``group``: the only one that the key is for, empty for everybody. What was typed stays, to be corrected."""
        for_whom = self.tr("This key is for everybody who takes {exam}.").format(exam=exam)
        if group:
            for_whom = self.tr("This key is for the group {group} in {exam}.").format(group=group, exam=exam)
        self.set_lead(
            self.tr("{for_whom} Enter your name and number as your institution knows them.").format(for_whom=for_whom)
        )
        self._changed()
        self._tell(problem)

    def clear(self) -> None:
        """For the next person."""
        for field in (self.name, self.number, self.email):
            field.clear()

    def _changed(self) -> None:
        self._tell("")
        self.continue_button.setEnabled(bool(self.name.text().strip() and self.number.text().strip()))

    def _tell(self, problem: str) -> None:
        self.problem.show_text(problem)

    def _entered(self) -> None:
        email = self.email.text().strip()
        wrong = email and ("@" not in email.strip("@") or " " in email)
        self.email.mark(self.tr("This is not an e-mail address; correct it, or leave it out.") if wrong else "")
        if wrong:
            self._tell(self.email.accessibleDescription())
            self.email.setFocus()
            return
        self.rest_focus()
        self.entered.emit(Candidate(id=self.number.text().strip(), name=self.name.text().strip(), email=email))
