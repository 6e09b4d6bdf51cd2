"""After a screen lock or sleep the screen and the keyboard are taken again, on a real X server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.core.lockdown import MachineFacts, System
from app.core.policy import Lockdown
from app.runtime import protection as protection_module
from app.runtime.clock import SystemClock
from app.runtime.protection import Protection
from app.runtime.virtual_desktop import VirtualDesktop
from tests.fakes.session import exam_policy


@dataclass
class Window:
    """Ours, as far as the lock asks it. ``others``: another program has the keyboard; ``stuck``: it does not answer."""

    others: bool = False
    stuck: bool = False
    on: bool = False
    has_keyboard: bool = False

    def set_kiosk(self, on: bool) -> None:
        if on and self.stuck:
            raise LockdownError("The exam window did not answer.")
        self.on = on

    def grab_keyboard(self, on: bool) -> bool:
        self.has_keyboard = on and not self.others
        return self.has_keyboard

    def handle(self) -> int:
        return 0


@pytest.fixture
def window() -> Window:
    return Window()


@pytest.fixture
def locked(desktop: VirtualDesktop, tmp_path: Path, window: Window) -> Iterator[Protection]:
    policy = replace(exam_policy(), lockdown=Lockdown(keep_awake=False, quit_always=True))
    made = Protection(policy, tmp_path / "restore.jsonl", window, SystemClock(), lambda _seen: None)
    made.perform()
    yield made
    made.revert()


def test_what_was_taken_away_is_taken_again(locked: Protection, window: Window) -> None:
    window.on = window.has_keyboard = False
    assert locked.take_again()
    assert (window.on, window.has_keyboard) == (True, True)


def test_what_something_else_still_has_is_tried_again_later(locked: Protection, window: Window) -> None:
    window.others = True
    assert not locked.take_again()
    window.others, window.stuck = False, True
    assert not locked.take_again()
    window.stuck = False
    assert locked.take_again()


def test_where_no_window_holds_the_keyboard_none_is_asked_to(
    desktop: VirtualDesktop, window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protection_module, "machine_facts", lambda: MachineFacts(System.LINUX_KIOSK))
    monkeypatch.setattr(protection_module, "operations_for", lambda _plan, _setting: ())
    made = Protection(exam_policy(), tmp_path / "restore.jsonl", window, SystemClock(), lambda _seen: None)
    assert made.take_again()
    made.perform()
    window.others = True
    assert made.take_again()
    assert window.on
    made.revert()
