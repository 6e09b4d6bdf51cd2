"""What is read of machines: made-up ones on Linux, their programs and connections, and the watcher that all systems share."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from app.core.errors import BadInput
from app.core.machine import FoundSignal, Suspicion, Verdict, judge
from app.core.machine_signals import KNOWN
from app.core.types import NS_PER_S, MachineSeen
from app.lockdown.linux.machine import LinuxMachine
from app.lockdown.machine import (
    Connection,
    Machine,
    has_connection,
    is_elsewhere,
    program_signals,
    running_programs,
    viewer_signals,
)
from app.lockdown.machine_signs import MachineSigns, load_signs, read_signs
from app.lockdown.processes import ListedProcess, load_process_list
from app.runtime.resources import resources_dir

LISTS = resources_dir() / "lists"
SIGNS = load_signs(LISTS / "machine_signs.json")
KNOWN_PROGRAMS = load_process_list(LISTS / "processes.json")


class Made:
    """A machine of files below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ: dict[str, str] = {}
        self.running: dict[int, str] = {}
        self.connected: set[int] = set()

    def file(self, path: str, text: str = "") -> Made:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text + "\n", encoding="utf-8")
        return self

    def firmware(self, **names: str) -> Made:
        for name, text in names.items():
            self.file(f"sys/class/dmi/id/{name}", text)
        return self

    def pci(self, vendor: str, device: str) -> Made:
        place = f"sys/bus/pci/devices/0000:00:{len(list((self.root / 'sys/bus/pci/devices').glob('*'))):02}.0"
        return self.file(f"{place}/vendor", f"0x{vendor}").file(f"{place}/device", f"0x{device}")

    def network(self, name: str, address: str, *, real: bool = True) -> Made:
        self.file(f"sys/class/net/{name}/address", address)
        if real:
            (self.root / f"sys/class/net/{name}/device").mkdir()
        return self

    def camera(self, name: str, *, virtual: bool = False) -> Made:
        where = "devices/virtual" if virtual else "devices/pci0000:00/usb1"
        number = len(list((self.root / "sys/class/video4linux").glob("*")))
        self.file(f"sys/{where}/video4linux/video{number}/name", name)
        link = self.root / f"sys/class/video4linux/video{number}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(self.root / f"sys/{where}/video4linux/video{number}")
        return self

    def machine(self) -> LinuxMachine:
        return LinuxMachine(
            SIGNS, KNOWN_PROGRAMS, self.environ,
            root=self.root, running=lambda: self.running, connected=lambda pid: pid in self.connected,
        )  # fmt: skip

    def found(self) -> dict[str, str]:
        return {signal.name: signal.detail for signal in self.machine().signals()}

    def verdict(self, about: Suspicion) -> Verdict:
        return {one.about: one.verdict for one in judge(self.machine().signals(), KNOWN)}[about]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


# ---- real machines


def test_a_laptop_shows_nothing(made: Made) -> None:
    made.firmware(
        sys_vendor="Sample Maker", product_name="Xenon 15", bios_vendor="American Megatrends", board_name="X1"
    )
    made.pci("8086", "9a14").pci("10de", "1f91").network("wlan0", "3c:7c:3f:00:00:01").camera("Integrated Camera")
    made.file("proc/cpuinfo", "processor : 0\nflags : fpu vmx sse2").file("proc/modules", "kvm_intel 1 0 - Live 0x0")
    made.file("sys/block/nvme0n1/device/model", "Sample SSD 980")
    assert made.found() == {}


def test_a_laptop_that_runs_virtual_machines_of_its_own_shows_nothing(made: Made) -> None:
    made.firmware(sys_vendor="Sample Maker", product_name="Model 7").network("eth0", "3c:7c:3f:00:00:01")
    made.network("virbr0", "52:54:00:11:22:33", real=False).network("vmnet8", "00:50:56:c0:00:08", real=False)
    made.file("proc/modules", "vboxdrv 1 0 - Live 0x0\nvmmon 1 0 - Live 0x0").running[7] = "qemu-system-x86_64"
    assert made.found() == {}


