"""Writes down now and then that the watchers watch, so that a reviewer can tell quiet from blind."""

from __future__ import annotations

from collections.abc import Callable

from app.core.types import NS_PER_S, Instant, Json
from app.runtime.protection import Protection

EVERY_NS = 60 * NS_PER_S


class Liveness:
    """Session thread. ``dropped`` counts observations that the session had no room for."""

    def __init__(
        self, protection: Protection, dropped: Callable[[], int], journal: Callable[[dict[str, Json]], None]
    ) -> None:
        self._protection = protection
        self._dropped = dropped
        self._journal = journal
        self._due_ns: int | None = None

    def tick(self, now: Instant, *, runs: bool) -> None:
        """An entry a minute while the exam runs, the first one a minute after its start."""
        if not runs:
            self._due_ns = None
        elif self._due_ns is None:
            self._due_ns = now.mono_ns + EVERY_NS
        elif now.mono_ns >= self._due_ns:
            self._due_ns = now.mono_ns + EVERY_NS
            self.write()

    def write(self) -> None:
        watchers: dict[str, Json] = {
            name: {"polls": polls, "failures": failures}
            for name, (polls, failures) in self._protection.watching().items()
        }
        self._journal(
            {
                "event": "watching",
                "watchers": watchers,
                "missing": list(self._protection.unwatched()),
                "dropped": self._dropped(),
            }
        )
