"""Keeps a locked screen and sleep from being taken for leaving the exam."""

from __future__ import annotations

from dataclasses import replace

from app.core.responses import NORMAL_LIFE
from app.core.types import NS_PER_S, FocusChanged, Observation, SessionSeen

BACK_NS = 5 * NS_PER_S
"""How long the window may take to have the focus again."""


class Presence:
    """Session thread. While the screen is locked or the machine sleeps, a lost focus is nobody's doing: it is judged
    only when the window is still without it some time after.
    """

    def __init__(self) -> None:
        self._absent = False
        self._lost: FocusChanged | None = None
        self._kept: FocusChanged | None = None
        self._due_ns: int | None = None

    def taken(self, seen: Observation, now_ns: int) -> Observation | None:
        """What is to be judged of it now; None for what may turn out to be normal life."""
        if isinstance(seen, SessionSeen):
            was, self._absent = self._absent, seen.state in NORMAL_LIFE
            if self._absent:
                self._due_ns = None
                self._kept = self._kept if was else self._lost  # it is said once only
            elif was:
                self._due_ns = now_ns + BACK_NS
        elif isinstance(seen, FocusChanged):
            self._lost = None if seen.focused else seen
            if not seen.focused and (self._absent or self._due_ns is not None):
                self._kept = seen
                return None
            self._kept = None
        return seen

    def late(self, now_ns: int) -> Observation | None:
        """A lost focus whose time has come, as of now. To be asked often."""
        if self._due_ns is None or now_ns < self._due_ns:
            return None
        kept, self._kept, self._due_ns = self._kept, None, None
        return None if kept is None else replace(kept, at_ns=now_ns)
