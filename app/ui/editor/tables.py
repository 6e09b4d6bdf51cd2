"""Tables by evidence code: the rules' settings and the trust score's weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
)

from app.core.codes import EVIDENCE
from app.core.policy import Detection, Sensitivity
from app.core.rule_table import settings_for
from app.core.trust import DEFAULT_WEIGHTS
from app.core.types import NS_PER_S, Json
from app.ui.editor.catalogue import Kind, Setting
from app.ui.editor.controls import Control
from app.ui.theme import current
from app.ui.widgets import focus_ring, label, rounded

Index = QModelIndex | QPersistentModelIndex
Rows = dict[str, dict[str, Json]]
"""What differs from the defaults, by evidence code and column."""

SWITCH = "enabled"
WEIGHT = "weight"
_VISIBLE_ROWS = 11
_NOWHERE = QModelIndex()


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    title: str
    help: str


class CodeModel(QAbstractTableModel):
    """One row for each evidence code. A cell that has no value of its own shows the default, muted."""

    changed = Signal()

    def __init__(self, columns: Sequence[Column], name_title: str) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.codes = tuple(sorted(EVIDENCE))
        self._name_title = name_title
        self._has_switch = any(column.name == SWITCH for column in columns)
        self._defaults: Mapping[int, Mapping[str, Json]] = {}
        self._rows: Rows = {}

    @property
    def rows(self) -> Rows:
        return {code: dict(row) for code, row in self._rows.items()}

    def show(self, rows: Rows) -> None:
        if rows != self._rows:
            self._rows = {code: dict(row) for code, row in rows.items()}
            self._redraw()

    def show_defaults(self, defaults: Mapping[int, Mapping[str, Json]]) -> None:
        """By code and column. A code that is not in it is switched off unless it has a row."""
        if defaults != self._defaults:
            self._defaults = defaults
            self._redraw()

    def clear(self, index: Index) -> None:
        """Gives a cell its default back."""
        if index.column() > 0:
            self._set(index, None)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.codes)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.columns) + 1

    def flags(self, index: Index) -> Qt.ItemFlag:
        common = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() == 0:
            return common
        switch = self._column(index).name == SWITCH
        return common | (Qt.ItemFlag.ItemIsUserCheckable if switch else Qt.ItemFlag.ItemIsEditable)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._name_title if section == 0 else self.columns[section - 1].title
        if role == Qt.ItemDataRole.ToolTipRole and section > 0:
            return self.columns[section - 1].help
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return (
                Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
                if section == 0
                else Qt.AlignmentFlag.AlignCenter
            )
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if index.column() == 0:
            return self._name(index, role)
        switch = self._column(index).name == SWITCH
        if role == Qt.ItemDataRole.CheckStateRole and switch:
            return Qt.CheckState.Checked if self.value(index) else Qt.CheckState.Unchecked
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return "" if switch else _number_text(self.value(index))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(index)
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(current().colours.accent if self.is_own(index) else current().colours.muted)
        if role == Qt.ItemDataRole.FontRole and self.is_own(index):
            bold = QFont()
            bold.setBold(True)
            return bold
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if index.column() == 0:
            return False
        if role == Qt.ItemDataRole.CheckStateRole and self._column(index).name == SWITCH:
            self._set(index, Qt.CheckState(value) is Qt.CheckState.Checked)
            return True
        if role != Qt.ItemDataRole.EditRole:
            return False
        text = str(value).strip().replace(",", ".")
        number = _number(text)
        if text and number is None:
            return False
        self._set(index, number)
        return True

    def value(self, index: Index) -> Json:
        """What is in force: the cell's own value, or the default."""
        code, name = self.codes[index.row()], self._column(index).name
        if name == SWITCH:
            return self._is_on(code)
        own = self._rows.get(str(code), {}).get(name)
        return self._defaults.get(code, {}).get(name) if own is None else own

    def is_own(self, index: Index) -> bool:
        """Whether the cell differs from the default."""
        code, name = self.codes[index.row()], self._column(index).name
        if name == SWITCH:
            return self._is_on(code) != (code in self._defaults)
        return self._rows.get(str(code), {}).get(name) is not None

    def _set(self, index: Index, value: Json) -> None:
        """None gives the default back. A row in which nothing is left goes."""
        code, name = self.codes[index.row()], self._column(index).name
        known, on = code in self._defaults, self._is_on(code)
        if name == SWITCH:
            on = known if value is None else value is True
        kept: dict[str, Json] = {
            n: v for n, v in self._rows.get(str(code), {}).items() if n not in (SWITCH, name) and v is not None
        }
        if name != SWITCH and value is not None:
            kept[name] = value
        if self._has_switch and on != (known or bool(kept)):
            kept[SWITCH] = on
        if kept:
            self._rows[str(code)] = kept
        else:
            self._rows.pop(str(code), None)
        self.dataChanged.emit(self.index(index.row(), 0), self.index(index.row(), self.columnCount() - 1))
        self.changed.emit()

    def _is_on(self, code: int) -> bool:
        row = self._rows.get(str(code))
        return code in self._defaults if row is None else row.get(SWITCH, True) is True

    def _column(self, index: Index) -> Column:
        return self.columns[index.column() - 1]

    def _name(self, index: Index, role: int) -> object:
        code = self.codes[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{code}  {EVIDENCE[code].name}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return EVIDENCE[code].sentence
        if role == Qt.ItemDataRole.ForegroundRole and code not in self._defaults:
            return QColor(current().colours.muted)
        return None

    def _spoken(self, index: Index) -> str:
        column, code = self._column(index), self.codes[index.row()]
        value = self.value(index)
        shown = _number_text(value) if column.name != SWITCH else self.tr("on") if value else self.tr("off")
        own = "" if self.is_own(index) else f", {self.tr('default')}"
        return f"{EVIDENCE[code].name}, {column.title}: {shown or self.tr('none')}{own}"

    def _redraw(self) -> None:
        last = self.index(len(self.codes) - 1, self.columnCount() - 1)
        self.dataChanged.emit(self.index(0, 0), last)


class CodeTable(QTableView):
    """Arrow keys move, typing or F2 edits, Space switches, Delete gives a cell its default back, Tab leaves."""

    def __init__(self, model: CodeModel) -> None:
        super().__init__()
        theme = current()
        self._codes = model
        self.setModel(model)
        self.setItemDelegate(CellDelegate(self))
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(theme.px(30))
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        for column in range(1, model.columnCount()):
            words = self.fontMetrics().horizontalAdvance(model.columns[column - 1].title)
            self.setColumnWidth(column, max(theme.px(54), words + theme.px(18)))
        self.setEditTriggers(
            QTableView.EditTrigger.AnyKeyPressed
            | QTableView.EditTrigger.DoubleClicked
            | QTableView.EditTrigger.EditKeyPressed
        )
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(False)
        self.setCurrentIndex(model.index(0, 1))
        self.setFixedHeight(theme.px(30) * _VISIBLE_ROWS + header.sizeHint().height() + theme.px(8))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._codes.clear(self.currentIndex())
            event.accept()
            return
        super().keyPressEvent(event)


class CellDelegate(QStyledItemDelegate):
    """Draws switches as the windows' check boxes are drawn, and a ring around the cell that the keyboard talks to."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        checked = index.data(Qt.ItemDataRole.CheckStateRole)
        if checked is None:
            super().paint(painter, option, index)
        else:
            self._paint_switch(painter, option, Qt.CheckState(checked) is Qt.CheckState.Checked)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            focus_ring(painter, QRect(option.rect).adjusted(1, 1, -1, -1), current().px(4))
            painter.restore()

    def _paint_switch(self, painter: QPainter, option: QStyleOptionViewItem, on: bool) -> None:
        theme = current()
        c, side = theme.colours, theme.px(18)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(c.accent_soft))
        box = QRectF(0, 0, side, side)
        box.moveCenter(QRectF(option.rect).center())
        tick_box(painter, box, on=on)
        painter.restore()

    def editorEvent(self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index) -> bool:
        """A click anywhere in the cell switches, and so does Space."""
        checked = index.data(Qt.ItemDataRole.CheckStateRole)
        clicked = event.type() == QEvent.Type.MouseButtonRelease
        spaced = isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Select)
        if checked is None or not (clicked or (spaced and event.type() == QEvent.Type.KeyPress)):
            return super().editorEvent(event, model, option, index)
        on = Qt.CheckState(checked) is Qt.CheckState.Checked
        return model.setData(
            index, Qt.CheckState.Unchecked if on else Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole
        )


def tick_box(painter: QPainter, box: QRectF, *, on: bool) -> None:
    """A check box as ``widgets.CheckLine`` draws its own."""
    theme = current()
    c = theme.colours
    line = QColor(c.accent if on else c.control)
    rounded(painter, box, theme.px(5), QColor(c.accent if on else c.surface), line, 2)
    if on:
        painter.setPen(QPen(QColor(c.on_accent), theme.px(2), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        points = ((0.25, 0.53), (0.43, 0.71), (0.77, 0.31))
        painter.drawPolyline([QPointF(box.left() + x * box.width(), box.top() + y * box.height()) for x, y in points])


class Table(Control):
    """The control of a setting that has a value for each evidence code."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._weights = setting.kind is Kind.WEIGHTS
        self.model = CodeModel(self._weight_columns() if self._weights else self._rule_columns(), self.tr("Evidence"))
        self.table = CodeTable(self.model)
        self.show_sensitivity("medium")
        down = QVBoxLayout(self)
        down.setContentsMargins(0, 0, 0, 0)
        down.setSpacing(current().px(4))
        down.addWidget(self.table)
        down.addWidget(label(self._hint(), "small"))
        self.take(self.table)
        self.model.changed.connect(lambda: self.tell(self._value()))

    def show_sensitivity(self, sensitivity: Sensitivity) -> None:
        """The defaults of rules move with the sensitivity."""
        if self._weights:
            self.model.show_defaults({code: {WEIGHT: weight} for code, weight in DEFAULT_WEIGHTS.items()})
            return
        rules = settings_for(Detection(sensitivity=sensitivity))
        self.model.show_defaults(
            {
                code: {
                    "dwell_s": rule.dwell_ns / NS_PER_S,
                    "release_s": rule.release_ns / NS_PER_S,
                    "merge_s": rule.merge_ns / NS_PER_S,
                    "cooldown_s": rule.cooldown_ns / NS_PER_S,
                    "threshold": rule.threshold,
                    "severity": rule.severity,
                }
                for code, rule in rules.items()
            }
        )

    def fill(self, value: Json) -> None:
        rows = value if isinstance(value, dict) else {}
        if self._weights:
            self.model.show({code: {WEIGHT: weight} for code, weight in rows.items()})
        else:
            self.model.show(cast(Rows, rows))

    def _value(self) -> Json:
        rows = self.model.rows
        if self._weights:
            return {code: row[WEIGHT] for code, row in rows.items() if WEIGHT in row}
        return cast(Json, rows)

    def _hint(self) -> str:
        keys = self.tr("Grey values are defaults. Type to change one, Delete gives its default back.")
        return keys if self._weights else f"{keys} {self.tr('Space switches a rule. Times are in seconds.')}"

    def _rule_columns(self) -> list[Column]:
        return [
            Column(SWITCH, self.tr("On"), self.tr("Whether this is watched for")),
            Column("dwell_s", self.tr("Dwell"), self.tr("Seconds for which it has to last before it counts")),
            Column("release_s", self.tr("Release"), self.tr("Seconds for which it has to be gone before it ends")),
            Column("merge_s", self.tr("Merge"), self.tr("Violations that are closer together are one")),
            Column("cooldown_s", self.tr("Pause"), self.tr("Seconds after its end in which no new one begins")),
            Column(
                "threshold", self.tr("Threshold"), self.tr("In the rule's own unit; see the policy's documentation")
            ),
            Column("severity", self.tr("Severity"), self.tr("0 is for information, 1 the gravest")),
        ]

    def _weight_columns(self) -> list[Column]:
        return [
            Column(
                WEIGHT, self.tr("Points"), self.tr("Trust points that a violation of severity 1 and ten seconds costs")
            )
        ]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= 1e9 else None


def _number_text(value: Json) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else ""
