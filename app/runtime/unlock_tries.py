"""Tries of the supervisor's password, at the lock screen and at the verdict screen: counted together, beyond a restart."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.core.errors import EvidenceError
from app.core.hold import wait_after
from app.core.ports import Clock
from app.core.types import NS_PER_S, Json
from app.runtime.attempts import Attempt

log = structlog.get_logger()

WRONG = "That password is wrong."
_FAILURES = "unlock_failures"

Matches = Callable[[str, str], bool]
"""The stored form of the unlock password, and what was typed: whether they fit."""


class UnlockTries:
    """Session thread. The password itself is nowhere; wrong ones are counted, and each makes the next wait longer."""

    def __init__(
        self,
        attempt: Attempt,
        clock: Clock,
        matches: Matches,
        journal: Callable[[dict[str, Json]], None],
    ) -> None:
        self._attempt = attempt
        self._clock = clock
        self._matches = matches
        self._journal = journal
        self._next_ns: int | None = None
        self._counted: int | None = None

    @property
    def wait_ns(self) -> int:
        """How long no password is taken yet. After a restart the last wait begins anew."""
        return max(0, self._next() - self._clock.now().mono_ns)

    def begin(self) -> None:
        """The screen that asks is shown anew."""
        self._next_ns = None

    def fits(self, stored: str, password: str) -> bool | None:
        """None where nothing was tried: there is no password, or it has to be waited."""
        if not stored or self.wait_ns > 0:
            return None
        if self._matches(stored, password):
            self._count(0)
            return True
        failures = self.failures + 1
        self._count(failures)
        self._journal({"event": "unlock_refused", "tries": failures})
        log.warning("a wrong unlock password", tries=failures)
        self._next_ns = self._clock.now().mono_ns + wait_after(failures) * NS_PER_S
        return False

    def _next(self) -> int:
        if self._next_ns is None:
            self._next_ns = self._clock.now().mono_ns + wait_after(self.failures) * NS_PER_S
        return self._next_ns

    def _count(self, failures: int) -> None:
        """A disk that takes nothing neither keeps a right password out nor makes guessing free."""
        self._counted = failures
        try:
            self._attempt.store.set_meta(_FAILURES, str(failures))
        except EvidenceError as error:
            log.error("wrong unlock passwords are counted in memory only", error=str(error))

    @property
    def failures(self) -> int:
        """Wrong passwords since the last right one."""
        if self._counted is not None:
            return self._counted
        try:
            return max(0, int(self._attempt.store.get_meta(_FAILURES) or 0))
        except ValueError:
            return 0
