"""The lock screen: what it says, and every way on, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.core.hold import HoldView, StillOpen
from app.ui import samples
from app.ui.hold_overlay import HoldOverlay
from app.ui.main_window import ClientWindow

Press = Callable[..., None]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def held(window: ClientWindow) -> ClientWindow:
    """Held by a second monitor, over an exam."""
    window.show_exam(samples.exam_stand_in(), samples.PLAIN)
    window.show_hold(samples.HELD)
    return window


def screen(window: ClientWindow) -> HoldOverlay:
    return window.exam_page.hold


def words(window: ClientWindow) -> str:
    found = (part for part in screen(window).findChildren(QLabel) if part.isVisible())
    return " ".join(part.text().replace("\u200b", "") for part in found)


def test_it_says_why_what_is_still_open_and_what_to_do(held: ClientWindow) -> None:
    said = words(held)
    for part in (
        "More than one monitor was connected: HDMI-A-2.",
        "eDP-1, HDMI-A-2",
        "Disconnect every monitor",
        "time goes on",
    ):
        assert part in said
    held.show_hold(replace(samples.HELD, wait_s=3))
    assert "Disconnect every monitor" in screen(held).card.accessibleDescription()


def test_continue_works_only_once_nothing_is_open_any_more_and_then_by_return(
    held: ClientWindow, qtbot: QtBot, press: Press
) -> None:
    button = screen(held).continue_button
    assert not button.isEnabled()
    with qtbot.assertNotEmitted(held.hold_continued):
        press("Return")
    held.show_hold(samples.HELD_READY)
    qtbot.waitUntil(button.hasFocus)
    assert "You can continue" in words(held)
    with qtbot.waitSignal(held.hold_continued):
        press("Return")


def test_continue_is_taken_back_when_something_opens_again(held: ClientWindow) -> None:
    held.show_hold(samples.HELD_READY)
    held.show_hold(samples.HELD)
    assert not screen(held).continue_button.isEnabled()
    assert "You can continue." not in words(held)


def test_what_holds_the_exam_is_closed_by_a_button_that_names_it_and_works_by_keyboard(
    held: ClientWindow, qtbot: QtBot, press: Press
) -> None:
    held.show_hold(samples.HELD_BY_PROGRAM)
    button = screen(held).close_button
    assert button.text() == "Close telegram for me"
    with qtbot.assertNotEmitted(held.hold_close_asked):
        press("Return")  # what somebody typed just now closes nothing
    press("Tab", "Tab")
    qtbot.waitUntil(button.hasFocus)
    with qtbot.waitSignal(held.hold_close_asked):
        press("Return")


def test_while_it_closes_nothing_can_be_pressed_by_mistake_and_then_continue_is_next(
    held: ClientWindow, qtbot: QtBot
) -> None:
    held.show_hold(samples.HELD_BY_PROGRAM)
    button = screen(held).close_button
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    held.show_hold(samples.HELD_CLOSING)
    assert not button.isEnabled()
    assert (button.text(), button.accessibleName()) == ("Closing…", "Closing telegram")
    assert screen(held).card.hasFocus()
    held.show_hold(samples.HELD_READY)
    assert not button.isVisible()
    qtbot.waitUntil(screen(held).continue_button.hasFocus)


@pytest.mark.parametrize(
    ("names", "words", "spoken"),
    [
        (("R&D",), "Close R&&D for me", "Close R&D for me"),
        (("x" * 21,), "Close it for me", f"Close {'x' * 21} for me"),
        (("",), "Close it for me", "Close it for me"),
        (("chat", "obs"), "Close 2 programs for me", "Close chat, obs for me"),
    ],
    ids=["one", "long", "nameless", "several"],
)
def test_the_button_says_what_it_closes(held: ClientWindow, names: tuple[str, ...], words: str, spoken: str) -> None:
    held.show_hold(replace(samples.HELD_BY_PROGRAM, to_close=names))
    button = screen(held).close_button
    assert (button.text(), button.accessibleName()) == (words, spoken)


def test_there_is_no_such_button_where_nothing_can_be_closed(held: ClientWindow) -> None:
    assert not screen(held).close_button.isVisible()


def test_who_types_a_password_is_not_disturbed_by_what_changes(held: ClientWindow, qtbot: QtBot, press: Press) -> None:
    held.show_hold(replace(samples.HELD, password=True))
    screen(held).field.setFocus()
    qtbot.waitUntil(screen(held).field.hasFocus)
    press("o", "p")
    qtbot.waitUntil(lambda: screen(held).field.text() == "op")
    held.show_hold(replace(samples.HELD_READY, password=True))
    assert screen(held).field.text() == "op"
    assert screen(held).field.hasFocus()


def test_nothing_can_be_entered_while_it_has_to_be_waited(held: ClientWindow) -> None:
    waiting = replace(samples.HELD, password=True, problem="That password is wrong.", wait_s=15)
    held.show_hold(waiting)
    assert not screen(held).field.isEnabled()
    assert "wrong. A password can be entered again in 15 s." in words(held)
    held.show_hold(replace(waiting, wait_s=0))
    assert screen(held).field.isEnabled()
    assert screen(held).field.accessibleDescription() == "That password is wrong."


def test_there_is_always_a_way_out_that_is_asked_about_first(held: ClientWindow, qtbot: QtBot) -> None:
    for view in (samples.HELD, samples.HELD_LONG, samples.HELD_BY_PROCTOR):
        held.show_hold(view)
        assert screen(held).leave_button.isEnabled()
    with qtbot.assertNotEmitted(held.hold_left):
        QTest.mouseClick(screen(held).leave_button, LEFT)
    question = held.exam_page.leave_question
    held.show_hold(samples.HELD_READY)  # what changes meanwhile does not take the question away
    assert question.isVisible()
    with qtbot.waitSignal(held.hold_left):
        QTest.mouseClick(question.yes_button, LEFT)


@pytest.mark.parametrize("asks", ["leave", "quit"])
def test_a_question_over_a_held_exam_does_not_show_its_page(held: ClientWindow, asks: str) -> None:
    page = held.exam_page
    margin = QRect(0, 100, 150, 450)  # of the page, beside every card
    hidden = held.grab(margin).toImage()
    page.hold.left.emit() if asks == "leave" else page.bar.quit_pressed.emit()
    assert page.cover == "question"
    assert held.grab(margin).toImage() == hidden
    held.hide_hold()
    page.bar.quit_pressed.emit()
    assert held.grab(margin).toImage() != hidden


def test_who_stays_is_back_at_the_lock_screen(held: ClientWindow, qtbot: QtBot, press: Press) -> None:
    QTest.mouseClick(screen(held).leave_button, LEFT)
    press("Escape")
    qtbot.waitUntil(screen(held).isVisible)
    assert held.current_page() == "hold"


def test_a_hold_that_ends_takes_its_question_along(held: ClientWindow) -> None:
    QTest.mouseClick(screen(held).leave_button, LEFT)
    held.hide_hold()
    assert held.current_page() == "exam"
    assert not held.exam_page.leave_question.isVisible()


def test_it_says_who_has_to_let_the_exam_go_on(held: ClientWindow) -> None:
    held.show_hold(samples.HELD_BY_PROCTOR)
    assert "Your proctor holds the exam" in words(held)
    assert "no connection to your proctor now; it is tried again" in words(held)
    assert "time stands still" in words(held)
    assert not screen(held).continue_button.isVisible()
    held.show_hold(HoldView("Held.", password=True, proctor=True))
    assert "A supervisor or your proctor has to let you go on. Your proctor is told" in words(held)


def test_names_from_outside_are_shown_letter_by_letter(held: ClientWindow, qapp: QApplication) -> None:
    held.show_hold(HoldView("<b>why</b>", (StillOpen("What.", "<i>prog</i>" + "x" * 300, "Close it."),)))
    qapp.processEvents()
    assert "<b>why</b>" in words(held)
    assert "<i>prog</i>" in words(held)
    assert screen(held).card.width() <= held.width()


def test_a_long_list_scrolls_by_keys(held: ClientWindow, qtbot: QtBot) -> None:
    held.show_hold(samples.HELD_LONG)
    scroller = screen(held).scroller
    qtbot.waitUntil(lambda: scroller.verticalScrollBar().maximum() > 0)
    scroller.setFocus()
    QTest.keyClick(scroller, Qt.Key.Key_PageDown)
    assert scroller.verticalScrollBar().value() > 0
    assert scroller.accessibleName() == "What to do"
