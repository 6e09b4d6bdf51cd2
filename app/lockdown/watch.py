"""Looks at the machine at an interval and passes on what changed. It never acts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from app.core.ports import Clock, Watcher
from app.core.types import Observation

logger = logging.getLogger(__name__)


class MachineWatcher(Watcher, Protocol):
    """A watcher that may hold a connection, which ``close`` gives back. ``poll`` after it opens a new one."""

    def close(self) -> None: ...


class WatchLoop:
    """Polls every watcher each ``interval_s`` on the thread ``lockdown-watch``.

    ``on_observation`` is called on that thread, in the order of the watchers. A watcher that raises is
    counted in ``failures`` and polled again next time; the others are not held up.
    """

    def __init__(
        self,
        watchers: Sequence[MachineWatcher],
        clock: Clock,
        on_observation: Callable[[Observation], None],
        interval_s: float = 1.0,
    ) -> None:
        self._watchers = tuple(watchers)
        self._clock = clock
        self._on_observation = on_observation
        self._interval_s = interval_s
        self._failures = dict.fromkeys((w.name for w in self._watchers), 0)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def failures(self) -> Mapping[str, int]:
        """Failed polls by watcher since the start."""
        return dict(self._failures)

    def start(self) -> None:
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="lockdown-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended; safe to call twice, and without a start."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                for watcher in self._watchers:
                    self._poll(watcher)
                self._stopped.wait(self._interval_s)
        finally:
            for watcher in self._watchers:
                watcher.close()

    def _poll(self, watcher: MachineWatcher) -> None:
        try:
            observations = watcher.poll(self._clock.now().mono_ns)
        except Exception:
            # A broken watcher must not end the others; the count tells that it is broken.
            self._failures[watcher.name] += 1
            if self._failures[watcher.name] == 1:
                logger.exception("the watcher %s failed", watcher.name)
            return
        for observation in observations:
            self._on_observation(observation)
