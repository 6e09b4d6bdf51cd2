"""The clipboard during an exam: what other programs put in is noticed and taken out."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from app.core.types import NS_PER_S, ClipboardUsed
from app.lockdown.win32 import user32, user32_placing
from app.lockdown.windows.clipboard_use import ClipboardUse
from app.lockdown.windows.listener import Listener
from tests.wine.helpers import OtherProgram, until


@pytest.fixture(scope="module")
def other() -> Iterator[OtherProgram]:
    with OtherProgram() as program:
        yield program


@pytest.fixture
def watcher() -> Iterator[ClipboardUse]:
    user32.empty_clipboard()
    made = ClipboardUse(Listener(), {os.getpid()}, ())
    yield made
    made.close()


def test_what_another_program_copies_wakes_us_is_reported_with_its_name_and_taken_out(
    watcher: ClipboardUse, other: OtherProgram
) -> None:
    woken: list[bool] = []
    watcher.listen(lambda: woken.append(True))
    assert watcher.poll(0) == ()
    other.ask("copy")
    until(lambda: bool(woken))
    assert watcher.poll(1) == (ClipboardUsed(1, "python"),)
    assert user32.clipboard_formats() == 0
    assert watcher.poll(2) == ()


def test_what_was_copied_before_the_exam_and_inside_it_is_no_report(other: OtherProgram, watcher: ClipboardUse) -> None:
    other.ask("copy")
    assert watcher.poll(0) == ()
    window = user32_placing.create_window("STATIC", 0, (0, 0, 0, 0))
    user32.offer_to_clipboard(window, user32.CF_UNICODETEXT)
    assert watcher.poll(1) == ()
    assert user32.clipboard_formats() > 0
    user32_placing.destroy_window(window)


def test_an_assistive_program_may_write_through_the_clipboard(other: OtherProgram) -> None:
    watcher = ClipboardUse(Listener(), {os.getpid()}, {"python"})
    watcher.poll(0)
    other.ask("copy")
    assert watcher.poll(1) == ()
    assert user32.clipboard_formats() > 0


def test_a_program_that_puts_it_back_again_and_again_is_answered_at_intervals(
    watcher: ClipboardUse, other: OtherProgram
) -> None:
    watcher.poll(0)
    for now_ns in range(1, 6):
        other.ask("copy")
        assert len(watcher.poll(now_ns)) == 1
    other.ask("copy")
    assert watcher.poll(6) == ()
    assert watcher.poll(3 * NS_PER_S) == (ClipboardUsed(3 * NS_PER_S, "python"),)
    assert user32.clipboard_formats() == 0
