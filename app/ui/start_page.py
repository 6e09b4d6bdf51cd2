"""The first page: where the exam comes from."""

from __future__ import annotations

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog

from app.ui.entry import Entry
from app.ui.icons import Icons
from app.ui.page import CardPage
from app.ui.widgets import Button, Message, label

_KEY_CHARS_MAX = 400_000
_LINK = "invigil"


class StartPage(CardPage):
    """A field for a link or code, and a button for a file; a file or link can be dropped anywhere on the page.

    A file is a key, or a picture of its QR code. Signal: ``key_chosen``, with the text or the file's path.
    """

    key_chosen = Signal(str)

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, "shield", "accent", self.tr("Start your exam"))
        self.set_lead(self.tr("Enter the exam link or code you were given, or open the exam file or its QR picture."))
        self.setAcceptDrops(True)
        self.field = Entry(self.tr("Exam link or code"), chars_max=_KEY_CHARS_MAX)
        self.field.setPlaceholderText(self.tr("Paste or type it here"))
        self.problem = Message(icons, "danger")
        self.file_button = Button(self.tr("Open an exam file…"), "secondary", icons, "folder")
        self.continue_button = Button(self.tr("Continue"), "primary")
        self.continue_button.setEnabled(False)
        self.body.addLayout(self.field.with_caption())
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
        self.field.mark(problem)
        if problem:
            self.field.selectAll()

    def _text_changed(self, text: str) -> None:
        self.continue_button.setEnabled(bool(text.strip()))
        self.problem.show_text("")
        self.field.mark("")

    def _entered(self) -> None:
        text = self.field.text().strip()
        if text:
            self.key_chosen.emit(text)

    def _choose_file(self) -> None:
        dialog = QFileDialog(self, self.tr("Open an exam file"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        exams = self.tr("Exam files and QR pictures")
        dialog.setNameFilters([f"{exams} (*.invigil *.png *.jpg *.jpeg)", self.tr("All files (*)")])
        dialog.fileSelected.connect(self.key_chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if dropped := _dropped(event):
            self.key_chosen.emit(dropped)
            event.acceptProposedAction()


def _dropped(event: QDropEvent) -> str:
    """The path of the one file, or the exam link; empty for all else."""
    urls = event.mimeData().urls()
    if len(urls) != 1:
        return ""
    [url] = urls
    return url.toString(QUrl.ComponentFormattingOption.FullyEncoded) if url.scheme() == _LINK else url.toLocalFile()
