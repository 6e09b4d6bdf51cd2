"""The settings of one group, or of a search, one under the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.core.policy import Sensitivity
from app.ui.editor.catalogue import RULES
from app.ui.editor.model import EditorModel, Findings
from app.ui.editor.rows import SettingRow, tab_stops
from app.ui.editor.tables import Table
from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import label

FORM_WIDTH_PX = 1060
SENSITIVITY = "detection.sensitivity"


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

    def show_paths(self, paths: Sequence[str], title: str = "", words: Sequence[str] = ()) -> None:
        """These settings and no others, under their group's heading or a title. Scrolls to the top.

        With ``words``, what others call a setting is shown where one of them is part of it.
        """
        self.shown = list(paths)
        self.refresh()
        self._show_vendor_names(words)
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

    def _show_vendor_names(self, words: Sequence[str]) -> None:
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
            owner = self.row_of(focused)
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
        stops = [stop for path in self.shown for stop in tab_stops(self.rows[path])]
        for before, after in pairwise(stops):
            QWidget.setTabOrder(before, after)

    def row_of(self, widget: QWidget) -> SettingRow | None:
        """The row that a control is part of."""
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
