"""What an exam changes on a Mac and gives back: the part that needs no Mac. AppKit and Quartz are behind small ports."""

from __future__ import annotations

import os
import plistlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.core.policy import Accessibility, Candidate, Exam, Lockdown, Policy, Upload
from app.lockdown.journal import RestoreJournal
from app.lockdown.macos.autostart import AutostartEntry
from app.lockdown.macos.awake import KeepAwake
from app.lockdown.macos.capture_exclusion import CaptureExclusion
from app.lockdown.macos.keyboard import KeyboardTap, counts_injected
from app.lockdown.macos.kiosk import OPTIONS, KioskWindowOperation, covers_everything, problems_of
from app.lockdown.macos.programs import Application, MacCloser, MacPrograms
from app.lockdown.sequence import perform_all, revert_all

COMMAND = (
    "/Applications/My Exam.app/Contents/MacOS/invigil",
    "lockdown",
    "restore",
    "--journal",
    '/Users/a "b"/x&y.jsonl',
)
POLICY = Policy(
    exam=Exam(id="e", title="Exam", start_url="http://127.0.0.1/"),
    candidate=Candidate(id="c", name="C"),
    upload=Upload(endpoint="http://127.0.0.1/", token="t", exam_id="e"),
)

# ---- the launch agent


@pytest.fixture
def agents(tmp_path: Path) -> Path:
    return tmp_path / "Library" / "LaunchAgents"


def test_the_launch_agent_is_there_while_the_exam_runs_and_gone_afterwards(agents: Path, tmp_path: Path) -> None:
    journal = RestoreJournal(tmp_path / "restore.jsonl")
    perform_all([AutostartEntry(COMMAND, agents)], journal)
    (agent,) = agents.iterdir()
    assert agent.suffix == ".plist"
    assert agent.stat().st_mode & 0o777 == 0o600
    assert revert_all(journal, {"autostart": AutostartEntry((), agents)}) == []
    assert list(agents.iterdir()) == []


def test_the_launch_agent_runs_the_command_word_for_word_at_the_next_login(agents: Path) -> None:
    AutostartEntry(COMMAND, agents).perform()
    (agent,) = agents.iterdir()
    entry = plistlib.loads(agent.read_bytes())
    assert entry["ProgramArguments"] == list(COMMAND)
    assert entry["RunAtLoad"] is True
    assert f"{entry['Label']}.plist" == agent.name


def test_two_journals_have_a_launch_agent_each(agents: Path) -> None:
    first, second = AutostartEntry(("a",), agents), AutostartEntry(("b",), agents)
    first.perform()
    second.perform()
    first.revert(first.before())
    assert [path.name for path in agents.iterdir()] == [str(second.before()["file"])]


@pytest.mark.parametrize("name", ["../../.zshrc", "com.example.plist", "invigil.restore.plist", "", 7, None])
def test_an_altered_journal_removes_no_other_launch_agent(agents: Path, name: str | int | None) -> None:
    agents.mkdir(parents=True)
    kept = agents / "com.example.plist"
    kept.touch()
    with pytest.raises(LockdownError, match=r"\.$"):
        AutostartEntry((), agents).revert({"file": name})
    assert kept.exists()


def test_a_folder_that_can_not_be_written_stops_the_lock_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "Library").write_text("a file where the folder should be")
    with pytest.raises(LockdownError, match="launch agent"):
        AutostartEntry(COMMAND, tmp_path / "Library" / "LaunchAgents").perform()


# ---- the kiosk


def test_the_presentation_options_keep_apples_rules() -> None:
    assert problems_of(OPTIONS) == []


def test_without_a_hidden_dock_macos_would_refuse_four_of_them() -> None:
    rest = {name: bit for name, bit in OPTIONS.items() if name != "HideDock"}
    assert len(problems_of(rest)) == 4


def test_options_that_exclude_each_other_are_found() -> None:
    both = OPTIONS | {"AutoHideDock": 1, "AutoHideMenuBar": 4}
    assert len(problems_of(both)) == 2


def test_no_option_is_set_twice() -> None:
    assert sum(OPTIONS.values()).bit_count() == len(OPTIONS)


class Window:
    def __init__(self, log: list[str]) -> None:
        self._log = log

    def set_kiosk(self, on: bool) -> None:
        self._log.append(f"kiosk {on}")

    def grab_keyboard(self, on: bool) -> bool:
        return on

    def handle(self) -> int:
        return 1


class Presented:
    def __init__(self, log: list[str]) -> None:
        self._log = log

    def enter(self, *, over_everything: bool) -> None:
        self._log.append(f"entered {over_everything}")

    def hold(self) -> None:
        """Nothing undoes it here."""

    def leave(self) -> None:
        self._log.append("left")


