"""What the editor's dialogs share, and the small ones: a question, a password, a comparison, an import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.core.policy_change import Change as Difference
from app.keys.imported import Imported
from app.ui.editor.catalogue import Setting
from app.ui.editor.look import dress
from app.ui.editor.rows import value_words
from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import Button, Message, Surface, column, label, plain_tip, row


class EditorDialog(QDialog):
    """Title, sentence, ``body``, a message, and buttons at the foot. Escape closes; Return presses the default."""

    def __init__(self, parent: QWidget, icons: Icons, title: str, lead: str = "", *, width_px: int = 560) -> None:
        super().__init__(parent)
        theme = current()
        self.icons = icons
        self.setWindowTitle(title)
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dress(self)
        self.title = label(title, "heading")
        self.lead = label(lead, "muted")
        self.lead.setVisible(bool(lead))
        self.body = column(10)
        self.message = Message(icons, "danger")
        self.buttons = row(4)
        self.buttons.addStretch(1)
        down = QVBoxLayout(self)
        down.setContentsMargins(theme.px(24), theme.px(20), theme.px(24), theme.px(16))
        down.setSpacing(theme.px(8))
        down.addWidget(self.title)
        down.addWidget(self.lead)
        down.addLayout(self.body, 1)
        down.addWidget(self.message)
        down.addLayout(self.buttons)
        self.setMinimumWidth(theme.px(min(width_px, 620)))
        self.resize(theme.px(width_px), self.sizeHint().height())

    def say(self, text: str, surface: Surface = "danger") -> None:
        """A message at the foot, for which the dialog grows at once; empty for none."""
        self.message.show_text(text, surface)
        layout = self.layout()
        if layout is not None:
            layout.activate()

    def add_button(self, button: Button, pressed: Callable[[], object], *, default: bool = False) -> Button:
        self.buttons.addWidget(button)
        button.setAutoDefault(default)
        button.setDefault(default)
        button.clicked.connect(lambda: pressed())
        return button


def ask(
    parent: QWidget, icons: Icons, title: str, text: str, answers: Sequence[tuple[Button, Callable[[], object]]]
) -> EditorDialog:
    """A question whose last answer is the default; Escape gives none."""
    dialog = EditorDialog(parent, icons, title, text, width_px=500)

    def answer(then: Callable[[], object]) -> None:
        dialog.close()
        then()

    for at, (button, then) in enumerate(answers):
        dialog.add_button(button, partial(answer, then), default=at == len(answers) - 1)
    answers[-1][0].setFocus()
    dialog.open()
    return dialog


class PasswordDialog(EditorDialog):
    """Asks for the password of a file that is to be opened."""

    entered = Signal(str)

    def __init__(self, parent: QWidget, icons: Icons, sentence: str) -> None:
        super().__init__(parent, icons, parent.tr("A password opens this file"), sentence, width_px=460)
        self.field = QLineEdit()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setAccessibleName(self.tr("Password"))
        self.body.addWidget(self.field)
        self.add_button(Button(self.tr("Cancel")), self.close)
        self.open_button = self.add_button(Button(self.tr("&Open"), "primary"), self._enter, default=True)
        self.open_button.setEnabled(False)
        self.field.textChanged.connect(lambda text: self.open_button.setEnabled(bool(text)))
        self.field.setFocus()

    def _enter(self) -> None:
        password = self.field.text()
        self.field.clear()
        self.close()
        self.entered.emit(password)


class DataTable(QTableWidget):
    """Rows of words to read. Arrow keys move, Tab leaves; long words wrap."""

    def __init__(self, name: str, headers: Sequence[str], shares: Sequence[int]) -> None:
        super().__init__(0, len(headers))
        theme = current()
        self.setAccessibleName(name)
        self.setHorizontalHeaderLabels(list(headers))
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.horizontalHeader().setStretchLastSection(True)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(theme.px(30))
        self.setShowGrid(False)
        self.setWordWrap(True)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QTableWidget.ScrollMode.ScrollPerPixel)
        self.setMinimumHeight(theme.px(120))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for at, share in enumerate(shares):
            self.setColumnWidth(at, theme.px(share))

    def show_rows(self, rows: Sequence[Sequence[str]]) -> None:
        self.setRowCount(len(rows))
        for at, words in enumerate(rows):
            for column_at, text in enumerate(words):
                item = QTableWidgetItem(text)
                item.setToolTip(plain_tip(text if len(text) > 40 else ""))
                self.setItem(at, column_at, item)
        self.resizeRowsToContents()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()  # for the dialog's default button
            return
        super().keyPressEvent(event)


class CompareDialog(EditorDialog):
    """All fields in which two policies differ."""

    def __init__(
        self, parent: QWidget, icons: Icons, name: str, differences: Sequence[Difference], settings: dict[str, Setting]
    ) -> None:
        count = len(differences)
        lead = (
            parent.tr("They are the same.")
            if not count
            else parent.tr("Settings that differ: %1. What is here is new, the other is old.").replace("%1", str(count))
        )
        super().__init__(parent, icons, parent.tr("Compared with %1").replace("%1", name), lead, width_px=880)
        self.table = DataTable(
            self.tr("Differences"),
            [self.tr("Setting"), self.tr("There"), self.tr("Here"), self.tr("In a running exam")],
            [230, 180, 180, 230],
        )
        self.table.setMinimumHeight(current().px(280))
        self.table.show_rows([self._words(difference, settings) for difference in differences])
        self.table.setVisible(bool(count))
        self.body.addWidget(self.table)
        self.add_button(Button(self.tr("Close"), "primary"), self.close, default=True)

    def _words(self, difference: Difference, settings: dict[str, Setting]) -> list[str]:
        setting = settings.get(difference.path)
        refusal = difference.refusal
        return [
            f"{setting.label}\n{difference.path}" if setting is not None else difference.path,
            value_words(setting, difference.old),
            value_words(setting, difference.new),
            self.tr("Taken over") if not refusal else refusal[0].upper() + refusal[1:],
        ]


class ImportDialog(EditorDialog):
    """What became of another program's settings, before any of it is taken over."""

    accepted_import = Signal()

    def __init__(
        self, parent: QWidget, icons: Icons, name: str, imported: Imported, settings: dict[str, Setting]
    ) -> None:
        super().__init__(
            parent,
            icons,
            parent.tr("Settings from %1").replace("%1", name),
            parent.tr("Nothing is taken over yet. What has no counterpart is listed with the reason."),
            width_px=900,
        )
        mapped = [
            (m.source, _name(settings, m.path), value_words(settings.get(m.path), m.value)) for m in imported.mapped
        ]
        unmapped = [(u.source, u.reason) for u in imported.unmapped]
        self.mapped = DataTable(
            self.tr("Settings that have a counterpart"),
            [self.tr("There"), self.tr("Here"), self.tr("Value")],
            [270, 300, 200],
        )
        self.unmapped = DataTable(
            self.tr("Settings without a counterpart"),
            [self.tr("There"), self.tr("Why, and what takes its place")],
            [270, 500],
        )
        for title, table, rows in (
            (self.tr("Taken over: %1"), self.mapped, mapped),
            (self.tr("Left out: %1"), self.unmapped, unmapped),
        ):
            self.body.addWidget(label(title.replace("%1", str(len(rows))), "strong"))
            self.body.addWidget(table, 1)
            table.show_rows(rows)
        self.add_button(Button(self.tr("Cancel")), self.close)
        self.take_button = self.add_button(Button(self.tr("&Take over"), "primary"), self._accept, default=True)
        self.take_button.setEnabled(bool(mapped))
        (self.take_button if mapped else self.unmapped).setFocus()

    def _accept(self) -> None:
        self.close()
        self.accepted_import.emit()


def _name(settings: dict[str, Setting], path: str) -> str:
    return f"{settings[path].label} ({path})" if path in settings else path
