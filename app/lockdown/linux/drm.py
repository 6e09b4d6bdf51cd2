"""The monitors that the kernel's display drivers see, whatever shows pictures on them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path("/sys/class/drm")
_CONNECTOR = re.compile(r"card\d+-(.+)")


def connected(root: Path = ROOT) -> tuple[str, ...]:
    """The connectors with a monitor that is switched on, such as ``HDMI-A-1``. Empty without such drivers.

    A lid that is closed over a connected panel switches it off, and then it shows nothing.
    """
    names = []
    for folder in root.glob("card*-*"):
        matched = _CONNECTOR.fullmatch(folder.name)
        if matched and _text(folder / "status") == "connected" and _text(folder / "enabled") != "disabled":
            names.append(matched[1])
    return tuple(sorted(names))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
