"""What of a Linux machine speaks for a virtual machine, remote control or a virtual camera.

Signals only, no judgement: ``core.machine`` weighs them. Serial numbers, addresses and host names are not read or not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from app.core import machine_signals as names
from app.core.machine import FoundSignal
from app.lockdown.machine import Connection, has_connection, program_signals, running_programs, viewer_signals
from app.lockdown.machine_signs import MachineSigns, joined
from app.lockdown.processes import ListedProcess

_MOST_BYTES = 200_000
_LISTEN, _ESTABLISHED = "0A", "01"  # include/net/tcp_states.h
_REMOTE_SESSIONS = {
    "XRDP_SESSION": "xrdp",
    "X2GO_SESSION": "X2Go",
    "NXSESSIONID": "NX",
    "VNCDESKTOP": "VNC",
    "CHROME_REMOTE_DESKTOP_SESSION": "Chrome Remote Desktop",
}
"""Set by servers in the sessions that they start."""
_SSH = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_CONTAINERS = {".dockerenv": "Docker", "run/.containerenv": "Podman"}
_NO_CONTAINERS = frozenset({"", "flatpak"})


class LinuxMachine:
    """``signals()`` on one thread. What can't change while the system runs is read once; the rest takes some 20 ms.

    ``root`` is where ``/proc`` and ``/sys`` are looked for.
    """

    def __init__(
        self,
        signs: MachineSigns,
        known: Sequence[ListedProcess],
        environ: Mapping[str, str],
        *,
        root: Path = Path("/"),
        running: Callable[[], Mapping[int, str]] = running_programs,
        connected: Callable[[int], bool] = has_connection,
    ) -> None:
        self._signs = signs
        self._known = tuple(known)
        self._environ = environ
        self._root = root
        self._running = running
        self._connected = connected
        self._lasting: tuple[FoundSignal, ...] | None = None

    def signals(self) -> tuple[FoundSignal, ...]:
        """What can't be read is left out: it speaks for nothing."""
        if self._lasting is None:
            self._lasting = self._read_lasting()
        return (
            *self._lasting,
            *_told(self._cameras()),
            *program_signals(self._known, self._running(), self._connected),
            *viewer_signals(self._connections()),
        )

    def _read_lasting(self) -> tuple[FoundSignal, ...]:
        signs = self._signs
        maker, model = self._firmware("sys_vendor"), self._firmware("product_name")
        drivers = self._drivers()
        return _told(
            (
                (names.VM_BIOS_VENDOR, signs.makers(maker, self._firmware("bios_vendor"))),
                (names.VM_PRODUCT, signs.model(maker, model)),
                (names.VM_BOARD, signs.makers(self._firmware("board_vendor"), self._firmware("board_name"))),
                (names.VM_DEVICE, joined([*signs.parts(self._devices()).split(", "), *drivers])),
                (names.VM_DISK, signs.disk(self._disks())),
                (names.VM_MAC, signs.network(self._addresses())),
                (names.CONTAINER, self._container()),
                (names.REMOTE_SESSION, joined(self._remote_sessions())),
            )
        ) + tuple(self._plain())

    def _plain(self) -> Iterator[FoundSignal]:
        if self._has_hypervisor_bit():
            yield FoundSignal(names.HYPERVISOR_BIT)
        if any(self._environ.get(name) for name in _SSH):
            yield FoundSignal(names.SSH_SESSION)

    def _firmware(self, name: str) -> str:
        return self._text(f"sys/class/dmi/id/{name}")

    def _devices(self) -> set[str]:
        found = {
            f"pci:{_number(each / 'vendor')}:{_number(each / 'device')}" for each in self._list("sys/bus/pci/devices")
        }
        return found | ({"vmbus"} if self._list("sys/bus/vmbus/devices") else set())

    def _drivers(self) -> list[str]:
        loaded = {line.partition(" ")[0] for line in self._text("proc/modules").splitlines()}
        return [product for module, product in self._signs.modules.items() if module in loaded]

    def _disks(self) -> list[str]:
        return [
            f"{_read(each / 'device' / 'vendor')} {_read(each / 'device' / 'model')}".removeprefix("ATA ").strip()
            for each in self._list("sys/block")
        ]

    def _addresses(self) -> list[str]:
        """Of adapters that a device stands behind: bridges and tunnels have made-up ones. Never a detail of a signal."""
        return [_read(each / "address") for each in self._list("sys/class/net") if (each / "device").exists()]

    def _has_hypervisor_bit(self) -> bool:
        for line in self._text("proc/cpuinfo").splitlines():
            if line.startswith("flags"):
                return "hypervisor" in line.split()
        return False

    def _container(self) -> str:
        said = {self._environ.get("container", ""), self._text("run/systemd/container")} - _NO_CONTAINERS
        files = [name for path, name in _CONTAINERS.items() if (self._root / path).exists()]
        wsl = ["WSL"] if "microsoft" in self._text("proc/sys/kernel/osrelease").lower() else []
        return joined([*files, *wsl]) or joined(said)

    def _remote_sessions(self) -> list[str]:
        return [product for name, product in _REMOTE_SESSIONS.items() if self._environ.get(name)]

    def _cameras(self) -> tuple[tuple[str, str], ...]:
        cameras = {each: _read(each / "name") for each in self._list("sys/class/video4linux")}
        unreal = [
            name
            for each, name in cameras.items()
            if "virtual" in each.resolve().parts and not self._signs.is_relayed(name)
        ]
        return (
            (names.VIRTUAL_CAMERA_NAME, self._signs.virtual_cameras(cameras.values())),
            (names.VIRTUAL_CAMERA_DRIVER, joined(unreal)),
            (names.PHONE_CAMERA, self._signs.phones(cameras.values())),
        )

    def _connections(self) -> list[Connection]:
        lines = [*self._text("proc/net/tcp").splitlines()[1:], *self._text("proc/net/tcp6").splitlines()[1:]]
        return [one for line in lines if (one := _connection(line)) is not None]

    def _text(self, path: str) -> str:
        return _read(self._root / path)

    def _list(self, path: str) -> list[Path]:
        try:
            return sorted((self._root / path).iterdir())
        except OSError:
            return []


def _told(found: Iterable[tuple[str, str]]) -> tuple[FoundSignal, ...]:
    return tuple(FoundSignal(name, detail) for name, detail in found if detail)


def _read(path: Path) -> str:
    """A file's beginning, empty where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace").strip("\0\n ")
    except OSError:
        return ""


def _number(path: Path) -> str:
    return _read(path).removeprefix("0x").lower()


def _connection(line: str) -> Connection | None:
    """A line of ``/proc/net/tcp`` (proc(5)); None for one that neither listens nor is connected."""
    words = line.split()
    if len(words) < 4 or words[3] not in (_LISTEN, _ESTABLISHED):
        return None
    try:
        port = int(words[1].rpartition(":")[2], 16)
        return Connection(port, "" if words[3] == _LISTEN else _address(words[2].rpartition(":")[0]))
    except ValueError:
        return None


def _address(digits: str) -> str:
    """Each four bytes are one number in the byte order of the processor, which is little-endian wherever desktops run."""
    raw = b"".join(bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8))
    return str(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw))
