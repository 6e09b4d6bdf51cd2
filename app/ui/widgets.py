"""The small controls that every page is made of. They paint themselves from the current theme. UI thread."""

from __future__ import annotations

import html
from typing import Literal

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QBrush,
    QColor,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.icons import Icons
from app.ui.theme import Colours, current

Kind = Literal["primary", "secondary", "quiet", "danger"]
Surface = Literal[
    "window", "bar", "header", "footer", "card", "info", "warning", "danger", "ok", "column", "line", "pill"
]
Role = Literal[
    "body", "title", "heading", "lead", "muted", "small", "strong", "code", "ok", "warning", "danger", "advice"
]

RING_PX = 4
"""Room around a control for its focus ring."""


def label(text: str = "", role: Role = "body", *, wrap: bool = True) -> QLabel:
    """Plain text, never mark-up: titles and names come from outside."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    return made


def set_role(target: QLabel, role: Role) -> None:
    """Changes what a label means, and with it its look."""
    if target.property("role") != role:
        target.setProperty("role", role)
        target.style().unpolish(target)
        target.style().polish(target)


def frame(surface: Surface) -> QFrame:
    made = QFrame()
    made.setProperty("surface", surface)
    return made


def set_surface(target: QWidget, surface: Surface) -> None:
    if target.property("surface") != surface:
        target.setProperty("surface", surface)
        target.style().unpolish(target)
        target.style().polish(target)


def announce(source: QWidget, text: str) -> None:
    """Has a screen reader say ``text`` without moving the focus."""
    if text and QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(source, text))


def rounded(
    painter: QPainter, rect: QRectF, radius: float, fill: QColor | None, line: QColor | None, width: float
) -> None:
    """A rounded box whose line lies wholly inside ``rect``."""
    painter.setPen(QPen(line, width) if line is not None else Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(fill) if fill is not None else Qt.BrushStyle.NoBrush)
    inset = width / 2 if line is not None else 0.0
    painter.drawRoundedRect(rect.adjusted(inset, inset, -inset, -inset), radius, radius)


def focus_ring(painter: QPainter, rect: QRect, radius_px: int) -> None:
    """The mark of the control that the keyboard talks to, along the edge of ``rect``."""
    theme = current()
    rounded(painter, QRectF(rect), radius_px, None, QColor(theme.colours.accent), theme.px(2))


class IconView(QWidget):
    """One icon in one of the theme's colours. Silent to screen readers unless it is given an accessible name."""

    def __init__(self, icons: Icons, name: str, colour: str = "muted", size_px: int = 22) -> None:
        super().__init__()
        self._icons = icons
        self._name = name
        self._colour = colour
        self._side = current().px(size_px)
        self.setFixedSize(self._side, self._side)

    @property
    def name(self) -> str:
        return self._name

    def show_icon(self, name: str, colour: str) -> None:
        """``colour`` is a field of ``theme.Colours``."""
        if (name, colour) != (self._name, self._colour):
            self._name, self._colour = name, colour
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colour: str = getattr(current().colours, self._colour)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._icons.pixmap(self._name, colour, self._side, self.devicePixelRatioF()))
        painter.end()


def plain_tip(text: str) -> str:
    """A tooltip that shows ``text`` letter by letter: Qt would guess by its content whether it is mark-up."""
    lines = html.escape(text).replace("\n", "<br>")
    return f"<qt>{lines}</qt>" if text else ""


class ElidedLabel(QLabel):
    """One line that is cut with an ellipsis where room is short; the whole text is its tooltip and accessible name."""

    def __init__(self, role: Role = "body", *, min_px: int = 48) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._whole = ""
        self._min_px = min_px

    def show_text(self, text: str) -> None:
        self._whole = " ".join(text.split())
        self.setAccessibleName(self._whole)
        self.setToolTip(plain_tip(self._whole))
        self.updateGeometry()
        self._elide()

    def sizeHint(self) -> QSize:
        margins = self.contentsMargins()
        width = self.fontMetrics().horizontalAdvance(self._whole) + margins.left() + margins.right() + 2
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self._min_px, self.sizeHint().width()), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        room = self.contentsRect().width()
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, room)
        if shown != self.text():
            self.setText(shown)


