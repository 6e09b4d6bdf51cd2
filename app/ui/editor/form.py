"""The settings of one group, or of a search: a row for each with its control, what it means and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.core.policy import Sensitivity
from app.core.types import Json
from app.ui.editor.catalogue import RULES, Kind, Setting
from app.ui.editor.controls import Choice, Control, Line, List, Number, Text, YesNo
from app.ui.editor.model import EditorModel, Findings
from app.ui.editor.tables import Table
from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import Button, ElidedLabel, IconView, column, label, row

NAME_WIDTH_PX = 220
FORM_WIDTH_PX = 1060
ROW_GAP_PX = 14
SENSITIVITY = "detection.sensitivity"
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
        line = row(6)
        line.addWidget(self.control, 1)
        line.addWidget(self.reset_button, 0, Qt.AlignmentFlag.AlignTop)
        keep = self.reset_button.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.reset_button.setSizePolicy(keep)
        side.addLayout(line)
        for words in (self.problem, self.meaning, self.note, self.vendors):
            side.addWidget(words)
        if self.setting.kind in _WIDE:
            whole = column(4)
            whole.addWidget(name)
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
        self.vendors.setText(self.tr("Elsewhere: %s").replace("%s", ", ".join(names)))
        self.vendors.setVisible(bool(names))
        self._measure_again()

    def _measure_again(self) -> None:
        """WORKAROUND(Qt 6.12): a layout within a layout keeps its height for a width when a label in it appears."""
        self._side.invalidate()
        self.updateGeometry()


class Column(QWidget):
    """Widgets under each other, each as high as its words need at this width.

    Qt's own column keeps old heights when a sentence appears in a row of rows, and this is faster with many.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "column")
        self._shown: list[QWidget] = []
        self._width = 0

    def show_widgets(self, widgets: Sequence[QWidget]) -> None:
        """These and no others, from the top."""
        for widget in self._shown:
            if widget not in widgets:
                widget.hide()
        self._shown = list(widgets)
        self._lay_out()
        for widget in self._shown:
            widget.show()

    def fit(self, width_px: int) -> None:
        if width_px != self._width:
            self._width = width_px
            self._lay_out()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self._lay_out()
        return super().event(event)

    def _lay_out(self) -> None:
        theme = current()
        side = theme.px(20 if self._width < theme.px(900) else 32)
        width = min(self._width - 2 * side, theme.px(FORM_WIDTH_PX))
        left = self._width - side - width if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else side
        top = theme.px(14)
        for widget in self._shown:
            layout = widget.layout()
            if layout is not None:
                layout.invalidate()
            height = max(widget.heightForWidth(width), widget.minimumSizeHint().height())
            widget.setGeometry(left, top, width, height)
            top += height
        self.resize(self._width, top + theme.px(10))


