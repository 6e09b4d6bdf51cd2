"""The system check: one line per thing that was looked at, and what to do where it is not right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.core.checks import CheckResult
from app.core.policy import Capture
from app.ui.icons import Icons
from app.ui.meter import MicrophoneMeter
from app.ui.page import ContentPage
from app.ui.picture import PictureView
from app.ui.theme import current
from app.ui.widgets import Button, IconView, announce, column, frame, label, row


class ResultLine(QWidget):
    """One result. Icon, colour and words say the same thing. ``asked``: why it is so."""

    asked = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__()
        theme = current()
        self.icon = IconView(icons, "waiting", "muted", 22)
        self.name = label("", "strong")
        self.detail = label("", "muted")
        self.advice = label("", "advice")
        self.name.setMinimumWidth(theme.px(108))
        result = row(10)
        result.addWidget(self.name, 0, Qt.AlignmentFlag.AlignTop)
        result.addWidget(self.detail, 1, Qt.AlignmentFlag.AlignTop)
        words = column(0)
        words.addLayout(result)
        words.addWidget(self.advice)
        self.why_button = Button(self.tr("See why"), "secondary")
        self.why_button.clicked.connect(self.asked)
        words.addWidget(self.why_button, 0, Qt.AlignmentFlag.AlignLeft)
        line = row(14)
        line.setContentsMargins(0, theme.px(6), 0, theme.px(6))
        line.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(words, 1)
        self.setLayout(line)

    def show_result(self, result: CheckResult) -> None:
        if result.ok:
            icon, colour, state = "ok", "ok", self.tr("fine")
        elif result.required:
            icon, colour, state = "failed", "danger", self.tr("has to be put right")
        else:
            icon, colour, state = "warning", "warning", self.tr("not ideal, but you can go on")
        self.icon.show_icon(icon, colour)
        self.icon.setAccessibleName(state)
        words = result.name.replace("_", " ")
        self.name.setText(words[:1].upper() + words[1:])
        self.detail.setText(result.detail)
        self.detail.setVisible(bool(result.detail))
        self.advice.setText(result.advice)
        self.advice.setVisible(bool(result.advice) and not result.ok)
        self.why_button.setVisible(result.judgement is not None and not result.ok)
        self.why_button.setAccessibleName(self.tr("See why: {name}").format(name=self.name.text()))


class ChecksPage(ContentPage):
    """Signals: ``repeated``, ``accepted``, and ``verdict_asked`` for what the machine was judged by.

    Continue is there once everything required is fine.
    """

    repeated = Signal()
    accepted = Signal()
    verdict_asked = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, self.tr("Checking this computer"), width_px=1040)
        self._lines: list[ResultLine] = []
        self._running = False
        self.preview = PictureView(icons, self.tr("The camera's picture appears here."), keep_ratio=True)
        self.meter = MicrophoneMeter(icons)
        self.list_card = frame("card")
        self._list = QVBoxLayout(self.list_card)
        self._list.setContentsMargins(*[current().px(18)] * 2, *[current().px(18)] * 2)
        self._list.setSpacing(0)
        self._waiting = label(self.tr("Looking at camera, microphone, screen and network…"), "muted")
        self._list.addWidget(self._waiting)
        self._list.addStretch(1)
        self.side_card = self._build_side()
        both = row(20)
        both.addWidget(self.list_card, 3)
        both.addWidget(self.side_card, 2)
        self.body.addLayout(both)
        self.body.addStretch(1)
        self.hint = label("", "muted")
        self.repeat_button = Button(self.tr("Check again"), "secondary", icons, "repeat")
        self.continue_button = Button(self.tr("Continue"), "primary")
        self.choices.addWidget(self.hint, 1)
        self.choices.addWidget(self.repeat_button)
        self.choices.addWidget(self.continue_button)
        self.repeat_button.clicked.connect(self.repeated)
        self.continue_button.clicked.connect(self.accepted)

    def _build_side(self) -> QFrame:
        card = frame("card")
        side = QVBoxLayout(card)
        side.setContentsMargins(*[current().px(16)] * 2, *[current().px(16)] * 2)
        side.setSpacing(current().px(12))
        side.addWidget(self.preview)
        side.addWidget(self.meter)
        side.addStretch(1)
        return card

    def set_capture(self, capture: Capture) -> None:
        """Only what the exam uses is shown."""
        self.preview.setVisible(capture.camera)
        self.meter.setVisible(capture.microphone)
        self.side_card.setVisible(capture.camera or capture.microphone)

    def show_results(self, results: Sequence[CheckResult], running: bool) -> None:
        """``running``: more results are to come."""
        ended = self._running and not running
        self._running = running
        self._show_lines(results)
        failed = [r for r in results if not r.ok and r.required]
        ready = bool(results) and not running and not failed
        if running and self.isVisible():
            self.rest_focus()
        self.repeat_button.setEnabled(not running)
        self.continue_button.setEnabled(ready)
        self.set_default(self.continue_button if ready or running else self.repeat_button)
        self._say(running, len(failed), any(not r.ok for r in results))
        if not running:
            if ended or self.focusWidget() is None:
                self.take_focus()
            announce(self, f"{self.title.text()}. {self.lead.text()}")

    def set_picture(self, picture: QImage) -> None:
        self.preview.show_picture(picture)

    def _show_lines(self, results: Sequence[CheckResult]) -> None:
        while len(self._lines) < len(results):
            line = ResultLine(self.icons)
            line.asked.connect(self.verdict_asked)
            self._list.insertWidget(self._list.count() - 1, line)
            self._lines.append(line)
            self.setTabOrder(line.why_button, self.repeat_button)  # in the order in which they are read
            self.setTabOrder(self.repeat_button, self.continue_button)
        for line, result in zip(self._lines, results, strict=False):
            line.show_result(result)
        for index, line in enumerate(self._lines):
            line.setVisible(index < len(results))
        self._waiting.setVisible(not results)

    def _say(self, running: bool, failed: int, any_failed: bool) -> None:
        if running:
            self.title.setText(self.tr("Checking this computer"))
            self.set_lead(self.tr("This takes a few seconds. You don't need to do anything."))
            self.hint.setText("")
        elif failed:
            one = self.tr("One thing needs your attention")
            many = self.tr("%n things need your attention", "", failed)
            self.title.setText(one if failed == 1 else many)
            self.set_lead(self.tr("Follow the advice next to the red crosses, then check again."))
            self.hint.setText(self.tr("You can go on once this is put right."))
        else:
            self.title.setText(self.tr("This computer is ready"))
            self.set_lead(
                self.tr("You can go on, although not everything is ideal.")
                if any_failed
                else self.tr("Everything works as it should.")
            )
            self.hint.setText(self.tr("Next: what is recorded, and your agreement to it."))
