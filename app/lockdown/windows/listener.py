"""One hidden window for all watchers, on a thread of its own: what Windows tells by messages and events."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import LockdownError
from app.lockdown.win32 import user32_messages as messages
from app.lockdown.win32 import wtsapi32
from app.lockdown.win32.user32_input import post_to_window

logger = logging.getLogger(__name__)

CLASS_NAMES = "InvigilMessages"
"""What the class of each listener's window begins with."""
_RECONSIDER = messages.WM_APP
_KEPT = 256
_TIMEOUT_S = 10.0


class Topic(StrEnum):
    """What can be listened to."""

    CLIPBOARD = "clipboard"
    DISPLAYS = "displays"
    DEVICES = "devices"
    SESSION = "session"
    WINDOWS = "windows"


_TOPICS = {
    messages.WM_CLIPBOARDUPDATE: (Topic.CLIPBOARD,),
    messages.WM_DISPLAYCHANGE: (Topic.DISPLAYS,),
    messages.WM_DEVICECHANGE: (Topic.DEVICES, Topic.DISPLAYS),
    messages.WM_WTSSESSION_CHANGE: (Topic.SESSION,),
    messages.WM_POWERBROADCAST: (Topic.SESSION,),
    messages.WM_ENDSESSION: (Topic.SESSION,),
}
_EVENTS = (messages.EVENT_SYSTEM_FOREGROUND, messages.EVENT_OBJECT_SHOW, messages.EVENT_OBJECT_UNCLOAKED)


@dataclass(frozen=True, slots=True)
class Notice:
    """``message`` is the WM_ or EVENT_ value, ``value`` its wParam, or the window of an event."""

    message: int
    value: int


class Subscription:
    """What was told of one topic since it was last taken; the oldest is dropped beyond 256. Any thread."""

    def __init__(self, topic: Topic, wake: Callable[[], None]) -> None:
        self.topic = topic
        self._wake = wake
        self._kept: deque[Notice] = deque(maxlen=_KEPT)

    def tell(self, notice: Notice) -> None:
        self._kept.append(notice)
        self._wake()

    def take(self) -> list[Notice]:
        return [self._kept.popleft() for _ in range(len(self._kept))]


class Listener:
    """Runs the thread ``windows-messages`` while there is a subscription. ``wake`` is called on that thread.

    ``subscribe`` returns when what is told from then on will arrive; ``cancel`` when it has ended. Any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()
        self._thread: threading.Thread | None = None
        self._window = 0
        self._settled = threading.Event()
        self._taps: dict[Topic, contextlib.ExitStack] = {}
        self._class_name = f"{CLASS_NAMES}-{id(self):x}"  # two of one name would share a procedure

    def subscribe(self, topic: Topic, wake: Callable[[], None]) -> Subscription:
        """Raises LockdownError when Windows gives us no window."""
        subscription = Subscription(topic, wake)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
            if self._thread is None:
                self._settled.clear()
                self._thread = threading.Thread(target=self._run, name="windows-messages", daemon=True)
                self._thread.start()
                self._settled.wait(_TIMEOUT_S)
                if not self._window:
                    self._subscriptions = ()
                    self._thread = None
                    raise LockdownError("Windows gives us no window for its messages; sign out and in again.")
            else:
                self._reconsider()
        return subscription

    def cancel(self, subscription: Subscription) -> None:
        """Safe to call twice."""
        with self._lock:
            if subscription not in self._subscriptions:
                return
            self._subscriptions = tuple(one for one in self._subscriptions if one is not subscription)
            self._reconsider()
            if not self._subscriptions and self._thread is not None:
                self._thread.join(_TIMEOUT_S)
                self._thread = None

    def _reconsider(self) -> None:
        self._settled.clear()
        with contextlib.suppress(OSError):  # the thread has ended by itself
            post_to_window(self._window, _RECONSIDER)
            self._settled.wait(_TIMEOUT_S)

    def _run(self) -> None:
        procedure = messages.window_procedure(self._answer)
        try:
            self._window = messages.create_hidden_window(self._class_name, procedure)
            self._tap()
            self._settled.set()
            while self._subscriptions:  # any program may post a message that ends the pump
                messages.pump()
        except OSError:
            logger.exception("the window for Windows' messages failed")
        finally:
            for tap in self._taps.values():
                tap.close()
            self._taps.clear()
            if self._window:
                messages.destroy_hidden_window(self._window, self._class_name)
            self._window = 0
            self._settled.set()

    def _answer(self, window: int, message: int, wparam: int, lparam: int) -> int:
        if message == _RECONSIDER:
            self._tap()
            self._settled.set()
            if not self._subscriptions:
                messages.end_pump()
            return 0
        if message == messages.WM_CLOSE:
            return 0  # any program may post this as well; the window ends with the last subscription only
        # WM_ENDSESSION also says that a sign-out was called off: wParam is then 0
        for topic in _TOPICS.get(message, ()):
            self._tell(topic, Notice(message, wparam))
        return messages.default_answer(window, message, wparam, lparam)

    def _tell(self, topic: Topic, notice: Notice) -> None:
        for subscription in self._subscriptions:
            if subscription.topic is topic:
                subscription.tell(notice)

    def _told_of_window(self, event: int, window: int) -> None:
        self._tell(Topic.WINDOWS, Notice(event, window))

    def _tap(self) -> None:
        """Has Windows tell what is subscribed to, and nothing else. On the thread of the window."""
        wanted = {subscription.topic for subscription in self._subscriptions}
        for topic in [topic for topic in self._taps if topic not in wanted]:
            self._taps.pop(topic).close()
        for topic in [topic for topic in Topic if topic in wanted and topic not in self._taps]:
            self._taps[topic] = tap = contextlib.ExitStack()
            try:
                self._open(topic, tap)
            except OSError as error:
                # The watcher is then polled at its interval, like one that nobody tells anything.
                logger.warning("Windows does not tell of %s: %s", topic, error)

    def _open(self, topic: Topic, tap: contextlib.ExitStack) -> None:
        window = self._window
        match topic:
            case Topic.CLIPBOARD:
                if messages.listen_to_clipboard(window):
                    tap.callback(messages.ignore_clipboard, window)
            case Topic.DEVICES | Topic.DISPLAYS:
                tap.callback(messages.ignore_devices, messages.listen_to_devices(window))
            case Topic.SESSION:
                if wtsapi32.listen_to_session(window):
                    tap.callback(wtsapi32.ignore_session, window)
                tap.callback(messages.ignore_sleep, messages.listen_to_sleep(window))
            case Topic.WINDOWS:
                procedure = messages.event_procedure(self._told_of_window)
                for event in _EVENTS:
                    tap.callback(_unhook, messages.listen_to_events(event, procedure), procedure)


def _unhook(hook: int, _kept_alive: object) -> None:
    """The procedure has to live until Windows no longer calls it."""
    messages.ignore_events(hook)


class Ear:
    """A watcher's place at the listener: ``listen``, ``take`` any number of times, ``close``. Without ``listen`` it is quiet."""

    def __init__(self, listener: Listener, topic: Topic) -> None:
        self._listener = listener
        self._topic = topic
        self._subscription: Subscription | None = None

    def listen(self, wake: Callable[[], None]) -> None:
        """Raises LockdownError when Windows gives us no window."""
        self.close()
        self._subscription = self._listener.subscribe(self._topic, wake)

    def take(self) -> list[Notice]:
        return [] if self._subscription is None else self._subscription.take()

    def close(self) -> None:
        if self._subscription is not None:
            self._listener.cancel(self._subscription)
            self._subscription = None
