"""Looks at the machine when something happens and at an interval, and passes on what changed. It never acts."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from collections.abc import Callable, Mapping, Sequence

from app.core.ports import Clock, Watcher
from app.core.types import NS_PER_S, Observation

logger = logging.getLogger(__name__)

STOP_WAIT_S = 5.0


class WatchLoop:
    """Polls every watcher each ``interval_s``, and one that has something to tell at once, on a thread of its own (``name``).

    ``on_observation`` is called on that thread, in the order of the watchers. A watcher that raises is
    counted in ``failures`` and polled again next time; the others are not held up.
    """

    def __init__(
        self,
        watchers: Sequence[Watcher],
        clock: Clock,
        on_observation: Callable[[Observation], None],
        interval_s: float = 1.0,
        name: str = "lockdown-watch",
    ) -> None:
        self._watchers = tuple(watchers)
        self._clock = clock
        self._on_observation = on_observation
        self._interval_s = interval_s
        self._name = name
        self._polls = dict.fromkeys((w.name for w in self._watchers), 0)
        self._failures = dict.fromkeys((w.name for w in self._watchers), 0)
        self._awake: set[str] = set()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._bell: socket.socket | None = None
        self._selector: selectors.BaseSelector = selectors.SelectSelector()
        self._descriptors: dict[str, int] = {}

    @property
    def polls(self) -> Mapping[str, int]:
        """Polls by watcher since the start, failed ones included."""
        return dict(self._polls)

    @property
    def failures(self) -> Mapping[str, int]:
        """Failed polls by watcher since the start."""
        return dict(self._failures)

    def start(self) -> None:
        self._stopped.clear()
        ear, self._bell = socket.socketpair()
        ear.setblocking(False)
        self._bell.setblocking(False)
        self._thread = threading.Thread(target=self._run, args=(ear, self._bell), name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended, or after 5 s: the machine is given back though a watcher waits for something
        that never comes. Nothing is reported afterwards. Safe to call twice, and without a start."""
        self._stopped.set()
        self._ring()
        if self._thread is not None:
            self._thread.join(STOP_WAIT_S)
            if self._thread.is_alive():
                logger.error("the thread %s does not end; it is left alone", self._name)
            self._thread = None

    def _ring(self) -> None:
        bell = self._bell
        if bell is not None:
            with contextlib.suppress(OSError):  # full, so it is ringing; or closed by the thread that ends
                bell.send(b"!")

    def _waker(self, name: str) -> Callable[[], None]:
        def wake() -> None:
            self._awake.add(name)
            self._ring()

        return wake

    def _run(self, ear: socket.socket, bell: socket.socket) -> None:
        with selectors.DefaultSelector() as self._selector, ear, bell:
            self._selector.register(ear, selectors.EVENT_READ, "")
            try:
                for watcher in self._watchers:
                    self._listen(watcher)
                self._watch(ear)
            finally:
                for watcher in self._watchers:
                    self._close(watcher)

    def _close(self, watcher: Watcher) -> None:
        try:
            watcher.close()
        except Exception:
            # What one of them leaves must not keep the others from giving theirs back.
            logger.exception("the watcher %s can't be closed", watcher.name)

    def _listen(self, watcher: Watcher) -> None:
        try:
            descriptor = watcher.listen(self._waker(watcher.name))
            if descriptor is not None:
                self._selector.register(descriptor, selectors.EVENT_READ, watcher.name)
                self._descriptors[watcher.name] = descriptor
        except Exception:
            # It is polled all the same; the count tells that something is wrong with it.
            if self._failed(watcher):
                logger.exception("the watcher %s can't be told of events", watcher.name)

    def _watch(self, ear: socket.socket) -> None:
        interval_ns = int(self._interval_s * NS_PER_S)
        due_ns = self._clock.now().mono_ns
        while not self._stopped.is_set():
            now_ns = self._clock.now().mono_ns
            if now_ns >= due_ns:
                due_ns = max(due_ns + interval_ns, now_ns)
                told = {watcher.name for watcher in self._watchers}
            else:
                ready = self._selector.select(min(self._interval_s, (due_ns - now_ns) / NS_PER_S))
                told = {str(key.data) for key, _ in ready}
                with contextlib.suppress(BlockingIOError):
                    ear.recv(4096)
                told |= {self._awake.pop() for _ in range(len(self._awake))}
            for watcher in self._watchers:
                if watcher.name in told and not self._stopped.is_set():
                    self._poll(watcher)

    def _poll(self, watcher: Watcher) -> None:
        self._polls[watcher.name] += 1
        try:
            observations = watcher.poll(self._clock.now().mono_ns)
        except Exception:
            # A broken watcher must not end the others; the count tells that it is broken.
            if self._failed(watcher):
                logger.exception("the watcher %s failed", watcher.name)
            return
        for observation in observations:
            if not self._stopped.is_set():
                self._on_observation(observation)

    def _failed(self, watcher: Watcher) -> bool:
        """Counts it; True for the first time."""
        descriptor = self._descriptors.pop(watcher.name, None)
        if descriptor is not None:  # a connection that broke would be readable for ever
            with contextlib.suppress(KeyError, ValueError, OSError):
                self._selector.unregister(descriptor)
        self._failures[watcher.name] += 1
        return self._failures[watcher.name] == 1
