"""The line above every page before and after the exam: whose window this is, the way to the exam, and Quit."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from app.ui.icons import Icons
from app.ui.stepper import Stepper
from app.ui.theme import current
from app.ui.widgets import Button, ElidedLabel, IconView, frame, label, row

_TITLE_FROM_PX = 1180


class Header(QFrame):
    """Signal: ``quit_pressed``."""

    quit_pressed = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__()
        theme = current()
        self.setProperty("surface", "header")
        self._title = ElidedLabel("muted")
        self._divider = frame("line")
        self._divider.setFixedSize(1, theme.px(20))
        self.stepper = Stepper()
        self.quit_button = Button(self.tr("Quit"), "quiet", icons, "leave")
        self.quit_button.setAccessibleDescription(self.tr("Leaves without starting the exam"))
        line = QHBoxLayout(self)
        line.setContentsMargins(theme.px(24), theme.px(4), theme.px(16), theme.px(4))
        line.setSpacing(theme.px(12))
        lead, tail = row(12), row(0)
        lead.addWidget(IconView(icons, "shield", "accent", 26))
        lead.addWidget(label("Invigil", "heading", wrap=False))
        lead.addWidget(self._divider)
        lead.addWidget(self._title, 1)
        lead.addStretch(0)
        tail.addStretch(1)
        tail.addWidget(self.quit_button)
        # Two sides of equal width keep the steps in the middle of the window.
        line.addWidget(_side(lead), 1)
        line.addWidget(self.stepper)
        line.addWidget(_side(tail), 1)
        self.quit_button.clicked.connect(self.quit_pressed)
        self.setMinimumHeight(theme.px(58))
        self.show_title("")

    def show_title(self, title: str) -> None:
        self._title.show_text(title)
        self._fit()

    def show_steps(self, steps: Sequence[str], now: int) -> None:
        self.stepper.show_steps(steps, now)

    def show_quit(self, shown: bool) -> None:
        self.quit_button.setVisible(shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The exam's title gives way to the steps where both don't fit; the pages name the exam as well."""
        room = self.width() >= current().px(_TITLE_FROM_PX) or not self.stepper.isVisibleTo(self)
        self._title.setVisible(room and bool(self._title.accessibleName()))
        self._divider.setVisible(self._title.isVisibleTo(self))


def _side(line: QHBoxLayout) -> QWidget:
    made = QWidget()
    made.setLayout(line)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return made
