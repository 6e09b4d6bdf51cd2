"""Work that would keep the window waiting, done beside it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from PySide6.QtCore import QObject, Signal, Slot

from app.core.errors import InvigilError

T = TypeVar("T")


class Background(QObject):
    """One worker thread, begun when it is first needed. ``done`` and ``failed`` are called on the UI thread, in the
    order of the work, and never after ``close``. An error that is not a sentence is raised there.
    """

    _ended = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="editor")
        self._open = True
        self._ended.connect(self._deliver)

    def run(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[InvigilError], None] | None = None
    ) -> None:
        def ended(future: Future[T]) -> None:
            self._ended.emit(lambda: _hand_over(future, done, failed))

        self._pool.submit(work).add_done_callback(ended)

    def close(self) -> None:
        """Waits for the work that has begun, and drops the rest."""
        self._open = False
        self._pool.shutdown(wait=True, cancel_futures=True)

    @Slot(object)
    def _deliver(self, hand_over: Callable[[], None]) -> None:
        if self._open:
            hand_over()


def _hand_over(future: Future[T], done: Callable[[T], None], failed: Callable[[InvigilError], None] | None) -> None:
    try:
        result = future.result()
    except InvigilError as error:
        if failed is None:
            raise
        failed(error)
        return
    done(result)
