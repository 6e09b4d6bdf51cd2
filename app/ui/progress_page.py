"""The pages that wait: opening, finishing, and sending what was recorded."""

from __future__ import annotations

from PySide6.QtCore import QLocale, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QProgressBar, QWidget

from app.ui.icons import Icons
from app.ui.page import CardPage
from app.ui.theme import current
from app.ui.widgets import Button, Message, announce, label

_TICK_MS = 50
_PERMILLE = 1000


class Spinner(QWidget):
    """A turning arc. It turns only while it can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self._degrees = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._turn)
        self.setFixedSize(self.sizeHint())
        self.setAccessibleName(self.tr("Please wait"))

    def sizeHint(self) -> QSize:
        return QSize(current().px(44), current().px(44))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _turn(self) -> None:
        self._degrees = (self._degrees + 15) % 360
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = theme.px(4)
        ring = QRectF(self.rect()).adjusted(width, width, -width, -width)
        painter.setPen(QPen(QColor(theme.colours.border), width))
        painter.drawEllipse(ring)
        painter.setPen(QPen(QColor(theme.colours.accent), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawArc(ring, -self._degrees * 16, 100 * 16)
        painter.end()


class WaitPage(CardPage):
    """A spinner, a title and a sentence; nothing to press."""

    def __init__(self, icons: Icons, title: str) -> None:
        super().__init__(icons, "waiting", "accent", title)
        self.symbol.hide()
        self.spinner = Spinner()
        self.stack.insertWidget(0, self.spinner)

    def show_words(self, title: str, sentence: str) -> None:
        self.title.setText(title)
        self.set_lead(sentence)
        announce(self, f"{title}. {sentence}")


class UploadPage(CardPage):
    """How much was sent, and that it is safe to close. Signal: ``closed``.

    The focus rests on the bar, so that a Return pressed too often does not close it.
    """

    closed = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, "upload", "accent", self.tr("Sending your exam"))
        self.bar = QProgressBar()
        self.bar.setRange(0, _PERMILLE)
        self.bar.setTextVisible(False)
        self.bar.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.bar.setAccessibleName(self.tr("Sent"))
        self.amount = label("", "strong")
        self.safe = Message(icons, "info")
        self.close_button = Button(self.tr("Close and send the rest later"))
        self.body.addWidget(self.bar)
        self.body.addWidget(self.amount)
        self.body.addWidget(self.safe)
        self.add_buttons(self.close_button)
        self.first_focus = self.bar
        self.close_button.clicked.connect(self.closed)

    def show_progress(self, done_bytes: int, total_bytes: int, files_left: int, sentence: str) -> None:
        """``total_bytes`` 0 when there is nothing to send or it is not known yet."""
        self.set_lead(sentence or self.tr("Your exam is finished. The recording is now sent to your institution."))
        share = min(1.0, max(0.0, done_bytes / total_bytes)) if total_bytes > 0 else 0.0
        self.bar.setValue(int(share * _PERMILLE))
        amount = self.tr("{done} of {total} sent").format(done=self._size(done_bytes), total=self._size(total_bytes))
        files = self.tr("1 file left") if files_left == 1 else self.tr("%n files left", "", files_left)
        words = amount if files_left <= 0 else f"{amount} · {files}"
        self.amount.setText(words if total_bytes > 0 else self.tr("Preparing…"))
        self.bar.setAccessibleDescription(self.amount.text())
        if not self.safe.isVisibleTo(self):
            self.safe.show_text(
                self.tr("It is safe to close. What is not sent yet goes on by itself when you open Invigil again.")
            )

    def _size(self, count_bytes: int) -> str:
        return self.locale().formattedDataSize(max(0, count_bytes), 1, QLocale.DataSizeFormat.DataSizeSIFormat)
