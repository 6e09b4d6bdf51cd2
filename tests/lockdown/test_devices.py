"""Devices that come and go, in the kernel's lists as they are laid out on a real machine."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.core.types import NS_PER_S, Device, DeviceKind, DevicesChanged, Observation
from app.lockdown.linux import drm
from app.lockdown.linux.devices import SETTLED_NS, Devices

S = NS_PER_S
KEYBOARD, MOUSE, STICK = "Sample Keyboard", "Sample Mouse", "Sample Flash Disk"
ALL_KEYS = "3 0 0 0 0 0 0 0 0 7 ffff0000000007ff febeffdfffefffff fffffffffffffffe"
POWER_KEY = "10000000000000 0"


class Machine:
    """The lists of a machine in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._inputs: dict[str, str] = {}
        for folder in ("sys/class/video4linux", "sys/class/sound", "sys/block", "sys/bus/usb/devices", "sys/class/drm"):
            (root / folder).mkdir(parents=True)
        (root / "proc/bus/input").mkdir(parents=True)
        self._write_inputs()

    def usb(self, port: str, product: str, device_class: str = "00") -> Path:
        """A device at a USB port; returns its folder in the kernel's tree."""
        place = self.root / "sys/devices/pci0000:00/usb1" / port
        place.mkdir(parents=True)
        (place / "product").write_text(f"{product}\n")
        (place / "serial").write_text("4C530001\n")
        (place / "bDeviceClass").write_text(f"{device_class}\n")
        (self.root / "sys/bus/usb/devices" / port).symlink_to(place)
        return place

    def unplug(self, port: str) -> None:
        """It and all that it is made of."""
        place = self.root / "sys/devices/pci0000:00/usb1" / port
        for link in [*self.root.glob("sys/class/*/*"), *self.root.glob("sys/block/*")]:
            if link.is_symlink() and place in link.resolve().parents:
                link.unlink()
        shutil.rmtree(place)
        (self.root / "sys/bus/usb/devices" / port).unlink()

    def disk(self, place: Path, node: str, size: int = 1000) -> Path:
        folder = place / f"{place.name}:1.0" / "block" / node
        (folder / "device").mkdir(parents=True)
        (folder / "size").write_text(f"{size}\n")
        (folder / "device/vendor").write_text("Sample  \n")
        (folder / "device/model").write_text("Flash Disk      \n")
        (self.root / "sys/block" / node).symlink_to(folder)
        return folder

    def stick(self, port: str = "1-2", node: str = "sdb") -> None:
        self.disk(self.usb(port, "Stick"), node)

    def camera(self, place: Path, *nodes: str) -> None:
        for node in nodes:
            folder = place / f"{place.name}:1.0" / "video4linux" / node
            folder.mkdir(parents=True)
            (folder / "name").write_text("Sample Camera\n")
            (self.root / "sys/class/video4linux" / node).symlink_to(folder)

    def sound_card(self, place: Path, node: str) -> None:
        folder = place / f"{place.name}:1.1" / "sound" / node
        folder.mkdir(parents=True)
        (folder / "id").write_text("Camera\n")
        (self.root / "sys/class/sound" / node).symlink_to(folder)

    def connector(self, name: str, status: str, enabled: str = "enabled") -> None:
        folder = self.root / "sys/class/drm" / f"card0-{name}"
        folder.mkdir(exist_ok=True)
        (folder / "status").write_text(f"{status}\n")
        (folder / "enabled").write_text(f"{enabled}\n")

    def input(self, name: str, handlers: str, keys: str = "0", bus: str = "0003") -> None:
        self._inputs[name] = (
            f'I: Bus={bus} Vendor=0001 Product=0002 Version=0110\nN: Name="{name}"\nP: Phys=usb/input0\n'
            f"S: Sysfs=/devices/platform/{len(self._inputs)}/input\nU: Uniq=4C530001\nH: Handlers={handlers} \n"
            f"B: PROP=0\nB: EV=120013\nB: KEY={keys}\n"
        )
        self._write_inputs()

    def take_input(self, name: str) -> None:
        del self._inputs[name]
        self._write_inputs()

    def _write_inputs(self) -> None:
        (self.root / "proc/bus/input/devices").write_text("\n".join(self._inputs.values()))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """With a keyboard, a mouse, a disk, a hub and a power button."""
    made = Machine(tmp_path)
    made.input(KEYBOARD, "sysrq kbd event0 leds", ALL_KEYS)
    made.input(MOUSE, "mouse0 event1", "1f0000 0 0 0 0")
    made.input("Power Button", "kbd event2", POWER_KEY)
    made.usb("1-1", "Sample Hub", "09")
    return made


