"""What an exam changes on Windows, as far as it is decided without Windows: the rest runs under Wine."""

from __future__ import annotations

import os

import pytest

from app.core.errors import LockdownError
from app.core.lockdown import CAN, OPERATIONS, System
from app.core.types import Json
from app.lockdown.setting import OperationSetting
from app.lockdown.win32 import user32_placing, user32_windows
from app.lockdown.windows import capture_exclusion, changes
from app.lockdown.windows.autostart import RUN, AutostartEntry
from app.lockdown.windows.capture_exclusion import CaptureExclusion
from app.lockdown.windows.clipboard_emptied import SERVICES, ClipboardEmptied
from app.lockdown.windows.other_windows import OtherWindows
from app.lockdown.windows.own_desktop import OwnDesktop
from app.lockdown.windows.registry import Place, Root
from app.lockdown.windows.system_keys import HOT_KEY, OFF, POLICIES, SystemKeys, may_set_policies
from tests.fakes.windows import FakeHotKeys, FakeRegistry

ON, AVAILABLE = 0x1, 0x2
NOTHING: dict[str, Json] = {"policies": {}, "new_keys": [], "hot_keys": []}


def test_there_is_an_operation_for_every_name() -> None:
    names = {operation.name for operation in changes.operations(OperationSetting())}
    assert names == set(OPERATIONS) & CAN[System.WINDOWS]


def test_what_this_user_may_not_change_is_left_alone_and_told() -> None:
    locked = (POLICIES["task_manager"], POLICIES["switch_user"])
    registry = FakeRegistry({POLICIES["task_manager"]: 0}, locked)
    keys = SystemKeys(registry, FakeHotKeys())
    before = keys.before()
    keys.perform()
    assert registry.values[POLICIES["task_manager"]] == 0
    assert POLICIES["switch_user"] not in registry.values
    assert registry.values[POLICIES["lock"]] == OFF
    keys.revert(before)
    assert registry.values == {POLICIES["task_manager"]: 0}
    assert not may_set_policies(registry)
    assert may_set_policies(FakeRegistry())


def test_a_right_that_was_lost_meanwhile_keeps_only_its_own_value() -> None:
    registry = FakeRegistry()
    keys = SystemKeys(registry, FakeHotKeys(sticky_keys=HOT_KEY))
    before = keys.before()
    keys.perform()
    registry.locked.add(POLICIES["task_manager"])
    with pytest.raises(LockdownError, match="DisableTaskMgr can't be changed"):
        keys.revert(before)
    assert set(registry.values) == {POLICIES["task_manager"]}


def test_only_the_hot_keys_of_the_ease_of_access_go_and_what_is_on_stays_on() -> None:
    hot_keys = FakeHotKeys(sticky_keys=ON | AVAILABLE | HOT_KEY, toggle_keys=AVAILABLE, filter_keys=HOT_KEY)
    keys = SystemKeys(FakeRegistry(), hot_keys)
    before = keys.before()
    keys.perform()
    assert hot_keys.kept == {"sticky_keys": ON | AVAILABLE, "toggle_keys": AVAILABLE, "filter_keys": 0}
    hot_keys.kept["filter_keys"] = ON  # switched on in the settings while the exam ran
    keys.revert(before)
    assert hot_keys.kept == {
        "sticky_keys": ON | AVAILABLE | HOT_KEY,
        "toggle_keys": AVAILABLE,
        "filter_keys": ON | HOT_KEY,
    }


def test_a_candidate_who_was_granted_assistive_technology_keeps_its_hot_keys() -> None:
    hot_keys = FakeHotKeys(sticky_keys=HOT_KEY)
    keys = SystemKeys(FakeRegistry(), hot_keys, keep_hot_keys=True)
    assert keys.before()["hot_keys"] == []
    keys.perform()
    assert hot_keys.kept == {"sticky_keys": HOT_KEY}


