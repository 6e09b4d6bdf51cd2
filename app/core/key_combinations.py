"""Which key combinations a locked exam swallows. Pure: the window translates its toolkit's events to ``KeyPress``."""

from __future__ import annotations

from dataclasses import dataclass

_FUNCTION_KEYS = frozenset(f"F{n}" for n in range(1, 36))
_ARROWS = frozenset({"Left", "Right", "Up", "Down"})
_SUPER = frozenset({"Super", "Hyper"})
_CAPTURE = frozenset({"PrintScreen", "SysRq"})
_LAUNCHERS = frozenset(
    {"HomePage", "LaunchMail", "LaunchMedia", "LaunchApp", "Calculator", "Explorer", "Search", "Help"}
    | {"New", "Open", "Save", "Close", "Send", "Favorites", "Messenger", "Display"}  # keys of their own, not Ctrl+…
    | {"Back", "Forward", "PowerOff", "Sleep", "Suspend", "Hibernate", "Screensaver", "WWW", "MyComputer", "TaskPane"}
)
_PLAIN = frozenset({"F1", "F3", "F11", "F12"})  # help, find, full screen, developer tools
_CTRL = frozenset({"Escape", "P", "S", "U", "O", "N", "T", "W", "J", "H", "F4", "Tab"})
_CTRL_SHIFT = frozenset({"Escape", "I", "J", "C", "K", "N", "T", "W", "P", "S", "Delete", "Tab"})
_CTRL_ALT = frozenset({"Delete", "Backspace", "Escape", "Tab", "T", "L"}) | _ARROWS | _FUNCTION_KEYS
_ALT = frozenset({"Tab", "Escape", "Space", "Left", "Right", "Home"}) | _FUNCTION_KEYS
_SUPER_CAPTURE = frozenset({"S", "3", "4", "5", "6", "R"})


@dataclass(frozen=True, slots=True)
class KeyPress:
    """One key with its modifiers. ``key`` is a name as in the sets above: ``A``, ``F4``, ``Tab``, ``PrintScreen``.

    Letters are upper case whatever Shift says. ``alt`` is the left Alt or Option, never AltGr.
    """

    key: str
    ctrl: bool = False
    alt: bool = False
    shift: bool = False
    meta: bool = False

    def __str__(self) -> str:
        words = [w for w, held in (("Ctrl", self.ctrl), ("Alt", self.alt), ("Shift", self.shift)) if held]
        if self.meta and self.key not in _SUPER:
            words.append("Super")
        return "+".join([*words, self.key])


QUIT = KeyPress("Q", ctrl=True, alt=True, shift=True)


def blocked(press: KeyPress) -> bool:
    """Whether a locked exam swallows it. AltGr characters (Ctrl+Alt+letter on some systems) get through."""
    if press.meta or press.key in _SUPER | _CAPTURE | _LAUNCHERS:
        return True
    if press.ctrl and press.alt:
        return press.key in _CTRL_ALT
    if press.alt:
        return press.key in _ALT
    if press.ctrl:
        return press.key in (_CTRL_SHIFT if press.shift else _CTRL) or press.key in _PLAIN
    return press.key in _PLAIN


def is_capture(press: KeyPress) -> bool:
    """Whether it is meant to take a picture or video of the screen."""
    return press.key in _CAPTURE or (press.meta and press.shift and press.key in _SUPER_CAPTURE)