def test_a_chromebook_with_its_own_firmware_is_not_taken_for_googles_cloud(made: Made) -> None:
    made.firmware(sys_vendor="Google", product_name="Eve", bios_vendor="coreboot", board_vendor="Google")
    assert made.found() == {}


def test_a_surface_is_not_taken_for_hyper_v(made: Made) -> None:
    made.firmware(
        sys_vendor="Microsoft Corporation", product_name="Surface Laptop 5", board_vendor="Microsoft Corporation"
    )
    assert made.found() == {}


def test_a_built_in_camera_that_its_driver_relays_is_a_real_one(made: Made) -> None:
    made.camera("Intel MIPI Camera", virtual=True)
    assert made.found() == {}


def test_an_idle_teamviewer_is_named_and_accuses_nobody(made: Made) -> None:
    made.running.update({7: "teamviewerd", 8: "bash"})
    made.connected.add(7)
    assert made.found() == {"remote_control_program": "teamviewerd", "remote_control_connected": "teamviewerd"}
    assert made.verdict(Suspicion.REMOTE_CONTROL) is Verdict.CLEAR


def test_flatpak_is_no_container(made: Made) -> None:
    made.environ["container"] = "flatpak"
    assert made.found() == {}


# ---- virtual machines


def test_qemu_is_known_by_several_signs(made: Made) -> None:
    made.firmware(sys_vendor="QEMU", product_name="Standard PC (Q35 + ICH9, 2009)", bios_vendor="SeaBIOS")
    made.pci("1af4", "1041").pci("1234", "1111").network("ens3", "52:54:00:12:34:56")
    made.file("proc/cpuinfo", "flags : fpu hypervisor sse2").file("sys/block/sda/device/vendor", "ATA")
    made.file("sys/block/sda/device/model", "QEMU HARDDISK").running[9] = "qemu-ga"
    assert made.found() == {
        "vm_bios_vendor": "QEMU",
        "vm_device": "QEMU, virtio",
        "vm_disk": "QEMU",
        "vm_mac": "QEMU or KVM",
        "vm_service": "qemu-ga",
        "hypervisor_bit": "",
    }
    assert made.verdict(Suspicion.VIRTUAL_MACHINE) is Verdict.LIKELY


def test_vmware_and_its_guest_module_are_known(made: Made) -> None:
    made.firmware(sys_vendor="VMware, Inc.", product_name="VMware7,1", board_vendor="Intel Corporation")
    made.pci("15ad", "0405").file("proc/modules", "vmw_balloon 1 0 - Live 0x0")
    assert made.found() == dict.fromkeys(("vm_bios_vendor", "vm_product", "vm_device"), "VMware")


def test_hyper_v_is_known_by_its_model_and_its_bus(made: Made) -> None:
    made.firmware(sys_vendor="Microsoft Corporation", product_name="Virtual Machine")
    made.file("sys/bus/vmbus/devices/one/id")
    assert made.found() == {"vm_product": "Hyper-V", "vm_device": "Hyper-V"}
    assert made.verdict(Suspicion.VIRTUAL_MACHINE) is Verdict.LIKELY


@pytest.mark.parametrize(
    ("path", "text", "detail"),
    [(".dockerenv", "", "Docker"), ("run/.containerenv", "", "Podman"), ("run/systemd/container", "lxc", "lxc"),
     ("proc/sys/kernel/osrelease", "5.15.1-microsoft-standard-WSL2", "WSL")],
    ids=["docker", "podman", "lxc", "wsl"],
)  # fmt: skip
def test_a_container_is_named(made: Made, path: str, text: str, detail: str) -> None:
    made.file(path, text)
    assert made.found() == {"container": detail}
    assert made.verdict(Suspicion.VIRTUAL_MACHINE) is Verdict.CLEAR


# ---- remote control and cameras


@pytest.mark.parametrize(
    ("name", "found"),
    [("XRDP_SESSION", {"remote_session": "xrdp"}), ("VNCDESKTOP", {"remote_session": "VNC"}),
     ("X2GO_SESSION", {"remote_session": "X2Go"}), ("SSH_CONNECTION", {"ssh_session": ""})],
    ids=["xrdp", "vnc", "x2go", "ssh"],
)  # fmt: skip
def test_where_the_session_came_from_is_in_its_environment(made: Made, name: str, found: Mapping[str, str]) -> None:
    made.environ[name] = "192.0.2.7 40000 192.0.2.1 22"
    assert made.found() == found


