"""What the watchers of Windows make of what they read: the part that needs no Windows. The rest is in tests/wine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.key_combinations import KeyPress
from app.core.types import (
    NS_PER_S,
    Device,
    DeviceKind,
    DevicesChanged,
    DisplayChanged,
    DisplaysSeen,
    ForeignWindow,
    InputInjected,
    KeyBlocked,
    SessionSeen,
    SessionState,
    WindowIs,
)
from app.lockdown.input_log import InputLog
from app.lockdown.input_use import InputUse
from app.lockdown.machine_signs import load_signs
from app.lockdown.win32 import user32_messages as messages
from app.lockdown.win32 import wtsapi32
from app.lockdown.win32.setupapi import PresentDevice
from app.lockdown.win32.user32_displays import ActiveTarget, Connector
from app.lockdown.windows.devices import Devices, change_of, of_interest
from app.lockdown.windows.displays import Displays, names_of, suspected_of
from app.lockdown.windows.listener import Listener, Notice
from app.lockdown.windows.machine import Readings, signals_of
from app.lockdown.windows.session import Session, SessionStates
from app.lockdown.windows.windows import TopLevel, accused, is_of_windows
from app.runtime.resources import resources_dir

# ---- displays

PANEL = ActiveTarget((1, 0, 0), Connector.INTERNAL, "")
PROJECTOR = ActiveTarget((1, 0, 0), Connector.HDMI, "Projector")
SCREEN = ActiveTarget((1, 0, 1), Connector.DISPLAYPORT, "Screen 24")


def test_a_mirrored_monitor_counts_as_one_more_and_is_marked() -> None:
    assert names_of([PANEL, PROJECTOR], 1) == ("Projector (HDMI, mirrored)", "monitor (built in)")


def test_the_larger_count_holds() -> None:
    assert names_of([PANEL, SCREEN], 2) == ("Screen 24 (DisplayPort)", "monitor (built in)")
    assert names_of([PANEL], 2) == ("monitor (built in)", "monitor 2")
    assert names_of([], 1) == ("monitor 1",)


@pytest.mark.parametrize("connector", list(Connector), ids=lambda connector: connector.name)
def test_only_wireless_and_made_up_displays_are_suspected(connector: Connector) -> None:
    suspected = suspected_of([replace(SCREEN, connector=connector)])
    assert bool(suspected) == (connector in {Connector.MIRACAST, Connector.INDIRECT_VIRTUAL})


def test_a_connector_that_windows_invents_later_is_another_one() -> None:
    assert Connector(4711) is Connector.OTHER


class Monitors:
    """What Windows says of its monitors: the outermost hardware, set by the test."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.targets: list[ActiveTarget] | None = [PANEL]
        self.count = 1
        patch.setattr("app.lockdown.windows.displays.active_targets", self._targets)
        patch.setattr("app.lockdown.windows.displays.monitor_count", lambda: self.count)

    def _targets(self) -> list[ActiveTarget]:
        if self.targets is None:
            raise OSError("Windows does not tell how the monitors are connected (error 50).")
        return self.targets


def test_a_monitor_that_comes_and_goes_is_seen_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monitors, watcher = Monitors(monkeypatch), Displays(Listener())
    assert watcher.poll(0) == (DisplaysSeen(0, 1, ("monitor (built in)",)),)
    monitors.targets = [PANEL, PROJECTOR]
    both = ("Projector (HDMI, mirrored)", "monitor (built in)")
    assert watcher.poll(1) == (DisplaysSeen(1, 2, both), DisplayChanged(1, "connected: Projector (HDMI, mirrored)"))
    assert watcher.poll(2) == ()
    monitors.targets = [PANEL]
    assert watcher.poll(3)[1:] == (DisplayChanged(3, "disconnected: Projector (HDMI, mirrored)"),)


def test_where_connectors_are_not_told_monitors_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    Monitors(monkeypatch).targets = None
    assert Displays(Listener()).poll(0) == (DisplaysSeen(0, 1, ("monitor 1",)),)


def test_a_lock_during_which_connectors_are_not_told_is_no_change_of_monitors(monkeypatch: pytest.MonkeyPatch) -> None:
    monitors, watcher = Monitors(monkeypatch), Displays(Listener())
    watcher.poll(0)
    monitors.targets = None
    assert watcher.poll(1) == ()
    monitors.targets = [PANEL]
    assert watcher.poll(2) == ()