@pytest.fixture
def devices(machine: Machine) -> Devices:
    watcher = Devices(machine.root)
    assert watcher.listen(lambda: None) is None
    assert watcher.poll(0) == ()
    return watcher


def settled(watcher: Devices, from_ns: int = S) -> Sequence[Observation]:
    """What is told of a change that was made just now."""
    assert watcher.poll(from_ns) == ()
    return watcher.poll(from_ns + SETTLED_NS)


def storage(name: str = STICK) -> Device:
    return Device(DeviceKind.STORAGE, name)


def test_a_stick_is_told_once_when_it_comes_and_once_when_it_goes(machine: Machine, devices: Devices) -> None:
    machine.stick()
    assert settled(devices) == (DevicesChanged(4 * S, (storage(),), ()),)
    assert devices.poll(5 * S) == ()
    machine.unplug("1-2")
    assert settled(devices, 6 * S) == (DevicesChanged(9 * S, (), (storage(),)),)


def test_what_was_plugged_in_before_the_exam_is_no_change(machine: Machine) -> None:
    machine.stick()
    watcher = Devices(machine.root)
    assert [watcher.poll(0), watcher.poll(9 * S)] == [(), ()]


def test_a_device_that_comes_back_at_once_under_another_number_is_not_told(machine: Machine) -> None:
    machine.stick(node="sdb")
    watcher = Devices(machine.root)
    watcher.poll(0)
    machine.unplug("1-2")
    assert watcher.poll(S) == ()
    machine.stick(port="1-3", node="sdc")
    assert [watcher.poll(at_s * S) for at_s in range(2, 9)] == [()] * 7


def test_a_stick_that_is_not_a_disk_yet_is_told_as_one(machine: Machine, devices: Devices) -> None:
    place = machine.usb("1-2", "Stick")
    assert devices.poll(S) == ()
    machine.disk(place, "sdb")
    assert devices.poll(2 * S) == ()
    assert devices.poll(5 * S) == (DevicesChanged(5 * S, (storage(),)),)


def test_two_of_one_kind_are_told_apart(machine: Machine, devices: Devices) -> None:
    machine.stick("1-2", "sdb")
    machine.stick("1-3", "sdc")
    assert settled(devices) == (DevicesChanged(4 * S, (storage(), storage())),)
    machine.unplug("1-2")
    assert settled(devices, 5 * S) == (DevicesChanged(8 * S, (), (storage(),)),)


def test_a_reader_is_told_when_a_card_is_put_in(machine: Machine) -> None:
    disk = machine.disk(machine.usb("1-2", "Reader"), "sdb", size=0)
    watcher = Devices(machine.root)
    watcher.poll(0)
    (disk / "size").write_text("2000\n")
    (change,) = settled(watcher)
    assert isinstance(change, DevicesChanged)
    assert change.added == (storage(),)


def test_a_number_in_the_makers_place_is_no_name(machine: Machine, devices: Devices) -> None:
    disk = machine.disk(machine.usb("1-2", "Stick"), "sdb")
    (disk / "device/vendor").write_text("0x1af4\n")
    assert settled(devices) == (DevicesChanged(4 * S, (storage("Flash Disk"),)),)


def test_a_camera_is_one_device_with_its_microphone_and_without_a_serial_number(
    machine: Machine, devices: Devices
) -> None:
    place = machine.usb("1-2", "Sample Camera", "ef")
    machine.camera(place, "video0", "video1")
    machine.sound_card(place, "card1")
    camera, sound = Device(DeviceKind.CAMERA, "Sample Camera"), Device(DeviceKind.SOUND, "Sample Camera")
    assert settled(devices) == (DevicesChanged(4 * S, (camera, sound)),)


