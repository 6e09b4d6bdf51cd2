"""The verdict screen: why the exam does not start on this machine, and the supervisor who lets it start all the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Protocol

from app.core.checks import CheckResult
from app.core.policy import Policy
from app.core.session import By
from app.core.types import NS_PER_S, Json
from app.core.verdict import Override, VerdictView, reason_problem, refused_codes, verdict_view, with_override
from app.runtime.attempts import Attempt
from app.runtime.unlock_tries import WRONG, UnlockTries

_OVERRIDE = "override"


class VerdictFace(Protocol):
    """What the verdict asks of the windows. Any thread; nothing waits for the UI."""

    def show_verdict(self, view: VerdictView) -> None: ...


class VerdictStep:
    """Session thread. Whoever let the exam start did so for this attempt: a restart keeps it."""

    def __init__(
        self,
        policy: Policy,
        attempt: Attempt,
        face: VerdictFace,
        tries: UnlockTries,
        journal: Callable[[dict[str, Json]], None],
    ) -> None:
        self._policy = policy
        self._attempt = attempt
        self._face = face
        self._tries = tries
        self._journal = journal

    @property
    def override(self) -> Override:
        return _read(self._attempt.store.get_meta(_OVERRIDE))

    def judged(self, results: Sequence[CheckResult]) -> list[CheckResult]:
        """The lines of the check, with what was let pass before."""
        return with_override(results, self.override)

    def show(self, results: Sequence[CheckResult], problem: str = "") -> None:
        wait_s = -(-self._tries.wait_ns // NS_PER_S)
        asks = bool(self._policy.lockdown.unlock_password)
        self._face.show_verdict(verdict_view(results, self.override, password=asks, problem=problem, wait_s=wait_s))

    def let_pass(self, results: Sequence[CheckResult], password: str, reason: str) -> bool:
        """With the right password and a reason: what refused the exam is from now on recorded only. Shows what was wrong."""
        codes = refused_codes(results)
        if not codes:
            return False
        problem = reason_problem(reason)
        if not problem:
            fits = self._tries.fits(self._policy.lockdown.unlock_password, password)
            if fits:
                self._remember(Override(codes | self.override.codes, reason.strip()))
                return True
            problem = WRONG if fits is False else ""
        self.show(results, problem)
        return False

    def _remember(self, given: Override) -> None:
        listed: list[Json] = [*sorted(given.codes)]
        self._journal({"event": "override", "of": listed, "reason": given.reason, "by": By.SUPERVISOR.value})
        self._attempt.store.set_meta(_OVERRIDE, json.dumps({"codes": listed, "reason": given.reason}))


def _read(kept: str | None) -> Override:
    try:
        data = json.loads(kept or "{}")
        codes, reason = data.get("codes", []), data.get("reason", "")
    except (ValueError, AttributeError):
        return Override()
    if not isinstance(codes, list) or not isinstance(reason, str):
        return Override()
    return Override(frozenset(code for code in codes if isinstance(code, int)), reason)