class Button(QPushButton):
    """A push button. Return and Space press it, except when a held key repeats itself.

    ``primary`` is what most people do next (one per page), ``secondary`` the other choice,
    ``quiet`` belongs to the frame, ``danger`` ends something.
    """

    def __init__(
        self, text: str, kind: Kind = "secondary", icons: Icons | None = None, icon: str = "", *, small: bool = False
    ) -> None:
        super().__init__(text)
        self._small = small
        self._kind: Kind = kind
        self._icons = icons
        self._icon = icon
        self.setAutoDefault(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    @property
    def kind(self) -> Kind:
        return self._kind

    def set_kind(self, kind: Kind) -> None:
        if kind != self._kind:
            self._kind = kind
            self.update()

    def sizeHint(self) -> QSize:
        theme, metrics = current(), self.fontMetrics()
        low, side = (34, 8) if self._small else (42, 18)
        height = max(theme.px(low), metrics.height() + theme.px(low - 24)) + 2 * RING_PX
        if not self.text():
            return QSize(height, height)
        width = metrics.horizontalAdvance(self._plain()) + 2 * theme.px(side) + 2 * RING_PX
        if self._icon:
            width += theme.px(18 + 8)
        return QSize(max(width, height), height)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.isAutoRepeat() and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange:
            self.setCursor(Qt.CursorShape.PointingHandCursor if self.isEnabled() else Qt.CursorShape.ArrowCursor)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current()
        fill, line, ink = self._look(theme.colours)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = theme.px(9)
        box = QRectF(self.rect()).adjusted(RING_PX, RING_PX, -RING_PX, -RING_PX)
        rounded(painter, box, radius, fill, line, 1)
        if self.hasFocus():
            focus_ring(painter, self.rect(), radius + RING_PX)
        self._paint_content(painter, box.toRect(), ink)
        painter.end()

    def _plain(self) -> str:
        return self.text().replace("&&", "\0").replace("&", "").replace("\0", "&")

    def _paint_content(self, painter: QPainter, box: QRect, ink: QColor) -> None:
        theme = current()
        side = theme.px(18) if self._icon else 0
        gap = theme.px(8) if self._icon and self.text() else 0
        words = self.fontMetrics().horizontalAdvance(self._plain())
        content = QRect(0, 0, side + gap + words, box.height())
        content.moveCenter(box.center())
        if self._icon and self._icons is not None:
            right_to_left = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            x = content.right() - side + 1 if right_to_left else content.left()
            at = QPoint(x, box.center().y() - side // 2 + 1)
            painter.drawPixmap(at, self._icons.pixmap(self._icon, ink.name(), side, self.devicePixelRatioF()))
            content.adjust(0 if right_to_left else side + gap, 0, -(side + gap) if right_to_left else 0, 0)
        painter.setPen(ink)
        painter.drawText(content.adjusted(-1, 0, 1, 0), Qt.AlignmentFlag.AlignCenter, self._plain())

    def _look(self, c: Colours) -> tuple[QColor | None, QColor | None, QColor]:
        """Fill, line and ink for the present state."""
        over = self.underMouse() and self.isEnabled()
        if not self.isEnabled():
            ground = None if self._kind == "quiet" else QColor(c.sunken)
            return ground, (None if self._kind == "quiet" else QColor(c.border)), QColor(c.muted)
        if self._kind == "primary":
            fill = c.accent_press if self.isDown() else c.accent_hover if over else c.accent
            return QColor(fill), None, QColor(c.on_accent)
        pressed = QColor(c.sunken) if self.isDown() else QColor(c.accent_soft) if over else None
        if self._kind == "quiet":
            return pressed, None, QColor(c.text)
        if self._kind == "danger":
            fill = c.danger_soft if over or self.isDown() else c.surface
            return QColor(fill), QColor(c.danger), QColor(c.danger)
        return pressed or QColor(c.surface), QColor(c.control), QColor(c.text)


class CheckLine(QCheckBox):
    """A check box whose sentence wraps."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        width = min(
            current().px(460), self.fontMetrics().horizontalAdvance(self.text()) + self._indent() + self._pad() + 2
        )
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        width = current().px(200)
        return QSize(width, self.fontMetrics().height() + 2 * self._pad())

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        room = QRect(0, 0, max(1, width - self._indent() - self._pad()), 10_000)
        words = self.fontMetrics().boundingRect(room, int(Qt.TextFlag.TextWordWrap), self.text())
        return max(words.height(), self._side()) + 2 * self._pad()

    def hitButton(self, pos: QPoint) -> bool:
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current()
        c, side, pad = theme.colours, self._side(), self._pad()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line_height = self.fontMetrics().height()
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        left = self.width() - pad - side if mirrored else pad
        box = QRectF(left, pad + max(0, (line_height - side) / 2), side, side)
        on = self.isChecked()
        rounded(
            painter, box, theme.px(5), QColor(c.accent if on else c.surface), QColor(c.accent if on else c.control), 2
        )
        if on:
            painter.setPen(QPen(QColor(c.on_accent), theme.px(2), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            points = ((0.25, 0.53), (0.43, 0.71), (0.77, 0.31))
            painter.drawPolyline([QPointF(box.left() + x * side, box.top() + y * side) for x, y in points])
        painter.setPen(QColor(c.text))
        words = self.rect().adjusted(
            pad if mirrored else self._indent(), pad, -self._indent() if mirrored else -pad, -pad
        )
        align = Qt.AlignmentFlag.AlignTop | (Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft)
        painter.drawText(words, int(align) | int(Qt.TextFlag.TextWordWrap), self.text())
        if self.hasFocus():
            width = self._indent() + self.fontMetrics().horizontalAdvance(self.text()) + 2 * pad
            ring = QRect(0, 0, min(self.width(), width), self.height())
            if mirrored:
                ring.moveRight(self.rect().right())
            focus_ring(painter, ring, theme.px(8))
        painter.end()

    def _side(self) -> int:
        return current().px(20)

    def _pad(self) -> int:
        return current().px(7)

    def _indent(self) -> int:
        return self._pad() + self._side() + current().px(11)


_MESSAGE_ICONS: dict[Surface, str] = {"info": "info", "warning": "warning", "danger": "failed", "ok": "ok"}


class Message(QFrame):
    """A box with an icon and a sentence, in the colour of what it means; hidden while it has nothing to say."""

    def __init__(self, icons: Icons, surface: Surface = "info") -> None:
        super().__init__()
        theme = current()
        self.setProperty("surface", surface)
        self._icon = IconView(icons, _MESSAGE_ICONS[surface], self._colour(surface), 20)
        self.words = label()
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(14), theme.px(10), theme.px(14), theme.px(10))
        row.setSpacing(theme.px(12))
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.words, 1)
        self.hide()

    def show_text(self, text: str, surface: Surface | None = None) -> None:
        if surface is not None:
            set_surface(self, surface)
            self._icon.show_icon(_MESSAGE_ICONS[surface], self._colour(surface))
        self.words.setText(text)
        self.setVisible(bool(text))
        announce(self, text)

    @staticmethod
    def _colour(surface: Surface) -> str:
        return "accent" if surface == "info" else surface


def column(spacing_px: int = 12) -> QVBoxLayout:
    made = QVBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(current().px(spacing_px))
    return made


def row(spacing_px: int = 12) -> QHBoxLayout:
    made = QHBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(current().px(spacing_px))
    return made
