"""What the pages show, and what they tell the runtime."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QImage, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QRhiWidget, QWidget
from pytestqt.qtbot import QtBot

from app.core.hold import HoldView
from app.core.policy import Accessibility, Candidate, Capture, Evidence, Identity, Lockdown
from app.ui import samples
from app.ui.consent_page import sections
from app.ui.main_window import ClientWindow

LEFT = Qt.MouseButton.LeftButton


def shown_text(widget: QWidget) -> str:
    return "\n".join(made.text() for made in widget.findChildren(QLabel) if made.isVisible())


# ---- start


def test_a_key_is_stripped_of_what_pasting_added(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_start()
    window.start_page.field.setText("  https://exam.example.org/k/7 ")
    with qtbot.waitSignal(window.key_chosen) as chosen:
        QTest.mouseClick(window.start_page.continue_button, LEFT)
    assert chosen.args == ["https://exam.example.org/k/7"]


def test_nothing_can_be_entered_while_there_is_nothing(window: ClientWindow) -> None:
    window.show_start()
    window.start_page.field.setText("   ")
    assert not window.start_page.continue_button.isEnabled()


def test_a_refused_key_is_explained_until_it_is_changed(window: ClientWindow) -> None:
    window.show_start()
    window.start_page.field.setText("abc")
    window.show_start("This exam code has expired; ask for a new one.")
    assert "expired" in shown_text(window.start_page)
    assert "expired" in window.start_page.field.accessibleDescription()
    window.start_page.field.setText("abd")
    assert "expired" not in shown_text(window.start_page)


def test_a_dropped_file_is_a_key(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_start()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/exams/biology.key")])
    drop = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    with qtbot.waitSignal(window.key_chosen) as chosen:
        window.start_page.dropEvent(drop)
    assert chosen.args == ["/exams/biology.key"]


def test_a_dropped_link_is_a_key_and_anything_else_is_none(window: ClientWindow) -> None:
    window.show_start()
    chosen: list[str] = []
    window.key_chosen.connect(chosen.append)
    link = "invigil://code/ABCD?backend=https%3A%2F%2Fproctor.example.org"
    for url in (link, "https://lms.example.org/quiz"):
        data = QMimeData()
        data.setUrls([QUrl(url)])
        drop = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
        window.start_page.dropEvent(drop)
    assert chosen == [link]


def test_a_chosen_file_is_a_key(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_start()
    QTest.mouseClick(window.start_page.file_button, LEFT)
    dialog = window.start_page.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    with qtbot.waitSignal(window.key_chosen) as chosen:
        dialog.fileSelected.emit("/exams/biology.key")
    dialog.reject()
    assert chosen.args == ["/exams/biology.key"]


# ---- what opening asks


def test_a_password_is_hidden_entered_and_not_kept(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_password("", 0)
    page = window.password_page
    assert not page.continue_button.isEnabled()
    page.field.setText("  with spaces ")
    assert page.field.displayText() != page.field.text()
    page.show_check.setChecked(True)
    assert page.field.displayText() == page.field.text()
    with qtbot.waitSignal(window.password_entered) as entered:
        QTest.mouseClick(page.continue_button, LEFT)
    assert entered.args == ["  with spaces "]
    assert page.field.text() == ""


def test_a_wrong_password_is_explained_until_another_is_typed(window: ClientWindow) -> None:
    window.show_password("The password is wrong.", 0)
    assert "wrong" in shown_text(window.password_page)
    assert "wrong" in window.password_page.field.accessibleDescription()
    window.password_page.field.setText("x")
    assert "wrong" not in shown_text(window.password_page)


def test_after_too_many_passwords_the_seconds_left_are_counted_down(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_password("", 2)
    page = window.password_page
    assert not page.field.isEnabled()
    assert "2 s" in shown_text(page)
    qtbot.waitUntil(lambda: "1 s" in shown_text(page))
    qtbot.waitUntil(page.field.isEnabled)
    assert not page.problem.isVisible()
    assert page.field.hasFocus()


@pytest.mark.parametrize("yes", [True, False])
def test_whom_to_trust_is_asked_with_all_that_there_is_to_compare(
    window: ClientWindow, qtbot: QtBot, yes: bool
) -> None:
    window.show_server("https://other.example.org")
    window.show_issuer("Example University", samples.FINGERPRINT, samples.LONG_SERVER)
    page = window.issuer_page
    qtbot.waitUntil(lambda: "Example University" in shown_text(page))
    text = shown_text(page).replace("\u200b", "")
    assert samples.LONG_SERVER in text
    assert samples.FINGERPRINT in " ".join(text.split())
    assert "other.example.org" not in text
    with qtbot.waitSignal(window.trust_answered) as answered:
        QTest.mouseClick(page.yes_button if yes else page.no_button, LEFT)
    assert answered.args == [yes]


def test_who_takes_the_exam_is_asked_and_told_which_group_it_is_for(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_candidate("Biology 101", "B-2", "")
    page = window.candidate_page
    assert "B-2" in shown_text(page)
    assert not page.continue_button.isEnabled()
    page.name.setText(" Sample Candidate ")
    page.number.setText("c-1")
    with qtbot.waitSignal(window.candidate_entered) as entered:
        QTest.mouseClick(page.continue_button, LEFT)
    assert entered.args == [Candidate(id="c-1", name="Sample Candidate")]


def test_an_e_mail_address_that_is_none_is_marked(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_candidate("Biology 101", "", "")
    page = window.candidate_page
    for field, text in ((page.name, "A"), (page.number, "1"), (page.email, "nobody")):
        field.setText(text)
    with qtbot.assertNotEmitted(window.candidate_entered):
        QTest.mouseClick(page.continue_button, LEFT)
    assert page.email.hasFocus()
    assert "e-mail" in page.email.accessibleDescription()
    page.email.setText("a@example.org")
    with qtbot.waitSignal(window.candidate_entered):
        QTest.mouseClick(page.continue_button, LEFT)


def test_the_next_person_does_not_find_what_the_last_one_typed(window: ClientWindow) -> None:
    window.show_candidate("Biology 101", "", "")
    window.candidate_page.name.setText("A")
    window.show_candidate("Biology 101", "", "This can't be used.")
    assert window.candidate_page.name.text() == "A"
    window.show_start()
    window.show_candidate("Biology 101", "", "")
    assert window.candidate_page.name.text() == ""


# ---- checks


def test_each_check_says_its_result_in_words_as_well_as_colour(window: ClientWindow) -> None:
    window.show_checks(samples.BAD, running=False)
    lines = window.checks_page._lines
    names = [line.icon.accessibleName() for line in lines]
    icons = [line.icon.name for line in lines]
    assert icons == ["failed", "ok", "failed", "failed", "warning", "ok"]
    assert len(set(names)) == 3
    assert "Unplug the second monitor" in shown_text(window.checks_page)


def test_what_is_only_recommended_does_not_stop_anyone(window: ClientWindow) -> None:
    window.show_checks([r for r in samples.BAD if not r.required], running=False)
    assert window.checks_page.continue_button.isEnabled()


def test_nobody_goes_on_while_checks_run_or_without_any(window: ClientWindow) -> None:
    window.show_checks(samples.GOOD, running=True)
    assert not window.checks_page.continue_button.isEnabled()
    window.show_checks([], running=False)
    assert not window.checks_page.continue_button.isEnabled()


def test_fewer_results_the_second_time_leave_no_line_of_the_first(window: ClientWindow) -> None:
    window.show_checks(samples.BAD, running=False)
    window.show_checks(samples.GOOD[:1], running=True)
    assert "monitor" not in shown_text(window.checks_page.list_card)


def test_devices_that_the_exam_does_not_use_are_not_shown(window: ClientWindow) -> None:
    window.set_policy(replace(samples.PLAIN, capture=Capture(camera=False, microphone=True)))
    window.show_checks(samples.GOOD, running=False)
    assert not window.checks_page.preview.isVisible()
    assert window.checks_page.meter.isVisible()
    window.set_policy(replace(samples.PLAIN, capture=Capture(camera=False, microphone=False)))
    assert not window.checks_page.side_card.isVisible()


@pytest.mark.parametrize(
    ("dbfs", "speech", "words"),
    [(-70.0, False, "quiet"), (-30.0, False, "Sound"), (-30.0, True, "hear you"), (-1.0, True, "loud")],
)
def test_the_meter_says_in_words_what_its_colour_says(
    window: ClientWindow, dbfs: float, speech: bool, words: str
) -> None:
    window.show_checks(samples.GOOD, running=False)
    window.set_mic_level(dbfs, speech)
    meter = window.checks_page.meter
    assert words in meter.words.text()
    assert meter.bar.accessibleDescription() == meter.words.text()
    assert 0 <= meter.bar.value() <= 100


# ---- consent


def text_of_consent(window: ClientWindow) -> str:
    return shown_text(window.consent_page)


def test_consent_names_what_is_captured_why_who_how_long_and_whom_to_ask(window: ClientWindow) -> None:
    window.show_consent(samples.LONG)
    text = text_of_consent(window)
    for part in (
        samples.LONG.exam.title,
        "camera",
        "microphone",
        "screen",
        "without help",
        "two proctors",
        "365 days",
        "Gemeinsames",
        "pruefungsamt@",
        "Alt+Tab",
        "leave this computer",
    ):
        assert part.lower() in text.lower(), part


def test_consent_does_not_ask_for_what_the_exam_does_not_do() -> None:
    nothing = replace(
        samples.PLAIN,
        identity=Identity(photo=False),
        capture=Capture(camera=False, microphone=False, screen=False),
        lockdown=Lockdown(kiosk=False, grab_keyboard=False, single_monitor=False),
    )
    text = "\n".join(line for _, _, lines in sections(nothing) for line in lines).lower()
    for word in ("camera", "microphone", "photo", "alt+tab", "monitor", "fills", "clips"):
        assert word not in text, word


def test_consent_says_when_everything_is_kept() -> None:
    everything = replace(samples.PLAIN, evidence=Evidence(mode="continuous"))
    recorded = next(lines for icon, _, lines in sections(everything) if icon == "camera")
    assert any("whole recording" in line for line in recorded)


def test_consent_shows_the_exams_instructions_as_plain_text(window: ClientWindow) -> None:
    text = "Answer 3 of 5 questions.\n\n<b>No calculator.</b>"
    window.show_consent(replace(samples.PLAIN, exam=replace(samples.PLAIN.exam, instructions=text)))
    shown = [label.text() for label in window.consent_page.findChildren(QLabel)]
    assert shown.count("Instructions for this exam") == 1
    assert {"Answer 3 of 5 questions.", "<b>No calculator.</b>"} <= set(shown)


def test_consent_shows_every_section_whatever_is_granted_or_instructed(window: ClientWindow) -> None:
    exam = replace(samples.LONG.exam, instructions="Answer 3 of 5 questions.", duration_min=60)
    granted = Accessibility(extra_time_percent=25.0, looking_away=True)
    policy = replace(samples.LONG, exam=exam, accessibility=granted)
    window.show_consent(policy)
    shown = {label.text() for label in window.consent_page.findChildren(QLabel)}
    assert {heading for _, heading, _ in sections(policy)} <= shown
    assert {"Who to ask", "What you were granted", "Instructions for this exam"} <= shown


def test_consent_is_asked_anew_each_time(window: ClientWindow) -> None:
    window.show_consent(samples.PLAIN)
    window.consent_page.check.setChecked(True)
    window.show_checks(samples.GOOD, running=False)
    window.show_consent(samples.PLAIN)
    assert not window.consent_page.check.isChecked()
    assert not window.consent_page.agree_button.isEnabled()


def test_declining_needs_no_tick(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_consent(samples.PLAIN)
    with qtbot.waitSignal(window.consent_declined):
        QTest.mouseClick(window.consent_page.decline_button, LEFT)


def test_names_from_outside_are_never_mark_up(window: ClientWindow) -> None:
    sneaky = replace(samples.PLAIN, exam=replace(samples.PLAIN.exam, title="<b>Bold</b><img src=x>"))
    window.show_consent(sneaky)
    for made in window.findChildren(QLabel):
        assert made.textFormat() is Qt.TextFormat.PlainText
        tip = QTextDocument()
        tip.setHtml(made.toolTip())
        assert "\ufffc" not in tip.toPlainText()  # a picture
        assert "<img" not in made.toolTip()
    assert any("&lt;img src=x&gt;" in made.toolTip() for made in window.findChildren(QLabel))


# ---- identity


def test_the_taken_photo_stays_although_the_camera_goes_on(window: ClientWindow) -> None:
    window.show_identity(samples.PLAIN)
    window.set_photo(samples.picture(320, 240))
    window.set_preview(samples.picture(640, 480))
    window.set_identity_hint("No face seen")
    assert window.identity_page.picture._picture.width() == 320
    assert window.identity_page.hint.text() == ""


def test_a_photo_that_could_not_be_taken_leads_back_to_the_live_picture(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_identity(samples.PLAIN)
    QTest.mouseClick(window.identity_page.take_button, LEFT)
    assert not window.identity_page.take_button.isEnabled()
    window.set_photo(QImage())
    assert window.identity_page.take_button.isVisible()
    assert window.identity_page.take_button.isEnabled()


# ---- exam


def exam(window: ClientWindow, quit_always: bool = False) -> QWidget:
    view = samples.exam_stand_in()
    window.show_exam(view, replace(samples.PLAIN, lockdown=Lockdown(quit_always=quit_always)))
    return view


@pytest.mark.parametrize(
    ("seconds", "shown", "role"),
    [
        (3725, "1:02:05", "strong"),
        (1500, "25:00", "strong"),
        (299, "04:59", "warning"),
        (9, "00:09", "danger"),
        (-3, "00:00", "danger"),
    ],
)
def test_the_clock_gets_more_urgent_towards_the_end(window: ClientWindow, seconds: int, shown: str, role: str) -> None:
    exam(window)
    window.set_time_left(seconds)
    clock = window.exam_page.bar.time
    assert clock.isVisible()
    assert (clock.words.text(), clock.words.property("role")) == (shown, role)
    window.set_time_left(None)
    assert not clock.isVisible()


def test_what_is_recorded_is_always_to_be_seen(window: ClientWindow) -> None:
    exam(window)
    window.set_indicators(True, True, False)
    icons = window.exam_page.bar.indicators._icons
    assert {name: icon.name for name, icon in icons.items()} == {
        "camera": "camera",
        "microphone": "microphone",
        "screen": "screen-off",
    }
    assert all(icon.isVisible() and icon.toolTip() == icon.accessibleName() for icon in icons.values())
    assert "not recording" in icons["screen"].accessibleName()


def test_nothing_is_indicated_where_nothing_is_captured(window: ClientWindow) -> None:
    none = replace(samples.PLAIN, capture=Capture(camera=False, microphone=False, screen=False))
    window.show_exam(samples.exam_stand_in(), none)
    window.set_indicators(False, False, False)
    assert not window.exam_page.bar.indicators.isVisible()


def test_being_offline_is_said_in_a_word_and_explained(window: ClientWindow) -> None:
    exam(window)
    window.set_network(False, "No network. Go on working.")
    sign = window.exam_page.bar.network
    assert "Offline" in shown_text(sign)
    assert sign.accessibleName() == "No network. Go on working."
    window.set_network(True, "Connected")
    assert "Offline" not in shown_text(sign)


def test_a_battery_is_shown_where_there_is_one(window: ClientWindow) -> None:
    exam(window)
    battery = window.exam_page.bar.battery
    assert not battery.isVisible()
    window.set_battery(12, False)
    assert battery.isVisible()
    assert "12" in battery.accessibleName()
    window.set_battery(None, False)
    assert not battery.isVisible()


def test_finishing_asks_first(window: ClientWindow, qtbot: QtBot) -> None:
    exam(window)
    with qtbot.assertNotEmitted(window.finish_confirmed):
        QTest.mouseClick(window.exam_page.bar.finish_button, LEFT)
    with qtbot.waitSignal(window.finish_confirmed):
        QTest.mouseClick(window.exam_page.finish_question.yes_button, LEFT)


@pytest.mark.parametrize("cover", ["", "hold", "paused"])
def test_quit_is_there_at_any_time_where_the_policy_says_so(window: ClientWindow, qtbot: QtBot, cover: str) -> None:
    exam(window, quit_always=True)
    if cover == "hold":
        window.show_hold(HoldView("Locked.", password=False))
    elif cover == "paused":
        window.show_paused("Fire drill.")
    QTest.mouseClick(window.exam_page.bar.quit_button, LEFT)
    with qtbot.waitSignal(window.quit_requested):
        QTest.mouseClick(window.exam_page.quit_question.yes_button, LEFT)


def test_a_real_exam_has_no_quit(window: ClientWindow) -> None:
    exam(window)
    assert not window.exam_page.bar.quit_button.isVisible()


def test_zoom_stops_at_its_ends(window: ClientWindow, qtbot: QtBot) -> None:
    exam(window)
    factors: list[float] = []
    window.zoom_changed.connect(factors.append)
    for _ in range(30):
        window.exam_page.bar.step_zoom(1)
    assert factors == sorted(factors)
    assert factors[-1] == 3.0
    assert not window.exam_page.bar.zoom_in.isEnabled()
    QTest.mouseClick(window.exam_page.bar.zoom_reset, LEFT)
    assert factors[-1] == 1.0


def test_a_lock_hides_the_exam_and_gives_it_back(window: ClientWindow) -> None:
    view = exam(window)
    window.show_hold(HoldView("A second monitor was connected.", password=False))
    assert window.current_page() == "hold"
    assert not view.isEnabled()
    assert window.exam_page.hold.geometry() == window.exam_page._holder.rect()
    assert not window.exam_page.bar.finish_button.isEnabled()
    window.hide_hold()
    assert window.current_page() == "exam"
    assert view.isEnabled()


def test_a_lock_lies_over_a_pause_and_the_pause_is_there_after_it(window: ClientWindow) -> None:
    names: list[str] = []
    window.page_changed.connect(names.append)
    exam(window)
    window.show_paused("Fire drill.")
    window.show_hold(HoldView("Locked.", password=False))
    window.hide_hold()
    window.hide_paused()
    assert names == ["exam", "paused", "hold", "paused", "exam"]


def test_a_lock_takes_an_open_question_away(window: ClientWindow, qtbot: QtBot) -> None:
    exam(window)
    QTest.mouseClick(window.exam_page.bar.finish_button, LEFT)
    window.show_hold(HoldView("Locked.", password=False))
    assert not window.exam_page.finish_question.isVisible()
    window.hide_hold()
    assert not window.exam_page.finish_question.isVisible()


def test_a_wrong_password_empties_the_field(window: ClientWindow) -> None:
    exam(window)
    window.show_hold(HoldView("Locked.", password=True))
    window.exam_page.hold.field.setText("guess")
    window.show_hold(HoldView("Locked.", password=True, problem="That password is wrong."))
    assert window.exam_page.hold.field.text() == ""
    assert "wrong" in shown_text(window.exam_page.hold)


def test_a_notice_goes_away_by_itself_or_when_dismissed(window: ClientWindow, qtbot: QtBot) -> None:
    exam(window)
    window.show_notice("The microphone is back.", "info")
    notice = window.exam_page.notice
    assert notice.isVisible()
    assert notice._timer.isActive()
    notice._timer.timeout.emit()
    assert not notice.isVisible()
    window.show_notice("The camera was unplugged.", "warning")
    assert "camera" in shown_text(notice)
    QTest.mouseClick(notice.dismiss_button, LEFT)
    assert not notice.isVisible()


def test_another_view_takes_the_place_of_the_first(window: ClientWindow, qtbot: QtBot) -> None:
    first = exam(window)
    qtbot.addWidget(first)
    second = exam(window)
    assert first.parent() is None
    assert window.exam_page.view is second
    assert window.release_view() is second
    qtbot.addWidget(second)
    assert window.release_view() is None


def test_the_native_window_outlives_the_first_view_that_draws_with_the_graphics_card(window: ClientWindow) -> None:
    """As web views do. A native window made anew has lost its full screen and the keyboard."""
    before = int(window.winId())
    window.show_exam(QRhiWidget(), samples.PLAIN)
    assert int(window.winId()) == before


# ---- the end


def test_uploading_tells_how_far_it_is_and_that_closing_is_safe(window: ClientWindow) -> None:
    window.show_uploading(5_000_000, 20_000_000, 3, "")
    text = shown_text(window.upload_page)
    assert "5.0 MB of 20.0 MB" in text
    assert "3 files left" in text
    assert "safe to close" in text
    assert window.upload_page.bar.value() == 250


@pytest.mark.parametrize(("done", "total", "value"), [(0, 0, 0), (7, 5, 1000), (-1, 5, 0), (2**40, 2**41, 500)])
def test_no_number_breaks_the_progress_bar(window: ClientWindow, done: int, total: int, value: int) -> None:
    window.show_uploading(done, total, 1, "")
    assert window.upload_page.bar.value() == value
    assert "1 files" not in shown_text(window.upload_page)


def test_the_report_can_be_read_and_opened(window: ClientWindow, qtbot: QtBot) -> None:
    url = "https://proctor.example.org/report/7"
    window.show_done("You are done", url, ["Everything was sent."])
    assert window.done_page.link.text() == url
    with qtbot.waitSignal(window.report_requested) as asked:
        QTest.mouseClick(window.done_page.report_button, LEFT)
    assert asked.args == [url]
    window.show_done("You are done", None, [])
    assert not window.done_page.report_button.isVisible()


def test_a_problem_offers_another_try_only_where_that_may_help(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_problem("No connection", "The server does not answer.", "Check the network.", True)
    with qtbot.waitSignal(window.problem_retried), qtbot.assertNotEmitted(window.lockdown_retried):
        QTest.mouseClick(window.problem_page.retry_button, LEFT)
    window.show_problem("No camera", "There is none.", "", False)
    assert not window.problem_page.retry_button.isVisible()


def test_a_lockdown_problem_has_its_own_retry(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_lockdown_problem("The keyboard is used by another program.", "Close it.")
    with qtbot.waitSignal(window.lockdown_retried), qtbot.assertNotEmitted(window.problem_retried):
        QTest.mouseClick(window.problem_page.retry_button, LEFT)


def test_an_aborted_exam_is_closed_by_the_candidate(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_aborted("You declined.", "Nothing was kept.")
    with qtbot.waitSignal(window.close_requested):
        QTest.mouseClick(window.aborted_page.close_button, LEFT)


# ---- the window


def test_the_window_stays_open_until_it_is_allowed_to_close(window: ClientWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.closed_by_system):
        window.close()
    assert window.isVisible()
    window.allow_close = True
    with qtbot.assertNotEmitted(window.closed_by_system):
        window.close()
    assert not window.isVisible()


def test_every_page_has_its_stable_name(window: ClientWindow) -> None:
    names: list[str] = []
    window.page_changed.connect(names.append)
    window.show_start()
    window.show_opening("")
    window.show_checks([], running=True)
    window.show_checks(samples.GOOD, running=False)
    window.show_consent(samples.PLAIN)
    window.show_identity(samples.PLAIN)
    exam(window)
    window.show_finishing("")
    window.show_uploading(0, 1, 1, "")
    window.show_uploading(1, 1, 0, "")
    window.show_done("You are done", None, [])
    window.show_aborted("", "")
    window.show_problem("", "", "", False)
    assert names == [
        "start", "opening", "checks", "consent", "identity", "exam", "finishing", "uploading", "done", "aborted",
        "problem",
    ]  # fmt: skip


def test_the_way_to_the_exam_has_no_photo_step_without_a_photo(window: ClientWindow) -> None:
    window.show_consent(samples.PLAIN)
    assert window.header.stepper.accessibleName().startswith("Step 2 of 4")
    window.show_checks(samples.GOOD, running=False)
    window.show_consent(replace(samples.PLAIN, identity=Identity(photo=False)))
    assert window.header.stepper.accessibleName().startswith("Step 2 of 3")


def test_one_can_leave_before_the_exam_but_not_while_it_is_delivered(window: ClientWindow, qtbot: QtBot) -> None:
    window.show_checks(samples.GOOD, running=False)
    with qtbot.waitSignal(window.quit_requested):
        QTest.mouseClick(window.header.quit_button, LEFT)
    window.show_finishing("")
    assert not window.header.quit_button.isVisible()


def test_a_message_stays_beside_a_notice_until_it_is_dismissed(window: ClientWindow) -> None:
    window.show_exam(samples.exam_stand_in(), samples.PLAIN)
    window.show_message("Question 3 is withdrawn.")
    window.show_notice("You have 10 more minutes.", "info")
    page = window.exam_page
    assert page.message.isVisibleTo(window)
    assert not page.message.geometry().intersects(page.notice.geometry())
    assert "Question 3 is withdrawn." in page.message.words.text()
    QTest.mouseClick(page.message.dismiss_button, LEFT)
    assert not page.message.isVisibleTo(window)
    assert page.notice.isVisibleTo(window)


def test_an_empty_message_takes_the_last_away(window: ClientWindow) -> None:
    window.show_exam(samples.exam_stand_in(), samples.PLAIN)
    window.show_message("Question 3 is withdrawn.")
    window.show_message("")
    assert not window.exam_page.message.isVisibleTo(window)
