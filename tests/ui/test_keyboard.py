"""A candidate with nothing but a keyboard gets through; every key here is a real X event."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.core.hold import HoldView
from app.core.policy import Candidate
from app.ui import samples
from app.ui.main_window import ClientWindow

Press = Callable[..., None]


class Exam(QWidget):
    """Stands for the web view: something with a text field that takes the focus."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = QLineEdit()
        self.answer.setAccessibleName("Answer")
        QVBoxLayout(self).addWidget(self.answer)
        self.setFocusProxy(self.answer)


def test_return_continues_once_the_checks_have_passed(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_checks([], running=True)
    window.show_checks(samples.GOOD, running=False)
    with qtbot.waitSignal(window.checks_accepted):
        press("Return")


def test_return_repeats_the_checks_while_something_required_is_wrong(
    window: ClientWindow, qtbot: QtBot, press: Press
) -> None:
    window.show_checks(samples.BAD, running=False)
    with qtbot.assertNotEmitted(window.checks_accepted), qtbot.waitSignal(window.checks_repeated):
        press("Return")


def _working_pages(window: ClientWindow) -> list[Callable[[], None]]:
    """Each state in which there is nothing to press but Quit, for a moment."""

    def taking() -> None:
        window.show_identity(samples.PLAIN)
        window.identity_page.take_button.click()

    def checking_again() -> None:
        window.show_checks(samples.BAD, running=False)
        window.show_checks([], running=True)

    return [lambda: window.show_opening("Exam"), lambda: window.show_checks([], running=True), checking_again, taking]


@pytest.mark.parametrize("state", range(4))
def test_return_pressed_once_too_often_does_not_quit(
    window: ClientWindow, qtbot: QtBot, press: Press, state: int
) -> None:
    quits: list[bool] = []
    window.quit_requested.connect(lambda: quits.append(True))
    _working_pages(window)[state]()
    press("Return", "space", "ctrl+alt+shift+q")
    qtbot.waitUntil(lambda: bool(quits))
    assert quits == [True]  # by the combination alone


def test_space_ticks_and_return_agrees(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_consent(samples.PLAIN)
    press("space")
    qtbot.waitUntil(window.consent_page.check.isChecked)
    with qtbot.waitSignal(window.consent_given):
        press("Return")


def test_return_without_the_tick_agrees_to_nothing(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_consent(samples.PLAIN)
    with qtbot.assertNotEmitted(window.consent_given), qtbot.assertNotEmitted(window.consent_declined):
        press("Return", "space")
        qtbot.waitUntil(window.consent_page.check.isChecked)


def test_declining_is_one_tab_away(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_consent(samples.PLAIN)
    with qtbot.waitSignal(window.consent_declined):
        press("Tab", "Return")


def test_the_consent_text_scrolls_while_the_check_box_keeps_the_focus(
    window: ClientWindow, qtbot: QtBot, press: Press
) -> None:
    window.show_consent(samples.LONG)
    bar = window.consent_page.scroller.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    press("Next")
    qtbot.waitUntil(lambda: bar.value() > 0)
    assert window.consent_page.check.hasFocus()


def test_return_takes_the_photo_and_return_uses_it(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_identity(samples.PLAIN)
    window.set_preview(samples.picture())
    with qtbot.waitSignal(window.photo_requested):
        press("Return")
    window.set_photo(samples.picture())
    with qtbot.waitSignal(window.photo_accepted):
        press("Return")


def test_a_photo_can_be_taken_again(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_identity(samples.PLAIN)
    window.set_photo(samples.picture())
    with qtbot.waitSignal(window.photo_retaken):
        press("shift+Tab", "Return")
    with qtbot.waitSignal(window.photo_requested):
        press("Return")


def test_keys_go_to_the_exam_as_soon_as_it_is_shown(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    exam = Exam()
    window.show_exam(exam, samples.PLAIN)
    press("4", "2")
    qtbot.waitUntil(lambda: exam.answer.text() == "42")


def test_f6_reaches_finish_and_a_question_stands_before_it(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_exam(Exam(), samples.PLAIN)
    with qtbot.assertNotEmitted(window.finish_confirmed):
        press("F6", "Return")
        qtbot.waitUntil(window.exam_page.finish_question.isVisible)
        press("Return")
        qtbot.waitUntil(window.exam_page.finish_question.isHidden)
    press("F6", "Return")
    qtbot.waitUntil(window.exam_page.finish_question.isVisible)
    with qtbot.waitSignal(window.finish_confirmed):
        press("shift+Tab", "Return")


def test_escape_goes_back_to_the_exam(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    exam = Exam()
    window.show_exam(exam, samples.PLAIN)
    press("F6", "Return")
    qtbot.waitUntil(window.exam_page.finish_question.isVisible)
    with qtbot.assertNotEmitted(window.finish_confirmed):
        press("Escape")
        qtbot.waitUntil(window.exam_page.finish_question.isHidden)
    qtbot.waitUntil(exam.answer.hasFocus)


def test_a_question_leaves_what_was_being_written_as_it_was(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    exam = Exam()
    window.show_exam(exam, samples.PLAIN)
    press("4", "2")
    qtbot.waitUntil(lambda: exam.answer.text() == "42")
    press("F6", "Return")
    qtbot.waitUntil(window.exam_page.finish_question.isVisible)
    press("Escape")
    qtbot.waitUntil(exam.answer.hasFocus)
    window.show_paused("Fire drill.")
    window.hide_paused()
    press("7")
    qtbot.waitUntil(lambda: exam.answer.text() == "427")


def test_no_key_reaches_a_locked_exam(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    exam = Exam()
    window.show_exam(exam, samples.PLAIN)
    window.show_hold(HoldView("A second monitor was connected.", password=True))
    press("x", "y", "Tab", "z")
    qtbot.waitUntil(lambda: window.exam_page.hold.field.text() == "xy")
    assert exam.answer.text() == ""
    window.hide_hold()
    press("a")
    qtbot.waitUntil(lambda: exam.answer.text() == "a")


def test_the_password_unlocks_by_return(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_exam(Exam(), samples.PLAIN)
    window.show_hold(HoldView("Locked.", password=True))
    with qtbot.waitSignal(window.hold_password_entered) as entered:
        press("o", "p", "e", "n", "Return")
    assert entered.args == ["open"]


def test_zoom_has_keys(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_exam(Exam(), samples.PLAIN)
    with qtbot.waitSignal(window.zoom_changed) as larger:
        press("ctrl+plus")
    with qtbot.waitSignal(window.zoom_changed) as back:
        press("ctrl+0")
    with qtbot.waitSignal(window.zoom_changed) as smaller:
        press("ctrl+minus")
    assert [larger.args, back.args, smaller.args] == [[1.1], [1.0], [0.9]]


def test_return_closes_the_last_page(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_done("You are done", "https://proctor.example.org/report", ["Everything was sent."])
    with qtbot.waitSignal(window.close_requested):
        press("Return")


def test_return_does_not_break_off_the_upload(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_uploading(1, 10, 3, "")
    with qtbot.assertNotEmitted(window.close_requested):
        press("Return", "Return", "Tab")
        qtbot.waitUntil(window.upload_page.close_button.hasFocus)
    with qtbot.waitSignal(window.close_requested):
        press("Return")


def test_a_code_is_typed_and_entered(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_start()
    with qtbot.waitSignal(window.key_chosen) as chosen:
        press("a", "b", "c", "Return")
    assert chosen.args == ["abc"]


def test_what_opening_asks_is_answered_without_a_mouse(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    window.show_password("", 0)
    with qtbot.waitSignal(window.password_entered) as password:
        press("p", "w", "Return")
    window.show_candidate("Biology 101", "", "")
    with qtbot.waitSignal(window.candidate_entered) as candidate:
        press("a", "Tab", "1", "Return")
    window.show_password("", 0)
    with qtbot.waitSignal(window.opening_left):
        press("Tab", "Tab", "space")
    assert password.args == ["pw"]
    assert candidate.args == [Candidate(id="1", name="a")]


def test_return_trusts_nobody(window: ClientWindow, qtbot: QtBot, press: Press) -> None:
    answers: list[bool] = []
    window.trust_answered.connect(answers.append)
    window.show_issuer("Example University", samples.FINGERPRINT, samples.SERVER)
    press("Return")
    qtbot.waitUntil(lambda: answers == [False])
    window.show_server(samples.SERVER)
    press("shift+Tab", "Return")
    qtbot.waitUntil(lambda: answers == [False, True])


def test_tab_visits_every_control_of_a_page_and_comes_round(
    window: ClientWindow, qtbot: QtBot, qapp: QApplication, press: Press
) -> None:
    window.show_consent(samples.PLAIN)
    page = window.consent_page
    page.check.setChecked(True)
    around = [page.check, page.decline_button, page.agree_button, window.header.quit_button, page.check]
    for now, then in pairwise(around):
        qtbot.waitUntil(now.hasFocus)
        press("Tab")
        qtbot.waitUntil(then.hasFocus)
