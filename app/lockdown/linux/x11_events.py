"""X connections that hear of events: for watchers, which are polled, and for keepers, which act on a thread of their own."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
from collections.abc import Callable, Iterator

from Xlib.display import Display
from Xlib.error import ConnectionClosedError, XError
from Xlib.protocol.rq import Event

from app.core.errors import LockdownError
from app.lockdown.linux.x11 import open_display

logger = logging.getLogger(__name__)
_BROKEN = (XError, ConnectionClosedError, OSError)


class EventConnection:
    """A connection that is opened when it is first needed, and again after it broke. One thread.

    ``select`` asks the X server for events, once per connection.
    """

    def __init__(self, select_events: Callable[[Display], None]) -> None:
        self._select = select_events
        self._display: Display | None = None

    @contextlib.contextmanager
    def answering(self, what: str) -> Iterator[Display]:
        """The display. Raises LockdownError, with ``what`` can't be watched, when the X server does not answer."""
        try:
            if self._display is None:
                self._display = _quiet_display()
                self._select(self._display)
                self._display.sync()
            yield self._display
        except _BROKEN as error:
            self.close()
            raise LockdownError(f"The X server does not answer ({error}); {what} can't be watched.") from error

    def close(self) -> None:
        if self._display is not None:
            with contextlib.suppress(*_BROKEN):
                self._display.close()
            self._display = None


_MOST_EVENTS = 1000


def drained(display: Display) -> list[Event]:
    """The events that have come, in order. Does not wait. Of a flood that goes on and on, the rest is for the next time."""
    found: list[Event] = []
    while len(found) < _MOST_EVENTS and (count := display.pending_events()):
        found += [display.next_event() for _ in range(min(count, _MOST_EVENTS))]
    return found


class Keeper:
    """Acts on events until it is stopped: a thread and a connection of its own.

    ``begin`` is called in the starting thread, ``heard`` on the keeper's for the events that came, and again after the
    seconds that it returned (None: at the next event). When the connection breaks, the thread ends.
    """

    def __init__(
        self, name: str, begin: Callable[[Display], None], heard: Callable[[Display, list[Event]], float | None]
    ) -> None:
        self._name = name
        self._begin = begin
        self._heard = heard
        self._thread: threading.Thread | None = None
        self._bell: socket.socket | None = None

    def start(self) -> None:
        """Raises LockdownError. Does nothing where it runs already."""
        if self._thread is not None:
            return
        display = _quiet_display()
        try:
            self._begin(display)
            display.sync()
        except _BROKEN as error:
            with contextlib.suppress(*_BROKEN):
                display.close()
            raise LockdownError(f"The X server refused a request ({error}); try again.") from error
        ear, self._bell = socket.socketpair()
        self._thread = threading.Thread(target=self._run, args=(display, ear), name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended; safe to call twice, and without a start."""
        if self._bell is not None:
            self._bell.close()
            self._bell = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, display: Display, ear: socket.socket) -> None:
        with ear, contextlib.suppress(*_BROKEN):
            try:
                self._keep(display, ear)
            except _BROKEN as error:
                logger.warning("%s ended: the X server does not answer (%s)", self._name, error)
            finally:
                display.close()

    def _keep(self, display: Display, ear: socket.socket) -> None:
        again_s: float | None = 0.0
        while True:
            ears: list[int] = [int(display.fileno()), ear.fileno()]
            ready, _, _ = select.select(ears, [], [], 0.0 if display.pending_events() else again_s)
            if ears[1] in ready:
                return
            again_s = self._heard(display, drained(display))


def _quiet_display() -> Display:
    """Errors of requests without an answer (a window that is gone meanwhile) are not printed."""
    display = open_display()
    display.set_error_handler(lambda *_: None)
    return display
