"""The last pages: done, ended early, and something that has to be put right first."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app.ui.icons import Icons
from app.ui.page import CardPage
from app.ui.widgets import Button, Message, announce, column, label


class DonePage(CardPage):
    """Signals: ``closed`` (Return does it) and ``report_requested``."""

    closed = Signal()
    report_requested = Signal(str)

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, "ok", "ok", self.tr("You are done"))
        self._url = ""
        self._lines: QWidget | None = None
        self.link_box = QWidget()
        self.link = QLineEdit()
        self.link.setReadOnly(True)
        self.link.setAccessibleName(self.tr("Address of your report"))
        inside = column(6)
        inside.addWidget(label(self.tr("Your report"), "strong"))
        inside.addWidget(self.link)
        self.link_box.setLayout(inside)
        self.report_button = Button(self.tr("Open the report"), "secondary", icons, "report")
        self.close_button = Button(self.tr("Close"), "primary")
        self.body.addWidget(self.link_box)
        self.add_buttons(self.report_button, self.close_button)
        self.set_default(self.close_button)
        self.first_focus = self.close_button
        self.close_button.clicked.connect(self.closed)
        self.report_button.clicked.connect(lambda: self.report_requested.emit(self._url))

    def show_end(self, title: str, report_url: str | None, lines: Sequence[str]) -> None:
        self.title.setText(title)
        self._url = report_url or ""
        self.link.setText(self._url)
        self.link.setCursorPosition(0)
        self.link_box.setVisible(bool(report_url))
        self.report_button.setVisible(bool(report_url))
        if self._lines is not None:
            self.body.removeWidget(self._lines)
            self._lines.deleteLater()
        self._lines = QWidget()
        inside = column(6)
        for line in lines:
            inside.addWidget(label(line, "muted"))
        self._lines.setLayout(inside)
        self._lines.setVisible(bool(lines))
        self.body.insertWidget(0, self._lines)
        announce(self, ". ".join((title, *lines)))


class AbortedPage(CardPage):
    """The exam ended before it was finished. Signal: ``closed``."""

    closed = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, "info", "warning", self.tr("The exam has ended"))
        self.advice = Message(icons, "info")
        self.close_button = Button(self.tr("Close"), "primary")
        self.body.addWidget(self.advice)
        self.add_buttons(self.close_button)
        self.set_default(self.close_button)
        self.first_focus = self.close_button
        self.close_button.clicked.connect(self.closed)

    def show_end(self, reason: str, advice: str) -> None:
        self.set_lead(reason)
        self.advice.show_text(advice)
        announce(self, f"{self.title.text()}. {reason}")


class ProblemPage(CardPage):
    """Something is in the way. Signal: ``retried``."""

    retried = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, "warning", "warning", self.tr("Something is in the way"))
        self.advice = Message(icons, "info")
        self.retry_button = Button(self.tr("Try again"), "primary", icons, "repeat")
        self.body.addWidget(self.advice)
        self.add_buttons(self.retry_button)
        self.set_default(self.retry_button)
        self.first_focus = self.retry_button
        self.retry_button.clicked.connect(self.retried)

    def show_problem(self, title: str, sentence: str, advice: str, retry: bool) -> None:
        self.title.setText(title)
        self.set_lead(sentence)
        self.advice.show_text(advice)
        self.retry_button.setVisible(retry)
        self.default_button = self.retry_button if retry else None
        announce(self, f"{title}. {sentence}")
