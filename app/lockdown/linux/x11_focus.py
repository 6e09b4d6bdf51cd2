"""Which program has the keyboard focus of an X server, told at once. Qt tells it a tenth of a second later."""

from __future__ import annotations

import contextlib

from Xlib import X
from Xlib.display import Display
from Xlib.error import XError

from app.core.errors import LockdownError
from app.lockdown.linux.x11_clients import (
    client_of,
    is_our_process,
    is_system_helper,
    pid_of,
    program_of,
    window_manager_pid,
)
from app.lockdown.linux.x11_events import EventConnection, drained


class Focus:
    """Hears when our window loses the focus. One thread. Nothing is raised: without an answer nothing is told."""

    def __init__(self) -> None:
        self._events = EventConnection(lambda _: None)
        self._window = 0

    def watch(self, window: int) -> int | None:
        """From now on this window of ours. What becomes readable when there is something to hear; None for nothing."""
        with contextlib.suppress(LockdownError), self._events.answering("the focus") as display:
            self._window = window
            ours = display.create_resource_object("window", window)
            ours.change_attributes(event_mask=X.FocusChangeMask)
            display.flush()
            return int(display.fileno())
        return None

    def hear(self) -> bool:
        """Takes what there was to hear; False when the X server does not answer any more."""
        with contextlib.suppress(LockdownError), self._events.answering("the focus") as display:
            drained(display)
            return True
        return False

    def taken_by(self) -> str:
        """The class and process name of the program that has the focus; empty while that is us, the window manager, an
        input method or screen locker that root installed, nobody, or somebody of whom the X server knows nothing."""
        with contextlib.suppress(LockdownError), self._events.answering("the focus") as display:
            return self._program(display)
        return ""

    def close(self) -> None:
        self._events.close()

    def _program(self, display: Display) -> str:
        focus = display.get_input_focus().focus
        if isinstance(focus, int) or client_of(display, focus.id) in (0, client_of(display, self._window)):
            return ""
        try:
            pid = pid_of(display, focus)
            if pid is None or is_our_process(pid) or pid == window_manager_pid(display) or is_system_helper(pid):
                return ""
            return program_of(display, focus)
        except XError:  # gone already
            return ""
