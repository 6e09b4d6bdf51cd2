"""From other threads to the UI thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import numpy as np
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app.runtime.bridge import LatestOnly, UiBridge, to_image

WAIT_MS = 10_000


def picture(value: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    return np.full((4, 6, 3), value, np.uint8)


def in_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_work_from_another_thread_is_done_in_order_on_the_ui_thread(qtbot: QtBot) -> None:
    bridge = UiBridge()
    done: list[tuple[int, str]] = []

    def note(number: int) -> None:
        done.append((number, threading.current_thread().name))

    def work() -> None:
        for number in range(20):
            bridge.run(partial(note, number))

    in_thread(work)
    assert done == []
    qtbot.waitUntil(lambda: len(done) == 20, timeout=WAIT_MS)
    assert done == [(number, threading.current_thread().name) for number in range(20)]


def test_of_pictures_that_wait_only_the_newest_is_shown(qtbot: QtBot) -> None:
    shown: list[QImage] = []
    latest = LatestOnly(UiBridge(), shown.append)
    for value in (1, 2, 3):
        in_thread(partial(latest.offer, picture(value)))
    qtbot.waitUntil(lambda: len(shown) > 0, timeout=WAIT_MS)
    in_thread(lambda: latest.offer(picture(4)))
    qtbot.waitUntil(lambda: len(shown) > 1, timeout=WAIT_MS)
    assert [image.pixelColor(0, 0).red() for image in shown] == [3, 4]


def test_a_picture_keeps_its_colours_and_outlives_its_source() -> None:
    pixels = picture(0)
    pixels[1, 2] = (10, 20, 30)  # blue, green, red
    image = to_image(pixels[:, ::1])
    pixels[:] = 255
    assert (image.width(), image.height()) == (6, 4)
    assert image.pixelColor(2, 1) == QColor(30, 20, 10)


def test_a_part_of_a_picture_is_copied_row_by_row() -> None:
    wide = picture(0)
    wide[:, 3:] = 200
    image = to_image(wide[:, 3:])
    assert (image.width(), image.pixelColor(0, 0).red(), image.pixelColor(2, 3).red()) == (3, 200, 200)


def test_a_picture_taken_while_the_next_is_offered_does_not_freeze_the_view(qtbot: QtBot) -> None:
    """Frames come as fast as they are shown: whatever the order, the last one offered is shown in the end."""
    shown: list[QImage] = []
    latest = LatestOnly(UiBridge(), shown.append)
    stop = threading.Event()

    def offer() -> None:
        while not stop.is_set():
            latest.offer(picture(1))
        latest.offer(picture(9))

    thread = threading.Thread(target=offer)
    thread.start()
    qtbot.waitUntil(lambda: len(shown) >= 200, timeout=WAIT_MS)
    stop.set()
    thread.join()
    qtbot.waitUntil(lambda: shown[-1].pixelColor(0, 0).red() == 9, timeout=WAIT_MS)
