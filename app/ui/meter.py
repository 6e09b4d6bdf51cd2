"""The microphone's level: a bar whose colour and words say the same."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import IconView, label, rounded

FLOOR_DBFS = -60.0
QUIET_DBFS = -48.0
LOUD_DBFS = -5.0
_SPEECH_KEPT_CALLS = 12
"""Words stay after speech for this many levels, so that the sentence does not flicker between syllables."""


class LevelBar(QProgressBar):
    """-60 to 0 dBFS from the leading edge on. Screen readers see a progress bar of 0 to 100."""

    def __init__(self) -> None:
        super().__init__()
        self.setRange(0, 100)
        self.setValue(0)
        self.setTextVisible(False)
        self._colour = "muted"

    def sizeHint(self) -> QSize:
        return QSize(current().px(160), current().px(12))

    def show_level(self, share: float, colour: str) -> None:
        self._colour = colour
        self.setValue(round(share * 100))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(self.rect())
        radius = whole.height() / 2
        rounded(painter, whole, radius, QColor(theme.colours.sunken), QColor(theme.colours.control), 1)
        width = whole.width() * self.value() / 100
        if width >= 1:
            filled = QRectF(0, 0, max(width, whole.height()), whole.height())
            if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
                filled.moveRight(whole.right())
            rounded(painter, filled, radius, QColor(getattr(theme.colours, self._colour)), None, 0)
        painter.end()


class MicrophoneMeter(QWidget):
    """Icon, bar and a sentence: too quiet, fine, or too loud."""

    def __init__(self, icons: Icons) -> None:
        super().__init__()
        theme = current()
        self._icon = IconView(icons, "microphone", "muted", 20)
        self.bar = LevelBar()
        self.bar.setAccessibleName(self.tr("Microphone level"))
        self.words = label(self.tr("Waiting for the microphone…"), "muted")
        self._speech_left = 0
        side = QVBoxLayout()
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(theme.px(6))
        side.addWidget(self.bar)
        side.addWidget(self.words)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(12))
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(side, 1)

    def show_level(self, dbfs: float, speech: bool) -> None:
        self._speech_left = _SPEECH_KEPT_CALLS if speech else max(0, self._speech_left - 1)
        words, colour = self._judge(dbfs)
        share = min(1.0, max(0.0, (dbfs - FLOOR_DBFS) / -FLOOR_DBFS))
        self.bar.show_level(share, colour)
        self._icon.show_icon("microphone", colour)
        if words != self.words.text():
            self.words.setText(words)
            self.bar.setAccessibleDescription(words)

    def _judge(self, dbfs: float) -> tuple[str, str]:
        if dbfs > LOUD_DBFS:
            return self.tr("Too loud. Move a little away from the microphone."), "danger"
        if self._speech_left > 0:
            return self.tr("Good, we can hear you."), "ok"
        if dbfs < QUIET_DBFS:
            return self.tr("It is quiet. Say a few words to try it."), "warning"
        return self.tr("Sound is coming in. Say a few words to try it."), "ok"