def test_a_monitor_that_comes_during_a_lock_is_told_at_once_and_named_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monitors, watcher = Monitors(monkeypatch), Displays(Listener())
    watcher.poll(0)
    monitors.targets, monitors.count = None, 2
    assert watcher.poll(1)[0] == DisplaysSeen(1, 2, ("monitor (built in)", "monitor 2"))
    monitors.targets = [PANEL, SCREEN]
    assert watcher.poll(2)[0] == DisplaysSeen(2, 2, ("Screen 24 (DisplayPort)", "monitor (built in)"))


# ---- the session


def session(*told: tuple[int, int]) -> tuple[SessionState, str]:
    states = SessionStates()
    for message, value in told:
        states.told(Notice(message, value))
    return states.now()


LOCK = (messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_SESSION_LOCK)
UNLOCK = (messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_SESSION_UNLOCK)
SWITCH = (messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_CONSOLE_DISCONNECT)
BACK = (messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_CONSOLE_CONNECT)
SLEEP = (messages.WM_POWERBROADCAST, messages.PBT_APMSUSPEND)
WAKE = (messages.WM_POWERBROADCAST, messages.PBT_APMRESUMEAUTOMATIC)
SIGN_OUT = (messages.WM_ENDSESSION, 1)
STAY = (messages.WM_ENDSESSION, 0)
BATTERY = (messages.WM_POWERBROADCAST, 0xA)

STEPS = {
    "nothing": ((), SessionState.HERE),
    "lock": ((LOCK,), SessionState.LOCKED),
    "unlock": ((LOCK, UNLOCK), SessionState.HERE),
    "switch": ((LOCK, SWITCH), SessionState.AWAY),
    "back": ((LOCK, SWITCH, BACK), SessionState.LOCKED),
    "sleep": ((LOCK, SLEEP), SessionState.ASLEEP),
    "sleep first": ((SLEEP, LOCK, WAKE), SessionState.LOCKED),
    "sign out": ((SIGN_OUT,), SessionState.ASLEEP),
    "stay": ((SIGN_OUT, STAY), SessionState.HERE),
    "battery": ((BATTERY,), SessionState.HERE),
}


@pytest.mark.parametrize("name", STEPS)
def test_each_sequence_of_notices_has_its_state(name: str) -> None:
    told, state = STEPS[name]
    assert session(*told)[0] is state


def test_an_answer_of_windows_outweighs_notices_that_any_program_can_make_up() -> None:
    states = SessionStates()
    states.told(Notice(*SWITCH))
    states.told(Notice(*BACK))
    states.asked(wtsapi32.STATE_DISCONNECTED, False)
    assert states.now()[0] is SessionState.AWAY
    states.asked(wtsapi32.STATE_ACTIVE, False)
    assert states.now() == (SessionState.HERE, "")


