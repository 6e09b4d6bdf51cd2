"""Tables by evidence code: the rules' settings and the trust score's weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from PySide6.QtCore import QAbstractItemModel, QEvent, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QComboBox,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.core.policy import Detection, Sensitivity
from app.core.response_rules import unfit
from app.core.rule_table import settings_for
from app.core.trust import DEFAULT_WEIGHTS
from app.core.types import NS_PER_S, Json
from app.keys.settings import RESPONSES
from app.ui.editor.catalogue import Kind, Setting
from app.ui.editor.code_model import SWITCH, CodeModel, Column, Index, Rows
from app.ui.editor.controls import Control
from app.ui.theme import current
from app.ui.widgets import focus_ring, label, rounded

WEIGHT = "weight"
_VISIBLE_ROWS = 11


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

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        """A list to choose from where there are choices: the default first, then each with its words."""
        choices = self._choices(index)
        if not choices:
            return super().createEditor(parent, option, index)
        box = QComboBox(parent)
        box.setProperty("role", "cell")
        box.addItem(self.tr("Default"), "")
        for value, words in choices.items():
            box.addItem(words, value)
        box.activated.connect(lambda _at: self._take(box))
        return box

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        if isinstance(editor, QComboBox):
            editor.setCurrentIndex(max(0, editor.findText(str(index.data()))))
        else:
            super().setEditorData(editor, index)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentData())
        else:
            super().setModelData(editor, model, index)

    def _take(self, box: QComboBox) -> None:
        """What is chosen is taken at once: nothing else is to be confirmed."""
        self.commitData.emit(box)
        self.closeEditor.emit(box)

    def _choices(self, index: Index) -> Mapping[str, str]:
        model = index.model()
        return model.choices(index) if isinstance(model, CodeModel) else {}

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


def fitting_responses(code: int) -> dict[str, str]:
    """The responses that this rule may have, with their words, the mildest first."""
    return {response: told.label for response, told in RESPONSES.items() if not unfit(code, response)}


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
                    "response": rule.response,
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
        return (
            keys
            if self._weights
            else f"{keys} {self.tr('Space switches a rule, a letter chooses a response. Times are in seconds.')}"
        )

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
            Column("response", self.tr("Response"), self.tr("What follows a violation"), fitting_responses),
        ]

    def _weight_columns(self) -> list[Column]:
        return [
            Column(
                WEIGHT, self.tr("Points"), self.tr("Trust points that a violation of severity 1 and ten seconds costs")
            )
        ]
