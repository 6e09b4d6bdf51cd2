"""The sample exam in the real view, taken with the keyboard alone."""

from __future__ import annotations

import subprocess

import pytest

from tests.fakes import exam_view
from tests.fakes.exam_view import Open, Shown

pytestmark = exam_view.NO_GPU
site = exam_view.site
open_view = exam_view.open_view

PAGE = "/demo/exam/index.html"


@pytest.fixture
def exam(open_view: Open) -> Shown:
    shown = open_view(PAGE)
    shown.view.activateWindow()
    shown.view.setFocus()
    shown.until(shown.view.isActiveWindow)
    shown.until_js("document.hasFocus()")
    return shown


def start(exam: Shown) -> None:
    exam.view.emit_event("apMonitoringStarted")
    exam.until(lambda: exam.view.title().startswith("Question 1 of 6"))


def press(*keys: str) -> None:
    subprocess.run(["xdotool", "key", "--delay", "8", *keys], check=True)


def test_questions_stay_hidden_until_monitoring_runs(exam: Shown) -> None:
    assert exam.view.title().startswith("Waiting for monitoring")
    assert exam.js("document.getElementById('exam').hidden && !document.querySelector('.choice')")
    start(exam)
    assert exam.js("document.activeElement.type") == "radio"
    assert not exam.js("document.getElementById('exam').hidden")


def test_a_candidate_answers_and_finishes_with_the_keyboard(exam: Shown) -> None:
    start(exam)
    press("Down", "Return")
    exam.until(lambda: exam.view.title().startswith("Question 2 of 6"))
    press("space", "Tab", "Tab", "Tab", "Tab", "Tab", "space")  # first box, past the others and Previous, to Next
    exam.until(lambda: exam.view.title().startswith("Question 3 of 6"))
    press("space", "Return")
    exam.until(lambda: exam.view.title().startswith("Question 4 of 6"))
    press("5", "0", "0", "Return")
    exam.until(lambda: exam.view.title().startswith("Question 5 of 6"))
    press("space", "Return")
    exam.until(lambda: exam.view.title().startswith("Question 6 of 6"))
    press("A", "s", "k", "Tab", "Tab", "Return")
    exam.until(lambda: exam.view.title().startswith("Review"))
    assert exam.js("document.getElementById('review-text').textContent") == "You have answered every question."
    press(*["Tab"] * 8, "Return")
    exam.until_js("document.getElementById('confirm').open")
    assert exam.of("finished") == []
    press("Return")
    exam.until(lambda: exam.of("finished") == ["candidate"])
    exam.until(lambda: exam.view.title().startswith("Finished"))


def test_answers_and_the_place_come_back_after_a_reload(exam: Shown) -> None:
    start(exam)
    press("Down", "Return")
    exam.until(lambda: exam.view.title().startswith("Question 2 of 6"))
    press("space")
    exam.until_js("document.getElementById('saved').dataset.state", "saved")
    exam.load()
    exam.until(lambda: exam.view.title().startswith("Question 2 of 6"))
    assert exam.js("document.querySelectorAll('#question input:checked').length") == 1.0
    assert exam.js("document.querySelectorAll('[data-answered]').length") == 2.0
    assert "restored" in str(exam.js("document.getElementById('notes').textContent"))


def test_the_candidate_reads_what_monitoring_noted_and_when_it_stops(exam: Shown) -> None:
    start(exam)
    exam.view.emit_event("apEvidenceEvent", {"evidenceCode": 5001, "message": "Nobody was seen."})
    exam.until_js("document.getElementById('notes').textContent", "Nobody was seen.")
    exam.view.emit_event("apMonitoringStopped")
    exam.until(lambda: exam.view.title().startswith("Finished"))


def test_when_the_time_is_up_the_exam_finishes_itself(exam: Shown) -> None:
    start(exam)
    exam.js("const later = Date.now() + 21 * 60 * 1000; Date.now = () => later; 0")
    exam.until(lambda: exam.of("finished") == ["time is up"])
