"""Puts the lockdown in place, keeps watch, and gives the machine back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.core.errors import LockdownError
from app.core.lockdown import KEYBOARD, KIOSK, Plan, System, plan, wanted_watchers
from app.core.policy import Policy
from app.core.ports import Clock, KioskWindow, LockdownOperation
from app.core.types import Observation
from app.lockdown.input_log import InputLog
from app.lockdown.journal import RestoreJournal
from app.lockdown.platform import all_operations, machine_facts, operations_for, watchers_for
from app.lockdown.sequence import Performed, perform_all, revert_all
from app.lockdown.setting import OperationSetting, WatchSetting
from app.lockdown.watch import WatchLoop
from app.runtime.lists import Lists
from app.runtime.restoring import restore_command


class Protection:
    """``perform()``, then ``watch()``; ``revert()`` any number of times. One thread.

    ``lists`` say why programs are denied, and what machines are judged by.
    """

    def __init__(
        self,
        policy: Policy,
        journal: Path,
        window: KioskWindow,
        clock: Clock,
        on_observation: Callable[[Observation], None],
        lists: Lists | None = None,
    ) -> None:
        self._policy = policy
        self._journal = RestoreJournal(journal)
        self._window = window
        self._clock = clock
        self._on_observation = on_observation
        self._lists = lists or Lists()
        self._input_log = InputLog()
        self._loop: WatchLoop | None = None
        self._plan: Plan | None = None
        self._system = System.OTHER
        self._operations: tuple[LockdownOperation, ...] = ()
        self._performed: list[Performed] = []

    def perform(self) -> tuple[str, ...]:
        """Returns what this machine can't give, in sentences. Raises LockdownError after undoing what was done."""
        facts = machine_facts()
        self._system, self._plan = facts.system, plan(self._policy, facts)
        self._operations = operations_for(self._plan, self._setting())
        self._performed = perform_all(self._operations, self._journal)
        return self._plan.missing

    def watch(self) -> None:
        if self._plan is None or self._loop is not None:
            return
        watchers = watchers_for(
            self._plan,
            WatchSetting(
                self._policy,
                self._lists.programs,
                window=self._window,
                input_log=self._input_log,
                signs=self._lists.signs,
            ),
        )
        self._loop = WatchLoop(watchers, self._clock, self._on_observation, interval_s=1.0)
        self._loop.start()

    def watching(self) -> dict[str, tuple[int, int]]:
        """Polls since the start and how many of them failed, by watcher; empty while nothing is watched."""
        loop = self._loop
        return {} if loop is None else {name: (polls, loop.failures[name]) for name, polls in loop.polls.items()}

    def unwatched(self) -> tuple[str, ...]:
        """The watchers that the policy asks for and this machine does not have."""
        return tuple(name for name in wanted_watchers(self._policy, self._system) if name not in self.watching())

    def take_again(self) -> bool:
        """The screen and the keyboard, which a screen lock or sleep may have taken; False when it has to be tried again.

        Only an X server's keyboard is held by the window; elsewhere it is the system's hook, or the compositor's.
        """
        if self._plan is None:
            return True
        try:
            if KIOSK in self._plan.operations:
                self._window.set_kiosk(True)
            grabs = self._system is System.LINUX_X11 and KEYBOARD in self._plan.operations
            return not grabs or self._window.grab_keyboard(True)
        except LockdownError:
            return False

    def revert(self) -> list[str]:
        """Sentences of what could not be given back; the journal keeps it for the guardian."""
        if self._loop is not None:
            self._loop.stop()
            self._loop = None
        if self._plan is None:
            return revert_all(self._journal, all_operations())
        # the same ones: some hold a thread or a window until they are reverted
        known = all_operations() | {each.name: each for each in self._operations}
        performed, self._performed = self._performed, []
        return revert_all(self._journal, known, performed=performed)

    def _setting(self) -> OperationSetting:
        restore = restore_command(self._journal.path)
        return OperationSetting(self._window, self._policy, restore, self._input_log)
