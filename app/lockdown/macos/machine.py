"""What of a Mac speaks for a virtual machine, remote control or a virtual camera.

Signals only, no judgement: ``core.machine`` weighs them. Neither serial numbers nor addresses leave this module.
"""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

from app.core import machine_signals as names
from app.core.machine import FoundSignal
from app.lockdown.machine import Connection, has_connection, program_signals, running_programs, viewer_signals
from app.lockdown.machine_signs import MachineSigns
from app.lockdown.processes import ListedProcess

logger = logging.getLogger(__name__)

MACHINE_EVERY_S = 30.0
_APPLES_GUEST = "VirtualMac"
_SSH = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_NETSTAT = ("/usr/sbin/netstat", "-an", "-p", "tcp")
_NETSTAT_S = 5.0


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read. ``guest``: the kernel says that it runs in a virtual machine. ``mac_addresses`` are of adapters that are up."""

    model: str = ""
    guest: bool = False
    mac_addresses: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    by_network: bool = False


def machine_signals(
    readings: Readings, signs: MachineSigns, known: Sequence[ListedProcess] = ()
) -> tuple[FoundSignal, ...]:
    """Any thread; takes some 50 ms."""
    return (
        *signals_of(readings, signs),
        *program_signals(known, running_programs(), has_connection),
        *viewer_signals(connections_of(_netstat())),
    )


def signals_of(readings: Readings, signs: MachineSigns) -> tuple[FoundSignal, ...]:
    """At most one of each name, with the product. Pure."""
    product = "Apple Virtualization" if readings.model.startswith(_APPLES_GUEST) else signs.makers(readings.model)
    told = (
        (names.VM_PRODUCT, product),
        (names.VM_MAC, signs.network(readings.mac_addresses)),
        (names.VIRTUAL_CAMERA_NAME, signs.virtual_cameras(readings.cameras)),
        (names.PHONE_CAMERA, signs.phones(readings.cameras)),
    )
    plain = ((names.HYPERVISOR_BIT, readings.guest), (names.SSH_SESSION, readings.by_network))
    return (
        *(FoundSignal(name, detail) for name, detail in told if detail),
        *(FoundSignal(name) for name, holds in plain if holds),
    )


def read(environ: Mapping[str, str], model: str, *, guest: bool, cameras: Sequence[str]) -> Readings:
    """With what psutil and the environment tell."""
    by_network = any(environ.get(name) for name in _SSH)
    return Readings(model, guest, _mac_addresses(), tuple(cameras), by_network)


def connections_of(listing: str) -> list[Connection]:
    """Of what netstat(1) prints: protocol, two queues, the local and the other address, the state. Pure."""
    found = []
    for line in listing.splitlines():
        words = line.split()
        if len(words) < 6 or not words[0].startswith("tcp") or words[5] not in {"LISTEN", "ESTABLISHED"}:
            continue
        port = words[3].rpartition(".")[2]
        if port.isdecimal():
            remote = "" if words[5] == "LISTEN" else words[4].rpartition(".")[0]
            found.append(Connection(int(port), remote))
    return found


def _netstat() -> str:
    """psutil needs root here to tell of other users' sockets, as the screen sharing service is one of them."""
    try:
        done = subprocess.run(_NETSTAT, capture_output=True, text=True, timeout=_NETSTAT_S, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        logger.info("the machine's connections are not told: %s", error)
        return ""
    return done.stdout


def _mac_addresses() -> tuple[str, ...]:
    """Of network adapters that are up and called ``en``: the others are bridges, tunnels and AirDrop, with made-up ones."""
    up = {name for name, state in psutil.net_if_stats().items() if state.isup and name.startswith("en")}
    return tuple(
        one.address
        for name, addresses in psutil.net_if_addrs().items()
        if name in up
        for one in addresses
        if one.family == psutil.AF_LINK and one.address
    )
