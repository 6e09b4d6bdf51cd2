"""Which keys of a Mac are swallowed, and which never are."""

from __future__ import annotations

import pytest

from app.core.key_combinations import KeyPress, is_capture
from app.lockdown.macos import keys
from app.lockdown.macos.keys import COMMAND, CONTROL, FUNCTION, OPTION, SHIFT, Answer, Key, KeyFilter

US, HELPER = 100, 4711
CODE = {
    "A": 0x00, "C": 0x08, "D": 0x02, "F": 0x03, "H": 0x04, "M": 0x2E, "N": 0x2D, "Q": 0x0C, "V": 0x09, "Z": 0x06,
    "1": 0x12, "3": 0x14, "4": 0x15, "5": 0x17, "6": 0x16, "8": 0x1C, "Comma": 0x2B, "Equal": 0x18,
    "Tab": 0x30, "Space": 0x31, "Escape": 0x35, "Left": 0x7B, "Up": 0x7E,
    "F1": 0x7A, "F2": 0x78, "F5": 0x60, "F7": 0x62, "F11": 0x67, "Launchpad": 0x83, "MissionControl": 0xA0,
}  # fmt: skip


def answer(name: str, flags: int = 0, character: str = "") -> Answer:
    return KeyFilter(US, count_injected=True).decide(Key(CODE[name], flags, True, character))


WAYS_OUT = {
    "Cmd+Tab": ("Tab", COMMAND),
    "Cmd+Shift+Tab": ("Tab", COMMAND | SHIFT),
    "Spotlight": ("Space", COMMAND),
    "Force Quit": ("Escape", COMMAND | OPTION),
    "quit": ("Q", COMMAND),
    "log out": ("Q", COMMAND | SHIFT),
    "lock the screen": ("Q", COMMAND | CONTROL),
    "hide": ("H", COMMAND),
    "hide others": ("H", COMMAND | OPTION),
    "minimise": ("M", COMMAND),
    "look up": ("D", COMMAND | CONTROL),
    "Dock": ("D", COMMAND | OPTION),
    "mirror displays": ("F1", COMMAND),
    "Mission Control": ("MissionControl", 0),
    "Mission Control by arrow": ("Up", CONTROL | FUNCTION),
    "next space": ("Left", CONTROL | FUNCTION),
    "desktop 1": ("1", CONTROL),
    "Dock by keyboard": ("F2", CONTROL | FUNCTION),
    "Launchpad": ("Launchpad", 0),
    "show desktop": ("F11", FUNCTION),
    "Globe+Q": ("Q", FUNCTION),
    "Globe+N": ("N", FUNCTION),
}


@pytest.mark.parametrize("name", WAYS_OUT)
def test_ways_out_are_swallowed_and_reported(name: str) -> None:
    found = answer(*WAYS_OUT[name])
    assert found.swallow
    assert found.press is not None


@pytest.mark.parametrize("digit", ["3", "4", "5", "6"])
@pytest.mark.parametrize("more", [0, CONTROL], ids=["to a file", "to the clipboard"])
def test_screenshots_are_reported_as_captures(digit: str, more: int) -> None:
    found = answer(digit, COMMAND | SHIFT | more)
    assert found.press is not None
    assert is_capture(found.press)


UNTOUCHED = {
    "a letter": ("Q", 0),
    "a capital": ("Q", SHIFT),
    "a character": ("Q", OPTION),
    "copy": ("C", COMMAND),
    "paste": ("V", COMMAND),
    "redo": ("Z", COMMAND | SHIFT),
    "by words": ("Left", OPTION | FUNCTION),
    "to the line's start": ("Left", COMMAND | FUNCTION),
    "an arrow": ("Up", FUNCTION),
    "F5": ("F5", FUNCTION),
    "start of the line": ("A", CONTROL),
    "the other input language": ("Space", CONTROL),
    "VoiceOver": ("F5", COMMAND | FUNCTION),
    "VoiceOver's move": ("Left", CONTROL | OPTION | FUNCTION),
    "VoiceOver's digit": ("1", CONTROL | OPTION),
    "accessibility shortcuts": ("F5", COMMAND | OPTION | FUNCTION),
    "Zoom": ("8", COMMAND | OPTION),
    "Zoom in": ("Equal", COMMAND | OPTION),
    "inverted colours": ("8", COMMAND | OPTION | CONTROL),
    "less contrast": ("Comma", COMMAND | OPTION | CONTROL),
    "keyboard access": ("F1", CONTROL | FUNCTION),
    "Tab through everything": ("F7", CONTROL | FUNCTION),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_writing_and_accessibility_are_left_alone(name: str) -> None:
    assert answer(*UNTOUCHED[name]) == Answer()


def test_a_letter_is_what_the_layout_says_and_a_digit_is_its_place() -> None:
    """On a French keyboard A is where Q is elsewhere, and the digits are written with Shift."""
    assert not answer("Q", COMMAND, "a").swallow
    assert answer("A", COMMAND, "q").swallow
    assert answer("3", COMMAND | SHIFT, "3").swallow
    assert answer("3", COMMAND | SHIFT, '"').swallow


def test_what_a_layout_writes_outside_of_the_alphabet_is_told_by_its_place() -> None:
    assert answer("Q", COMMAND, "й").swallow


def test_a_held_key_is_reported_once_and_its_release_is_swallowed_too() -> None:
    keyboard = KeyFilter(US, count_injected=True)
    down, up = Key(CODE["Tab"], COMMAND, True), Key(CODE["Tab"], COMMAND, False)
    assert keyboard.decide(down) == Answer(swallow=True, press=KeyPress("Tab", meta=True))
    assert keyboard.decide(down) == Answer(swallow=True)
    assert keyboard.decide(up) == Answer(swallow=True)
    assert keyboard.decide(up) == Answer()
    assert keyboard.decide(down).press is not None


def test_keys_that_a_program_makes_are_counted_and_reach_the_page() -> None:
    made = Key(CODE["A"], 0, True, source_pid=HELPER)
    assert KeyFilter(US, count_injected=True).decide(made) == Answer(injected=True)
    assert KeyFilter(US, count_injected=False).decide(made) == Answer()


@pytest.mark.parametrize("source_pid", [0, US], ids=["the keyboard", "ourselves"])
def test_keys_of_the_keyboard_and_our_own_are_not_counted(source_pid: int) -> None:
    real = Key(CODE["A"], 0, True, source_pid=source_pid)
    assert KeyFilter(US, count_injected=True).decide(real) == Answer()


def media(code: int, *, down: bool = True, repeat: bool = False) -> Answer:
    return keys.media_answer(code << 16 | (0x0A if down else 0x0B) << 8 | repeat)


@pytest.mark.parametrize("code", [0, 1, 2, 3, 6, 7, 21, 22, 23])
def test_volume_brightness_and_power_are_everybodys(code: int) -> None:
    assert media(code) == Answer()


@pytest.mark.parametrize("code", [keys.PLAY, keys.NEXT, keys.PREVIOUS, keys.EJECT])
def test_players_are_kept_from_starting_and_nobody_is_accused(code: int) -> None:
    assert media(code) == Answer(swallow=True)


def test_mirroring_by_a_key_is_swallowed_and_reported_once() -> None:
    assert media(keys.MIRROR).press == KeyPress("Display")
    assert media(keys.MIRROR, repeat=True) == Answer(swallow=True)
    assert media(keys.MIRROR, down=False) == Answer(swallow=True)
