"""Windows of other programs over the exam on an X server: noticed, kept below, and closed when that is wanted."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence

from Xlib import X
from Xlib.display import Display
from Xlib.error import XError
from Xlib.protocol import event
from Xlib.protocol.rq import Event
from Xlib.xobject.drawable import Window

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.ports import KioskWindow
from app.core.types import ForeignWindow, Observation, WindowIs, WindowsSeen
from app.lockdown.linux.x11 import connection
from app.lockdown.linux.x11_clients import client_of, is_our_process, pid_of
from app.lockdown.linux.x11_events import EventConnection, Keeper, drained
from app.lockdown.linux.x11_stack import Above, Stack, top_of
from app.lockdown.processes import ProcessCloser

_ROUNDS = 3
_TRIES = 20
_TRIES_WITHIN_S = 5.0
_PAUSE_S = 2.0


def _select_events(display: Display) -> None:
    """Every window that is shown, hidden, moved or restacked, framed or not; polling is not needed."""
    display.screen().root.change_attributes(event_mask=X.SubstructureNotifyMask)


class Windows:
    """Reports the foreign windows over ours, at every change and at once. One thread.

    ``window`` None or not shown: there is nothing that a window could cover. Raises LockdownError when the X server is gone.
    """

    name = lockdown.WINDOWS

    def __init__(
        self, window: KioskWindow | None, allowed: Collection[str] = (), own_pids: Collection[int] = ()
    ) -> None:
        self._window = window
        self._stack = Stack(allowed, own_pids)
        self._events = EventConnection(_select_events)
        self._seen: tuple[ForeignWindow, ...] = ()

    def poll(self, now_ns: int) -> Sequence[Observation]:
        found: tuple[ForeignWindow, ...] = ()
        with self._events.answering("windows of other programs") as display:
            drained(display)
            for _ in range(_ROUNDS):
                ours = 0 if self._window is None else self._window.handle()
                above = self._stack.above(display, ours)
                found = tuple(ForeignWindow(each.program, WindowIs.ABOVE, each.window, each.pid) for each in above)
                if not drained(display):  # else it changed while it was read
                    break
        if found == self._seen:
            return ()
        self._seen = found
        return (WindowsSeen(now_ns, found),)

    def listen(self, wake: Callable[[], None]) -> int | None:
        with self._events.answering("windows of other programs") as display:
            return int(display.fileno())

    def close(self) -> None:
        self._events.close()


class KeptAbove:
    """Puts our window above the others again, past the window manager: those that it does not manage are lowered.

    A program that raises its window again and again gets 20 tries in 5 s, and is then left alone for 2 s: the
    watcher reports it. What ``Stack`` leaves out stays where it is. Without a window nothing is kept.
    """

    def __init__(self, window: KioskWindow | None, allowed: Collection[str] = ()) -> None:
        self._window = window
        self._stack = Stack(allowed)
        self._tries: deque[float] = deque()
        self._keeper = Keeper("lockdown-above", _select_events, self._heard)

    def start(self) -> None:
        if self._window is not None:
            self._keeper.start()

    def stop(self) -> None:
        self._keeper.stop()

    def _heard(self, display: Display, events: list[Event]) -> float:
        del events
        ours = 0 if self._window is None else self._window.handle()
        if not ours:
            return _PAUSE_S
        now_s = time.monotonic()
        while self._tries and now_s - self._tries[0] > _TRIES_WITHIN_S:
            self._tries.popleft()
        above = self._stack.above(display, ours)
        if above and len(self._tries) < _TRIES:
            self._tries.append(now_s)
            _restack(display, ours, above)
        return _PAUSE_S  # a window that is made anew has its number a little later than its events


def _restack(display: Display, ours: int, above: Sequence[Above]) -> None:
    try:
        top = top_of(display, ours)
    except XError:
        return
    # a window manager gets this as a request; without one it is done
    display.create_resource_object("window", ours).configure(stack_mode=X.Above)
    for each in above:
        if not each.managed:
            frame = display.create_resource_object("window", each.frame)
            frame.configure(sibling=top.id, stack_mode=X.Below)
    display.sync()


class X11Closer(ProcessCloser):
    """Answers the ``Closer`` port: windows too. Any thread."""

    def ask_window(self, handle: int) -> None:
        """Never ours. Raises LockdownError when the window knows no way of being asked."""
        with connection() as display:
            window = display.create_resource_object("window", handle)
            try:
                window.get_attributes()  # its number may be free, and our own connection's now
                if client_of(display, handle) == 0 or is_our_process(pid_of(display, window)):
                    raise LockdownError("This window belongs to the exam or to the system; it is not closed.")
                asked = _ask(display, window)
            except XError:  # gone already
                return
        if not asked:
            raise LockdownError("This window can't be asked to close; close its program.")


def _ask(display: Display, window: Window) -> bool:
    root = display.screen().root
    close = display.intern_atom("_NET_CLOSE_WINDOW")
    supported = root.get_full_property(display.intern_atom("_NET_SUPPORTED"), X.AnyPropertyType)
    managed = window.get_full_property(display.intern_atom("WM_STATE"), X.AnyPropertyType) is not None
    if managed and supported is not None and close in supported.value:
        said = event.ClientMessage(window=window, client_type=close, data=(32, [X.CurrentTime, 2, 0, 0, 0]))
        root.send_event(said, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        return True
    delete = display.intern_atom("WM_DELETE_WINDOW")
    if delete not in window.get_wm_protocols():
        return False
    words = (32, [delete, X.CurrentTime, 0, 0, 0])
    window.send_event(event.ClientMessage(window=window, client_type=display.intern_atom("WM_PROTOCOLS"), data=words))
    return True
