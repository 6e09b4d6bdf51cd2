"""All that an exam may change on Windows, as it is now."""

from __future__ import annotations

from app.lockdown.win32 import advapi32, user32, user32_desktops, user32_placing
from app.lockdown.windows.autostart import RUN
from app.lockdown.windows.awake import KeepAwake
from app.lockdown.windows.clipboard_emptied import SERVICES
from app.lockdown.windows.registry import Registry, Root
from app.lockdown.windows.system_keys import POLICIES


def machine_state(window: int) -> dict[str, object]:
    """``window`` is another program's."""
    registry = Registry()
    places = {**POLICIES, **SERVICES}
    return {
        "values": {name: registry.number(place) for name, place in places.items()},
        "keys": {name: registry.has_key(place) for name, place in places.items()},
        "start entries": not _is_empty(RUN),
        "screen saver": KeepAwake().before()["screen_saver"],
        "minimised": user32_placing.is_minimised(window),
        "desktops": user32_desktops.desktop_names(),
        "clipboard formats": user32.clipboard_formats(),
    }


def _is_empty(path: str) -> bool:
    key = advapi32.open_key(Root.USER, path, advapi32.KEY_QUERY_VALUE)
    try:
        return advapi32.is_empty(key)
    finally:
        advapi32.close_key(key)
