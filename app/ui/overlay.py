"""What lies over the exam: the pause, a question, and short notices. Never a window of its own. See also ``hold_overlay``."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import Button, IconView, announce, column, frame, label, row, set_surface

NoticeKind = Literal["info", "warning"]
NOTICE_MS: dict[NoticeKind, int] = {"info": 7_000, "warning": 14_000}
NOTICE_PX = 64
"""Height that is left free below a message, for a notice."""


class Overlay(QWidget):
    """A card over its parent, which it covers wholly: ``solid`` hides what is below, otherwise it is dimmed."""

    def __init__(self, icons: Icons, icon: str, colour: str, *, solid: bool) -> None:
        super().__init__()
        theme = current()
        self._solid = solid
        self.default_button: Button | None = None
        self.first_focus: QWidget | None = None
        self.card = frame("card")
        self.card.setMaximumWidth(theme.px(560))
        self.card.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.title = label("", "title")
        self.words = label("", "lead")
        self.body = column(10)
        self.buttons = row(4)
        self.buttons.addStretch(1)
        inside = QVBoxLayout(self.card)
        inside.setContentsMargins(theme.px(32), theme.px(28), theme.px(32), theme.px(24))
        inside.setSpacing(theme.px(10))
        inside.addWidget(IconView(icons, icon, colour, 40))
        inside.addWidget(self.title)
        inside.addWidget(self.words)
        self.body.setContentsMargins(0, theme.px(8), 0, theme.px(6))
        inside.addLayout(self.body)
        inside.addLayout(self.buttons)
        across = QHBoxLayout()
        across.addStretch(1)
        across.addWidget(self.card, 1000)
        across.addStretch(1)
        down = QVBoxLayout(self)
        down.setContentsMargins(theme.px(24), theme.px(16), theme.px(24), theme.px(16))
        down.addStretch(2)
        down.addLayout(across)
        down.addStretch(3)
        self.hide()

    def set_solid(self, solid: bool) -> None:
        self._solid = solid
        self.update()

    def show_words(self, title: str, words: str) -> None:
        self.title.setText(title)
        self.words.setText(words)
        self.words.setVisible(bool(words))
        self.card.setAccessibleName(title)
        self.card.setAccessibleDescription(words)

    def take_focus(self) -> None:
        (self.first_focus or self.default_button or self.card).setFocus(Qt.FocusReason.OtherFocusReason)
        announce(self, f"{self.title.text()}. {self.words.text()}")

    def paintEvent(self, event: QPaintEvent) -> None:
        ground = QColor(current().colours.window)
        if not self._solid:
            ground = QColor(6, 8, 14, 150)
        painter = QPainter(self)
        painter.fillRect(self.rect(), ground)
        painter.end()


class PausedOverlay(Overlay):
    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, "pause", "accent", solid=True)
        self.note = label(
            self.tr("You don't need to do anything. Your answers stay as they are, and the exam goes on by itself."),
            "muted",
        )
        self.body.addWidget(self.note)

    def show_reason(self, reason: str) -> None:
        self.show_words(self.tr("The exam is paused"), reason)


class Question(Overlay):
    """Asks before something that can't be undone. Signals: ``confirmed`` and ``declined`` (Escape does it too).

    The focus starts on the answer that changes nothing.
    """

    confirmed = Signal()
    declined = Signal()

    def __init__(self, icons: Icons, icon: str, title: str, words: str, yes: str, no: str) -> None:
        super().__init__(icons, icon, "accent", solid=False)
        self.show_words(title, words)
        self.yes_button = Button(yes, "secondary")
        self.no_button = Button(no, "primary")
        self.buttons.addWidget(self.yes_button)
        self.buttons.addWidget(self.no_button)
        self.default_button = self.no_button
        self.yes_button.clicked.connect(self.confirmed)
        self.no_button.clicked.connect(self.declined)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.declined.emit()
            return
        super().keyPressEvent(event)


class Notice(QFrame):
    """A sentence at the bottom of its parent that goes away by itself, or when it is dismissed.

    ``lasting`` makes it a message: it stays until it is dismissed, and leaves the place below it to a notice.
    """

    def __init__(self, icons: Icons, parent: QWidget, *, lasting: bool = False) -> None:
        super().__init__(parent)
        self._lasting = lasting
        theme = current()
        self.setProperty("surface", "info")
        self._over = parent
        self._icon = IconView(icons, "info", "accent", 22)
        self.words = label()
        self.dismiss_button = Button("", "quiet", icons, "cross", small=True)
        self.dismiss_button.setAccessibleName(self.tr("Dismiss"))
        self.dismiss_button.setToolTip(self.tr("Dismiss"))
        line = QHBoxLayout(self)
        line.setContentsMargins(theme.px(16), theme.px(6), theme.px(6), theme.px(6))
        line.setSpacing(theme.px(12))
        line.addWidget(self._icon)
        line.addWidget(self.words, 1)
        line.addWidget(self.dismiss_button)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.dismiss_button.clicked.connect(self.hide)
        parent.installEventFilter(self)
        self.hide()

    def show_text(self, text: str, kind: NoticeKind) -> None:
        """Replaces the notice before it."""
        set_surface(self, kind)
        self._icon.show_icon(kind, "accent" if kind == "info" else "warning")
        self.words.setText(text)
        self.show()
        self._place()
        self.raise_()
        if not self._lasting:
            self._timer.start(NOTICE_MS[kind])
        announce(self, text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        theme = current()
        width = min(theme.px(680), self._over.width() - 2 * theme.px(16))
        height = max(self.heightForWidth(width), self.minimumSizeHint().height())
        below = theme.px(16) + (theme.px(NOTICE_PX) if self._lasting else 0)
        top = self._over.height() - height - below  # pages keep their state and clock at the top
        self.setGeometry((self._over.width() - width) // 2, top, width, height)
