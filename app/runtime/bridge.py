"""From any thread to the UI thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QImage


class UiBridge(QObject):
    """Lives on the UI thread. ``run`` queues work for it from any thread, in order, without waiting."""

    _invoked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._invoked.connect(self._invoke, Qt.ConnectionType.QueuedConnection)

    def run(self, work: Callable[[], None]) -> None:
        self._invoked.emit(work)

    @Slot(object)
    def _invoke(self, work: Callable[[], None]) -> None:
        work()


class LatestOnly:
    """Keeps the UI thread from falling behind: of pictures offered while one is waiting, the newest is shown."""

    def __init__(self, bridge: UiBridge, show: Callable[[QImage], None]) -> None:
        self._bridge = bridge
        self._show = show
        self._lock = threading.Lock()
        self._waiting: QImage | None = None

    def offer(self, pixels: NDArray[np.uint8]) -> None:
        """``pixels`` BGR. Any one thread."""
        image = to_image(pixels)
        with self._lock:
            queued = self._waiting is not None
            self._waiting = image
        if not queued:
            self._bridge.run(self._take)

    def _take(self) -> None:
        with self._lock:
            picture, self._waiting = self._waiting, None
        if picture is not None:
            self._show(picture)


def to_image(pixels: NDArray[np.uint8]) -> QImage:
    """A picture of its own, from height x width x 3 BGR."""
    height, width = pixels.shape[:2]
    packed = np.ascontiguousarray(pixels)
    return QImage(packed.data, width, height, 3 * width, QImage.Format.Format_BGR888).copy()
