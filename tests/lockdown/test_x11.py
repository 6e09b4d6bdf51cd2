"""What is changed on a real X server, and that it comes back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.core.types import Json
from app.lockdown.journal import Owner, RestoreJournal
from app.lockdown.linux import x11, x11_clipboard, x11_kiosk
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


@pytest.mark.parametrize(
    ("name", "value"),
    [*(("timeout_s", value) for value in (None, "600", True, 70_000, -5, 1.5)), ("prefer_blanking", 7)],
)
def test_a_tampered_journal_value_is_refused(saver_set: str, name: str, value: Json) -> None:
    awake = x11.KeepAwake()
    with pytest.raises(LockdownError, match=f"no usable '{name}'"):
        awake.revert(awake.before() | {name: value})
    assert screen_saver() == saver_set


@pytest.mark.parametrize("times", [[1, 2, 70_000], [-1, 0, 0], [True], "600", None])
def test_times_that_no_monitor_has_are_left_out_and_the_rest_comes_back(saver_set: str, times: Json) -> None:
    awake = x11.KeepAwake()
    before = awake.before()
    awake.perform()
    awake.revert(before | {"dpms": True, "dpms_timeouts_s": times})
    assert screen_saver() == saver_set


def test_the_window_is_locked_and_released_through_its_port() -> None:
    window = FakeWindow()
    for operation in (x11_kiosk.KioskWindowOperation(window), x11_kiosk.KeyboardGrab(window)):
        assert operation.check() is None
        before = operation.before()
        operation.perform()
        operation.revert(before)
    assert window.calls == [("kiosk", True), ("kiosk", False), ("keyboard", True), ("keyboard", False)]


def test_a_keyboard_that_another_program_holds_is_told_in_a_sentence() -> None:
    with pytest.raises(LockdownError, match="Another program holds the keyboard"):
        x11_kiosk.KeyboardGrab(FakeWindow(grabs=False)).perform()


@pytest.mark.parametrize("operation", [x11_kiosk.KioskWindowOperation(None), x11_kiosk.KeyboardGrab(None)])
def test_without_a_window_there_is_nothing_to_undo_and_nothing_to_lock(
    operation: x11_kiosk.KioskWindowOperation | x11_kiosk.KeyboardGrab,
) -> None:
    operation.revert({})
    with pytest.raises(LockdownError):
        operation.perform()


def test_a_display_that_is_not_there_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    for operation in (x11.KeepAwake(), x11_clipboard.ClipboardEmptied(), x11_kiosk.KioskWindowOperation(None)):
        problem = operation.check()
        assert problem is not None
        assert problem.startswith("The X display ':4711' does not answer")
    assert x11.active_window() == ""
