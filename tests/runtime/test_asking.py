"""Keys are opened beside the window: questions reach the person, answers the opening, and nothing waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.errors import BadInput, InvigilError
from app.core.policy import Candidate
from app.keys.issuers import Issuer, TrustedIssuers
from app.keys.tokens import read_key
from app.runtime.asking import KeyOpening, Openers
from app.runtime.bridge import UiBridge
from app.runtime.open_key import Opened
from app.runtime.opening import Asker, OpeningLeft
from app.runtime.resources import resources_dir
from app.ui.main_window import ClientWindow
from app.ui.theme import apply_theme
from tests.fakes.exam_keys import exam_key

ME = Candidate(id="c-1", name="Sample Candidate")
Steps = Callable[[Asker], Opened]


def some_key() -> Opened:
    issuer = Issuer.create("Example University")
    key = read_key(exam_key(issuer=issuer), TrustedIssuers.of([issuer.public()]), datetime.now(UTC), "0.1.0")
    return Opened(key)


class Scripted:
    """Implements ``KeyOpener`` with steps that a test wrote; ``ended`` tells how they ended."""

    def __init__(self, ask: Asker, steps: Steps) -> None:
        self._ask = ask
        self._steps = steps
        self.broken_off = threading.Event()
        self.ended: list[str] = []

    def open(self, argument: str) -> Opened:
        try:
            return self._steps(self._ask)
        except OpeningLeft:
            self.ended.append("left")
            raise


class Bench:
    """A window with an opening desk, and what came of each opening."""

    def __init__(self, window: ClientWindow) -> None:
        self.window = window
        self.steps: list[Steps] = []
        self.openers: list[Scripted] = []
        self.opened: list[tuple[str, Opened]] = []
        self.refused: list[tuple[str, str]] = []
        self.threads: set[str] = set()
        self._bridge = UiBridge()
        openers = Openers(self._make, self._on_opened, self._on_refused)
        self.desk = KeyOpening(window, self._bridge.run, openers)

    def _make(self, ask: Asker) -> tuple[Scripted, Callable[[], None]]:
        made = Scripted(ask, self.steps.pop(0))
        self.openers.append(made)
        return made, made.broken_off.set

    def _on_opened(self, argument: str, opened: Opened) -> None:
        self.threads.add(threading.current_thread().name)
        self.opened.append((argument, opened))

    def _on_refused(self, argument: str, error: InvigilError) -> None:
        self.refused.append((argument, str(error)))


@pytest.fixture
def bench(qtbot: QtBot, qapp: QApplication) -> Iterator[Bench]:
    apply_theme(qapp, "light", 1.0)
    window = ClientWindow(resources_dir() / "ui")
    window.show()
    made = Bench(window)
    yield made
    made.desk.close()
    window.allow_close = True
    window.close()
    window.deleteLater()


def shows(window: ClientWindow, page: str) -> bool:
    return window.current_page() == page


def test_each_question_has_its_page_and_its_answer_goes_back(bench: Bench, qtbot: QtBot) -> None:
    told: list[object] = []
    key = some_key()

    def steps(ask: Asker) -> Opened:
        told.append(ask.password("", 0))
        told.append(ask.server("https://proctor.example.org"))
        told.append(ask.issuer("Example University", "AB CD", "https://proctor.example.org"))
        told.append(ask.candidate("Algebra I", "", ""))
        return key

    bench.steps.append(steps)
    bench.desk.begin("exam.invigil")
    answers: dict[str, Callable[[], None]] = {
        "password": lambda: bench.window.password_entered.emit("secret"),
        "server": lambda: bench.window.trust_answered.emit(True),
        "issuer": lambda: bench.window.trust_answered.emit(False),
        "candidate": lambda: bench.window.candidate_entered.emit(ME),
    }
    for page, answer in answers.items():
        qtbot.waitUntil(partial(shows, bench.window, page))
        answer()
        assert bench.window.current_page() == "opening"
    qtbot.waitUntil(lambda: bool(bench.opened))
    assert told == ["secret", True, False, ME]
    assert bench.opened == [("exam.invigil", key)]
    assert bench.threads == {"MainThread"}


def test_a_refusal_is_told_once(bench: Bench, qtbot: QtBot) -> None:
    def steps(_ask: Asker) -> Opened:
        raise BadInput("This key expired.")

    bench.steps.append(steps)
    bench.desk.begin("exam.invigil")
    qtbot.waitUntil(lambda: bench.refused == [("exam.invigil", "This key expired.")])
    assert bench.opened == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_even_a_fault_of_the_program_leaves_nobody_waiting(bench: Bench, qtbot: QtBot) -> None:
    def steps(_ask: Asker) -> Opened:
        raise ZeroDivisionError

    bench.steps.append(steps)
    bench.desk.begin("exam.invigil")
    qtbot.waitUntil(lambda: len(bench.refused) == 1)
    assert "log" in bench.refused[0][1]


def ask_password(ask: Asker) -> Opened:
    ask.password("", 0)
    return some_key()


def test_whoever_goes_back_is_at_the_start_and_hears_no_more_of_it(bench: Bench, qtbot: QtBot) -> None:
    bench.steps.append(ask_password)
    bench.desk.begin("exam.invigil")
    qtbot.waitUntil(lambda: bench.window.current_page() == "password")
    bench.window.opening_left.emit()
    assert bench.window.current_page() == "start"
    qtbot.waitUntil(lambda: bench.openers[0].ended == ["left"])
    assert bench.openers[0].broken_off.is_set()
    assert (bench.opened, bench.refused) == ([], [])


def test_a_button_pressed_twice_does_not_answer_the_next_question(bench: Bench, qtbot: QtBot) -> None:
    told: list[object] = []

    def steps(ask: Asker) -> Opened:
        told.append(ask.server("https://proctor.example.org"))
        told.append(ask.issuer("Example University", "AB CD", "https://proctor.example.org"))
        return some_key()

    bench.steps.append(steps)
    bench.desk.begin("exam.invigil")
    qtbot.waitUntil(lambda: bench.window.current_page() == "server")
    bench.window.trust_answered.emit(True)
    bench.window.trust_answered.emit(True)
    qtbot.waitUntil(lambda: bench.window.current_page() == "issuer")
    assert told == [True]
    bench.window.trust_answered.emit(False)
    qtbot.waitUntil(lambda: told == [True, False])
    qtbot.waitUntil(lambda: bool(bench.opened))


def test_another_key_takes_the_place_of_the_one_being_opened(bench: Bench, qtbot: QtBot) -> None:
    bench.steps += [ask_password, ask_password]
    bench.desk.begin("first")
    qtbot.waitUntil(lambda: bench.window.current_page() == "password")
    bench.desk.begin("second")
    qtbot.waitUntil(lambda: bench.window.current_page() == "password")
    bench.window.password_entered.emit("x")
    qtbot.waitUntil(lambda: [argument for argument, _ in bench.opened] == ["second"])
    assert bench.openers[0].ended == ["left"]


def test_closing_ends_the_opening_s_thread(bench: Bench, qtbot: QtBot) -> None:
    bench.steps.append(ask_password)
    bench.desk.begin("exam.invigil")
    qtbot.waitUntil(lambda: bench.window.current_page() == "password")
    bench.desk.close()
    assert "opening" not in {thread.name for thread in threading.enumerate()}
