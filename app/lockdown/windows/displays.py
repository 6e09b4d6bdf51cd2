"""The monitors of a Windows machine, how each is connected, and what may be a further one."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence

from app.core import lockdown
from app.core.types import DisplayChanged, DisplaysSeen, Observation
from app.lockdown.win32.user32_displays import ActiveTarget, Connector, active_targets, monitor_count
from app.lockdown.windows.listener import Ear, Listener, Topic

logger = logging.getLogger(__name__)

_WORDS = {
    Connector.VGA: "VGA",
    Connector.DVI: "DVI",
    Connector.HDMI: "HDMI",
    Connector.LVDS: "built in",
    Connector.DISPLAYPORT: "DisplayPort",
    Connector.DISPLAYPORT_INSIDE: "built in",
    Connector.INTERNAL: "built in",
    Connector.MIRACAST: "wireless",
    Connector.INDIRECT: "USB or network adapter",
    Connector.INDIRECT_VIRTUAL: "made up by a program",
    Connector.OTHER: "other connector",
}
_SUSPICIOUS = {
    Connector.MIRACAST: "the picture is sent to a wireless display",
    Connector.INDIRECT_VIRTUAL: "a display is made up by a program, which may show it elsewhere",
}


def names_of(targets: Sequence[ActiveTarget], count: int) -> tuple[str, ...]:
    """One name per monitor, the larger of both counts; mirrored ones are marked from the second on."""
    seen: Counter[tuple[int, int, int]] = Counter()
    names = []
    for target in targets:
        mirrored = ", mirrored" if seen[target.source] else ""
        seen[target.source] += 1
        names.append(f"{target.name or 'monitor'} ({_WORDS[target.connector]}{mirrored})")
    names += [f"monitor {number}" for number in range(len(names) + 1, count + 1)]
    return tuple(sorted(names))


def suspected_of(targets: Sequence[ActiveTarget]) -> tuple[str, ...]:
    return tuple(sorted({_SUSPICIOUS[target.connector] for target in targets if target.connector in _SUSPICIOUS}))


class Displays:
    """Reports the monitors at the first poll and at every change, mirrored ones one by one. One thread.

    Told by Windows at once, and looked for at each poll. A splitter or an adapter that answers for two screens is one monitor to Windows.

    Windows refuses to tell of connectors while another desktop is shown, as for a lock or a question of the user account
    control (QueryDisplayConfig, ERROR_ACCESS_DENIED): then those hold that were known, and only their number is looked at.
    """

    name = lockdown.MONITORS

    def __init__(self, listener: Listener) -> None:
        self._ear = Ear(listener, Topic.DISPLAYS)
        self._targets: Sequence[ActiveTarget] = ()
        self._seen: tuple[tuple[str, ...], tuple[str, ...]] | None = None

    def poll(self, now_ns: int) -> Sequence[Observation]:
        self._ear.take()
        self._targets = targets = _targets(self._targets)
        names, suspected = names_of(targets, monitor_count()), suspected_of(targets)
        before, self._seen = self._seen, (names, suspected)
        if before == self._seen:
            return ()
        changes = [] if before is None else _changes(before[0], names)
        return (
            DisplaysSeen(now_ns, len(names), names, suspected),
            *(DisplayChanged(now_ns, detail) for detail in changes),
        )

    def listen(self, wake: Callable[[], None]) -> int | None:
        self._ear.listen(wake)
        return None

    def close(self) -> None:
        self._ear.close()


def _targets(known: Sequence[ActiveTarget]) -> Sequence[ActiveTarget]:
    try:
        return active_targets()
    except OSError as error:  # on a remote desktop there are never any; the count is known all the same
        logger.debug("no connectors: %s", error)
        return known


def _changes(before: Sequence[str], now: Sequence[str]) -> list[str]:
    added, removed = Counter(now) - Counter(before), Counter(before) - Counter(now)
    words = [f"connected: {name}" for name in sorted(added.elements())]
    return words + [f"disconnected: {name}" for name in sorted(removed.elements())]
