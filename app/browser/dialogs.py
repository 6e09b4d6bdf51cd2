"""The page's alert, confirm and prompt: plain text inside the exam window, and no storms.

They are no windows of their own: a window would take the focus from the exam, which is watched,
and would not get the keys that the exam window has grabbed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

DIALOGS_MAX = 5
DIALOGS_WINDOW_MS = 10_000
MESSAGE_MAX_CHARS = 1_000

_STYLE = """
#panel { background: #ffffff; border: 1px solid #b9c2d3; border-radius: 10px; }
#title { color: #55617a; font-size: 13px; }
#message { color: #182133; font-size: 16px; }
QLineEdit { color: #182133; background: #ffffff; border: 1px solid #7d8aa3; border-radius: 6px; padding: 7px 9px;
  font-size: 16px; selection-background-color: #1c57c4; selection-color: #ffffff; }
QLineEdit:focus { border: 2px solid #1c57c4; padding: 6px 8px; }
QPushButton { color: #182133; background: #ffffff; border: 1px solid #7d8aa3; border-radius: 6px; padding: 8px 22px;
  font-size: 15px; font-weight: 600; }
QPushButton#ok { color: #ffffff; background: #1c57c4; border-color: #1c57c4; }
QPushButton:focus { border: 3px solid #0b2a66; padding: 6px 20px; }
"""


class PageDialogs:
    """One dialog at a time over ``window``; ``now_ms`` is monotonic. UI thread.

    Each call returns when the candidate has answered; events go on being handled meanwhile. More
    than DIALOGS_MAX within DIALOGS_WINDOW_MS are answered as if they had been cancelled.
    """

    def __init__(self, window: QWidget, now_ms: Callable[[], int]) -> None:
        self._window = window
        self._now_ms = now_ms
        self._shown_ms: deque[int] = deque(maxlen=DIALOGS_MAX)
        self._open: PageDialog | None = None
        self._closed = False
        self.suppressed = 0

    def alert(self, message: str) -> None:
        self._ask(message, cancel=False, default=None)

    def confirm(self, message: str) -> bool:
        return self._ask(message, cancel=True, default=None) is not None

    def prompt(self, message: str, default: str) -> tuple[bool, str]:
        answer = self._ask(message, cancel=True, default=default)
        return answer is not None, answer or ""

    def close(self) -> None:
        """Cancels the open dialog; from now on none is shown."""
        self._closed = True
        if self._open is not None:
            self._open.answer(None)

    def _ask(self, message: str, *, cancel: bool, default: str | None) -> str | None:
        now = self._now_ms()
        storm = len(self._shown_ms) == DIALOGS_MAX and now - self._shown_ms[0] < DIALOGS_WINDOW_MS
        if storm or self._closed or self._open is not None:
            self.suppressed += 1
            return None
        self._shown_ms.append(now)
        self._open = PageDialog(self._window, _short(message), cancel, None if default is None else _short(default))
        try:
            return self._open.run()
        finally:
            self._open.hide()
            self._open.deleteLater()
            self._open = None
            if not self._closed:
                self._window.setFocus()


class PageDialog(QWidget):
    """Covers its window until it is answered. Enter accepts, Escape cancels, Tab stays inside."""

    def __init__(self, window: QWidget, message: str, cancel: bool, default: str | None) -> None:
        super().__init__(window)
        self._window = window
        self._loop = QEventLoop(self)
        self._answer: str | None = None
        self._field = None if default is None else QLineEdit(default)
        self._ok = QPushButton("OK")
        self._ok.setObjectName("ok")
        self._cancel = QPushButton("Cancel") if cancel else None
        self.message = QLabel(message)
        self._lay_out()
        self._ok.clicked.connect(self.accept)
        if self._cancel is not None:
            self._cancel.clicked.connect(self.cancel)
        window.installEventFilter(self)

    def run(self) -> str | None:
        """The text given ("" where there is no field); None when cancelled."""
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        (self._field or self._ok).setFocus(Qt.FocusReason.PopupFocusReason)
        self._loop.exec()
        return self._answer

    def answer(self, text: str | None) -> None:
        self._answer = text
        self._loop.quit()

    def accept(self) -> None:
        self.answer("" if self._field is None else self._field.text())

    def cancel(self) -> None:
        self.answer(None)

    def _lay_out(self) -> None:
        self.setStyleSheet(_STYLE)
        panel = QFrame()
        panel.setObjectName("panel")
        panel.setFixedWidth(min(480, max(240, self._window.width() - 32)))
        title = QLabel("The exam page says")
        title.setObjectName("title")
        self.message.setObjectName("message")
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setWordWrap(True)
        inside = QVBoxLayout(panel)
        inside.setContentsMargins(24, 20, 24, 20)
        inside.setSpacing(12)
        for widget in (title, self.message, self._field):
            if widget is not None:
                inside.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.addStretch()
        for button in (self._cancel, self._ok):
            if button is not None:
                buttons.addWidget(button)
        inside.addLayout(buttons)
        outside = QVBoxLayout(self)
        outside.addWidget(panel, alignment=Qt.AlignmentFlag.AlignCenter)

    # ---- what Qt asks

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._window.rect())
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(8, 12, 22, 140))
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            focused = self.focusWidget()
            self.cancel() if focused is self._cancel else self.accept()
        elif event.key() == Qt.Key.Key_Escape:
            self.cancel()

    def focusNextPrevChild(self, forward: bool) -> bool:
        stops = [widget for widget in (self._field, self._cancel, self._ok) if widget is not None]
        focused = self.focusWidget()
        at = next((i for i, widget in enumerate(stops) if widget is focused), -1)
        stops[(at + (1 if forward else -1)) % len(stops)].setFocus(Qt.FocusReason.TabFocusReason)
        return True


def _short(text: str) -> str:
    return text if len(text) <= MESSAGE_MAX_CHARS else text[: MESSAGE_MAX_CHARS - 1] + "\u2026"