def test_a_camera_that_a_program_makes_is_a_camera(machine: Machine, devices: Devices) -> None:
    folder = machine.root / "sys/devices/virtual/video4linux/video9"
    folder.mkdir(parents=True)
    (folder / "name").write_text("Dummy video device\n")
    (machine.root / "sys/class/video4linux/video9").symlink_to(folder)
    assert settled(devices) == (DevicesChanged(4 * S, (Device(DeviceKind.CAMERA, "Dummy video device"),)),)


def test_a_second_keyboard_is_told_and_a_button_is_none(machine: Machine, devices: Devices) -> None:
    machine.input("Headset", "kbd event5", POWER_KEY)
    machine.input("Another Keyboard", "sysrq kbd event6 leds", ALL_KEYS)
    assert settled(devices) == (DevicesChanged(4 * S, (Device(DeviceKind.KEYBOARD, "Another Keyboard"),)),)


def test_a_wireless_mouse_that_sleeps_and_wakes_is_not_told_and_its_owners_name_never(machine: Machine) -> None:
    machine.input("Sample Candidate's mouse", "mouse1 event7", bus="0005")
    watcher = Devices(machine.root)
    watcher.poll(0)
    machine.take_input("Sample Candidate's mouse")
    assert settled(watcher) == ()
    machine.input("Sample Candidate's mouse", "mouse1 event9", bus="0005")
    assert settled(watcher, 60 * S) == ()
    machine.input("another one", "mouse2 event10", bus="0005")
    assert settled(watcher, 90 * S) == (
        DevicesChanged(93 * S, (Device(DeviceKind.KEYBOARD, "wireless keyboard or mouse"),)),
    )


def test_another_monitor_is_told(machine: Machine) -> None:
    machine.connector("eDP-1", "connected")
    machine.connector("HDMI-A-1", "disconnected", "disabled")
    watcher = Devices(machine.root)
    watcher.poll(0)
    machine.connector("HDMI-A-1", "connected", "disabled")
    assert settled(watcher) == (DevicesChanged(4 * S, (Device(DeviceKind.DISPLAY, "HDMI-A-1"),)),)


@pytest.mark.parametrize("device_class", ["09", "e0"], ids=["hub", "wireless adapter"])
def test_hubs_and_networks_are_normal_life(machine: Machine, devices: Devices, device_class: str) -> None:
    machine.usb("1-2", "Sample Adapter", device_class)
    assert settled(devices) == ()


def test_any_other_device_is_told_by_its_model_on_one_printable_line(machine: Machine, devices: Devices) -> None:
    machine.usb("1-2", "Sample\tPhone\x1b[2J " + "x" * 200)
    (change,) = settled(devices)
    assert isinstance(change, DevicesChanged)
    (phone,) = change.added
    assert phone.kind is DeviceKind.OTHER
    assert phone.name.startswith("Sample Phone [2J xxx")
    assert len(phone.name) <= 80


def test_a_machine_without_any_of_these_lists_has_no_news(tmp_path: Path) -> None:
    watcher = Devices(tmp_path / "none")
    assert [watcher.poll(0), watcher.poll(9 * S)] == [(), ()]
    watcher.close()


# ---- monitors that the X server does not show


@pytest.mark.parametrize(
    ("outputs", "suspected"),
    [
        (["eDP-1", "HDMI-1"], ()),
        (["eDP", "HDMI-A-0"], ()),
        (["eDP-1"], ("a monitor at HDMI that the X server does not show",)),
        (["screen"], ()),
        ([], ()),
    ],
    ids=["both", "both, named otherwise", "one", "a virtual X server", "none"],
)
def test_a_monitor_that_is_on_and_not_the_x_servers_is_suspected(
    machine: Machine, outputs: list[str], suspected: tuple[str, ...]
) -> None:
    machine.connector("eDP-1", "connected")
    machine.connector("HDMI-A-1", "connected")
    machine.connector("DP-1", "connected", "disabled")
    assert drm.not_shown(outputs, machine.root / "sys/class/drm") == suspected
