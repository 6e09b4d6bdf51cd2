"""Windows of other programs: seen when they are over the exam, and no other."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from app.core.types import WindowIs, WindowsSeen
from app.lockdown.win32 import user32_placing, user32_windows
from app.lockdown.windows.listener import Listener
from app.lockdown.windows.windows import ForeignWindows
from tests.wine.helpers import OtherProgram, until

_POPUP_VISIBLE = 0x80000000 | user32_placing.WS_VISIBLE


@pytest.fixture(scope="module")
def other() -> Iterator[OtherProgram]:
    with OtherProgram() as program:
        yield program


@pytest.fixture
def exam() -> Iterator[int]:
    """A window that stands for the exam's."""
    window = user32_placing.create_window("STATIC", _POPUP_VISIBLE, (0, 0, 800, 600))
    yield window
    user32_placing.destroy_window(window)


@pytest.fixture
def watcher(exam: int) -> Iterator[ForeignWindows]:
    made = ForeignWindows(Listener(), lambda: exam, {os.getpid()}, ())
    yield made
    made.close()


def found(watcher: ForeignWindows, now_ns: int = 0) -> list[tuple[str, WindowIs, int, int | None]] | None:
    """None when nothing changed."""
    seen = watcher.poll(now_ns)
    if not seen:
        return None
    (one,) = seen
    assert isinstance(one, WindowsSeen)
    return [(window.program, window.why, window.handle, window.pid) for window in one.found]


def test_a_window_over_the_exam_is_reported_once_with_its_program_and_again_when_it_is_gone(
    watcher: ForeignWindows, other: OtherProgram
) -> None:
    assert found(watcher) is None
    window = other.window(100, 100, 300, 200)
    assert found(watcher) == [("python", WindowIs.ABOVE, window, other.pid)]
    assert found(watcher) is None
    other.ask("hide", window)
    until(lambda: not user32_windows.is_visible(window))
    assert found(watcher) == []


def test_windows_beside_below_and_of_allowed_programs_are_no_accusation(other: OtherProgram) -> None:
    below = other.window(100, 100, 300, 200)
    exam = user32_placing.create_window("STATIC", _POPUP_VISIBLE, (0, 0, 800, 600))
    try:
        user32_placing.put_on_top(exam)
        beside = other.window(900, 0, 100, 100)
        watcher = ForeignWindows(Listener(), lambda: exam, {os.getpid()}, ())
        assert found(watcher) is None
        over = other.window(100, 100, 300, 200)
        user32_placing.put_on_top(over)  # which does not wait until it is
        until(lambda: [one[2] for one in found(watcher) or []] == [over])
        assert ForeignWindows(Listener(), lambda: exam, {os.getpid()}, {"python"}).poll(0) == ()
    finally:
        for window in (below, beside, over):
            other.ask("hide", window)
        user32_placing.destroy_window(exam)


def test_a_window_that_appears_wakes_the_watcher(watcher: ForeignWindows, other: OtherProgram) -> None:
    """Wine does not tell of shown windows and of the foreground by itself, Windows does: the other program raises the event."""
    woken: list[bool] = []
    watcher.listen(lambda: woken.append(True))
    window = other.window(100, 100, 300, 200)
    other.ask("tell", window)
    until(lambda: bool(woken))
    assert [one[2] for one in found(watcher) or []] == [window]
    other.ask("hide", window)


def test_however_often_windows_appear_the_looks_are_limited(watcher: ForeignWindows, other: OtherProgram) -> None:
    told: list[bool] = []
    watcher.listen(lambda: told.append(True))
    window = other.window(100, 100, 300, 200)
    for _ in range(20):
        watcher.poll(0)
    other.ask("hide", window)
    told.clear()
    other.ask("tell", window)
    until(lambda: bool(told))
    assert watcher.poll(1) == ()
    assert found(watcher, 1_000_000_000) == []
    watcher.close()


def test_whether_captures_leave_a_window_out_is_asked_of_another_programs_window(other: OtherProgram) -> None:
    """Wine 8 keeps no display affinity: the other program itself is told 0 there after it set one. Windows answers 17, and
    the same to us."""
    window = other.window(100, 100, 300, 200)
    own_answer = int(other.ask("exclude", window))
    assert user32_windows.display_affinity(window) == own_answer
    other.ask("hide", window)
