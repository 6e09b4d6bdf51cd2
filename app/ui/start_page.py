"""The first page: where the exam comes from."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QLineEdit

from app.ui.icons import Icons
from app.ui.page import CardPage
from app.ui.widgets import Button, Message, label, row

_KEY_CHARS_MAX = 200_000


class StartPage(CardPage):
    """A field for a link or code, and a button for a file; a file can be dropped anywhere on the page."""

    key_chosen = Signal(str)

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, "shield", "accent", self.tr("Start your exam"))
        self.set_lead(self.tr("Paste the exam link or code you were given, or open the exam file."))
        self.setAcceptDrops(True)
        name = label(self.tr("Exam link or code"), "strong")
        self.field = QLineEdit()
        self.field.setMaxLength(_KEY_CHARS_MAX)
        self.field.setPlaceholderText(self.tr("Paste it here"))
        self.field.setAccessibleName(self.tr("Exam link or code"))
        self.field.setClearButtonEnabled(False)
        name.setBuddy(self.field)
        self.problem = Message(icons, "danger")
        self.file_button = Button(self.tr("Open an exam file…"), "secondary", icons, "folder")
        self.continue_button = Button(self.tr("Continue"), "primary")
        self.continue_button.setEnabled(False)
        entry = row(6)
        entry.addWidget(self.field, 1)
        self.body.addWidget(name)
        self.body.addLayout(entry)
        self.body.addWidget(self.problem)
        self.body.addWidget(
            label(self.tr("Next, we check this computer together. Nothing is recorded until you agree to it."), "muted")
        )
        self.add_buttons(self.file_button, self.continue_button)
        self.first_focus = self.field
        self.set_default(self.continue_button)
        self.field.textChanged.connect(self._text_changed)
        self.continue_button.clicked.connect(self._entered)
        self.file_button.clicked.connect(self._choose_file)

    def show_problem(self, problem: str) -> None:
        """A sentence on why the last key could not be used; empty for none. The text stays, to be corrected."""
        self.problem.show_text(problem)
        self._mark(bool(problem))
        if problem:
            self.field.selectAll()

    def _text_changed(self, text: str) -> None:
        self.continue_button.setEnabled(bool(text.strip()))
        self.problem.show_text("")
        self._mark(False)

    def _mark(self, wrong: bool) -> None:
        self.field.setProperty("problem", wrong)
        self.field.setAccessibleDescription(self.problem.words.text() if wrong else "")
        self.field.style().unpolish(self.field)
        self.field.style().polish(self.field)

    def _entered(self) -> None:
        text = self.field.text().strip()
        if text:
            self.key_chosen.emit(text)

    def _choose_file(self) -> None:
        dialog = QFileDialog(self, self.tr("Open an exam file"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.key_chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        urls = event.mimeData().urls()
        if len(urls) == 1 and urls[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.key_chosen.emit(event.mimeData().urls()[0].toLocalFile())
        event.acceptProposedAction()
