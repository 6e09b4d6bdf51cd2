"""The control of a password that a policy keeps as a hash: what is typed becomes one, and is not kept."""

from __future__ import annotations

import secrets

from PySide6.QtWidgets import QLineEdit

from app.core import unlock
from app.core.types import Json
from app.ui.editor.catalogue import Setting
from app.ui.editor.controls import Control, leave_undo_to_the_window
from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import Button, column, label, row

_MOST = 200


class Password(Control):
    """What is typed is taken by Return, by Set, or when the keyboard goes elsewhere. The hash itself is never shown.

    Making the hash takes some tenths of a second on the UI thread.
    """

    def __init__(self, setting: Setting, icons: Icons) -> None:
        super().__init__(setting)
        self.line = QLineEdit()
        self.line.setEchoMode(QLineEdit.EchoMode.Password)
        self.line.setMaxLength(_MOST)
        leave_undo_to_the_window(self.line)
        self.set_button = Button(self.tr("Set"), "quiet", icons, "ok", small=True)
        self.set_button.setAccessibleName(self.tr("Set %s").replace("%s", setting.label))
        self.remove_button = Button(self.tr("Remove"), "quiet", icons, "cross", small=True)
        self.remove_button.setAccessibleName(self.tr("Remove %s").replace("%s", setting.label))
        self.state = label("", "small")
        self._stored = ""
        across = row(6)
        across.addWidget(self.line, 1)
        across.addWidget(self.set_button)
        across.addWidget(self.remove_button)
        down = column(2)
        down.setContentsMargins(0, 0, 0, 0)
        down.addLayout(across)
        down.addWidget(self.state)
        self.setLayout(down)
        self.take(self.line)
        self.setMinimumHeight(current().px(60))
        self.line.textEdited.connect(lambda _text: self._say())
        self.line.editingFinished.connect(self._hash)
        self.set_button.clicked.connect(self._hash)
        self.remove_button.clicked.connect(self._remove)
        self._say()

    def fill(self, value: Json) -> None:
        if value != self._stored:
            self._stored = str(value or "")
            self.line.clear()
        self._say()

    def _hash(self) -> None:
        typed = self.line.text()
        if not typed:
            return
        self.line.clear()
        self._stored = unlock.make(typed, secrets.token_bytes(unlock.LEAST_SALT_BYTES))
        self._say()
        self.tell(self._stored)

    def _remove(self) -> None:
        self.line.clear()
        self._stored = ""
        self._say()
        self.tell("")

    def _say(self) -> None:
        typed = bool(self.line.text())
        self.set_button.setEnabled(typed)
        self.remove_button.setEnabled(bool(self._stored))
        self.line.setPlaceholderText(self.tr("Another password") if self._stored else self.tr("No password"))
        if typed:
            words = self.tr("Not set yet: press Return.")
        elif not self._stored:
            words = self.tr("No password is set.")
        elif unlock.is_hash(self._stored) and unlock.is_weak(self._stored):
            words = self.tr("A password is set, as a quick hash that is easily guessed from: type it again.")
        else:
            words = self.tr("A password is set.")
        self.state.setText(words)
