"""A row for a setting: its control, what it means, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.core.types import Json
from app.ui.editor.catalogue import Kind, Setting
from app.ui.editor.controls import Choice, Control, Line, List, Number, Text, YesNo
from app.ui.editor.password_control import Password
from app.ui.editor.tables import Table
from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import Button, ElidedLabel, IconView, column, label, row

NAME_WIDTH_PX = 220
ROW_GAP_PX = 14
_FEW = 4
_WIDE = frozenset({Kind.RULES, Kind.WEIGHTS})


class Remark(QWidget):
    """A sentence with an icon under a control: what is wrong, or what is worth knowing."""

    def __init__(self, icons: Icons, icon: str, colour: str) -> None:
        super().__init__()
        self.words = label()
        self.words.setProperty("role", "problem" if colour == "danger" else "note")
        across = row(7)
        across.setContentsMargins(0, 0, 0, current().px(2))
        across.addWidget(IconView(icons, icon, colour, 20), 0, Qt.AlignmentFlag.AlignTop)
        across.addWidget(self.words, 1)
        self.setLayout(across)
        self.hide()

    def show_lines(self, lines: Sequence[str]) -> None:
        self.words.setText("\n".join(lines))
        self.setVisible(bool(lines))


class SettingRow(QWidget):
    """One setting. ``edited`` and ``reset_requested`` carry nothing: the row knows its setting."""

    reset_requested = Signal()

    def __init__(self, setting: Setting, icons: Icons) -> None:
        super().__init__()
        self.setting = setting
        self._findings: tuple[Sequence[str], Sequence[str]] | None = None
        self.control = make_control(setting, icons)
        self.problem = Remark(icons, "failed", "danger")
        self.note = Remark(icons, "info", "muted")
        self.meaning = label(setting.meaning, "small")
        self.vendors = label("", "small")
        self.vendors.hide()
        self.reset_button = Button(self.tr("Reset"), "quiet", icons, "repeat", small=True)
        self.reset_button.setAccessibleName(self.tr("Reset %s to its default").replace("%s", setting.label))
        self.reset_button.setMaximumHeight(current().px(36))
        self.reset_button.setToolTip(self.tr("Reset to the default: %s").replace("%s", default_words(setting)))
        self._side = column(2)
        self._lay_out()
        self.reset_button.clicked.connect(self.reset_requested)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def _lay_out(self) -> None:
        theme = current()
        name = self._name()
        side = self._side
        wide = self.setting.kind in _WIDE
        keep = self.reset_button.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.reset_button.setSizePolicy(keep)
        line = row(6)
        line.addWidget(name if wide else self.control, 1)
        line.addWidget(self.reset_button, 0, Qt.AlignmentFlag.AlignTop)
        if wide:
            side.addWidget(self.control)
        else:
            side.addLayout(line)
        for words in (self.problem, self.meaning, self.note, self.vendors):
            side.addWidget(words)
        if wide:
            whole = column(4)
            whole.addLayout(line)
            whole.addLayout(side)
            whole.setContentsMargins(0, 0, 0, theme.px(ROW_GAP_PX))
            self.setLayout(whole)
            return
        name.setFixedWidth(theme.px(NAME_WIDTH_PX))
        across = row(16)
        across.setContentsMargins(0, 0, 0, theme.px(ROW_GAP_PX))
        across.addWidget(name, 0, Qt.AlignmentFlag.AlignTop)
        across.addLayout(side, 1)
        self.setLayout(across)

    def _name(self) -> QWidget:
        holder = QWidget()
        title = label(self.setting.label, "strong")
        title.setBuddy(self.control.focus)
        path = ElidedLabel("small")
        path.show_text(self.setting.path)
        down = QVBoxLayout(holder)
        down.setContentsMargins(0, current().px(7), 0, 0)
        down.setSpacing(0)
        down.addWidget(title)
        down.addWidget(path)
        return holder

    def show_value(self, value: Json, *, is_default: bool) -> None:
        self.control.show_value(value)
        self.show_default(is_default=is_default)

    def show_default(self, *, is_default: bool) -> None:
        """A setting that has its default needs no reset."""
        if self.reset_button.isVisibleTo(self) == is_default:
            if is_default and self.reset_button.hasFocus():
                self.control.focus.setFocus(Qt.FocusReason.OtherFocusReason)
            self.reset_button.setVisible(not is_default)

    def show_findings(self, problems: Sequence[str], notes: Sequence[str]) -> None:
        if (problems, notes) == self._findings:
            return
        self._findings = (problems, notes)
        self.problem.show_lines(problems)
        self.note.show_lines(notes)
        self._measure_again()
        self.control.describe(" ".join((*problems, self.setting.meaning, *notes)), wrong=bool(problems))

    def show_vendor_names(self, names: Sequence[str]) -> None:
        text = self.tr("Elsewhere: %s").replace("%s", ", ".join(names)) if names else ""
        if text == self.vendors.text():
            return
        self.vendors.setText(text)
        self.vendors.setVisible(bool(names))
        self._measure_again()

    def _measure_again(self) -> None:
        """WORKAROUND(Qt 6.12): a layout within a layout keeps its height for a width when a label in it appears."""
        self._side.invalidate()
        self.updateGeometry()


def make_control(setting: Setting, icons: Icons) -> Control:
    """The control that fits the setting's kind."""
    if setting.kind in (Kind.WHOLE, Kind.NUMBER):
        return Number(setting, icons)
    if setting.kind is Kind.HASHED:
        return Password(setting, icons)
    if setting.kind is Kind.LINE:
        return Line(setting, icons)
    kinds: dict[Kind, type[Control]] = {
        Kind.YES_NO: YesNo,
        Kind.CHOICE: Choice,
        Kind.TEXT: Text,
        Kind.LIST: List,
        Kind.RULES: Table,
        Kind.WEIGHTS: Table,
    }
    return kinds[setting.kind](setting)


def default_words(setting: Setting) -> str:
    return value_words(setting, setting.default)


def value_words(setting: Setting | None, value: Json) -> str:
    """A value as a person reads it; secrets are not shown."""
    if setting is not None and setting.secret:
        return "(not shown)" if value else "(empty)"
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "no limit" if setting is not None else "default"
    if isinstance(value, int | float):
        return f"{value:g} {setting.unit if setting is not None else ''}".strip()
    if isinstance(value, list | dict):
        return _few(list(map(str, value)))
    return str(value) or "(empty)"


def tab_stops(setting_row: SettingRow) -> list[QWidget]:
    found = [
        part
        for part in setting_row.control.findChildren(QWidget)
        if part.focusPolicy() & Qt.FocusPolicy.TabFocus
        and part.focusProxy() is None
        and part.window() is setting_row.window()  # a list that drops down is a window of its own
    ]
    return [*found, setting_row.reset_button]


def _few(entries: Sequence[str]) -> str:
    """The first of a list's entries, and how many more there are."""
    shown = ", ".join(entries[:_FEW])
    more = len(entries) - _FEW
    return f"{shown} and {more} more" if more > 1 else ", ".join(entries) or "(empty)"
