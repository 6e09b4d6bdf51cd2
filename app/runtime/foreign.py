"""The environment for programs that are not ours, when a frozen application starts them."""

from __future__ import annotations

import sys
from collections.abc import Mapping


def foreign_environment(environ: Mapping[str, str], bundle: str | None = None) -> dict[str, str]:
    """A copy without what leads into the frozen application's folder, such as its library path.

    The system's own programs would otherwise load our copies of their libraries. What stood in a variable before the
    application set it (``NAME_ORIG``) comes back. ``bundle`` is that folder; where nothing is frozen, nothing changes.
    """
    folder = bundle or getattr(sys, "_MEIPASS", None)
    kept = dict(environ)
    if folder is None:
        return kept
    for name, value in environ.items():
        if _leads_into(folder, value):
            kept.pop(name, None)
            before = environ.get(f"{name}_ORIG")
            if before is not None and not _leads_into(folder, before):  # as when one of ours started another
                kept[name] = before
    return kept


def _leads_into(folder: str, value: str) -> bool:
    return value == folder or value.startswith((f"{folder}/", f"{folder}\\", f"{folder}:", f"{folder};"))
