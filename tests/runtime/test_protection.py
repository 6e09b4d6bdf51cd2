"""Locking and unlocking for one session, on a real X server, with a window that only notes what it is asked."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.core.policy import Lockdown, Policy
from app.core.types import DisplaysSeen, Observation, ProcessesSeen
from app.lockdown.journal import RestoreJournal
from app.lockdown.linux.x11 import KeepAwake
from app.lockdown.processes import ListedProcess
from app.lockdown.sequence import perform_all
from app.runtime.clock import SystemClock
from app.runtime.lists import Lists
from app.runtime.protection import Protection
from app.runtime.virtual_desktop import VirtualDesktop
from tests.fakes.session import exam_policy
from tests.fakes.shell import FakeKiosk

KIOSK_ONLY = Lockdown(grab_keyboard=False, keep_awake=False, single_monitor=True, quit_always=True)


def policy(lockdown: Lockdown = KIOSK_ONLY) -> Policy:
    return replace(exam_policy(), lockdown=lockdown)


class Rig:
    def __init__(self, journal: Path) -> None:
        self.journal = RestoreJournal(journal)
        self.kiosk = FakeKiosk()
        self.seen: list[Observation] = []
        self.protection = Protection(policy(), journal, self.kiosk, SystemClock(), self.seen.append)


@pytest.fixture
def rig(desktop: VirtualDesktop, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "restore.jsonl")
    yield made
    made.protection.revert()


def test_what_is_locked_is_journalled_until_it_is_given_back(rig: Rig) -> None:
    rig.protection.perform()
    assert rig.kiosk.on
    assert [intent.op for intent in rig.journal.intents()] == ["kiosk"]
    assert rig.protection.revert() == []
    assert rig.journal.outstanding() == []
    assert rig.protection.revert() == []


def test_a_window_that_can_not_be_locked_leaves_nothing_changed_and_can_be_tried_again(rig: Rig) -> None:
    rig.kiosk.refusal = "The exam window did not answer."
    with pytest.raises(LockdownError, match="did not answer"):
        rig.protection.perform()
    assert rig.journal.outstanding() == []
    rig.kiosk.refusal = ""
    rig.protection.perform()
    assert rig.kiosk.on


def test_the_watch_begins_when_told_and_ends_with_the_lock(rig: Rig) -> None:
    rig.protection.watch()
    rig.protection.perform()
    assert rig.seen == []
    rig.protection.watch()
    rig.protection.watch()
    deadline = time.monotonic() + 20
    while not rig.seen:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    rig.protection.revert()
    kinds = [type(seen) for seen in rig.seen]
    assert len(kinds) == len(set(kinds)), "watched once"
    assert DisplaysSeen in kinds


def test_a_denied_program_is_reported_with_the_reason_that_the_list_gives(
    desktop: VirtualDesktop, tmp_path: Path
) -> None:
    program = tmp_path / "deniedbylist"
    shutil.copy("/bin/sleep", program)
    denying = policy(replace(KIOSK_ONLY, denied_processes=("DeniedByList",)))
    seen: list[Observation] = []
    why = ListedProcess("deniedbylist", "remote control", "lets someone else in")
    protection = Protection(denying, tmp_path / "restore.jsonl", FakeKiosk(), SystemClock(), seen.append, Lists((why,)))
    with subprocess.Popen([str(program), "60"]) as denied:
        try:
            protection.perform()
            protection.watch()
            deadline = time.monotonic() + 20
            while not any(isinstance(one, ProcessesSeen) for one in seen):
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            protection.revert()
            denied.kill()
    (found,) = [one for one in seen if isinstance(one, ProcessesSeen)]
    assert found.found == (("deniedbylist", "remote control: lets someone else in"),)


def test_what_an_earlier_client_left_locked_is_given_back_without_a_plan(rig: Rig, tmp_path: Path) -> None:
    """As after a restart that goes on with the upload: nothing was locked by this process."""
    perform_all([KeepAwake()], rig.journal)
    again = Protection(policy(), tmp_path / "restore.jsonl", FakeKiosk(), SystemClock(), rig.seen.append)
    assert again.revert() == []
    assert rig.journal.outstanding() == []


def test_a_window_whose_journal_was_lost_is_given_back_once(rig: Rig) -> None:
    rig.protection.perform()
    rig.journal.path.unlink()
    assert rig.protection.revert() == []
    after_once = rig.kiosk.on
    rig.kiosk.set_kiosk(True)
    rig.protection.revert()
    after_twice = rig.kiosk.on
    assert (after_once, after_twice) == (False, True)


def test_what_an_earlier_client_left_of_another_plan_is_given_back_too(rig: Rig) -> None:
    perform_all([KeepAwake()], rig.journal)
    rig.protection.perform()
    assert rig.protection.revert() == []
    assert rig.journal.outstanding() == []
