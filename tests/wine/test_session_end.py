"""Signing out, shutting down, and closing the console: told as Windows does, as the tests can't sign out."""

from __future__ import annotations

import signal
import sys
import threading
from ctypes import c_ssize_t
from ctypes.wintypes import HWND, LPARAM, UINT, WPARAM
from pathlib import Path

import pytest

from app.lockdown.journal import RestoreJournal
from app.lockdown.platform import all_operations
from app.lockdown.win32 import kernel32_console, user32_messages, user32_windows
from app.lockdown.win32.library import Library
from app.lockdown.windows.session_end import CLASS_NAMES, SessionEnd, session_ends
from app.runtime.guardian import Guardian
from tests.wine.helpers import OtherProgram, until
from tests.wine.machine_state import machine_state

CLIENT = str(Path(__file__).with_name("locking_client.py"))
WM_QUERYENDSESSION = 0x11
send = Library("user32").function("SendMessageW", c_ssize_t, HWND, UINT, WPARAM, LPARAM)


def test_at_sign_out_the_guardian_gives_the_machine_back_before_windows_may_go_on(tmp_path: Path) -> None:
    journal = tmp_path / "restore.jsonl"
    answered: list[tuple[int, object]] = []
    with OtherProgram() as other:
        foreign = other.window(100, 100, 300, 200)
        before = machine_state(foreign)

        def sign_out() -> None:
            until(Path(f"{journal}.locked").exists)
            (window,) = [w for w in user32_windows.top_level_windows() if is_told(w)]
            may_end = send(window, WM_QUERYENDSESSION, 0, 0)
            send(window, user32_messages.WM_ENDSESSION, 1, 0)
            answered.append((may_end, RestoreJournal(journal).outstanding()))

        windows = threading.Thread(target=sign_out)
        windows.start()
        code = Guardian([sys.executable, CLIENT, str(journal), "wait"], journal, all_operations()).run()
        windows.join()
        assert code == 128 + signal.SIGTERM
        assert answered == [(1, [])]
        until(lambda: machine_state(foreign) == before)


def is_told(window: int) -> bool:
    return user32_windows.class_name(window).startswith(CLASS_NAMES)


@pytest.mark.parametrize(
    ("event", "ends"),
    [
        (kernel32_console.CTRL_C_EVENT, False),
        (kernel32_console.CTRL_BREAK_EVENT, False),
        (kernel32_console.CTRL_CLOSE_EVENT, True),
        (kernel32_console.CTRL_LOGOFF_EVENT, True),
        (kernel32_console.CTRL_SHUTDOWN_EVENT, True),
    ],
)
def test_the_end_of_the_console_waits_for_the_guardian_and_ctrl_c_stays_a_signal(event: int, ends: bool) -> None:
    asked, answers = threading.Event(), []
    with SessionEnd(asked.set) as told:
        console = threading.Thread(target=lambda: answers.append(told.console_ends(event)))
        console.start()
        until(lambda: asked.is_set() or bool(answers))
        assert bool(answers) is not ends, "Windows ends the program when it is answered"
    console.join()
    assert answers == [ends]


def test_a_sign_out_that_was_called_off_and_other_programs_messages_end_nothing() -> None:
    asked: list[bool] = []
    with SessionEnd(lambda: asked.append(True)) as told:
        for message in (user32_messages.WM_ENDSESSION, user32_messages.WM_CLOSE, user32_messages.WM_APP):
            send(told.window, message, 0, 0)
        assert user32_windows.class_name(told.window).startswith(CLASS_NAMES)
    assert (asked, told.window, session_ends()) == ([], 0, False)