def test_windows_is_asked_at_each_poll_but_not_right_after_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The notice of a lock comes before Windows answers that the session is locked."""
    told: list[Notice] = []
    answer = [(wtsapi32.STATE_ACTIVE, False)]
    monkeypatch.setattr("app.lockdown.win32.wtsapi32.session_state", lambda: answer[0])
    monkeypatch.setattr("app.lockdown.windows.listener.Ear.take", lambda _: [told.pop() for _ in range(len(told))])
    watcher = Session(Listener())
    assert watcher.poll(0) == [SessionSeen(0, SessionState.HERE)]
    told.append(Notice(*LOCK))
    assert watcher.poll(1) == [SessionSeen(1, SessionState.LOCKED)]
    assert watcher.poll(NS_PER_S) == []
    answer[0] = (wtsapi32.STATE_DISCONNECTED, True)
    (away,) = watcher.poll(3 * NS_PER_S)
    assert isinstance(away, SessionSeen)
    assert (away.state, away.detail) == (SessionState.AWAY, "another user's session is shown")


# ---- windows

EXAM = TopLevel(1, 100, "invigil", "Qt", (0, 0, 1920, 1080))
OVER = TopLevel(2, 200, "chat", "Chat", (100, 100, 500, 400))


def why(window: TopLevel, *, above: bool = True) -> WindowIs | None:
    order = [window, EXAM] if above else [EXAM, window]
    found = accused(order, EXAM.handle, {EXAM.pid}, {"calculator"})
    return found[0].why if found else None


def test_a_foreign_window_over_the_exam_is_named_with_its_process() -> None:
    assert accused([OVER, EXAM], 1, {100}, ()) == (ForeignWindow("chat", WindowIs.ABOVE, 2, 200),)


HARMLESS = {
    "allowed": replace(OVER, program="calculator"),
    "ours": replace(OVER, pid=100),
    "beside": replace(OVER, rectangle=(1920, 0, 2500, 500)),
    "edge": replace(OVER, rectangle=(1905, 0, 2500, 500)),
    "without size": replace(OVER, rectangle=(10, 10, 10, 10)),
    "tool tip": replace(OVER, class_name="tooltips_class32", rectangle=(10, 10, 200, 40)),
    "input method": replace(OVER, class_name="IME", rectangle=(10, 10, 300, 80)),
    "task bar": replace(OVER, class_name="Shell_TrayWnd", of_windows=True, rectangle=(0, 1040, 1920, 1080)),
    "notification": replace(OVER, class_name="Windows.UI.Core.CoreWindow", of_windows=True),
    "performance overlay": replace(OVER, clicks_pass=True, rectangle=EXAM.rectangle),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_every_machine_shows_is_no_accusation(name: str) -> None:
    assert why(HARMLESS[name]) is None


ACCUSED = {
    "large tool tip": (replace(OVER, class_name="tooltips_class32", rectangle=(0, 0, 1000, 900)), WindowIs.ABOVE),
    "false task bar": (replace(OVER, class_name="Shell_TrayWnd"), WindowIs.ABOVE),
    "hidden from captures": (replace(OVER, affinity=17), WindowIs.HIDDEN_FROM_CAPTURE),
    "hidden overlay": (replace(OVER, affinity=17, clicks_pass=True), WindowIs.HIDDEN_FROM_CAPTURE),
    "hidden tool tip": (
        replace(OVER, affinity=17, class_name="IME", rectangle=(0, 0, 9, 9)), WindowIs.HIDDEN_FROM_CAPTURE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCUSED)
def test_what_hides_behind_a_harmless_look_is_one(name: str) -> None:
    window, reason = ACCUSED[name]
    assert why(window) is reason


def test_a_window_that_the_exam_covers_is_none_even_when_captures_leave_it_out() -> None:
    """A password manager that was open before, for one."""
    assert why(OVER, above=False) is None
    assert why(replace(OVER, affinity=17), above=False) is None


def test_a_hidden_window_on_another_monitor_can_be_seen_and_so_is_one() -> None:
    beside = replace(OVER, affinity=17, rectangle=(1920, 0, 2500, 500))
    assert why(beside, above=False) is WindowIs.HIDDEN_FROM_CAPTURE


def test_nothing_is_accused_while_the_exam_has_no_window() -> None:
    assert accused([OVER], 1, (), ()) == ()


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("C:\\Windows\\explorer.exe", True),
        ("c:\\windows\\SYSTEM32\\taskmgr.exe", True),
        ("C:\\Windows\\SystemApps\\Shell_x\\StartMenu.exe", True),
        ("C:\\Windows\\Temp\\explorer.exe", False),
        ("C:\\Windows\\System32\\spool\\drivers\\color\\x.exe", False),
        ("C:\\WindowsFake\\explorer.exe", False),
        ("", False),
    ],
)
def test_parts_of_windows_lie_where_only_administrators_write(file: str, expected: bool) -> None:
    assert is_of_windows(file, "C:\\Windows") is expected


# ---- devices

STICK = PresentDevice("USBSTOR\\DISK\\SERIAL1", "DiskDrive", "Sample Stick", "USBSTOR\\Disk")
WEBCAM = PresentDevice("USB\\VID_1&PID_2\\SERIAL2", "Camera", "Sample Webcam", "USB\\VID_1&PID_2")


def test_what_came_and_went_is_named_without_serial_numbers() -> None:
    change = change_of(5, of_interest([WEBCAM]), of_interest([STICK]))
    assert change == DevicesChanged(
        5, (Device(DeviceKind.STORAGE, "Sample Stick"),), (Device(DeviceKind.CAMERA, "Sample Webcam"),)
    )
    assert "SERIAL" not in repr(change)


def test_a_second_device_of_one_model_is_a_change_and_a_new_name_for_the_same_is_none() -> None:
    before = of_interest([STICK])
    assert change_of(0, before, of_interest([STICK, replace(STICK, instance="USBSTOR\\DISK\\SERIAL3")])) is not None
    assert change_of(0, before, of_interest([replace(STICK, name="Drive")])) is None


def test_networks_and_parts_of_devices_are_of_no_interest() -> None:
    classes = ("Net", "Bluetooth", "HIDClass", "USB", "System", "SoftwareDevice", "MEDIA")
    assert of_interest([replace(STICK, class_name=name) for name in classes]) == {}


def test_devices_are_looked_for_when_windows_tells_and_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    present, told = [WEBCAM], [False]
    monkeypatch.setattr("app.lockdown.windows.devices.present_devices", lambda: list(present))
    monkeypatch.setattr("app.lockdown.windows.listener.Ear.take", lambda _: [Notice(0, 0)] if told[0] else [])
    watcher = Devices(Listener())
    assert watcher.poll(0) == ()
    present.append(STICK)
    assert watcher.poll(5 * NS_PER_S) == ()
    added = (Device(DeviceKind.STORAGE, "Sample Stick"),)
    assert watcher.poll(10 * NS_PER_S) == (DevicesChanged(10 * NS_PER_S, added),)
    told[0] = True
    assert watcher.poll(11 * NS_PER_S) == ()
    told[0] = False
    present.remove(STICK)
    assert watcher.poll(13 * NS_PER_S) == (DevicesChanged(13 * NS_PER_S, (), added),)


# ---- input


def test_blocked_presses_and_injected_input_are_reported_once() -> None:
    log = InputLog()
    watcher = InputUse(log)
    log.blocked(KeyPress("Tab", alt=True))
    log.blocked(KeyPress("PrintScreen"))
    for _ in range(3):
        log.injected("a key made by a program")
    assert watcher.poll(4) == (
        KeyBlocked(4, "Alt+Tab", False),
        KeyBlocked(4, "PrintScreen", True),
        InputInjected(4, "a key made by a program", 3),
    )
    assert watcher.poll(5) == ()


# ---- what the machine is


SIGNS = load_signs(resources_dir() / "lists" / "machine_signs.json")


def names(readings: Readings) -> dict[str, str]:
    return {signal.name: signal.detail for signal in signals_of(readings, SIGNS)}


def device(hardware_id: str, class_name: str = "System", name: str = "") -> PresentDevice:
    return PresentDevice("X\\Y\\Z", class_name, name, hardware_id)


def test_a_guest_of_virtualbox_is_known_by_several_signals() -> None:
    guest = Readings(
        {"SystemManufacturer": "innotek GmbH", "SystemProductName": "VirtualBox", "BIOSVersion": "VirtualBox"},
        (device("PCI\\VEN_80EE&DEV_CAFE"),),
        ("VBoxService",),
        ("08:00:27:11:22:33",),
    )
    assert names(guest) == dict.fromkeys(
        ("vm_bios_vendor", "vm_product", "vm_device", "vm_service", "vm_mac"), "VirtualBox"
    )


def test_a_guest_of_hyper_v_is_told_from_a_surface() -> None:
    maker = {"SystemManufacturer": "Microsoft Corporation"}
    assert names(Readings({**maker, "SystemProductName": "Virtual Machine"})) == {"vm_product": "Hyper-V"}
    assert names(Readings({**maker, "SystemProductName": "Surface Laptop 5"})) == {}


def test_a_real_machine_that_runs_virtual_machines_of_its_own_shows_none() -> None:
    """With VirtualBox, VMware and Hyper-V installed: it has their network adapters beside its own."""
    host = Readings(
        {"SystemManufacturer": "Sample Maker", "SystemProductName": "Xenon 15", "BaseBoardManufacturer": "Sample"},
        (device("PCI\\VEN_8086&DEV_1234"), device("ROOT\\VMWVMCIHOSTDEV"), device("ROOT\\VMS_MP")),
        (),
        ("3C:7C:3F:00:00:01", "00:50:56:C0:00:01", "00:15:5D:00:00:01", "0A:00:27:00:00:01"),
    )
    assert names(host) == {}


def test_remote_desktop_and_a_virtual_camera_are_named() -> None:
    camera = device("ROOT\\CAMERA", "Camera", "OBS Virtual Camera")
    webcam = device("USB\\VID_1&PID_2", "Camera", "Sample Webcam")
    found = names(Readings({}, (camera, webcam), remote_session=True, wine="8.0"))
    assert found == {
        "remote_session": "Remote Desktop",
        "virtual_camera_name": "OBS Virtual Camera",
        "wine": "Wine 8.0",
    }


def test_no_detail_holds_an_address_or_a_serial_number() -> None:
    readings = Readings({}, (device("PCI\\VEN_15AD&DEV_0405"),), (), ("00:0C:29:AA:BB:CC",))
    assert "AA" not in repr(signals_of(readings, SIGNS))
    assert "X\\\\Y" not in repr(signals_of(readings, SIGNS))
