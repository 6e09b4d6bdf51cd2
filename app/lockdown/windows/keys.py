"""Which keys of Windows a locked exam swallows. Pure: the hook tells each key, and what is held.

Names of keys are those of ``core.key_combinations``; numbers are Windows' virtual keys and the scan code of AltGr's Ctrl
(learn.microsoft.com, Virtual-Key Codes).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.core.key_combinations import KeyPress, blocked

SHIFT, CTRL, ALT = 0x10, 0x11, 0x12
LEFT_WIN, RIGHT_WIN = 0x5B, 0x5C
LEFT_CTRL, RIGHT_CTRL, LEFT_ALT, RIGHT_ALT = 0xA2, 0xA3, 0xA4, 0xA5
ALTGR_SCAN = 0x21D
"""The Ctrl that Windows makes of its own before each AltGr has this scan code."""

_MODIFIERS = frozenset({SHIFT, CTRL, ALT, 0xA0, 0xA1, LEFT_CTRL, RIGHT_CTRL, LEFT_ALT, RIGHT_ALT})
_WIN = frozenset({LEFT_WIN, RIGHT_WIN})
_WIN_FORGOTTEN_NS = 3_000_000_000
_CHARACTERS = frozenset({*range(0x30, 0x3A), *range(0x41, 0x5B)})
_NAMES = {
    0x03: "Cancel", 0x08: "Backspace", 0x09: "Tab", 0x0D: "Return", 0x1B: "Escape", 0x20: "Space",
    0x21: "PageUp", 0x22: "PageDown", 0x23: "End", 0x24: "Home", 0x25: "Left", 0x26: "Up", 0x27: "Right", 0x28: "Down",
    0x2C: "PrintScreen", 0x2D: "Insert", 0x2E: "Delete", 0x2F: "Help", 0x5F: "Sleep",
    LEFT_WIN: "Super", RIGHT_WIN: "Super",
    **{0x70 + n: f"F{n + 1}" for n in range(24)},
    0xA6: "Back", 0xA7: "Forward", 0xAA: "Search", 0xAB: "WWW", 0xAC: "HomePage",
    0xB4: "LaunchMail", 0xB5: "LaunchMedia", 0xB6: "LaunchApp", 0xB7: "LaunchApp",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """One event of the hook. ``injected``: a program made it."""

    vk: int
    down: bool
    scan: int = 0
    injected: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hook does. ``press``: a combination to report, once per press; ``injected``: one more event to count."""

    swallow: bool = False
    press: KeyPress | None = None
    injected: bool = False


PASS = Answer()
SWALLOW = Answer(swallow=True)


class KeyFilter:
    """Decides on the events of one keyboard hook, in their order. One thread.

    ``is_held`` asks the system for a key by number; it knows nothing of keys that were swallowed, so the Windows keys are
    kept track of here, and forgotten after 3 s: a release that happened on the password screen is never told.
    ``allow_injected``: an assistive program was granted, and types by injecting; nobody is accused of it.
    """

    def __init__(self, is_held: Callable[[int], bool], *, allow_injected: bool) -> None:
        self._is_held = is_held
        self._allow_injected = allow_injected
        self._swallowed: set[int] = set()
        self._win_at_ns: dict[int, int] = {}
        self._altgr = False

    def decide(self, key: Key, now_ns: int) -> Answer:
        """Fast: the system's input waits for it."""
        if key.injected and not self._allow_injected:
            return Answer(swallow=True, injected=key.down)
        return self._down(key, now_ns) if key.down else self._up(key)

    def _down(self, key: Key, now_ns: int) -> Answer:
        if key.vk == LEFT_CTRL:
            self._altgr = key.scan == ALTGR_SCAN
        if key.vk in _MODIFIERS:
            return PASS
        is_repeat = key.vk in self._swallowed
        if key.vk in _WIN:
            self._win_at_ns[key.vk] = now_ns
        press = self._press(key.vk, now_ns)
        if not blocked(press):
            self._swallowed.discard(key.vk)
            return PASS
        self._swallowed.add(key.vk)
        return SWALLOW if is_repeat else Answer(swallow=True, press=press)

    def _up(self, key: Key) -> Answer:
        self._win_at_ns.pop(key.vk, None)
        if key.vk == RIGHT_ALT:
            self._altgr = False
        if key.vk in self._swallowed:
            self._swallowed.discard(key.vk)
            return SWALLOW
        return PASS

    def _press(self, vk: int, now_ns: int) -> KeyPress:
        shift, ctrl = self._is_held(SHIFT), self._is_held(CTRL)
        alt = self._is_held(LEFT_ALT) or self._is_held(RIGHT_ALT)
        if self._altgr and alt and not self._is_held(LEFT_ALT) and not self._is_held(RIGHT_CTRL) and _writes(vk):
            ctrl = alt = False  # a character of the third level, not a combination
        meta = vk in _WIN or any(now_ns - at_ns < _WIN_FORGOTTEN_NS for at_ns in self._win_at_ns.values())
        return KeyPress(name_of(vk), ctrl=ctrl, alt=alt, shift=shift, meta=meta)


def name_of(vk: int) -> str:
    """The key's name; a number for keys that no combination is made of."""
    if vk in _CHARACTERS:
        return chr(vk)
    return _NAMES.get(vk, f"key {vk}")


def _writes(vk: int) -> bool:
    """Whether the key can write a character with AltGr. Tab, Escape and the like can't: with AltGr they are commands."""
    return vk not in _NAMES or vk == 0x20