class Form(QScrollArea):
    """Shows rows by path. Rows are made when they are first needed, the rest while nobody waits. UI thread."""

    edited = Signal(str, object)
    reset_requested = Signal(str)

    def __init__(self, model: EditorModel, icons: Icons) -> None:
        super().__init__()
        self._model = model
        self._groups = {group.name: group for group in model.groups}
        self._settings = model.settings
        self._findings = Findings()
        self._icons = icons
        self.rows: dict[str, SettingRow] = {}
        self._heads: dict[str, QWidget] = {}
        self.shown: list[str] = []
        self._nothing = label(self.tr("No setting is called so. Try another word, or press Escape."), "lead")
        self._column = Column()
        self.setWidget(self._column)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAutoFillBackground(False)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._follow_focus)
        self._raw: list[QWidget] = []
        self._idle = QTimer(self)
        self._idle.timeout.connect(self._make_another)

    def make_ahead(self) -> None:
        """Makes the rows that were not needed yet, one at a time, so that no later step waits for them."""
        self._idle.start(0)

    def row(self, path: str) -> SettingRow:
        if path not in self.rows:
            made = SettingRow(self._settings[path], self._icons)
            made.setParent(self._column)
            made.hide()
            made.control.edited.connect(lambda value: self.edited.emit(path, value))
            made.reset_requested.connect(lambda: self.reset_requested.emit(path))
            self.rows[path] = made
            self._bring_up_to_date(path)
        return self.rows[path]

    def show_paths(self, paths: Sequence[str], title: str = "") -> None:
        """These settings and no others, under their group's heading or a title. Scrolls to the top."""
        self.shown = list(paths)
        self.refresh()
        self._column.show_widgets(list(self._widgets(paths, title)))
        self._order_tabs()
        self.verticalScrollBar().setValue(0)

    def refresh(self) -> None:
        """Shows the model's values as they are now. Rows that are out of sight follow when they are shown."""
        for path in self.shown:
            self._bring_up_to_date(path)

    def show_edited(self, path: str) -> None:
        """After a person's own edit, whose text must stay as it is being typed."""
        self.row(path).show_default(is_default=self._model.is_default(path))
        self._show_sensitivity()

    def show_findings(self, findings: Findings) -> None:
        self._findings = findings
        for path in self.shown:
            self._show_findings(path)

    def reveal(self, path: str) -> None:
        """Scrolls to a setting that is shown, and gives it the keyboard."""
        target = self.row(path)
        target.control.focus.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._show_whole(target)

    def show_vendor_names(self, words: Sequence[str]) -> None:
        """What others call the shown settings, where one of the words is part of it."""
        for path in self.shown:
            names = self._settings[path].vendor_names
            self.row(path).show_vendor_names([n for n in names if any(word in n.casefold() for word in words)])

    def take_focus(self) -> None:
        if self.shown:
            self.row(self.shown[0]).control.focus.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def has_focus(self) -> bool:
        """Whether the keyboard talks to one of the settings."""
        focus = QApplication.focusWidget()
        return focus is not None and self.isAncestorOf(focus)

    def _follow_focus(self, _before: QWidget | None, focused: QWidget | None) -> None:
        """Whatever the keyboard goes to is scrolled to, with what is said of it."""
        if focused is not None and self._column.isAncestorOf(focused):
            owner = self._row_of(focused)
            if owner is not None:
                self._show_whole(owner)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._column.fit(self.viewport().width())

    def _bring_up_to_date(self, path: str) -> None:
        made = self.row(path)
        made.show_value(self._model.value(path), is_default=self._model.is_default(path))
        self._show_findings(path)
        if path == RULES:
            self._show_sensitivity()

    def _show_findings(self, path: str) -> None:
        self.row(path).show_findings(self._findings.problems.get(path, ()), self._findings.notes.get(path, ()))

    def _show_sensitivity(self) -> None:
        rules = self.rows.get(RULES)
        if rules is not None and isinstance(rules.control, Table):
            rules.control.show_sensitivity(cast(Sensitivity, self._model.value(SENSITIVITY)))

    def _widgets(self, paths: Sequence[str], title: str) -> Iterator[QWidget]:
        if not paths:
            self._nothing.setParent(self._column)
            yield self._nothing
            return
        group = self._groups[self._settings[paths[0]].group]
        yield self._head(title or group.title, "" if title else group.meaning)
        yield from (self.row(path) for path in paths)

    def _head(self, title: str, meaning: str) -> QWidget:
        if title not in self._heads:
            holder = QWidget(self._column)
            down = QVBoxLayout(holder)
            down.setContentsMargins(0, current().px(6), 0, current().px(14))
            down.setSpacing(current().px(2))
            down.addWidget(label(title, "heading"))
            if meaning:
                down.addWidget(label(meaning, "muted"))
            self._heads[title] = holder
        return self._heads[title]

    def _order_tabs(self) -> None:
        """Tab goes through the rows as they are shown, whenever they were made."""
        stops = [stop for path in self.shown for stop in _tab_stops(self.rows[path])]
        for before, after in pairwise(stops):
            QWidget.setTabOrder(before, after)

    def _row_of(self, widget: QWidget) -> SettingRow | None:
        at: QWidget | None = widget
        while at is not None and not isinstance(at, SettingRow):
            at = at.parentWidget()
        return at

    def _show_whole(self, target: QWidget) -> None:
        top = target.mapTo(self._column, target.rect().topLeft()).y()
        bar, margin = self.verticalScrollBar(), current().px(16)
        if top - margin < bar.value() or target.height() > self.viewport().height():
            bar.setValue(top - margin)
        elif top + target.height() + margin > bar.value() + self.viewport().height():
            bar.setValue(top + target.height() + margin - self.viewport().height())

    def _make_another(self) -> None:
        """A row, or one of its parts in its final look: both take milliseconds, and a click should not wait long."""
        if self._raw:
            part = self._raw.pop()
            if isValid(part):
                part.ensurePolished()
                if isinstance(part, SettingRow):
                    part.setGeometry(0, 0, self._column.width(), part.heightForWidth(self._column.width()))
            return
        path = next((path for path in self._settings if path not in self.rows), None)
        if path is None:
            self._idle.stop()
        else:
            made = self.row(path)
            self._raw = [made, *made.findChildren(QWidget)]


def make_control(setting: Setting, icons: Icons) -> Control:
    """The control that fits the setting's kind."""
    if setting.kind in (Kind.WHOLE, Kind.NUMBER):
        return Number(setting, icons)
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


def _tab_stops(setting_row: SettingRow) -> list[QWidget]:
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
