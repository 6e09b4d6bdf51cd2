"""Where the candidate is on the way to the exam."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import current
from app.ui.widgets import rounded


class Stepper(QWidget):
    """Numbered steps with the present one marked by colour and weight, and those behind ticked. UI thread."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[str, ...] = ()
        self._now = -1
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_steps(self, steps: Sequence[str], now: int) -> None:
        self._steps = tuple(steps)
        self._now = now
        self.setVisible(bool(steps))
        if steps:
            self.setAccessibleName(
                self.tr("Step {number} of {count}: {name}").format(number=now + 1, count=len(steps), name=steps[now])
            )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        theme = current()
        words = QFontMetrics(self._bold())
        width = sum(theme.px(24 + 8) + words.horizontalAdvance(step) for step in self._steps)
        return QSize(width + theme.px(36) * max(0, len(self._steps) - 1) + 4, theme.px(32))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetrics(self._bold())
        x = 0.0
        for index, step in enumerate(self._steps):
            width = theme.px(24 + 8) + metrics.horizontalAdvance(step)
            self._paint_step(painter, self._placed(x, width), index, step)
            x += width
            if index + 1 < len(self._steps):
                joint = self._placed(x + theme.px(9), theme.px(18))
                painter.setPen(QPen(QColor(theme.colours.control), 1))
                painter.drawLine(QPointF(joint.left(), self.height() / 2), QPointF(joint.right(), self.height() / 2))
                x += theme.px(36)
        painter.end()

    def _placed(self, x: float, width: float) -> QRectF:
        """From the leading edge, whichever side that is."""
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            x = self.width() - x - width
        return QRectF(x, 0, width, self.height())

    def _paint_step(self, painter: QPainter, at: QRectF, index: int, step: str) -> None:
        theme = current()
        c = theme.colours
        side = theme.px(24)
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        disc = QRectF(at.right() - side if mirrored else at.left(), (self.height() - side) / 2, side, side)
        behind, now = index < self._now, index == self._now
        rounded(
            painter,
            disc,
            side / 2,
            QColor(c.accent if now else c.accent_soft if behind else c.surface),
            None if now else QColor(c.accent if behind else c.control),
            1.4,
        )
        painter.setFont(self._bold())
        painter.setPen(QColor(c.on_accent if now else c.accent if behind else c.muted))
        if behind:
            painter.setPen(QPen(QColor(c.accent), theme.px(2), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            points = ((0.29, 0.52), (0.44, 0.67), (0.72, 0.36))
            painter.drawPolyline([QPointF(disc.left() + u * side, disc.top() + v * side) for u, v in points])
        else:
            painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, self.locale().toString(index + 1))
        painter.setFont(self._bold() if now else self.font())
        painter.setPen(QColor(c.text if now else c.muted))
        gap = side + theme.px(8)
        words = at.adjusted(0 if mirrored else gap, 0, -gap if mirrored else 0, 0)
        side_flag = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | side_flag, step)

    def _bold(self) -> QFont:
        font = QFont(self.font())
        font.setBold(True)
        return font
