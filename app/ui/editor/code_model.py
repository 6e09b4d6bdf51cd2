"""The table of settings by evidence code, without its looks: what is in force, what differs from the defaults."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QFont

from app.core.codes import EVIDENCE
from app.core.types import Json
from app.ui.theme import current

Index = QModelIndex | QPersistentModelIndex
Rows = dict[str, dict[str, Json]]
"""What differs from the defaults, by evidence code and column."""

SWITCH = "enabled"
_NOWHERE = QModelIndex()


def _no_choices(_code: int) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Column:
    """``choices`` gives the words for each value that a cell of this code may have; none for numbers."""

    name: str
    title: str
    help: str
    choices: Callable[[int], Mapping[str, str]] = _no_choices


class CodeModel(QAbstractTableModel):
    """One row for each evidence code. A cell that has no value of its own shows the default, muted."""

    changed = Signal()

    def __init__(self, columns: Sequence[Column], name_title: str) -> None:
        super().__init__()
        self.columns = tuple(columns)
        self.codes = tuple(sorted(EVIDENCE))
        self._name_title = name_title
        self._has_switch = any(column.name == SWITCH for column in columns)
        self._with_choices = frozenset(c.name for c in columns if any(c.choices(code) for code in self.codes))
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
            return "" if switch else self._text(index)
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
        text = str(value).strip()
        taken = self._chosen(index, text) if self._column(index).name in self._with_choices else _number(text)
        if text and taken is None:
            return False
        self._set(index, taken)
        return True

    def choices(self, index: Index) -> Mapping[str, str]:
        """The values that this cell can have, with their words; empty where it takes a number or a switch."""
        return {} if index.column() == 0 else self._column(index).choices(self.codes[index.row()])

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

    def _chosen(self, index: Index, text: str) -> str | None:
        """A choice by its value or its words, whatever the case."""
        wanted = text.casefold()
        return next((v for v, words in self.choices(index).items() if wanted in (v.casefold(), words.casefold())), None)

    def _text(self, index: Index) -> str:
        """A cell's value for people. One that is no choice here, out of a file, is shown as it is."""
        value = self.value(index)
        return self.choices(index).get(value, value) if isinstance(value, str) else _number_text(value)

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
        shown = self._text(index) if column.name != SWITCH else self.tr("on") if value else self.tr("off")
        own = "" if self.is_own(index) else f", {self.tr('default')}"
        return f"{EVIDENCE[code].name}, {column.title}: {shown or self.tr('none')}{own}"

    def _redraw(self) -> None:
        last = self.index(len(self.codes) - 1, self.columnCount() - 1)
        self.dataChanged.emit(self.index(0, 0), last)


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= 1e9 else None


def _number_text(value: Json) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else ""
