"""What all pages share: a scrolling column of content over a row of actions, and the keyboard's manners."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.ui.icons import Icons
from app.ui.theme import current
from app.ui.widgets import Button, IconView, column, frame, label, row

COMPACT_HEIGHT_PX = 760
_RETURN = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Page(QWidget):
    """A scrolling ``content`` over ``choices`` that never scroll away.

    Return presses ``default_button`` wherever the focus is, unless another control takes it;
    Page Up and Page Down scroll. ``first_focus`` gets the focus when the page is shown.
    """

    def __init__(self, icons: Icons, title: str, lead: str = "", *, width_px: int = 900) -> None:
        super().__init__()
        self.icons = icons
        self.default_button: Button | None = None
        self.first_focus: QWidget | None = None
        self.title = label(title, "title")
        self.lead = label(lead, "lead")
        self.lead.setVisible(bool(lead))
        self.body = column(16)
        self.choices = row(4)
        self._width_px = current().px(width_px)
        self._column, self.content = self._build_column()
        self.scroller = QScrollArea()
        self.scroller.setWidgetResizable(True)
        self.scroller.setFrameShape(QFrame.Shape.NoFrame)
        self.scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroller.viewport().setAutoFillBackground(False)
        self.scroller.setWidget(self._column)
        self.footer = frame("footer")
        self._foot = self._centred(self.footer, self.choices)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.scroller, 1)
        whole.addWidget(self.footer)

    def _build_column(self) -> tuple[QWidget, QVBoxLayout]:
        outer = QWidget()
        outer.setProperty("surface", "column")
        content = column(8)
        self._margins = self._centred(outer, content)
        return outer, content

    def _centred(self, outer: QWidget, content: QHBoxLayout | QVBoxLayout) -> QHBoxLayout:
        """Puts ``content`` in the middle of ``outer``, at most as wide as the page's column."""
        inner = QWidget()
        inner.setMaximumWidth(self._width_px)
        inner.setLayout(content)
        across = QHBoxLayout(outer)
        across.setSpacing(0)
        across.addStretch(1)
        across.addWidget(inner, 1000)
        across.addStretch(1)
        return across

    def set_lead(self, text: str) -> None:
        self.lead.setText(text)
        self.lead.setVisible(bool(text))

    def set_default(self, button: Button | None) -> None:
        """Return presses this one from now on, and it is the one that looks so."""
        if self.default_button is not None and self.default_button is not button:
            self.default_button.set_kind("secondary")
        self.default_button = button
        if button is not None:
            button.set_kind("primary")

    def take_focus(self) -> None:
        """Puts the focus where the candidate goes on."""
        for wanted in (self.first_focus, self.default_button):
            if wanted is not None and wanted.isEnabled() and wanted.isVisibleTo(self):
                wanted.setFocus(Qt.FocusReason.OtherFocusReason)
                return
        self.rest_focus()

    def rest_focus(self) -> None:
        """Puts the focus on the page itself, before a control that has it is disabled.

        Left to Qt it would wander on, as by Tab, to Quit: and whoever presses Return once too often would leave.
        """
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def handle_key(self, event: QKeyEvent) -> bool:
        """What nothing else on the page wanted. True when it was of use."""
        if event.key() in _RETURN:
            self.return_pressed(event)
            return True
        bar = self.scroller.verticalScrollBar()
        steps = {
            Qt.Key.Key_PageDown: bar.pageStep(),
            Qt.Key.Key_PageUp: -bar.pageStep(),
            Qt.Key.Key_Down: bar.singleStep() * 2,
            Qt.Key.Key_Up: -bar.singleStep() * 2,
            Qt.Key.Key_End: bar.maximum(),
            Qt.Key.Key_Home: -bar.maximum(),
        }
        by = steps.get(Qt.Key(event.key()))
        if by is None:
            return False
        bar.setValue(bar.value() + by)
        return True

    def return_pressed(self, event: QKeyEvent) -> None:
        button = self.default_button
        if button is not None and button.isEnabled() and not event.isAutoRepeat():
            button.click()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        theme = current()
        compact = self.height() < theme.px(COMPACT_HEIGHT_PX)
        side, top = theme.px(24), theme.px(14 if compact else 32)
        self._margins.setContentsMargins(side, top, side, top)
        foot = theme.px(6 if compact else 12)
        self._foot.setContentsMargins(side, foot, side, foot)


class ContentPage(Page):
    """Title and sentence at the top, ``body`` below, ``choices`` at the foot."""

    def __init__(self, icons: Icons, title: str, lead: str = "", *, width_px: int = 900) -> None:
        super().__init__(icons, title, lead, width_px=width_px)
        self.content.addWidget(self.title)
        self.content.addWidget(self.lead)
        self.content.addSpacing(current().px(8))
        self.content.addLayout(self.body, 1)


class CardPage(Page):
    """One centred card with a large icon: for the pages that say one thing."""

    def __init__(
        self, icons: Icons, icon: str, colour: str, title: str, lead: str = "", *, width_px: int = 620
    ) -> None:
        super().__init__(icons, title, lead, width_px=width_px)
        theme = current()
        self.footer.hide()
        self.symbol = IconView(icons, icon, colour, 44)
        self.card = frame("card")
        self.stack = QVBoxLayout(self.card)
        self.stack.setContentsMargins(theme.px(36), theme.px(32), theme.px(36), theme.px(28))
        self.stack.setSpacing(theme.px(8))
        for widget in (self.symbol, self.title, self.lead):
            self.stack.addWidget(widget)
        self.body.setContentsMargins(0, theme.px(8), 0, 0)
        self.stack.addLayout(self.body)
        self.content.addStretch(2)
        self.content.addWidget(self.card)
        self.content.addStretch(3)
        self.buttons = row(4)
        self.buttons.addStretch(1)

    def add_buttons(self, *buttons: Button) -> None:
        """At the card's foot, the last one where the eye ends."""
        for button in buttons:
            self.buttons.addWidget(button)
        self.stack.addSpacing(current().px(8))
        self.stack.addLayout(self.buttons)
