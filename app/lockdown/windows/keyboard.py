"""The keyboard for the exam alone."""

from __future__ import annotations

from collections.abc import Mapping

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.lockdown import types_for_the_candidate
from app.core.policy import Policy
from app.core.types import Json
from app.lockdown.input_log import InputLog
from app.lockdown.windows.hooks import InputHooks


class KeyboardHooks:
    """Key combinations that leave the exam are swallowed, and keys and clicks that programs make. Ends with the client.

    An assistive program that the policy grants (on-screen keyboards, speech input, switches) types by making keys, so
    then made keys and clicks get through; ways out stay blocked.
    """

    name = lockdown.KEYBOARD

    def __init__(self, policy: Policy | None, log: InputLog) -> None:
        self._policy = policy
        self._log = log
        self._hooks: InputHooks | None = None

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        if self._policy is None:
            raise LockdownError("The keyboard is locked by the client only; start the exam with 'invigil take'.")
        if self._hooks is None:
            self._hooks = InputHooks(self._log, allow_injected=types_for_the_candidate(self._policy))
        self._hooks.start()

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        if self._hooks is not None:
            self._hooks.stop()
            self._hooks = None
