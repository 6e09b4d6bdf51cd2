"""The keyboard for the exam alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.policy import Policy
from app.core.types import Json


class KeyTap(Protocol):
    """Sees keys before macOS does, and swallows some. Any thread."""

    def start(self) -> None:
        """Raises LockdownError where macOS does not let us."""

    def stop(self) -> None:
        """Safe to call twice, and without a start."""


class KeyboardTap:
    """Key combinations that macOS would leave the exam with are swallowed. Ends with the client if nobody reverts it.

    ``trusted`` is whether macOS lets us see keys. Where it does not and assessment mode is granted, that mode keeps the
    person in the exam, and there is nothing to do.
    """

    name = lockdown.KEYBOARD

    def __init__(
        self, policy: Policy | None, tap: Callable[[Policy], KeyTap], trusted: Callable[[], bool], assessment: bool
    ) -> None:
        self._policy = policy
        self._make_tap = tap
        self._trusted = trusted
        self._assessment = assessment
        self._tap: KeyTap | None = None

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        if self._policy is None:
            raise LockdownError("The keyboard is locked by the client only; start the exam with 'invigil take'.")
        if self._assessment and not self._trusted():
            return
        if self._tap is None:
            self._tap = self._make_tap(self._policy)
        self._tap.start()

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        if self._tap is not None:
            self._tap.stop()
            self._tap = None


def counts_injected(policy: Policy) -> bool:
    """Whether made keys are counted: not where help is granted that types by making keys."""
    return not policy.accessibility.assistive_programs and not policy.accessibility.screen_reader
