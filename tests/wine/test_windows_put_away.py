"""Other programs' windows during an exam: put away, kept below, and brought back."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from app.core.errors import LockdownError
from app.core.policy import Candidate, Exam, Lockdown, Policy, Upload
from app.core.types import Json
from app.lockdown.win32 import user32_placing, user32_windows
from app.lockdown.windows.capture_exclusion import CaptureExclusion
from app.lockdown.windows.kiosk import KioskWindowOperation
from app.lockdown.windows.other_windows import OtherWindows
from tests.wine.exam_window import ExamWindow
from tests.wine.helpers import OtherProgram, until


def policy(*allowed: str) -> Policy:
    return Policy(
        exam=Exam(id="e", title="Exam", start_url="http://127.0.0.1/"),
        candidate=Candidate(id="c", name="Sample Candidate"),
        upload=Upload(endpoint="http://127.0.0.1/", token="t", exam_id="e"),
        lockdown=Lockdown(allowed_programs=allowed),
    )


@pytest.fixture(scope="module")
def other() -> Iterator[OtherProgram]:
    with OtherProgram() as program:
        yield program


@pytest.fixture
def foreign(other: OtherProgram) -> Iterator[int]:
    window = other.window(100, 100, 300, 200)
    yield window
    other.ask("hide", window)
    until(lambda: not user32_placing.is_shown(window))


@pytest.fixture
def exam() -> Iterator[ExamWindow]:
    with ExamWindow() as window:
        yield window


def put_away(*allowed: str) -> dict[str, Json]:
    """Performs it; returns the state before."""
    operation = OtherWindows(policy(*allowed))
    before = operation.before()
    operation.perform()
    return before


def test_windows_of_other_programs_are_minimised_and_brought_back_from_the_journal_alone(
    foreign: int, exam: ExamWindow
) -> None:
    before = put_away()
    until(lambda: user32_placing.is_minimised(foreign))
    assert not user32_placing.is_minimised(exam.handle())
    for _ in range(2):
        OtherWindows(None).revert(before)
        until(lambda: not user32_placing.is_minimised(foreign))
    assert user32_windows.rectangle(foreign) == (100, 100, 400, 300)


def test_a_window_that_filled_its_monitor_does_so_again(foreign: int) -> None:
    user32_placing.show(foreign, user32_placing.SW_MAXIMIZE)
    until(lambda: user32_placing.is_maximised(foreign))
    filled = user32_windows.rectangle(foreign)
    before = put_away()
    until(lambda: user32_placing.is_minimised(foreign))
    OtherWindows(None).revert(before)
    until(lambda: user32_placing.is_maximised(foreign))
    assert user32_windows.rectangle(foreign) == filled


def test_windows_of_allowed_programs_stay(foreign: int, other: OtherProgram) -> None:
    assert put_away("python.exe")["windows"] == []
    assert not user32_placing.is_minimised(foreign)
    assert other.pid == user32_windows.process_of(foreign)


def test_what_the_person_had_minimised_stays_minimised(foreign: int) -> None:
    user32_placing.show(foreign, user32_placing.SW_SHOWMINNOACTIVE)
    until(lambda: user32_placing.is_minimised(foreign))
    OtherWindows(None).revert(put_away())
    assert user32_placing.is_minimised(foreign)


def test_a_window_whose_number_now_belongs_to_another_program_is_left_alone(foreign: int) -> None:
    before = put_away()
    until(lambda: user32_placing.is_minimised(foreign))
    for pid, started_s in ((os.getpid(), 0.0), (user32_windows.process_of(foreign), 1.0)):
        OtherWindows(None).revert(before | {"windows": [[foreign, pid, started_s, False]]})
    assert user32_placing.is_minimised(foreign)
    OtherWindows(None).revert(before)


def test_the_task_bar_is_hidden_and_comes_back_when_it_was_there() -> None:
    """Wine has a task bar that is never shown outside of its own desktop; it is shown here first."""
    (bar,) = user32_placing.windows_of_class("Shell_TrayWnd")
    user32_placing.show(bar, user32_placing.SW_SHOWNA)
    until(lambda: user32_placing.is_shown(bar))
    before = put_away()
    until(lambda: not user32_placing.is_shown(bar))
    OtherWindows(None).revert(before)
    until(lambda: user32_placing.is_shown(bar))
    user32_placing.show(bar, user32_placing.SW_HIDE)
    until(lambda: not user32_placing.is_shown(bar))
    OtherWindows(None).revert(put_away())
    assert not user32_placing.is_shown(bar)


def is_above(window: int, other: int) -> bool:
    order = user32_windows.top_level_windows()
    return order.index(window) < order.index(other)


def test_a_window_that_another_program_puts_over_the_exam_is_below_it_again(foreign: int, exam: ExamWindow) -> None:
    operation = KioskWindowOperation(exam, policy())
    operation.perform()
    try:
        assert exam.kiosk is True
        until(lambda: is_above(exam.handle(), foreign))
        user32_placing.put_on_top(foreign)
        until(lambda: is_above(exam.handle(), foreign))
    finally:
        operation.revert({})
        operation.revert({})
    assert exam.kiosk is False


def test_an_allowed_program_may_stay_above_the_exam(
    foreign: int, exam: ExamWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    user32_placing.put_on_top(foreign)
    until(lambda: is_above(foreign, exam.handle()))
    raised: list[int] = []
    with monkeypatch.context() as told:
        told.setattr(user32_placing, "put_on_top", raised.append)
        KioskWindowOperation(exam, policy("python"))._hold()
        assert raised == []
        KioskWindowOperation(exam, policy())._hold()
        assert raised == [exam.handle()]


def test_putting_a_window_on_top_does_not_wait_for_its_thread() -> None:
    """The exam's own may be waiting for the very thread that keeps its window on top, at the end of an exam."""
    place, shown = (0, 0, 200, 200), 0x80000000 | user32_placing.WS_VISIBLE
    deaf = user32_placing.create_window("STATIC", shown, place)  # this thread serves no messages
    try:
        putting = threading.Thread(target=user32_placing.put_on_top, args=(deaf,), daemon=True)
        putting.start()
        putting.join(10)
        assert not putting.is_alive()
    finally:
        user32_placing.destroy_window(deaf)


def test_an_exam_window_that_is_just_being_made_anew_is_no_failure(foreign: int) -> None:
    with ExamWindow() as gone:
        pass
    KioskWindowOperation(gone, policy())._hold()
    assert not user32_placing.is_minimised(foreign)


def test_where_windows_can_not_keep_the_exam_out_of_captures_it_says_so(exam: ExamWindow) -> None:
    """Wine 8 has no display affinity and refuses it; Windows 10 takes it, and captures then show what is below."""
    with pytest.raises(LockdownError, match="can't leave the exam window out of screen captures"):
        CaptureExclusion(exam).perform()
    CaptureExclusion(exam).revert({})
