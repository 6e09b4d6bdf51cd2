"""The keyboard of a locked exam: real keys come from the X server, as from a keyboard; made ones from this process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from app.core.key_combinations import KeyPress
from app.core.policy import Accessibility, Candidate, Exam, Policy, Upload
from app.lockdown.input_log import InputLog
from app.lockdown.win32 import user32, user32_input
from app.lockdown.windows.hooks import INJECTED_CLICKS, INJECTED_KEYS, InputHooks
from app.lockdown.windows.keyboard import KeyboardHooks
from tests.wine.exam_window import ExamWindow
from tests.wine.helpers import until

TAB, ESCAPE, PRINT, F4, LEFT_ALT, LEFT_WIN = 0x09, 0x1B, 0x2C, 0x73, 0xA4, 0x5B
LEFT_DOWN, LEFT_UP, MOVE = 0x2, 0x4, 0x1
OF_TOUCH = 0xFF515780


def policy(*assistive: str) -> Policy:
    return Policy(
        exam=Exam(id="e", title="Exam", start_url="http://127.0.0.1/"),
        candidate=Candidate(id="c", name="Sample Candidate"),
        upload=Upload(endpoint="http://127.0.0.1/", token="t", exam_id="e"),
        accessibility=Accessibility(assistive_programs=assistive),
    )


def really(*words: str) -> None:
    """As a person does, told to xdotool: the system can't tell it from a keyboard and a mouse. Not for Alt+Tab, Alt+F4 and
    PrintScreen, which the window manager keeps to itself."""
    subprocess.run(["cmd", "/c", "start", "/unix", "/usr/bin/xdotool", *words], check=True)


def type_really(*keys: str) -> None:
    really("key", *keys)


@pytest.fixture(scope="module")
def window() -> Iterator[ExamWindow]:
    with ExamWindow() as made:
        type_really("a")
        until(lambda: made.keys == [ord("A")])
        yield made


@pytest.fixture
def log(window: ExamWindow) -> InputLog:
    window.keys.clear()
    window.clicks = 0
    return InputLog()


@pytest.fixture
def locked(log: InputLog) -> Iterator[KeyboardHooks]:
    operation = KeyboardHooks(policy(), log)
    operation.perform()
    yield operation
    operation.revert({})


@pytest.mark.usefixtures("locked")
def test_ways_out_never_reach_a_program_and_are_reported_and_writing_goes_on(window: ExamWindow, log: InputLog) -> None:
    type_really("super", "super+r", "ctrl+Escape", "ctrl+shift+Escape", "b")
    until(lambda: ord("B") in window.keys)
    assert not {LEFT_WIN, ord("R"), ESCAPE} & set(window.keys)
    presses, injected = log.take()
    assert presses == (
        KeyPress("Super", meta=True),
        KeyPress("Super", meta=True),
        KeyPress("R", meta=True),
        KeyPress("Escape", ctrl=True),
        KeyPress("Escape", ctrl=True, shift=True),
    )
    assert injected == {}


def tap(vk: int) -> None:
    """As a program does."""
    user32_input.make_key_event(vk)
    user32_input.make_key_event(vk, up=True)


@pytest.mark.usefixtures("locked")
def test_keys_and_clicks_of_a_program_are_refused_and_counted(window: ExamWindow, log: InputLog) -> None:
    really("mousemove", "400", "300", "key", "c")
    until(lambda: ord("C") in window.keys)
    tap(ord("X"))
    for flags in (LEFT_DOWN, LEFT_UP, MOVE):
        user32_input.make_mouse_event(flags)
    really("click", "1", "key", "b")
    until(lambda: ord("B") in window.keys)
    assert ord("X") not in window.keys
    assert window.clicks == 1
    assert log.take() == ((), {INJECTED_KEYS: 1, INJECTED_CLICKS: 1})


@pytest.mark.parametrize("device", [True, False], ids=["with a touch screen", "without"])
def test_touches_are_clicks_where_there_is_a_touch_screen(
    device: bool, window: ExamWindow, log: InputLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows marks the clicks that it makes of touches as made by a program, with this signature."""
    monkeypatch.setattr(user32, "has_touch_or_pen", lambda: device)
    really("mousemove", "300", "300")
    hooks = InputHooks(log, allow_injected=False)
    hooks.start()
    try:
        for flags in (LEFT_DOWN, LEFT_UP):
            user32_input.make_mouse_event(flags, OF_TOUCH)
        user32_input.make_mouse_event(LEFT_DOWN)
        type_really("b")
        until(lambda: ord("B") in window.keys)
    finally:
        hooks.stop()
    assert window.clicks == int(device)
    assert log.take()[1] == {INJECTED_CLICKS: 1 if device else 2}


def test_a_granted_assistive_program_types_but_can_not_leave(window: ExamWindow, log: InputLog) -> None:
    operation = KeyboardHooks(policy("osk.exe"), log)
    operation.perform()
    try:
        user32_input.make_key_event(LEFT_ALT)
        for vk in (TAB, ESCAPE, F4, PRINT):
            tap(vk)
        user32_input.make_key_event(LEFT_ALT, up=True)
        tap(ord("X"))
        until(lambda: ord("X") in window.keys)
    finally:
        operation.revert({})
    assert not {TAB, ESCAPE, F4, PRINT} & set(window.keys)
    presses, injected = log.take()
    assert presses == tuple(KeyPress(key, alt=True) for key in ("Tab", "Escape", "F4", "PrintScreen"))
    assert injected == {}, "nobody is accused of the help that was granted"


def test_hooks_that_the_system_dropped_are_set_again(window: ExamWindow, log: InputLog) -> None:
    """Windows drops hooks that answer too late; here they are taken away from outside."""

    def is_set_again() -> bool:
        tap(ord("X"))  # the hooks are not told of it, and it is later than the last that they were told of
        return hooks.dropped > 0

    hooks = InputHooks(log, allow_injected=False)
    hooks.start()
    try:
        assert [user32_input.remove_hook(hook) for hook in hooks.hooks] == [True, True]
        until(is_set_again)
        log.take()
        tap(ord("Y"))
        type_really("b")
        until(lambda: ord("B") in window.keys)
    finally:
        hooks.stop()
    assert ord("X") in window.keys
    assert ord("Y") not in window.keys
    assert hooks.hooks == ()


def test_the_keyboard_is_everybodys_again_afterwards_however_often_it_is_given_back(
    window: ExamWindow, log: InputLog
) -> None:
    operation = KeyboardHooks(policy(), log)
    operation.perform()
    operation.perform()
    operation.revert({})
    operation.revert({})
    type_really("ctrl+Escape")
    until(lambda: ESCAPE in window.keys)
    assert log.take() == ((), {})
