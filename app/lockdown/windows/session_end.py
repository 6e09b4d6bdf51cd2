"""The end of the login session, told to a program without windows in time to give the machine back.

Windows has no SIGTERM: at sign-out and shutdown it sends WM_ENDSESSION to windows, and ends a program when they have
answered; a program that uses user32 and has no window is ended without a word. Closing a console's window is told on a
thread of its own, and the program ended when that returns (learn.microsoft.com, HandlerRoutine, WM_ENDSESSION). Both
wait some 5 s at most.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from app.lockdown.win32 import kernel32_console as kernel32
from app.lockdown.win32 import user32
from app.lockdown.win32 import user32_messages as messages
from app.lockdown.win32.user32_input import post_to_window

logger = logging.getLogger(__name__)

CLASS_NAMES = "InvigilSessionEnd"
"""What the class of the hidden window begins with."""
_ENDINGS = frozenset({kernel32.CTRL_CLOSE_EVENT, kernel32.CTRL_LOGOFF_EVENT, kernel32.CTRL_SHUTDOWN_EVENT})
_AFTER_THE_CLIENT = 0x27F
"""Programs that don't say otherwise, as the client, have 0x280 and are told before."""
_LONGEST_S = 20.0


class SessionEnd:
    """A context manager: while open, ``ask`` is called when session or console end, on a thread that is not the opener's.

    Windows is kept waiting until this is closed, so close it when the machine is as it was. What can't be had is logged.
    """

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._closed = threading.Event()
        self._settled = threading.Event()
        self._window = 0
        self._class_name = f"{CLASS_NAMES}-{id(self):x}"
        self._thread = threading.Thread(target=self._run, name="session-end", daemon=True)
        self._handler = kernel32.console_handler(self.console_ends)

    @property
    def window(self) -> int:
        """The number of the hidden window; 0 where there is none."""
        return self._window

    def __enter__(self) -> SessionEnd:
        try:
            kernel32.set_shutdown_level(_AFTER_THE_CLIENT)
            kernel32.add_console_handler(self._handler)
        except OSError as error:
            logger.warning("Windows does not tell of the console's end: %s", error)
        self._thread.start()
        self._settled.wait(_LONGEST_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        kernel32.remove_console_handler(self._handler)
        if self._window:
            try:
                post_to_window(self._window, messages.WM_APP)
            except OSError as error:
                logger.warning("the window for the session's end is gone: %s", error)
        self._thread.join(_LONGEST_S)

    def console_ends(self, event: int) -> bool:
        """Answers a console's event; Ctrl+C and Ctrl+Break are left to Python, which makes signals of them."""
        if event not in _ENDINGS:
            return False
        self._end()
        return True

    def _end(self) -> None:
        self._ask()
        self._closed.wait(_LONGEST_S)

    def _run(self) -> None:
        procedure = messages.window_procedure(self._answer)
        try:
            self._window = messages.create_hidden_window(self._class_name, procedure)
            self._settled.set()
            while not self._closed.is_set():  # any program may post a message that ends the pump
                messages.pump()
        except OSError:
            logger.exception("Windows does not tell of the session's end")
        finally:
            if self._window:
                messages.destroy_hidden_window(self._window, self._class_name)
                self._window = 0
            self._settled.set()

    def _answer(self, window: int, message: int, wparam: int, lparam: int) -> int:
        match message:
            case messages.WM_ENDSESSION if wparam and not self._closed.is_set():
                self._end()
            case messages.WM_APP if self._closed.is_set():
                messages.end_pump()
            case messages.WM_CLOSE:
                pass  # any program may post this as well
            case _:
                return messages.default_answer(window, message, wparam, lparam)
        return 0


def session_ends() -> bool:
    """Whether Windows is ending this session just now."""
    return bool(user32.system_metric(user32.SM_SHUTTINGDOWN))
