"""What the watchers of macOS make of what they read: the part that needs no Mac."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from app.core.types import (
    NS_PER_S,
    ClipboardUsed,
    Device,
    DeviceKind,
    DevicesChanged,
    DisplayChanged,
    DisplaysSeen,
    ForeignWindow,
    SessionSeen,
    SessionState,
    WindowIs,
    WindowsSeen,
)
from app.lockdown.machine import Connection, viewer_signals
from app.lockdown.machine_signs import MachineSigns
from app.lockdown.macos.clipboard import ANOTHER_DEVICE, ANOTHER_PROGRAM, REMOTE_TYPE, ClipboardEmptied, ClipboardUse
from app.lockdown.macos.devices import Devices, storage_of
from app.lockdown.macos.displays import UNKNOWN_VENDOR, Display, Displays, names_of, suspected_of
from app.lockdown.macos.machine import Readings, connections_of, signals_of
from app.lockdown.macos.session import LOCKED, ON_CONSOLE, Notice, Session
from app.lockdown.macos.windows import ForeignWindows, TopLevel, accused, is_of_macos


def nothing_told(_: Callable[[], None]) -> Callable[[], None]:
    return lambda: None


# ---- displays

PANEL = Display(builtin=True, mirrors=False, vendor=0x610, model=0xA050)
SCREEN = Display(builtin=False, mirrors=False, vendor=0x10AC, model=0x4155)
NAMELESS = replace(SCREEN, vendor=UNKNOWN_VENDOR)


def test_a_display_that_comes_mirrored_is_counted_and_named() -> None:
    online = [PANEL]
    watcher = Displays(lambda: online, nothing_told)
    assert watcher.poll(0) == (DisplaysSeen(0, 1, ("display (built in)",)),)
    online.append(replace(SCREEN, mirrors=True))
    seen, changed = watcher.poll(1)
    assert isinstance(seen, DisplaysSeen)
    assert seen.count == 2
    assert changed == DisplayChanged(1, "connected: display 10ac:4155 (external, mirrored)")
    assert watcher.poll(2) == ()


def test_a_display_without_a_maker_is_suspected_beside_another_one_only() -> None:
    assert suspected_of([NAMELESS]) == ()
    assert len(suspected_of([PANEL, NAMELESS])) == 1
    assert suspected_of([PANEL, SCREEN]) == ()
    assert names_of([NAMELESS]) == ("display (maker unknown)",)


def test_macos_is_asked_to_tell_until_the_watcher_is_closed() -> None:
    told: list[str] = []

    def tell(wake: Callable[[], None]) -> Callable[[], None]:
        wake()
        return lambda: told.append("ended")

    watcher = Displays(lambda: [PANEL], tell)
    assert watcher.listen(lambda: told.append("woken")) is None
    watcher.close()
    watcher.close()
    assert told == ["woken", "ended"]


# ---- windows

EXAM = TopLevel(1, 100, "invigil", 2147483628, (0, 0, 1440, 900))
OVER = TopLevel(2, 200, "chat", 0, (100, 100, 400, 300))


def why(window: TopLevel, *, above: bool = True) -> WindowIs | None:
    order = [window, EXAM] if above else [EXAM, window]
    found = accused(order, {EXAM.pid}, {"calculator"})
    return found[0].why if found else None


def test_a_foreign_window_over_the_exam_is_named_with_its_process() -> None:
    assert accused([OVER, EXAM], {100}, ()) == (ForeignWindow("chat", WindowIs.ABOVE, 2, 200),)


HARMLESS = {
    "allowed": replace(OVER, program="calculator"),
    "our own menu": replace(OVER, pid=100),
    "beside": replace(OVER, frame=(1440, 0, 400, 300)),
    "thin": replace(OVER, frame=(0, 0, 1440, 8)),
    "invisible": replace(OVER, alpha=0.0),
    "part of macOS": replace(OVER, of_macos=True, layer=1000),
    "menu bar item": replace(OVER, layer=25, frame=(900, 0, 40, 24)),
    "menu bar item that captures leave out": replace(OVER, layer=25, frame=(900, 0, 40, 24), shared=False),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_every_mac_shows_is_no_accusation(name: str) -> None:
    assert why(HARMLESS[name]) is None


def test_a_large_window_in_the_menu_bars_layer_is_one() -> None:
    assert why(replace(OVER, layer=25)) is WindowIs.ABOVE


def test_a_window_that_captures_leave_out_is_one_where_it_can_be_seen() -> None:
    hidden = replace(OVER, shared=False)
    assert why(hidden) is WindowIs.HIDDEN_FROM_CAPTURE
    assert why(hidden, above=False) is None
    beside = replace(hidden, frame=(1440, 0, 400, 300))
    assert why(beside, above=False) is WindowIs.HIDDEN_FROM_CAPTURE


def test_a_window_below_the_exam_is_none() -> None:
    assert why(OVER, above=False) is None


def test_a_window_over_the_exam_is_one_though_a_menu_of_ours_is_above_it() -> None:
    menu = replace(EXAM, number=3, frame=(0, 0, 200, 200))
    assert [window.program for window in accused([menu, OVER, EXAM], {100}, ())] == ["chat"]


def test_nothing_is_accused_while_the_exam_has_no_window() -> None:
    assert accused([OVER], {100}, ()) == ()


def test_windows_are_reported_when_they_come_and_when_they_go() -> None:
    shown = [OVER, EXAM]
    watcher = ForeignWindows(lambda: shown, {100}, ())
    assert watcher.poll(0) == (WindowsSeen(0, (ForeignWindow("chat", WindowIs.ABOVE, 2, 200),)),)
    assert watcher.poll(1) == ()
    shown.remove(OVER)
    assert watcher.poll(2) == (WindowsSeen(2, ()),)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("/System/Library/CoreServices/Dock.app/Contents/MacOS/Dock", True),
        ("/System/Library/Input Methods/CharacterPalette.app/Contents/MacOS/CharacterPalette", True),
        ("/System/Library/CoreServices/Finder.app/Contents/MacOS/Finder", False),
        ("/System/Library/CoreServices/Applications/Screen Sharing.app/Contents/MacOS/Screen Sharing", False),
        ("/System/Applications/Messages.app/Contents/MacOS/Messages", False),
        ("/Applications/Dock.app/Contents/MacOS/Dock", False),
        ("/System/Library/../../tmp/Dock", False),
        ("", False),
    ],
)
def test_parts_of_macos_lie_where_nobody_can_write(file: str, expected: bool) -> None:
    assert is_of_macos(file) is expected


# ---- the clipboard


class Board:
    """The pasteboard of a Mac, in memory."""

    def __init__(self) -> None:
        self._changes = 5
        self._types: list[str] = ["public.utf8-plain-text"]

    def changes(self) -> int:
        return self._changes

    def types(self) -> list[str]:
        return self._types

    def empty(self) -> int:
        self._types = []
        self._changes += 1
        return self._changes

    def put(self, *more: str) -> None:
        self._types = ["public.utf8-plain-text", *more]
        self._changes += 1


class Clipboard:
    """A watcher of a pasteboard, and which program is in front."""

    def __init__(self) -> None:
        self.board = Board()
        self.exam_in_front = True
        self.watcher = ClipboardUse(self.board, lambda: self.exam_in_front)
        self.watcher.poll(0)


def test_the_clipboard_is_emptied_before_and_after_the_exam() -> None:
    board = Board()
    operation = ClipboardEmptied(board)
    operation.perform()
    assert board.types() == []
    board.put()
    operation.revert(operation.before())
    assert board.types() == []


def test_copying_in_the_exam_is_no_report_and_stays() -> None:
    clipboard = Clipboard()
    clipboard.board.put()
    assert clipboard.watcher.poll(1) == ()
    assert clipboard.board.types()


def test_what_another_program_puts_in_is_reported_once_and_taken_out() -> None:
    clipboard = Clipboard()
    clipboard.exam_in_front = False
    clipboard.board.put()
    assert clipboard.watcher.poll(1) == (ClipboardUsed(1, ANOTHER_PROGRAM),)
    assert clipboard.board.types() == []
    assert clipboard.watcher.poll(2) == ()


def test_a_copy_that_was_made_just_before_coming_back_is_reported() -> None:
    clipboard = Clipboard()
    clipboard.exam_in_front = False
    assert clipboard.watcher.poll(1) == ()
    clipboard.board.put()
    clipboard.exam_in_front = True
    assert clipboard.watcher.poll(2) == (ClipboardUsed(2, ANOTHER_PROGRAM),)


def test_a_copy_from_another_device_is_reported_though_the_exam_is_in_front() -> None:
    clipboard = Clipboard()
    clipboard.board.put(REMOTE_TYPE)
    assert clipboard.watcher.poll(1) == (ClipboardUsed(1, ANOTHER_DEVICE),)


def test_a_clipboard_that_was_emptied_is_no_report() -> None:
    clipboard = Clipboard()
    clipboard.exam_in_front = False
    clipboard.board.empty()
    assert clipboard.watcher.poll(1) == ()


# ---- the session


class Login:
    """What macOS says of the login session, and a watcher of it."""

    def __init__(self) -> None:
        self.answer: Mapping[str, object] | None = {ON_CONSOLE: True}
        self.tell: Callable[[Notice], None] = lambda _: None
        self.woken = 0
        self.watcher = Session(lambda: self.answer, self._told)
        self.watcher.listen(self._wake)
        assert self.watcher.poll(0) == [SessionSeen(0, SessionState.HERE)]

    def _told(self, on_notice: Callable[[Notice], None]) -> Callable[[], None]:
        self.tell = on_notice
        return lambda: None

    def _wake(self) -> None:
        self.woken += 1

    def states(self, at_s: int) -> list[SessionState]:
        return [each.state for each in self.watcher.poll(at_s * NS_PER_S) if isinstance(each, SessionSeen)]


STEPS = {
    "lock": ((Notice.LOCK,), [SessionState.LOCKED]),
    "lock and unlock": ((Notice.LOCK, Notice.UNLOCK), [SessionState.LOCKED, SessionState.HERE]),
    "another user": ((Notice.AWAY,), [SessionState.AWAY]),
    "another user and back": ((Notice.AWAY, Notice.BACK), [SessionState.AWAY, SessionState.HERE]),
    "sleep and wake": ((Notice.SLEEP, Notice.WAKE), [SessionState.ASLEEP, SessionState.HERE]),
    "sleep, locked, wake": (
        (Notice.SLEEP, Notice.LOCK, Notice.WAKE), [SessionState.ASLEEP, SessionState.LOCKED],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_each_step_of_a_session_is_told_at_once(name: str) -> None:
    notices, states = STEPS[name]
    login = Login()
    for notice in notices:
        login.tell(notice)
    assert login.woken == len(notices)
    assert login.states(1) == states


def test_without_any_notice_macos_is_asked() -> None:
    login = Login()
    login.answer = {ON_CONSOLE: True, LOCKED: 1}
    assert login.states(1) == [SessionState.LOCKED]
    login.answer = {ON_CONSOLE: False, LOCKED: 1}
    assert login.states(2) == [SessionState.AWAY]
    login.answer = {ON_CONSOLE: True}
    assert login.states(3) == [SessionState.HERE]


def test_a_notice_that_a_program_made_up_is_corrected_by_asking() -> None:
    login = Login()
    login.tell(Notice.LOCK)
    assert login.states(1) == [SessionState.LOCKED]
    assert login.states(2) == []
    assert login.states(4) == [SessionState.HERE]


def test_a_mac_that_falls_asleep_slowly_is_asleep_meanwhile() -> None:
    login = Login()
    login.tell(Notice.SLEEP)
    assert login.states(1) == [SessionState.ASLEEP]
    assert login.states(20) == []


def test_outside_of_a_session_nothing_is_made_up() -> None:
    login = Login()
    login.answer = None
    assert login.states(5) == []


# ---- devices

WEBCAM = Device(DeviceKind.CAMERA, "Sample Webcam")


def test_a_device_that_comes_and_goes_is_reported() -> None:
    present: dict[str, Device] = {}
    watcher = Devices(lambda: dict(present))
    assert watcher.poll(0) == ()
    present["a"] = WEBCAM
    assert watcher.poll(1 * NS_PER_S) == ()
    assert watcher.poll(5 * NS_PER_S) == (DevicesChanged(5 * NS_PER_S, (WEBCAM,)),)
    present.clear()
    assert watcher.poll(10 * NS_PER_S) == (DevicesChanged(10 * NS_PER_S, (), (WEBCAM,)),)


def test_a_volume_is_storage_and_its_name_is_the_persons_own() -> None:
    found = storage_of(
        [
            ("/dev/disk3s1s1", "/"),
            ("/dev/disk3s6", "/System/Volumes/VM"),
            ("/dev/disk5s1", "/Volumes/Private Name"),
            ("/dev/disk6s1", "/Volumes/.timemachine"),
            ("/dev/disk7s1", "/Volumes/com.apple.TimeMachine.localsnapshots"),
        ]
    )
    assert found == {"/dev/disk5s1": Device(DeviceKind.STORAGE, "a volume")}


# ---- what the machine is

SIGNS = MachineSigns(
    firmware={"vmware": "VMware"}, network_addresses={"00-0C-29": "VMware"}, cameras={"obs virtual camera": "OBS"}
)


def names(readings: Readings) -> dict[str, str]:
    return {signal.name: signal.detail for signal in signals_of(readings, SIGNS)}


def test_guests_are_known_by_their_model() -> None:
    assert names(Readings("VirtualMac2,1", guest=True)) == {
        "vm_product": "Apple Virtualization",
        "hypervisor_bit": "",
    }
    assert names(Readings("VMware7,1"))["vm_product"] == "VMware"


def test_a_real_mac_gives_no_signal() -> None:
    real = Readings("MacBookPro18,3", False, ("3C:06:30:00:00:01", "00:0C:29:00:00:01"), ("FaceTime HD Camera",))
    assert names(real) == {}


def test_virtual_cameras_and_logins_by_network_are_named_without_addresses() -> None:
    readings = Readings("Mac14,2", False, ("00:0C:29:AA:BB:CC",), ("OBS Virtual Camera",), by_network=True)
    assert names(readings) == {"vm_mac": "VMware", "virtual_camera_name": "OBS", "ssh_session": ""}
    assert "AA" not in repr(signals_of(readings, SIGNS))


NETSTAT = """Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
tcp4       0      0  192.0.2.5.5900         {remote}.52344       ESTABLISHED
tcp46      0      0  *.5900                 *.*                    LISTEN
tcp4       0      0  192.0.2.5.52001        192.0.2.80.443         TIME_WAIT
tcp4       0      0  *.*                    *.*                    CLOSED
"""


def test_netstat_tells_who_listens_and_who_is_connected() -> None:
    assert connections_of(NETSTAT.format(remote="192.0.2.9")) == [Connection(5900, "192.0.2.9"), Connection(5900)]


@pytest.mark.parametrize(("remote", "viewed"), [("192.0.2.9", True), ("127.0.0.1", False), ("fe80::1%en0", True)])
def test_a_viewer_of_the_screen_is_one_from_another_machine(remote: str, viewed: bool) -> None:
    assert bool(viewer_signals(connections_of(NETSTAT.format(remote=remote)))) is viewed
