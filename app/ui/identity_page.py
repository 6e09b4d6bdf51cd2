"""The candidate's photo: look, take, use or take again."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout

from app.core.policy import Policy
from app.ui.icons import Icons
from app.ui.page import ContentPage
from app.ui.picture import PictureView
from app.ui.theme import current
from app.ui.widgets import Button, announce, frame, label

_WIDTH_PX = 760
_CARD_HEIGHT_PX = (_WIDTH_PX - 32) * 3 // 4 + 32 + 36
"""The picture's full height, the card's margins and the hint: on large screens no empty card around it."""


class IdentityPage(ContentPage):
    """Signals: ``requested`` (take a photo), ``retaken`` and ``accepted``. It shows pictures and keeps none."""

    requested = Signal()
    retaken = Signal()
    accepted = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, self.tr("Your photo"), width_px=_WIDTH_PX)
        self._taken = False
        self._name = ""
        self.picture = PictureView(icons, self.tr("Waiting for the camera…"), guide=True)
        self.hint = label("", "strong")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        card = frame("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(*[current().px(16)] * 2, *[current().px(16)] * 2)
        inside.setSpacing(current().px(10))
        inside.addWidget(self.picture, 1)
        inside.addWidget(self.hint)
        card.setMaximumHeight(current().px(_CARD_HEIGHT_PX))
        self.body.addWidget(card, 1000)
        self.body.addStretch(1)
        self.next_words = label("", "muted")
        self.retake_button = Button(self.tr("Take again"), "secondary", icons, "repeat")
        self.use_button = Button(self.tr("Use this photo"), "primary")
        self.take_button = Button(self.tr("Take photo"), "primary", icons, "camera")
        self.choices.addWidget(self.next_words, 1)
        for button in (self.retake_button, self.use_button, self.take_button):
            self.choices.addWidget(button)
        self.take_button.clicked.connect(self._take)
        self.retake_button.clicked.connect(self._retake)
        self.use_button.clicked.connect(self.accepted)
        self._show_live()

    def show_policy(self, policy: Policy) -> None:
        """Starts over with the live picture."""
        self.take_button.setEnabled(True)
        self._name = policy.candidate.name
        self._show_live()

    def set_preview(self, picture: QImage) -> None:
        """Ignored while a taken photo is shown."""
        if not self._taken:
            self.picture.show_picture(picture, mirrored=True, guide=True)

    def set_hint(self, text: str) -> None:
        if not self._taken:
            self.hint.setText(text)

    def set_photo(self, photo: QImage) -> None:
        """Shows the photo as others will see it, to be used or taken again; a null one goes back to the live picture."""
        if photo.isNull():
            self._show_live()
            return
        self._taken = True
        self.picture.show_picture(photo, mirrored=False, guide=False)
        self.picture.setAccessibleName(self.tr("Your photo"))
        self.title.setText(self.tr("Is this a good photo of you?"))
        self.set_lead(self.tr("Your whole face should be sharp and well lit."))
        self.hint.setText("")
        self.next_words.setText(self.tr("Next: the exam opens and fills the screen."))
        self._show_buttons()

    def _take(self) -> None:
        self.rest_focus()
        self.take_button.setEnabled(False)
        self.requested.emit()

    def _retake(self) -> None:
        self._show_live()
        self.retaken.emit()

    def _show_live(self) -> None:
        self._taken = False
        self.picture.show_picture(QImage(), guide=True)
        self.picture.setAccessibleName(self.tr("Picture of your camera"))
        self.title.setText(self.tr("Your photo"))
        self.set_lead(self.tr("Look straight into the camera, with your face inside the oval and light on it."))
        taken_as = self.tr("You take this exam as {name}.").format(name=self._name)
        self.next_words.setText(taken_as if self._name else "")
        self.take_button.setEnabled(True)
        self._show_buttons()

    def _show_buttons(self) -> None:
        self.take_button.setVisible(not self._taken)
        self.use_button.setVisible(self._taken)
        self.retake_button.setVisible(self._taken)
        self.default_button = self.use_button if self._taken else self.take_button
        if self.isVisible():
            self.take_focus()
            announce(self, self.title.text())
