"""A line to type into, with its caption, and the mark of what is wrong with it."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout

from app.ui.widgets import column, label


class Entry(QLineEdit):
    """``caption`` is shown above by ``with_caption`` and spoken by screen readers; ``secret`` hides what is typed."""

    def __init__(self, caption: str, *, chars_max: int, secret: bool = False) -> None:
        super().__init__()
        self.caption: QLabel = label(caption, "strong")
        self.caption.setBuddy(self)
        self.setAccessibleName(caption)
        self.setMaxLength(chars_max)
        if secret:
            self.show_secret(False)

    def show_secret(self, shown: bool) -> None:
        self.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)

    def mark(self, problem: str) -> None:
        """A sentence on what is wrong, which screen readers say with the line; empty for nothing."""
        self.setProperty("problem", bool(problem))
        self.setAccessibleDescription(problem)
        self.style().unpolish(self)
        self.style().polish(self)

    def with_caption(self) -> QVBoxLayout:
        made = column(6)
        made.addWidget(self.caption)
        made.addWidget(self)
        return made
