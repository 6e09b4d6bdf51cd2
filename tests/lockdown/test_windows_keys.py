"""What the keyboard hook of Windows lets through, keeps and reports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.key_combinations import KeyPress
from app.lockdown.windows import keys
from app.lockdown.windows.keys import Answer, Key, KeyFilter

S_NS = 1_000_000_000
TAB, ESCAPE, SPACE, PRINT, F4, DELETE = 0x09, 0x1B, 0x20, 0x2C, 0x73, 0x2E
LEFT_SHIFT = 0xA0
EITHER = {
    LEFT_SHIFT: keys.SHIFT, keys.LEFT_CTRL: keys.CTRL, keys.RIGHT_CTRL: keys.CTRL,
    keys.LEFT_ALT: keys.ALT, keys.RIGHT_ALT: keys.ALT,
}  # fmt: skip


class Keyboard:
    """A keyboard whose keys go through the filter; like the system, it knows as held only what was let through."""

    def __init__(self, *, allow_injected: bool = False) -> None:
        self.held: set[int] = set()
        self.now_ns = 0
        self.filter = KeyFilter(lambda vk: vk in self.held, allow_injected=allow_injected)

    def key(self, vk: int, *, down: bool, scan: int = 0, injected: bool = False) -> Answer:
        answer = self.filter.decide(Key(vk, down, scan, injected), self.now_ns)
        if not answer.swallow:
            both = {vk, EITHER.get(vk, vk)}
            self.held = self.held | both if down else self.held - both
        return answer

    def hold(self, *vks: int) -> None:
        for vk in vks:
            self.key(vk, down=True)

    def hold_altgr(self) -> None:
        self.key(keys.LEFT_CTRL, down=True, scan=keys.ALTGR_SCAN)
        self.key(keys.RIGHT_ALT, down=True)

    def tap(self, vk: int) -> Answer:
        answer = self.key(vk, down=True)
        assert self.key(vk, down=False).swallow == answer.swallow, "a release goes the way of its press"
        return answer


@pytest.mark.parametrize(
    ("held", "vk", "reported"),
    [
        ((keys.LEFT_ALT,), TAB, KeyPress("Tab", alt=True)),
        ((keys.RIGHT_ALT,), TAB, KeyPress("Tab", alt=True)),
        ((keys.LEFT_ALT,), ESCAPE, KeyPress("Escape", alt=True)),
        ((keys.LEFT_ALT,), F4, KeyPress("F4", alt=True)),
        ((keys.LEFT_ALT,), SPACE, KeyPress("Space", alt=True)),
        ((keys.LEFT_CTRL,), ESCAPE, KeyPress("Escape", ctrl=True)),
        ((keys.LEFT_CTRL, LEFT_SHIFT), ESCAPE, KeyPress("Escape", ctrl=True, shift=True)),
        ((keys.LEFT_CTRL, keys.LEFT_ALT), TAB, KeyPress("Tab", ctrl=True, alt=True)),
        ((), PRINT, KeyPress("PrintScreen")),
        ((keys.LEFT_ALT,), PRINT, KeyPress("PrintScreen", alt=True)),
        ((), 0xB7, KeyPress("LaunchApp")),
        ((), 0xAC, KeyPress("HomePage")),
        ((), 0x5F, KeyPress("Sleep")),
        ((), 0x7B, KeyPress("F12")),
    ],
    ids=lambda value: str(value),
)
def test_ways_out_are_swallowed_and_reported(held: tuple[int, ...], vk: int, reported: KeyPress) -> None:
    keyboard = Keyboard()
    keyboard.hold(*held)
    assert keyboard.tap(vk) == Answer(swallow=True, press=reported)


@pytest.mark.parametrize("win", [keys.LEFT_WIN, keys.RIGHT_WIN])
@pytest.mark.parametrize("vk", [ord("L"), ord("G"), ord("R"), TAB, 0x25, PRINT, 0xBE])
def test_the_windows_key_with_anything_is_swallowed_even_while_it_is_held(win: int, vk: int) -> None:
    keyboard = Keyboard()
    assert keyboard.key(win, down=True) == Answer(swallow=True, press=KeyPress("Super", meta=True))
    answer = keyboard.tap(vk)
    assert answer.swallow
    assert answer.press is not None
    assert answer.press.meta
    assert keyboard.key(win, down=False) == keys.SWALLOW
    assert keyboard.tap(ord("L")) == keys.PASS


def test_a_windows_key_whose_release_was_never_told_does_not_keep_the_candidate_from_typing() -> None:
    keyboard = Keyboard()
    keyboard.hold(keys.LEFT_WIN)
    keyboard.now_ns = 3 * S_NS
    assert keyboard.tap(ord("A")) == keys.PASS


@pytest.mark.parametrize("vk", [ord("A"), ord("7"), 0x0D, TAB, SPACE, 0x25, DELETE, 0x70 + 4, 0xBA, 0xE7, 0xAD, 0xF0])
def test_what_an_answer_is_written_with_gets_through(vk: int) -> None:
    assert Keyboard().tap(vk) == keys.PASS


@pytest.mark.parametrize("vk", [ord("C"), ord("V"), ord("Z"), ord("A")])
def test_copying_and_pasting_within_the_exam_stay(vk: int) -> None:
    keyboard = Keyboard()
    keyboard.hold(keys.LEFT_CTRL)
    assert keyboard.tap(vk) == keys.PASS


@pytest.mark.parametrize("vk", [ord("Q"), ord("E"), ord("T"), ord("L"), ord("7"), 0xDB, SPACE])
def test_characters_of_altgr_get_through(vk: int) -> None:
    keyboard = Keyboard()
    keyboard.hold_altgr()
    assert keyboard.tap(vk) == keys.PASS


def test_altgr_and_tab_is_the_task_switcher_and_is_swallowed() -> None:
    keyboard = Keyboard()
    keyboard.hold_altgr()
    assert keyboard.tap(TAB).press == KeyPress("Tab", ctrl=True, alt=True)


def test_the_left_alt_beside_altgr_makes_a_combination() -> None:
    keyboard = Keyboard()
    keyboard.hold_altgr()
    keyboard.hold(keys.LEFT_ALT)
    assert keyboard.tap(ord("T")).swallow


def test_a_ctrl_of_ones_own_after_altgr_is_a_ctrl_again() -> None:
    keyboard = Keyboard()
    keyboard.hold_altgr()
    keyboard.key(keys.RIGHT_ALT, down=False)
    keyboard.key(keys.LEFT_CTRL, down=False)
    keyboard.hold(keys.LEFT_CTRL, keys.RIGHT_ALT)
    assert keyboard.tap(ord("T")).swallow


def test_a_held_combination_is_reported_once() -> None:
    keyboard = Keyboard()
    keyboard.hold(keys.LEFT_ALT)
    answers = [keyboard.key(TAB, down=True) for _ in range(5)]
    assert [answer.press is not None for answer in answers] == [True, False, False, False, False]
    assert all(answer.swallow for answer in answers)


def test_the_release_of_a_swallowed_key_is_swallowed_though_its_modifier_went_first() -> None:
    keyboard = Keyboard()
    keyboard.hold(keys.LEFT_ALT, TAB)
    keyboard.key(keys.LEFT_ALT, down=False)
    assert keyboard.key(TAB, down=False) == keys.SWALLOW
    assert keyboard.tap(TAB) == keys.PASS


def test_modifiers_always_get_through_so_that_none_is_ever_stuck() -> None:
    keyboard = Keyboard()
    for vk in EITHER:
        assert keyboard.tap(vk) == keys.PASS
    keyboard.hold(keys.LEFT_WIN)
    for vk in EITHER:
        assert keyboard.tap(vk) == keys.PASS


def test_a_key_that_a_program_makes_is_refused_and_counted_once_per_press() -> None:
    keyboard = Keyboard()
    assert keyboard.key(ord("A"), down=True, injected=True) == Answer(swallow=True, injected=True)
    assert keyboard.key(ord("A"), down=False, injected=True) == Answer(swallow=True)


def test_a_granted_assistive_program_may_type_uncounted_but_not_leave() -> None:
    keyboard = Keyboard(allow_injected=True)
    assert keyboard.key(ord("A"), down=True, injected=True) == keys.PASS
    keyboard.key(keys.LEFT_ALT, down=True, injected=True)
    assert keyboard.key(TAB, down=True, injected=True) == Answer(swallow=True, press=KeyPress("Tab", alt=True))


@given(st.lists(st.tuples(st.integers(1, 254), st.booleans(), st.booleans()), max_size=60))
def test_whatever_is_pressed_a_modifier_and_a_letter_get_through_once_everything_is_released(
    events: list[tuple[int, bool, bool]],
) -> None:
    keyboard = Keyboard()
    for vk, down, injected in events:
        keyboard.key(vk, down=down, injected=injected)
    for vk in range(1, 255):
        keyboard.key(vk, down=False)
    keyboard.held.clear()
    assert keyboard.tap(ord("A")) == keys.PASS
    assert keyboard.tap(LEFT_SHIFT) == keys.PASS
