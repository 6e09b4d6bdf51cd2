"""The monitors that the kernel's display drivers see, whatever shows pictures on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path

ROOT = Path("/sys/class/drm")
_CONNECTOR = re.compile(r"card\d+-(.+)")
_KIND = re.compile(r"(EDP|DISPLAYPORT|DP|HDMI|DVI|VGA|LVDS|DSI)(?:-|\d|$)")
_SHORT = {"DISPLAYPORT": "DP"}  # as an older driver for AMD's cards calls it


def connected(root: Path = ROOT) -> tuple[str, ...]:
    """The connectors with a monitor that is switched on, such as ``HDMI-A-1``. Empty without such drivers.

    A lid that is closed over a connected panel switches it off, and then it shows nothing.
    """
    return tuple(name for name, folder in _plugged_in(root) if _text(folder / "enabled") != "disabled")


def plugged_in(root: Path = ROOT) -> tuple[str, ...]:
    """The connectors with a monitor, whether or not it is switched on."""
    return tuple(name for name, _ in _plugged_in(root))


def not_shown(outputs: Collection[str], root: Path = ROOT) -> tuple[str, ...]:
    """A sentence for each kind of connector with more monitors switched on than ``outputs``, by the X server's names.

    The two name connectors differently (HDMI-A-1, HDMI-1), so they are counted by kind. Empty where no output is at a
    connector: such an X server draws elsewhere (Xvfb, VNC, a window), and these monitors show something else.
    """
    kinds = Counter(kind for kind in map(_kind, outputs) if kind)
    if not kinds:
        return ()
    surplus = Counter(filter(None, map(_kind, connected(root)))) - kinds
    return tuple(f"a monitor at {kind} that the X server does not show" for kind in sorted(surplus))


def _plugged_in(root: Path) -> list[tuple[str, Path]]:
    found = []
    for folder in root.glob("card*-*"):
        matched = _CONNECTOR.fullmatch(folder.name)
        if matched and _text(folder / "status") == "connected":
            found.append((matched[1], folder))
    return sorted(found)


def _kind(name: str) -> str:
    """Empty for what is no connector, such as a monitor that a program made up."""
    matched = _KIND.match(name.upper())
    return "" if matched is None else _SHORT.get(matched[1], matched[1])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
