"""What is changed on a real X server, and that it comes back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.core.types import Json
from app.lockdown.journal import Owner, RestoreJournal
from app.lockdown.linux import x11
from app.lockdown.platform import all_operations
from app.lockdown.sequence import perform_all, revert_all

pytestmark = [pytest.mark.desktop, pytest.mark.usefixtures("desktop")]


class FakeWindow:
    """Our window as lockdown sees it."""

    def __init__(self, *, grabs: bool = True) -> None:
        self.grabs = grabs
        self.calls: list[tuple[str, bool]] = []

    def set_kiosk(self, on: bool) -> None:
        self.calls.append(("kiosk", on))

    def grab_keyboard(self, on: bool) -> bool:
        self.calls.append(("keyboard", on))
        return on and self.grabs

    def handle(self) -> int:
        return 0


def screen_saver() -> str:
    """The X server's screen saver settings as xset prints them."""
    shown = subprocess.run(["xset", "q"], capture_output=True, text=True, check=True).stdout
    return shown[shown.index("Screen Saver") : shown.index("Colors")]


@contextmanager
def copied(selection: str, text: str) -> Iterator[None]:
    """Another program owns the selection."""
    command = ["xclip", "-selection", selection, "-quiet"]
    owner = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert owner.stdin is not None
    owner.stdin.write(text)
    owner.stdin.close()
    owner.stdin = None
    deadline = time.monotonic() + 10
    while pasted(selection) != text:
        assert time.monotonic() < deadline, "xclip did not take the selection"
    try:
        yield
    finally:
        owner.terminate()
        owner.communicate()


def pasted(selection: str) -> str:
    done = subprocess.run(["xclip", "-selection", selection, "-o"], capture_output=True, text=True, check=False)
    return done.stdout


@pytest.fixture
def saver_set() -> Iterator[str]:
    """Screen saver settings of someone who has their own taste."""
    subprocess.run(["xset", "s", "321", "45", "s", "noblank", "s", "expose"], check=True)
    yield screen_saver()
    subprocess.run(["xset", "s", "default"], check=True)


def test_the_screen_stays_awake_and_gets_its_settings_back(saver_set: str) -> None:
    awake = x11.KeepAwake()
    before = awake.before()
    awake.perform()
    assert "timeout:  0" in screen_saver()
    awake.revert(before)
    assert screen_saver() == saver_set


def test_reverting_again_changes_nothing(saver_set: str) -> None:
    awake = x11.KeepAwake()
    before = awake.before()
    awake.perform()
    awake.revert(before)
    awake.revert(before)
    assert screen_saver() == saver_set


def test_a_journal_alone_brings_the_screen_saver_back_after_a_crash(saver_set: str, tmp_path: Path) -> None:
    dead = RestoreJournal(tmp_path / "j", owner=lambda: Owner(1, 0.0))
    perform_all([x11.KeepAwake()], dead)
    assert screen_saver() != saver_set
    assert revert_all(RestoreJournal(tmp_path / "j"), all_operations()) == []
    assert screen_saver() == saver_set


@pytest.mark.parametrize("value", [None, "600", True, 70_000, -5, 1.5])
def test_a_tampered_journal_value_is_refused(saver_set: str, value: Json) -> None:
    awake = x11.KeepAwake()
    with pytest.raises(LockdownError, match="no usable 'timeout_s'"):
        awake.revert(awake.before() | {"timeout_s": value})
    assert screen_saver() == saver_set


@pytest.mark.parametrize("selection", ["clipboard", "primary", "secondary"])
def test_what_was_copied_before_can_not_be_pasted(selection: str) -> None:
    with copied(selection, "the answers"):
        assert pasted(selection) == "the answers"
        x11.ClipboardEmptied().perform()
        assert pasted(selection) == ""


def test_what_was_copied_in_the_exam_can_not_be_pasted_afterwards() -> None:
    with copied("clipboard", "the questions"):
        x11.ClipboardEmptied().revert({})
        assert pasted("clipboard") == ""


def test_the_clipboards_contents_never_reach_the_journal(tmp_path: Path) -> None:
    journal = RestoreJournal(tmp_path / "j")
    with copied("clipboard", "a private password"):
        perform_all([x11.ClipboardEmptied()], journal)
    assert b"private" not in journal.path.read_bytes()


def test_the_window_is_locked_and_released_through_its_port() -> None:
    window = FakeWindow()
    for operation in (x11.KioskWindowOperation(window), x11.KeyboardGrab(window)):
        assert operation.check() is None
        before = operation.before()
        operation.perform()
        operation.revert(before)
    assert window.calls == [("kiosk", True), ("kiosk", False), ("keyboard", True), ("keyboard", False)]


def test_a_keyboard_that_another_program_holds_is_told_in_a_sentence() -> None:
    with pytest.raises(LockdownError, match="Another program holds the keyboard"):
        x11.KeyboardGrab(FakeWindow(grabs=False)).perform()


@pytest.mark.parametrize("operation", [x11.KioskWindowOperation(None), x11.KeyboardGrab(None)])
def test_without_a_window_there_is_nothing_to_undo_and_nothing_to_lock(
    operation: x11.KioskWindowOperation | x11.KeyboardGrab,
) -> None:
    operation.revert({})
    with pytest.raises(LockdownError):
        operation.perform()


def test_a_display_that_is_not_there_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    for operation in all_operations().values():
        problem = operation.check()
        assert problem is not None
        assert problem.startswith("The X display ':4711' does not answer")
    assert x11.active_window() == ""
