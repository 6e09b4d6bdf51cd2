"""A window that stands for the exam's, on a thread of its own that serves it as Qt does."""

from __future__ import annotations

import queue
import threading
from types import TracebackType

from app.lockdown.win32 import kernel32_processes as kernel32
from app.lockdown.win32 import user32_input, user32_placing

_SS_NOTIFY = 0x100
_POPUP_VISIBLE = 0x80000000 | user32_placing.WS_VISIBLE | _SS_NOTIFY
"""With SS_NOTIFY a window of the class Static takes clicks."""
_LEFT_BUTTON_DOWN = frozenset({0x201, 0x203})
"""Once, and again soon after."""


class ExamWindow:
    """Answers the ``KioskWindow`` port; a context manager. ``keys`` are the numbers of the keys that reached it,
    ``clicks`` counts those of the left button."""

    def __init__(self, place_px: tuple[int, int, int, int] = (0, 0, 800, 600)) -> None:
        self._place_px = place_px
        self._made: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run)
        self._thread_id = 0
        self._handle = 0
        self.kiosk: bool | None = None
        self.keys: list[int] = []
        self.clicks = 0

    def __enter__(self) -> ExamWindow:
        self._thread.start()
        self._handle, self._thread_id = self._made.get()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        user32_input.post_to_thread(self._thread_id, user32_input.WM_QUIT)
        self._thread.join()

    def set_kiosk(self, on: bool) -> None:
        self.kiosk = on

    def grab_keyboard(self, on: bool) -> bool:
        return False

    def handle(self) -> int:
        return self._handle

    def _run(self) -> None:
        window = user32_placing.create_window("STATIC", _POPUP_VISIBLE, self._place_px)
        user32_placing.set_foreground_window(window)
        self._made.put((window, kernel32.current_thread_id()))
        while (message := user32_input.next_message()) is not None:
            if message[0] in {user32_input.WM_KEYDOWN, user32_input.WM_SYSKEYDOWN}:
                self.keys.append(message[1])
            self.clicks += message[0] in _LEFT_BUTTON_DOWN
        user32_placing.destroy_window(window)
