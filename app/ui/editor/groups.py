"""The list of groups at the editor's side, with marks for what was changed in them and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.ui.editor.catalogue import Group
from app.ui.theme import current
from app.ui.widgets import focus_ring, rounded

_CHANGED = Qt.ItemDataRole.UserRole + 1
_WRONG = Qt.ItemDataRole.UserRole + 2
WIDTH_PX = 196


class GroupList(QListWidget):
    """Arrow keys choose a group; a screen reader hears what its mark means."""

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__()
        self.setProperty("role", "groups")
        self.setAccessibleName(self.tr("Groups of settings"))
        self.setFixedWidth(current().px(WIDTH_PX))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_GroupDelegate(self))
        self._groups = tuple(groups)
        for group in groups:
            item = QListWidgetItem(group.title)
            item.setToolTip(group.meaning)
            self.addItem(item)

    def group(self) -> str:
        """The chosen group's name; empty while none is."""
        at = self.currentRow()
        return self._groups[at].name if at >= 0 else ""

    def choose(self, name: str) -> None:
        """Empty for none."""
        at = next((at for at, group in enumerate(self._groups) if group.name == name), -1)
        self.setCurrentRow(at)

    def show_marks(self, changed: Mapping[str, int], wrong: Mapping[str, int]) -> None:
        """How many settings differ from their defaults, and how many problems there are, by group."""
        for at, group in enumerate(self._groups):
            item = self.item(at)
            item.setData(_CHANGED, changed.get(group.name, 0))
            item.setData(_WRONG, wrong.get(group.name, 0))
            words = [group.title]
            if wrong.get(group.name):
                words.append(self.tr("problems: %1").replace("%1", str(wrong[group.name])))
            if changed.get(group.name):
                words.append(self.tr("changed settings: %1").replace("%1", str(changed[group.name])))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(words))


class _GroupDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(current().px(120), current().px(33))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        theme = current()
        c, px = theme.colours, theme.px
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRect(option.rect).adjusted(px(2), px(1), -px(2), -px(1))
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            rounded(painter, QRectF(box), px(7), QColor(c.accent_soft), None, 0)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            rounded(painter, QRectF(box), px(7), QColor(c.sunken), None, 0)
        if chosen and option.state & QStyle.StateFlag.State_HasFocus:
            focus_ring(painter, box, px(7))
        words = box.adjusted(px(10), 0, -px(44), 0)
        font = painter.font()
        font.setBold(chosen)
        painter.setFont(font)
        painter.setPen(QColor(c.text))
        title = painter.fontMetrics().elidedText(str(index.data()), Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, title)
        self._mark(painter, box, index)
        painter.restore()

    def _mark(self, painter: QPainter, box: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        """A red pill with the number of problems, or a dot where something was changed."""
        theme = current()
        c, px = theme.colours, theme.px
        wrong, changed = int(index.data(_WRONG) or 0), int(index.data(_CHANGED) or 0)
        if wrong:
            words = f"! {wrong}"
            pill = QRectF(0, 0, max(px(30), painter.fontMetrics().horizontalAdvance(words) + px(14)), px(20))
            pill.moveCenter(QRectF(box).center())
            pill.moveRight(box.right() - px(6))
            rounded(painter, pill, px(10), QColor(c.danger_soft), QColor(c.danger), 1)
            painter.setPen(QColor(c.danger))
            painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, words)
        elif changed:
            dot = QRectF(0, 0, px(8), px(8))
            dot.moveCenter(QRectF(box).center())
            dot.moveRight(box.right() - px(14))
            rounded(painter, dot, px(4), QColor(c.accent), None, 0)