def test_a_viewer_of_the_desktop_is_told_from_a_server_that_waits(made: Made) -> None:
    head = "  sl  local_address rem_address   st"
    listening = "   0: 00000000:170C 00000000:0000 0A"
    made.file("proc/net/tcp", f"{head}\n{listening}\nnonsense").running[7] = "x11vnc"
    assert made.found() == {"vnc_server_running": "x11vnc"}
    made.file("proc/net/tcp", f"{head}\n{listening}\n   1: 010200C0:170C 070200C0:9C40 01")
    assert made.found() == {"vnc_server_running": "x11vnc", "vnc_connected": "VNC"}
    assert made.verdict(Suspicion.REMOTE_CONTROL) is Verdict.LIKELY


def test_a_viewer_over_ipv6_is_seen_and_one_on_this_machine_is_not(made: Made) -> None:
    anywhere, port = "0" * 32, "170C"
    listening = f"   0: {anywhere}:{port} {anywhere}:0000 0A"
    mapped_loopback = "0000000000000000FFFF00000100007F"
    made.file("proc/net/tcp6", f"head\n{listening}\n   1: {mapped_loopback}:{port} {mapped_loopback}:9C40 01")
    assert made.found() == {}
    elsewhere = "B80D0120000000000000000007000000"
    made.file("proc/net/tcp6", f"head\n{listening}\n   1: {anywhere}:{port} {elsewhere}:9C40 01")
    assert made.found() == {"vnc_connected": "VNC"}


def test_a_camera_of_a_program_is_known_by_name_and_by_having_no_device(made: Made) -> None:
    made.camera("Integrated Camera").camera("OBS Virtual Camera", virtual=True).camera("My lectern", virtual=True)
    assert made.found() == {
        "virtual_camera_name": "OBS Virtual Camera",
        "virtual_camera_driver": "My lectern, OBS Virtual Camera",
    }
    assert made.verdict(Suspicion.VIRTUAL_CAMERA) is Verdict.POSSIBLE
    made.running[7] = "obs"
    assert made.verdict(Suspicion.VIRTUAL_CAMERA) is Verdict.LIKELY


def test_a_phone_as_camera_is_told_as_such(made: Made) -> None:
    made.camera("Iriun Webcam #2")
    assert made.found() == {"phone_camera": "Iriun Webcam"}


def test_what_can_not_change_is_read_once_and_cameras_again(made: Made) -> None:
    machine = made.machine()
    assert machine.signals() == ()
    made.firmware(sys_vendor="QEMU").camera("ManyCam Virtual Webcam")
    assert [signal.name for signal in machine.signals()] == ["virtual_camera_name"]


def test_no_detail_holds_an_address_or_a_serial_number(made: Made) -> None:
    made.firmware(sys_vendor="QEMU", product_serial="S3R1AL", product_uuid="UU1D").network("e", "52:54:00:aa:bb:cc")
    made.environ["SSH_CONNECTION"] = "192.0.2.7 40000 192.0.2.1 22"
    said = repr(made.machine().signals()).lower()
    assert not any(secret in said for secret in ("s3r1al", "uu1d", "aa:bb", "192.0.2"))


def test_this_very_machine_can_be_read() -> None:
    machine = LinuxMachine(SIGNS, KNOWN_PROGRAMS, os.environ)
    names = {signal.name for signal in KNOWN}
    assert {signal.name for signal in machine.signals()} <= names


# ---- programs and connections, on any system


def test_a_program_says_what_its_entry_says_under_its_original_name_too() -> None:
    known = (
        ListedProcess("helper", "remote control", "w", ("HelperHost.exe",), "remote_control_program"),
        ListedProcess("notes", "messenger", "w"),
    )
    asked: list[int] = []

    def connected(pid: int) -> bool:
        asked.append(pid)
        return pid == 1

    found = program_signals(known, {1: "helperhost.EXE", 2: "notes", 3: "Helper"}, connected)
    assert found == (FoundSignal("remote_control_connected", "helper"), FoundSignal("remote_control_program", "helper"))
    assert sorted(asked) == [1, 3]