@pytest.mark.parametrize(
    "altered",
    [
        {},
        NOTHING | {"policies": {"no_such_policy": 1}},
        NOTHING | {"policies": {"lock": "1"}},
        NOTHING | {"policies": {"lock": True}},
        NOTHING | {"policies": {"lock": -1}},
        NOTHING | {"policies": {"lock": 2**32}},
        NOTHING | {"policies": ["lock"]},
        NOTHING | {"policies": {"lock": None}, "new_keys": ["password"]},
        NOTHING | {"new_keys": [r"Software\Microsoft"]},
        NOTHING | {"hot_keys": ["narrator"]},
        NOTHING | {"hot_keys": [["sticky_keys"]]},
    ],
    ids=str,
)
def test_altered_system_settings_in_the_journal_are_refused_and_change_nothing(altered: dict[str, Json]) -> None:
    registry, hot_keys = FakeRegistry({POLICIES["lock"]: 1}), FakeHotKeys(sticky_keys=0)
    with pytest.raises(LockdownError, match="no usable system settings"):
        SystemKeys(registry, hot_keys).revert(altered)
    assert registry.values == {POLICIES["lock"]: 1}
    assert hot_keys.kept == {"sticky_keys": 0}


def test_a_start_entry_that_windows_would_not_run_is_refused_before_anything_is_changed() -> None:
    sentence = AutostartEntry(FakeRegistry(), ("C:\\" + "x" * 300,)).check()
    assert sentence is not None
    assert "260 characters" in sentence


def test_two_journals_have_two_start_entries() -> None:
    registry = FakeRegistry()
    for journal in ("one", "two"):
        AutostartEntry(registry, ("invigil", journal)).perform()
    assert sorted(map(str, registry.values.values())) == ["invigil one", "invigil two"]


@pytest.mark.parametrize("name", [None, 1, "OneDrive", "InvigilRestore-", r"InvigilRestore-0123456789ab\x"], ids=str)
def test_an_altered_start_entry_removes_nothing_of_others(name: Json) -> None:
    one_drive = Place(Root.USER, RUN, "OneDrive")
    registry = FakeRegistry({one_drive: "OneDrive.exe"})
    with pytest.raises(LockdownError, match="no usable start entry"):
        AutostartEntry(registry, ()).revert({"value": name})
    assert one_drive in registry.values


class BusyClipboard:
    """Another program has it open for so many tries."""

    def __init__(self, tries: int) -> None:
        self.left = tries
        self.emptied = 0

    def empty(self) -> None:
        self.left -= 1
        if self.left >= 0:
            raise OSError("OpenClipboard: access denied")
        self.emptied += 1


def test_a_clipboard_that_is_open_elsewhere_is_emptied_when_it_is_free() -> None:
    clipboard, pauses = BusyClipboard(5), list[float]()
    ClipboardEmptied(FakeRegistry(), clipboard.empty, pauses.append).perform()
    assert clipboard.emptied == 1
    assert len(pauses) == 5


def test_a_clipboard_that_stays_open_is_told_in_a_sentence() -> None:
    clipboard, pauses = BusyClipboard(1000), list[float]()
    with pytest.raises(LockdownError, match="keeps the clipboard open"):
        ClipboardEmptied(FakeRegistry(), clipboard.empty, pauses.append).perform()
    assert sum(pauses) < 3


def test_a_clipboard_history_that_may_not_be_changed_is_left_alone() -> None:
    registry = FakeRegistry({SERVICES["history"]: 1}, locked=(SERVICES["history"],))
    operation = ClipboardEmptied(registry, lambda: None)
    assert operation.before() == {"on": []}
    operation.perform()
    assert registry.values == {SERVICES["history"]: 1}


@pytest.mark.parametrize("on", [None, "history", ["no_such_service"], [1]], ids=str)
def test_an_altered_clipboard_setting_is_refused(on: Json) -> None:
    registry = FakeRegistry()
    with pytest.raises(LockdownError, match="no usable clipboard settings"):
        ClipboardEmptied(registry, lambda: None).revert({"on": on})
    assert registry.values == {}


