"""The verdict screen: what it says of the computer, and how a supervisor lets the exam start, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.core.checks import CheckResult
from app.ui import samples
from app.ui.checks_page import ResultLine
from app.ui.main_window import ClientWindow
from app.ui.verdict_page import VerdictPage

Press = Callable[..., None]


@pytest.fixture
def page(window: ClientWindow) -> VerdictPage:
    window.show_checks(samples.BAD, running=False)
    window.show_verdict(samples.VERDICT)
    return window.verdict_page


def words(page: VerdictPage) -> str:
    return " ".join(part.text().replace("\u200b", "") for part in page.findChildren(QLabel) if part.isVisible())


def fill(page: VerdictPage, reason: str, password: str) -> None:
    page.reason.setText(reason)
    page.field.setText(password)


def test_it_says_what_was_asked_what_speaks_for_it_and_what_happens_next(page: VerdictPage) -> None:
    said = words(page)
    for part in (
        "The exam can't start on this computer yet",
        "It is likely that this computer is seen or controlled from elsewhere. (90 of 100)",
        "shares this desktop (x11vnc): counts for something.",
        "End remote control and screen sharing",
        "ask your supervisor, who can let it start",
    ):
        assert part in said


def test_a_line_of_the_check_leads_here_and_back_leads_to_the_check(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_checks(samples.BAD, running=False)
    lines = [line for line in window.checks_page.findChildren(ResultLine) if line.why_button.isVisible()]
    assert [line.name.text() for line in lines] == ["Remote control"]
    with qtbot.waitSignal(window.verdict_asked):
        lines[0].why_button.click()
    window.show_verdict(samples.VERDICT)
    assert window.current_page() == "verdict"
    window.verdict_page.back_button.click()
    assert window.current_page() == "checks"


def test_why_is_one_key_away_from_the_checks_buttons(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_checks([], running=True)
    window.show_checks(samples.BAD, running=False)
    qtbot.waitUntil(window.checks_page.repeat_button.hasFocus)
    press("shift+Tab")
    with qtbot.waitSignal(window.verdict_asked):
        press("Return")


def test_a_line_that_is_fine_again_has_nothing_to_explain(window: ClientWindow) -> None:
    window.show_checks(samples.BAD, running=False)
    window.show_checks([CheckResult("machine", True, False, "fine")] * len(samples.BAD), running=False)
    assert not any(line.why_button.isVisible() for line in window.checks_page.findChildren(ResultLine))


def test_return_checks_again(page: VerdictPage, window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    qtbot.waitUntil(page.repeat_button.hasFocus)
    with qtbot.waitSignal(window.checks_repeated):
        press("Return")


def test_a_supervisor_writes_a_reason_and_the_password_and_return_sends_both(
    page: VerdictPage, window: ClientWindow, qtbot: QtBot, press: Press
) -> None:
    page.reason.setText("Our classroom's desktop")
    page.reason.setFocus()
    qtbot.waitUntil(page.reason.hasFocus)
    with qtbot.assertNotEmitted(window.checks_repeated):
        press("Return")
        qtbot.waitUntil(page.field.hasFocus)
        press("o", "k")
        qtbot.waitUntil(lambda: page.field.text() == "ok")
        with qtbot.waitSignal(window.let_pass_entered) as sent:
            press("Return")
    assert sent.args == ["ok", "Our classroom's desktop"]
    assert page.field.text() == ""


@pytest.mark.parametrize(("reason", "password"), [("", "ok"), ("  ab ", "ok"), ("a classroom", "")], ids=str)
def test_nothing_can_be_let_pass_without_both(
    page: VerdictPage, window: ClientWindow, qtbot: QtBot, press: Press, reason: str, password: str
) -> None:
    fill(page, reason, password)
    assert not page.let_pass_button.isEnabled()
    page.field.setFocus()
    qtbot.waitUntil(page.field.hasFocus)
    with qtbot.assertNotEmitted(window.let_pass_entered), qtbot.assertNotEmitted(window.checks_repeated, wait=200):
        press("Return")


def test_a_wrong_password_is_told_and_the_reason_stays(page: VerdictPage, window: ClientWindow) -> None:
    fill(page, "Our classroom's desktop", "wrong")
    page.let_pass_button.click()
    window.show_verdict(replace(samples.VERDICT, problem="That password is wrong."))
    assert "That password is wrong." in words(page)
    assert page.reason.text() == "Our classroom's desktop"
    assert page.field.accessibleDescription() == "That password is wrong."


def test_it_counts_down_until_a_password_can_be_entered_again(
    page: VerdictPage, window: ClientWindow, qtbot: QtBot
) -> None:
    fill(page, "Our classroom's desktop", "ok")
    window.show_verdict(replace(samples.VERDICT, problem="That password is wrong.", wait_s=1))
    assert not page.field.isEnabled()
    assert "That password is wrong. A password can be entered again in 1 s." in words(page)
    qtbot.waitUntil(page.field.isEnabled)
    assert "again in" not in words(page)


def test_a_note_and_an_exam_without_a_password_ask_for_none(window: ClientWindow) -> None:
    for view in (samples.VERDICT_NOTED, replace(samples.VERDICT, password=False)):
        window.show_verdict(view)
        assert not window.verdict_page.supervisor.isVisible()
        assert not window.verdict_page.let_pass_button.isVisible()
    assert "ask the people who invited you" in words(window.verdict_page)


def test_what_was_let_pass_says_why(window: ClientWindow) -> None:
    window.show_verdict(replace(samples.VERDICT_NOTED, let_pass="Our classroom's desktop"))
    assert "A supervisor let the exam start: Our classroom's desktop" in words(window.verdict_page)


def test_a_password_that_was_typed_and_not_sent_is_not_kept(page: VerdictPage) -> None:
    fill(page, "Our classroom's desktop", "ok")
    page.back_button.click()
    assert page.field.text() == ""


def test_names_from_outside_are_shown_letter_by_letter(window: ClientWindow) -> None:
    sign = replace(samples.VERDICT.parts[0].signs[0], words="<b>Camera</b>")
    window.show_verdict(replace(samples.VERDICT, parts=(replace(samples.VERDICT.parts[0], signs=(sign,)),)))
    assert "<b>Camera</b>: counts for much." in words(window.verdict_page)