def test_a_port_on_which_nobody_listens_is_a_connection_of_ours_to_elsewhere() -> None:
    assert viewer_signals([Connection(5900, "192.0.2.7")]) == ()
    assert viewer_signals([Connection(3389), Connection(3389, "192.0.2.7")]) == ()


@pytest.mark.parametrize(
    ("address", "elsewhere"),
    [("127.0.0.1", False), ("::1", False), ("::ffff:127.0.0.1", False), ("::", False), ("", False),
     ("192.0.2.7", True), ("2001:db8::7", True), ("fe80::1%eth0", True)],
    ids=str,
)  # fmt: skip
def test_this_machine_is_not_elsewhere(address: str, elsewhere: bool) -> None:
    assert is_elsewhere(address) is elsewhere


def test_running_programs_and_their_connections_are_read() -> None:
    assert os.getpid() in running_programs()
    assert os.getpid() not in running_programs({os.getpid()})
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        assert not has_connection(os.getpid()), "a connection within this machine"
    assert not has_connection(2**22 + 1)


# ---- the watcher


def always(*names: str) -> Callable[[], tuple[FoundSignal, ...]]:
    return lambda: tuple(FoundSignal(name) for name in names)


def test_the_watcher_tells_at_the_first_poll_and_at_a_change_and_asks_now_and_then_only() -> None:
    found: list[FoundSignal] = []
    asked: list[int] = []

    def signals() -> list[FoundSignal]:
        asked.append(1)
        return list(found)

    watcher = Machine(signals, every_s=10.0)
    (first,) = watcher.poll(0)
    assert isinstance(first, MachineSeen)
    assert {one.verdict for one in first.judgements} == {Verdict.CLEAR}
    found.append(FoundSignal("remote_session"))
    assert watcher.poll(9 * NS_PER_S) == ()
    assert len(asked) == 1
    (second,) = watcher.poll(10 * NS_PER_S)
    assert isinstance(second, MachineSeen)
    assert second.judgements == judge(found, KNOWN)
    assert watcher.poll(20 * NS_PER_S) == ()


# ---- the lists of signs


def test_the_signs_that_ship_are_whole() -> None:
    assert all(getattr(SIGNS, name) for name in MachineSigns.__slots__)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (7, "neither a list of programs nor an object"),
        ({"firmwares": {}}, "no section 'firmwares'"),
        ({"firmware": ["qemu"]}, "firmware has to be an object"),
        ({"firmware": {"qemu": ""}}, "entry 'qemu' of firmware"),
        ({"cameras": {" ": "X"}}, "entry ' ' of cameras"),
        ({"modules": {"x": 1}}, "entry 'x' of modules"),
    ],
    ids=["number", "section", "array", "product", "sign", "type"],
)
def test_a_broken_list_of_signs_is_told_by_section_and_entry(data: object, told: str) -> None:
    with pytest.raises(BadInput, match=rf"^lists/own\.json.*{told}"):
        read_signs(data, "lists/own.json")


def test_a_list_that_is_no_json_is_told_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text("{")
    with pytest.raises(BadInput, match=r"own\.json can't be read"):
        load_signs(path)


def test_lists_are_read_in_any_spelling_and_laid_over_each_other() -> None:
    own = read_signs(
        json.loads('{"firmware": {"QEMU": "our own"}, "network_addresses": {"aa:bb:cc": "Sample"}}'), "own"
    )
    both = SIGNS.and_those(own)
    assert both.makers("QEMU") == "our own"
    assert both.makers("VirtualBox") == "VirtualBox"
    assert both.network(["AA-BB-CC-00-00-01"]) == "Sample"


@pytest.mark.parametrize("signal", ["wine", "horoscope", 7], ids=["not by a program", "unknown", "number"])
def test_an_entry_of_programs_with_a_signal_that_there_is_not_is_refused(tmp_path: Path, signal: object) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps([{"name": "a", "kind": "k", "why": "w", "signal": signal}]))
    with pytest.raises(BadInput, match=r"Entry 1 .* signal that there is not"):
        load_process_list(path)
