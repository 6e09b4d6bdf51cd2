"""The camera's picture, with rounded corners and, where wanted, an oval that shows where the face goes."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.icons import Icons
from app.ui.theme import current


class PictureView(QWidget):
    """Shows a picture as large as its ratio allows. UI thread; one repaint per picture that was set.

    With ``keep_ratio`` it asks for three quarters of its width as its height.
    """

    def __init__(self, icons: Icons, empty: str, *, guide: bool = False, keep_ratio: bool = False) -> None:
        super().__init__()
        self._icons = icons
        self._empty = empty
        self._guide = guide
        self._mirrored = True
        self._picture = QImage()
        self._keep_ratio = keep_ratio
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        policy.setHeightForWidth(keep_ratio)
        self.setSizePolicy(policy)
        self.setMinimumSize(current().px(200), current().px(150))
        self.setAccessibleName(self.tr("Picture of your camera"))
        self.setAccessibleDescription(empty)

    def sizeHint(self) -> QSize:
        return QSize(current().px(360), current().px(270))

    def hasHeightForWidth(self) -> bool:
        return self._keep_ratio

    def heightForWidth(self, width: int) -> int:
        return width * 3 // 4 if self._keep_ratio else -1

    @property
    def has_picture(self) -> bool:
        return not self._picture.isNull()

    def show_picture(self, picture: QImage, *, mirrored: bool = True, guide: bool | None = None) -> None:
        """``mirrored`` as in a looking glass, which is how people expect to see themselves live."""
        was_empty = self._picture.isNull()
        self._picture = picture
        self._mirrored = mirrored
        if guide is not None:
            self._guide = guide
        if was_empty != picture.isNull():
            self.setAccessibleDescription(self._empty if picture.isNull() else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self._box()
        shape = QPainterPath()
        shape.addRoundedRect(box, theme.px(12), theme.px(12))
        if self._picture.isNull():
            self._paint_empty(painter, box, shape)
        else:
            self._paint_picture(painter, box, shape)
            if self._guide:
                self._paint_guide(painter, box, shape)
        painter.end()

    def _box(self) -> QRectF:
        """The largest box of the picture's ratio, centred; 4:3 while there is none."""
        size = QSize(4, 3) if self._picture.isNull() else self._picture.size()
        fitted = size.scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        return QRectF(
            (self.width() - fitted.width()) / 2, (self.height() - fitted.height()) / 2, fitted.width(), fitted.height()
        )

    def _paint_empty(self, painter: QPainter, box: QRectF, shape: QPainterPath) -> None:
        theme = current()
        painter.setPen(QPen(QColor(theme.colours.border), 1))
        painter.setBrush(QColor(theme.colours.sunken))
        painter.drawPath(shape)
        side = theme.px(36)
        icon = self._icons.pixmap("camera", theme.colours.muted, side, self.devicePixelRatioF())
        words = box.adjusted(theme.px(16), box.height() / 2 + theme.px(4), -theme.px(16), -theme.px(4))
        painter.drawPixmap(int(box.center().x() - side / 2), int(box.center().y() - side - theme.px(4)), icon)
        painter.setPen(QColor(theme.colours.muted))
        flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
        painter.drawText(words, flags, self._empty)

    def _paint_picture(self, painter: QPainter, box: QRectF, shape: QPainterPath) -> None:
        brush = QBrush(self._picture)
        scale = box.width() / self._picture.width()
        transform = brush.transform()
        if self._mirrored:
            transform.translate(box.right(), box.top())
            transform.scale(-scale, scale)
        else:
            transform.translate(box.left(), box.top())
            transform.scale(scale, scale)
        brush.setTransform(transform)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillPath(shape, brush)

    def _paint_guide(self, painter: QPainter, box: QRectF, shape: QPainterPath) -> None:
        height = box.height() * 0.74
        width = height * 0.74
        oval = QPainterPath()
        oval.addEllipse(QRectF(box.center().x() - width / 2, box.center().y() - height * 0.52, width, height))
        painter.fillPath(shape.subtracted(oval), QColor(8, 10, 16, 120))
        painter.setPen(QPen(QColor(255, 255, 255), current().px(3)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(oval)
