"""The lock screen: why the exam is held, what is still open, and every way on from it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.core.hold import HoldView, StillOpen
from app.ui.entry import Entry
from app.ui.icons import Icons
from app.ui.overlay import Overlay
from app.ui.theme import current
from app.ui.widgets import Button, IconView, Message, announce, column, label, row, set_role
from app.ui.words import breakable

_PASSWORD_CHARS_MAX = 1000
_CARD_PX = 640
_NAME_CHARS_MAX = 20
"""A longer name would not leave room for the other buttons; it is in the list and what a screen reader says."""


def _spoken(view: HoldView) -> str:
    return " ".join(f"{one.what} {one.names} {one.advice}" for one in view.still_open)


class _OpenLine(QFrame):
    """One thing that has to change: what is wrong, which program or display, and what to do."""

    def __init__(self, icons: Icons, one: StillOpen) -> None:
        super().__init__()
        theme = current()
        self.setProperty("surface", "warning")
        words = column(2)
        words.addWidget(label(one.what, "strong"))
        if one.names:
            words.addWidget(label(breakable(one.names), "body"))
        words.addWidget(label(breakable(one.advice), "advice"))
        line = row(12)
        line.setContentsMargins(theme.px(14), theme.px(10), theme.px(14), theme.px(10))
        line.addWidget(IconView(icons, "warning", "warning", 20), 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(words, 1)
        self.setLayout(line)


class HoldOverlay(Overlay):
    """Signals: ``continued``, ``password_entered``, ``close_asked`` for who wants the programs that are named closed, and
    ``left`` for who wants to hand in; that is asked about elsewhere.

    What is shown may change at any time. What was typed stays, and so does the focus, unless its control goes away.
    """

    continued = Signal()
    password_entered = Signal(str)
    close_asked = Signal()
    left = Signal()

    def __init__(self, icons: Icons) -> None:
        super().__init__(icons, "lock", "warning", solid=True)
        self._icons = icons
        self._view: HoldView | None = None
        self._said = ""
        self.card.setMaximumWidth(current().px(_CARD_PX))
        self._open = column(8)
        self.note = label("", "muted")
        self.clear = Message(icons, "ok")
        self.field = Entry(self.tr("Supervisor's password"), chars_max=_PASSWORD_CHARS_MAX, secret=True)
        self._entry = QWidget()
        self._entry.setLayout(self._password_row())
        self.leave_button = Button(self.tr("Hand in and leave"), "secondary")
        self.close_button = Button("", "primary")
        self.continue_button = Button(self.tr("Continue"), "primary")
        self.scroller = self._scrolling()
        for part in (self.scroller, self._entry):
            self.body.addWidget(part)
        self.buttons.insertWidget(0, self.leave_button)
        self.buttons.addWidget(self.close_button)
        self.buttons.addWidget(self.continue_button)
        self.field.textChanged.connect(lambda _text: self._allow())
        self.field.returnPressed.connect(self._enter)
        self.unlock_button.clicked.connect(self._enter)
        self.close_button.clicked.connect(self.close_asked)
        self.continue_button.clicked.connect(self.continued)
        self.leave_button.clicked.connect(self.left)

    def _password_row(self) -> QVBoxLayout:
        self.unlock_button = Button(self.tr("Unlock"), "secondary")
        self.caption = label("", "small")
        line = row(8)
        line.addWidget(self.field, 1)
        line.addWidget(self.unlock_button)
        whole = column(4)
        whole.addWidget(self.caption)
        whole.addLayout(line)
        return whole

    def _scrolling(self) -> QScrollArea:
        """Everything between the title and the buttons: on a small screen the ways on stay in sight."""
        inner = QWidget()
        inner.setProperty("surface", "column")
        inside = column(10)
        inside.addWidget(self.words)
        inside.addWidget(self.clear)
        inside.addLayout(self._open)
        inside.addWidget(self.note)
        inner.setLayout(inside)
        scroller = _Fitting(inner)
        scroller.setAccessibleName(self.tr("What to do"))
        return scroller

    def show_view(self, view: HoldView) -> None:
        before, self._view = self._view, view
        self.show_words(self.tr("The exam is held"), breakable(view.reason))
        self.card.setAccessibleDescription(f"{view.reason} {_spoken(view)}".strip())
        if before is None or before.still_open != view.still_open:
            self._show_open(view)
        self.clear.show_text("" if not view.continues or view.still_open else self._all_clear())
        self.note.setText(" ".join(self._notes(view)))
        self._entry.setVisible(view.password)
        self._show_problem(view)
        if before is not None and (before.problem, before.wait_s > 0) != (view.problem, view.wait_s > 0):
            self.field.clear()
        self._show_closing(view)
        self.continue_button.setVisible(view.continues)
        self._allow()
        self._place_focus(was_ready=before is not None and before.continues and not before.still_open)

    def forget(self) -> None:
        """The exam goes on; the next hold begins afresh."""
        self._view = None
        self._said = ""
        self.field.clear()

    def _show_open(self, view: HoldView) -> None:
        while (item := self._open.takeAt(0)) is not None:
            gone = item.widget()
            if gone is not None:
                gone.hide()
                gone.deleteLater()
        for one in view.still_open:
            self._open.addWidget(_OpenLine(self._icons, one))
        if self.isVisible():
            announce(self, _spoken(view))

    def _show_closing(self, view: HoldView) -> None:
        """The focus is moved before the button can't have it any more: the next one in turn would be Hand in."""
        works = bool(view.to_close) and not view.closing
        if self.close_button.hasFocus() and not works:
            self.card.setFocus(Qt.FocusReason.OtherFocusReason)
        self.close_button.setText(self._close_words(view).replace("&", "&&"))
        self.close_button.setAccessibleName(self._close_spoken(view))
        self.close_button.setEnabled(works)
        self.close_button.setVisible(bool(view.to_close))

    def _close_words(self, view: HoldView) -> str:
        if view.closing:
            return self.tr("Closing…")
        if len(view.to_close) > 1:
            return self.tr("Close %n programs for me", "", len(view.to_close))
        name = "".join(view.to_close)
        if not name or len(name) > _NAME_CHARS_MAX or not name.isprintable():
            return self.tr("Close it for me")
        return self.tr("Close {name} for me").format(name=name)

    def _close_spoken(self, view: HoldView) -> str:
        names = ", ".join(name for name in view.to_close if name)
        if not names:
            return self._close_words(view)
        words = self.tr("Closing {names}") if view.closing else self.tr("Close {names} for me")
        return words.format(names=names)

    def _all_clear(self) -> str:
        return self.tr("Nothing stands in the way any more. You can continue.")

    def _notes(self, view: HoldView) -> list[str]:
        notes = []
        if view.by_proctor:
            notes.append(self.tr("Your proctor holds the exam and lets you go on."))
            if view.line_down:
                notes.append(self.tr("There is no connection to your proctor now; it is tried again by itself."))
        elif view.continues and view.still_open:
            notes.append(self.tr("You can continue as soon as this is done; it is looked at all the time."))
        elif not view.continues:
            notes.append(self.tr("A supervisor or your proctor has to let you go on."))
        if view.proctor and not view.by_proctor:
            notes.append(self.tr("Your proctor is told as soon as there is a connection."))
        runs = self.tr("Your answers are kept. Your time goes on.")
        notes.append(runs if view.time_runs else self.tr("Your answers are kept. Your time stands still."))
        return notes

    def _show_problem(self, view: HoldView) -> None:
        """Said once: a screen reader is not to count the seconds along."""
        words = view.problem or self.tr("A supervisor can let the exam go on with the password.")
        if view.wait_s:
            wait = self.tr("A password can be entered again in {seconds} s.").format(seconds=view.wait_s)
            words = f"{view.problem} {wait}".strip()
        self.caption.setText(words)
        set_role(self.caption, "danger" if view.problem else "small")
        if view.problem and view.problem != self._said:
            announce(self, words)
            self.field.mark(view.problem)
        elif not view.problem:
            self.field.mark("")
        self._said = view.problem

    def _allow(self) -> None:
        view = self._view
        waiting = view is None or view.wait_s > 0
        ready = view is not None and view.continues and not view.still_open
        self.field.setEnabled(not waiting)
        self.unlock_button.setEnabled(not waiting and bool(self.field.text()))
        self.continue_button.setEnabled(ready)
        self.default_button = self.continue_button if ready else None
        asks = view is not None and view.password and not waiting
        self.first_focus = self.continue_button if ready else self.field if asks else None

    @property
    def _ways_on(self) -> tuple[Button, ...]:
        return self.leave_button, self.close_button, self.continue_button

    def _place_focus(self, *, was_ready: bool) -> None:
        """To Continue when it has just become possible and nobody is typing; else only where the focus would be lost."""
        if not self.isVisible():
            return
        ready = self.default_button is not None
        places = (self.card, self.scroller, self.field, self.unlock_button, *self._ways_on)
        lost = not any(place.hasFocus() and place.isEnabled() for place in places)
        if lost or (ready and not was_ready and not self.field.text()):
            self.take_focus()

    def _enter(self) -> None:
        password = self.field.text()
        if password:
            self.field.clear()
            self.password_entered.emit(password)


class _Fitting(QScrollArea):
    """As high as what is in it, where there is room; otherwise it scrolls, by keys too."""

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self._inner = inner
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAutoFillBackground(False)
        self.setWidget(inner)
        inner.installEventFilter(self)
        self.verticalScrollBar().rangeChanged.connect(self._scrolls)

    def sizeHint(self) -> QSize:
        return QSize(current().px(420), self._wanted_px())

    def minimumSizeHint(self) -> QSize:
        return QSize(current().px(200), min(self._wanted_px(), current().px(72)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def _wanted_px(self) -> int:
        inside = self._inner.layout()
        return 0 if inside is None else inside.totalHeightForWidth(max(1, self.viewport().width()))

    def _scrolls(self, _least: int, most: int) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if most > 0 else Qt.FocusPolicy.NoFocus)
