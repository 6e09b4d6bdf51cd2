"""Which text console of the machine is shown, where no login manager tells of sessions."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from Xlib import X

from app.core.errors import LockdownError
from app.lockdown.linux import x11

ROOT = Path("/sys/class/tty/tty0")
_VT_OF_X_SERVER = "XFree86_VT"
"""A property of Xorg's root window; servers without a console of their own (Xvfb, Xwayland) have none."""


def shown(root: Path = ROOT) -> int | None:
    """The number of the console on the screen, None where there are none."""
    try:
        text = (root / "active").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return _number(text.removeprefix("tty"))


def ours(environ: Mapping[str, str]) -> int | None:
    """The console that our display is on: the X server's word, otherwise the login's; None where it is not told."""
    with contextlib.suppress(LockdownError), x11.connection() as display:
        atom = display.intern_atom(_VT_OF_X_SERVER)
        found = display.screen().root.get_full_property(atom, X.AnyPropertyType)
        if found is not None and found.value:
            return int(found.value[0])
    return _number(environ.get("XDG_VTNR", ""))


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,3}", text) else None