@pytest.mark.parametrize(
    "altered",
    [
        {},
        {"windows": [], "task_bar": 1},
        {"windows": {}, "task_bar": True},
        {"windows": [[1, 2]], "task_bar": True},
        {"windows": [["1", 2, 3.0, False]], "task_bar": True},
        {"windows": [[0, 2, 3.0, False]], "task_bar": True},
        {"windows": [[1, 2**40, 3.0, False]], "task_bar": True},
        {"windows": [[True, 2, 3.0, False]], "task_bar": True},
        {"windows": [[1, 2, 3.0, 1]], "task_bar": True},
        {"windows": [[1, 2, 3.0, False]] * 1001, "task_bar": True},
    ],
    ids=lambda altered: str(altered)[:60],
)
def test_an_altered_list_of_windows_is_refused(altered: dict[str, Json]) -> None:
    with pytest.raises(LockdownError, match="no usable list of windows"):
        OtherWindows(None).revert(altered)


@pytest.mark.parametrize("shown", [None, 1, "", "x" * 65, "a\\b", "InvigilExam-7"], ids=str)
def test_an_altered_desktop_is_refused(shown: Json) -> None:
    with pytest.raises(LockdownError, match="no usable desktop"):
        OwnDesktop(lambda _: None).revert({"shown": shown})


class Captures:
    """What one window's display affinity is on a Windows that knows only some of the values."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, known: set[int]) -> None:
        self.affinity = 0
        self.known = known
        monkeypatch.setattr(user32_placing, "set_display_affinity", self.set)
        monkeypatch.setattr(user32_windows, "display_affinity", lambda _: self.affinity)
        monkeypatch.setattr(capture_exclusion, "_own_windows", lambda: [7])

    def set(self, window: int, affinity: int) -> None:
        if affinity not in self.known:
            raise OSError("SetWindowDisplayAffinity: invalid parameter")
        self.affinity = affinity


class Window:
    def set_kiosk(self, on: bool) -> None: ...

    def grab_keyboard(self, on: bool) -> bool:
        return on

    def handle(self) -> int:
        return 7


@pytest.mark.parametrize(
    ("known", "affinity"), [({0, 0x1, 0x11}, 0x11), ({0, 0x1}, 0x1)], ids=["Windows 10 2004", "before"]
)
def test_captures_leave_the_exam_out_or_show_it_black(
    known: set[int], affinity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    captures = Captures(monkeypatch, known)
    operation = CaptureExclusion(Window())
    operation.perform()
    try:
        assert captures.affinity == affinity
    finally:
        operation.revert({})
    assert captures.affinity == 0


def test_a_menu_that_has_just_closed_keeps_no_other_window_from_being_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    menu, dialog, processes = 5, 6, {6: os.getpid(), 7: os.getpid()}
    affinities: dict[int, int] = {}

    def leave_out(window: int, affinity: int) -> None:
        if window not in processes:
            raise OSError("SetWindowDisplayAffinity: invalid window handle")
        affinities[window] = affinity

    Captures(monkeypatch, set())
    monkeypatch.setattr(user32_placing, "set_display_affinity", leave_out)
    monkeypatch.setattr(user32_windows, "display_affinity", lambda window: affinities.get(window, 0))
    monkeypatch.setattr(user32_windows, "process_of", lambda window: processes.get(window, 0))
    monkeypatch.setattr(capture_exclusion, "_own_windows", lambda: [menu, dialog, 7])
    operation = CaptureExclusion(Window())
    operation.perform()
    assert affinities == {dialog: 0x11, 7: 0x11}
    del processes[dialog]  # it closes while it is given back
    operation.revert({})
    assert affinities[7] == 0


def test_an_exam_that_must_be_left_out_and_can_not_be_is_not_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    Captures(monkeypatch, {0})
    with pytest.raises(LockdownError, match="which this exam asks for"):
        CaptureExclusion(Window()).perform()