def test_the_screen_is_given_back_in_reverse_order() -> None:
    log: list[str] = []
    operation = KioskWindowOperation(Window(log), POLICY, Presented(log))
    operation.perform()
    operation.revert({})
    assert log == ["kiosk True", "entered True", "left", "kiosk False"]


def test_the_guardian_that_has_no_window_gives_none_back() -> None:
    log: list[str] = []
    operation = KioskWindowOperation(None, None, Presented(log))
    operation.revert({})
    assert log == []
    with pytest.raises(LockdownError, match="invigil take"):
        operation.perform()


@pytest.mark.parametrize(
    "policy",
    [
        replace(POLICY, accessibility=Accessibility(screen_reader=True)),
        replace(POLICY, accessibility=Accessibility(assistive_programs=("magnifier",))),
        replace(POLICY, lockdown=Lockdown(allowed_programs=("calculator",))),
    ],
    ids=["screen reader", "magnifier", "allowed program"],
)
def test_the_exam_covers_no_program_that_the_policy_grants(policy: Policy) -> None:
    assert covers_everything(POLICY)
    assert not covers_everything(policy)


# ---- keyboard, captures, sleep


class Tap:
    def __init__(self) -> None:
        self.on = False

    def start(self) -> None:
        self.on = True

    def stop(self) -> None:
        self.on = False


def test_the_keyboard_is_held_until_it_is_given_back() -> None:
    tap = Tap()
    operation = KeyboardTap(POLICY, lambda _: tap, lambda: True, assessment=False)
    operation.perform()
    assert tap.on
    operation.revert({})
    operation.revert({})
    assert not tap.on


def test_in_assessment_mode_the_keyboard_needs_no_permission() -> None:
    tap = Tap()
    KeyboardTap(POLICY, lambda _: tap, lambda: False, assessment=True).perform()
    assert not tap.on


def test_keys_that_help_types_are_not_counted() -> None:
    assert counts_injected(POLICY)
    assert not counts_injected(replace(POLICY, accessibility=Accessibility(screen_reader=True)))
    assert not counts_injected(replace(POLICY, accessibility=Accessibility(assistive_programs=("dictation",))))


def test_captures_leave_the_exam_out_until_it_is_over() -> None:
    shared: list[bool] = []

    def share(on: bool) -> int:
        shared.append(on)
        return 1

    operation = CaptureExclusion(Window([]), share, lambda _: None)
    operation.perform()
    operation.revert({})
    assert shared == [False, True]


def test_an_exam_without_a_window_can_not_be_left_out_of_captures() -> None:
    with pytest.raises(LockdownError, match="no window yet"):
        CaptureExclusion(Window([]), lambda _: 0, lambda _: None).perform()


def test_the_machine_may_sleep_again_afterwards() -> None:
    held: list[str] = []

    def begin() -> Callable[[], None]:
        held.append("a request")
        return held.clear

    operation = KeepAwake(begin)
    operation.perform()
    operation.perform()
    assert held == ["a request"]
    operation.revert({})
    operation.revert({})
    assert held == []


# ---- other programs


def test_an_application_goes_by_the_names_of_its_bundle_too() -> None:
    application = Application("com.example.chat", "/Applications/Sample Chat.app")
    programs = MacPrograms(lambda: {os.getpid(): application})
    assert os.getpid() in programs.pids()
    program = programs.program(os.getpid())
    assert program is not None
    assert program.names[-2:] == ("com.example.chat", "Sample Chat")


class Running:
    """AppKit's other programs: what it takes, and what it was asked."""

    def __init__(self, *, takes: bool) -> None:
        self._takes = takes
        self.asked: list[str] = []

    def quit(self, pid: int) -> bool:
        self.asked.append(f"quit {pid}")
        return self._takes

    def hide_owner_of(self, window: int) -> bool:
        self.asked.append(f"hide {window}")
        return self._takes


def test_a_window_is_put_away_by_hiding_its_program_which_loses_nothing() -> None:
    running = Running(takes=True)
    MacCloser(running).ask_window(7)
    assert running.asked == ["hide 7"]


def test_a_window_that_can_not_be_put_away_says_what_to_do() -> None:
    with pytest.raises(LockdownError, match="close it yourself"):
        MacCloser(Running(takes=False)).ask_window(7)


def test_a_program_that_is_gone_already_is_closed() -> None:
    running = Running(takes=False)
    MacCloser(running).ask_process(2**22 + 1)
    assert running.asked == [f"quit {2**22 + 1}"]
