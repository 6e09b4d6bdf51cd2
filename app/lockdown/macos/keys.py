"""Which keys of macOS a locked exam swallows before the system gets them. Pure: the event tap tells each key.

Only what macOS itself would do something with; what a page or our window would, the window swallows. Nothing that switches
an accessibility feature is here: VoiceOver (Cmd+F5, Ctrl+Option with anything), Zoom (Option+Cmd+8, +, -, \\), inverted
colours and contrast (Ctrl+Option+Cmd+8, comma, full stop), keyboard access (Ctrl+F1, F7), dictation; nor what chooses the
language that is typed (Ctrl+Space). In ``KeyPress`` Cmd is ``meta`` and Option is ``alt``.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.key_combinations import KeyPress

SHIFT, CONTROL, OPTION, COMMAND, FUNCTION = 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 23
"""CGEventFlags (CoreGraphics, CGEventTypes.h)."""

_LETTERS_AND_DIGITS = {
    0x00: "A", 0x0B: "B", 0x08: "C", 0x02: "D", 0x0E: "E", 0x03: "F", 0x05: "G", 0x04: "H", 0x22: "I", 0x26: "J",
    0x28: "K", 0x25: "L", 0x2E: "M", 0x2D: "N", 0x1F: "O", 0x23: "P", 0x0C: "Q", 0x0F: "R", 0x01: "S", 0x11: "T",
    0x20: "U", 0x09: "V", 0x0D: "W", 0x07: "X", 0x10: "Y", 0x06: "Z",
    0x12: "1", 0x13: "2", 0x14: "3", 0x15: "4", 0x17: "5", 0x16: "6", 0x1A: "7", 0x1C: "8", 0x19: "9", 0x1D: "0",
}  # fmt: skip
_NAMED = {
    0x24: "Return", 0x30: "Tab", 0x31: "Space", 0x33: "Backspace", 0x35: "Escape", 0x75: "Delete",
    0x7B: "Left", 0x7C: "Right", 0x7D: "Down", 0x7E: "Up", 0x73: "Home", 0x77: "End", 0x74: "PageUp", 0x79: "PageDown",
    0x7A: "F1", 0x78: "F2", 0x63: "F3", 0x76: "F4", 0x60: "F5", 0x61: "F6", 0x62: "F7", 0x64: "F8", 0x65: "F9",
    0x6D: "F10", 0x67: "F11", 0x6F: "F12", 0x69: "F13", 0x6B: "F14", 0x71: "F15",
    0x83: "Launchpad", 0xA0: "MissionControl", 0xB1: "Spotlight",
}  # fmt: skip
"""Carbon's virtual keys (HIToolbox, Events.h); the last three are in no header, as Apple's keyboards send them."""

_ALWAYS = frozenset({"MissionControl", "Launchpad", "Spotlight", "F11"})
_COMMAND_KEYS = frozenset({"Tab", "Space", "Escape", "Q", "H", "M", "F1", "F2", "F3", "F4"})
_COMMAND_SHIFT = frozenset({"3", "4", "5", "6"})
_COMMAND_OPTION = frozenset({"D"})
_COMMAND_CONTROL = frozenset({"D", "F"})
_CONTROL_KEYS = frozenset({"Left", "Right", "Up", "Down", "F2", "F3", "F8", *"0123456789"})
_GLOBE = frozenset("ACFHMNQ")

LAUNCH_PANEL, EJECT, MIRROR, PLAY, NEXT, PREVIOUS, FAST, REWIND = 13, 14, 15, 16, 17, 18, 19, 20
"""Media keys (IOKit, hidsystem/ev_keymap.h). Volume, brightness, power and the keyboard's light are everybody's."""
_MEDIA_REPORTED = {LAUNCH_PANEL: "LaunchApp", MIRROR: "Display"}
_MEDIA_SILENT = frozenset({EJECT, PLAY, NEXT, PREVIOUS, FAST, REWIND})
MEDIA_SUBTYPE = 8
_MEDIA_DOWN = 0x0A


@dataclass(frozen=True, slots=True)
class Key:
    """One event of the tap. ``character`` is what the layout writes with it, asked for with Cmd only, and not kept.

    ``source_pid``: the program that made the event; 0 for the keyboard.
    """

    code: int
    flags: int
    down: bool
    character: str = ""
    source_pid: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tap does. ``press``: a combination to report, once per press; ``injected``: one more event to count."""

    swallow: bool = False
    press: KeyPress | None = None
    injected: bool = False


class KeyFilter:
    """Decides on the events of one tap, in their order. One thread.

    Made keys are never swallowed for being made: drivers of mice and keyboards make some too. ``count_injected``: no
    assistive program was granted, which types by making keys.
    """

    def __init__(self, own_pid: int, *, count_injected: bool) -> None:
        self._unmade = {0, own_pid}
        self._count_injected = count_injected
        self._swallowed: set[int] = set()

    def decide(self, key: Key) -> Answer:
        """Fast: the system's input waits for it."""
        injected = key.down and self._count_injected and key.source_pid not in self._unmade
        if not key.down:
            swallow = key.code in self._swallowed
            self._swallowed.discard(key.code)
            return Answer(swallow)
        press = press_of(key)
        if not leaves_the_exam(press):
            self._swallowed.discard(key.code)
            return Answer(injected=injected)
        is_repeat = key.code in self._swallowed
        self._swallowed.add(key.code)
        return Answer(swallow=True, press=None if is_repeat else press, injected=injected)


def press_of(key: Key) -> KeyPress:
    """The combination's name. A letter is what the layout says, as macOS compares it; all else is the key's place."""
    flags = key.flags
    name = _LETTERS_AND_DIGITS.get(key.code) or _NAMED.get(key.code) or f"key {key.code}"
    letter = key.character.upper()
    if len(letter) == 1 and letter.isascii() and letter.isalpha():
        name = letter
    plain = not flags & (COMMAND | CONTROL | OPTION)
    if plain and flags & FUNCTION and key.code in _LETTERS_AND_DIGITS:  # arrows and F keys have this flag by themselves
        name = f"Globe+{name}"
    return KeyPress(
        name,
        ctrl=bool(flags & CONTROL),
        alt=bool(flags & OPTION),
        shift=bool(flags & SHIFT),
        meta=bool(flags & COMMAND),
    )


def leaves_the_exam(press: KeyPress) -> bool:
    """Whether macOS would leave the exam, show something over it, or take a picture of the screen."""
    key = press.key
    if key in _ALWAYS or (key.removeprefix("Globe+") in _GLOBE and key.startswith("Globe+")):
        return True
    if not press.meta:
        return press.ctrl and not press.alt and key in _CONTROL_KEYS
    return (
        key in _COMMAND_KEYS
        or (press.shift and key in _COMMAND_SHIFT)
        or (press.alt and key in _COMMAND_OPTION)
        or (press.ctrl and key in _COMMAND_CONTROL)
    )


def media_answer(data: int) -> Answer:
    """What to do with a media key. ``data`` is ``data1`` of an NSEvent of subtype 8: the key above, its state below."""
    code, down = data >> 16 & 0xFFFF, data >> 8 & 0xFF == _MEDIA_DOWN
    if code in _MEDIA_SILENT:
        return Answer(swallow=True)
    name = _MEDIA_REPORTED.get(code)
    if name is None:
        return Answer()
    is_repeat = bool(data & 1)
    return Answer(swallow=True, press=KeyPress(name) if down and not is_repeat else None)
