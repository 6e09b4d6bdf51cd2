"""What Qt's key events are called where Qt swaps Cmd and Control."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent

from app.core.key_combinations import QUIT, blocked
from app.ui.key_presses import mac_key_press

K, M = Qt.Key, Qt.KeyboardModifier
COMMAND, CONTROL, OPTION, SHIFT = M.ControlModifier, M.MetaModifier, M.AltModifier, M.ShiftModifier


def event(key: Qt.Key, held: Qt.KeyboardModifier = M.NoModifier) -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, key, held)


WRITING = {
    "Control alone": event(K.Key_Meta, CONTROL),
    "Cmd alone": event(K.Key_Control, COMMAND),
    "Control+A": event(K.Key_A, CONTROL),
    "Option+Left": event(K.Key_Left, OPTION),
    "Option+Space": event(K.Key_Space, OPTION),
    "Option+Shift+L": event(K.Key_L, OPTION | SHIFT),
    "Cmd+C": event(K.Key_C, COMMAND),
    "Cmd+Shift+Z": event(K.Key_Z, COMMAND | SHIFT),
    "Cmd+Left": event(K.Key_Left, COMMAND),
    "VoiceOver's Control+Option+Right": event(K.Key_Right, CONTROL | OPTION),
}


@pytest.mark.parametrize("name", WRITING)
def test_writing_on_a_mac_is_no_violation(name: str) -> None:
    assert not blocked(mac_key_press(WRITING[name]))


@pytest.mark.parametrize("key", [K.Key_P, K.Key_Q, K.Key_S, K.Key_T, K.Key_W])
def test_what_would_leave_the_page_is_blocked_with_cmd(key: Qt.Key) -> None:
    assert blocked(mac_key_press(event(key, COMMAND)))


def test_the_way_out_of_practice_runs_is_not_the_one_that_logs_out() -> None:
    assert mac_key_press(event(K.Key_Q, CONTROL | OPTION | SHIFT)) == QUIT
    assert mac_key_press(event(K.Key_Q, COMMAND | OPTION | SHIFT)) != QUIT
