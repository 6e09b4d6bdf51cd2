"""Whom to trust: an issuer that this computer does not know, or the server that a link names."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app.ui.icons import Icons
from app.ui.page import CardPage
from app.ui.theme import current
from app.ui.widgets import Button, Message, announce, frame, label

_GROUPS_A_LINE = 8


class IssuerPage(CardPage):
    """Signal: ``answered``, with whether to trust. No is what Return does."""

    answered = Signal(bool)

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, "shield", "warning", "")
        self.facts = frame("pill")
        self._grid = QGridLayout(self.facts)
        self._grid.setContentsMargins(*[current().px(14)] * 4)
        self._grid.setHorizontalSpacing(current().px(16))
        self._grid.setVerticalSpacing(current().px(8))
        self._grid.setColumnStretch(1, 1)
        self._shown: list[QWidget] = []
        self.meaning = Message(icons, "warning")
        self.yes_button = Button("", "secondary")
        self.no_button = Button("", "primary")
        self.body.addWidget(self.facts)
        self.body.addWidget(self.meaning)
        self.add_buttons(self.yes_button, self.no_button)
        self.set_default(self.no_button)
        self.first_focus = self.no_button
        self.yes_button.clicked.connect(lambda: self.answered.emit(True))
        self.no_button.clicked.connect(lambda: self.answered.emit(False))

    def ask_issuer(self, name: str, fingerprint: str, address: str) -> None:
        """``fingerprint`` in groups; ``address`` is the server that told of this issuer."""
        groups = fingerprint.split()
        lines = [" ".join(groups[at : at + _GROUPS_A_LINE]) for at in range(0, len(groups), _GROUPS_A_LINE)]
        self._ask(self.tr("Trust this issuer?"), self.tr("Your key was issued by someone this computer does not know."))
        self._show_fact(0, self.tr("Issuer"), name)
        self._show_fact(1, self.tr("Server"), address)
        self._show_fact(2, self.tr("Fingerprint"), "\n".join(lines), code=True)
        self.meaning.show_text(
            self.tr(
                "Whom you trust decides which exams open on this computer, and what is recorded in them. Trust only "
                "if your institution published this very fingerprint."
            )
        )
        self.yes_button.setText(self.tr("Trust this issuer"))
        self.no_button.setText(self.tr("Don't trust"))

    def ask_server(self, address: str) -> None:
        self._ask(self.tr("Ask this server?"), self.tr("Your link names an exam server this computer does not know."))
        self._show_fact(0, self.tr("Server"), address)
        self.meaning.show_text(
            self.tr(
                "Go on only if this is the address of your institution. The server sends the exam key; whether to "
                "trust who issued it, you are asked then."
            )
        )
        self.yes_button.setText(self.tr("Ask this server"))
        self.no_button.setText(self.tr("Don't ask it"))

    def _ask(self, title: str, lead: str) -> None:
        for shown in self._shown:
            self._grid.removeWidget(shown)
            shown.hide()
            shown.deleteLater()
        self._shown = []
        self.title.setText(title)
        self.set_lead(lead)
        announce(self, f"{title} {lead}")

    def _show_fact(self, line: int, caption: str, value: str, *, code: bool = False) -> None:
        name, words = label(caption, "muted", wrap=False), label(_breakable(value), "code" if code else "strong")
        words.setAccessibleName(f"{caption}: {value}")
        for at, made in enumerate((name, words)):
            self._grid.addWidget(made, line, at, Qt.AlignmentFlag.AlignTop)
            self._shown.append(made)


def _breakable(text: str) -> str:
    """With a zero-width space wherever an address may go on in the next line: the whole of it has to be seen."""
    return "".join(f"{char}\u200b" if char in "/.-:" else char for char in text)
