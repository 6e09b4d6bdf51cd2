"""Which keys a locked exam swallows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.key_combinations import QUIT, KeyPress, blocked, is_capture

LEAVING = [
    KeyPress("Tab", alt=True),
    KeyPress("Tab", alt=True, shift=True),
    KeyPress("F4", alt=True),
    KeyPress("Escape", alt=True),
    KeyPress("Space", alt=True),
    KeyPress("Left", alt=True),
    KeyPress("Super"),
    KeyPress("D", meta=True),
    KeyPress("Escape", ctrl=True),
    KeyPress("Escape", ctrl=True, shift=True),
    KeyPress("Left", ctrl=True, alt=True),
    KeyPress("Delete", ctrl=True, alt=True),
    KeyPress("F1", ctrl=True, alt=True),
    KeyPress("PrintScreen"),
    KeyPress("PrintScreen", alt=True),
    KeyPress("F12"),
    KeyPress("F11"),
    KeyPress("P", ctrl=True),
    KeyPress("S", ctrl=True),
    KeyPress("U", ctrl=True),
    KeyPress("I", ctrl=True, shift=True),
    KeyPress("F4", ctrl=True),
    KeyPress("F12", ctrl=True),
]
PLAIN = [
    "A",
    "Z",
    "0",
    "9",
    "Space",
    "Return",
    "Backspace",
    "Delete",
    "Left",
    "Right",
    "Up",
    "Down",
    "Home",
    "End",
    "Tab",
]


@pytest.mark.parametrize("press", LEAVING, ids=str)
def test_what_leaves_the_exam_is_swallowed(press: KeyPress) -> None:
    assert blocked(press)


@given(st.sampled_from(PLAIN), st.booleans())
def test_what_writes_and_moves_gets_through(key: str, shift: bool) -> None:
    assert not blocked(KeyPress(key, shift=shift))


@pytest.mark.parametrize("key", ["A", "C", "V", "X", "Z", "Y", "B", "F", "Left", "Right", "Home", "End", "Backspace"])
def test_editing_keys_with_ctrl_get_through(key: str) -> None:
    assert not blocked(KeyPress(key, ctrl=True))


@pytest.mark.parametrize("key", ["Q", "E", "2", "7", "@", "\\"])
def test_characters_typed_with_altgr_as_ctrl_alt_get_through(key: str) -> None:
    assert not blocked(KeyPress(key, ctrl=True, alt=True))


@given(st.builds(KeyPress, st.sampled_from(PLAIN), st.booleans(), st.booleans(), st.booleans(), st.just(True)))
def test_nothing_gets_through_with_the_super_key(press: KeyPress) -> None:
    assert blocked(press)


@given(
    st.builds(
        KeyPress, st.sampled_from([*PLAIN, "PrintScreen", "SysRq", "S", "3"]), shift=st.booleans(), meta=st.booleans()
    )
)
def test_a_capture_is_always_blocked_too(press: KeyPress) -> None:
    assert blocked(press) or not is_capture(press)


def test_screenshot_keys_are_told_from_the_rest() -> None:
    assert is_capture(KeyPress("PrintScreen", ctrl=True))
    assert is_capture(KeyPress("SysRq", alt=True))
    assert is_capture(KeyPress("S", shift=True, meta=True))
    assert not is_capture(KeyPress("Tab", alt=True))


def test_the_way_out_is_no_blocked_combination() -> None:
    assert not blocked(QUIT)


def test_combinations_are_named_as_people_read_them() -> None:
    assert str(KeyPress("Tab", alt=True, shift=True)) == "Alt+Shift+Tab"
    assert str(KeyPress("D", meta=True)) == "Super+D"
    assert str(KeyPress("Super", meta=True)) == "Super"
    assert str(QUIT) == "Ctrl+Alt+Shift+Q"
