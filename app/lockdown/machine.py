"""Judges this machine now and then, on every system; and the signals that running programs and connections give anywhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import psutil

from app.core import lockdown
from app.core import machine_signals as names
from app.core.lockdown import program_name
from app.core.machine import FoundSignal, Judgement, judge
from app.core.types import NS_PER_S, MachineSeen, Observation
from app.lockdown.machine_signs import joined
from app.lockdown.processes import ListedProcess

EVERY_S = 10.0
VNC_PORTS = range(5900, 5910)
"""Where VNC servers listen: 5900 and the number of the display (RFC 6143, section 6)."""


class Machine:
    """Reports what the machine's signals add up to, at the first poll and at every change. One thread.

    ``signals`` reads them; it is asked each ``every_s`` at most, as it may take some 50 ms.
    """

    name = lockdown.MACHINE

    def __init__(self, signals: Callable[[], Iterable[FoundSignal]], every_s: float = EVERY_S) -> None:
        self._signals = signals
        self._every_ns = int(every_s * NS_PER_S)
        self._due_ns: int | None = None
        self._seen: tuple[Judgement, ...] = ()

    def poll(self, now_ns: int) -> Sequence[Observation]:
        if self._due_ns is not None and now_ns < self._due_ns:
            return ()
        self._due_ns = now_ns + self._every_ns
        found = judge(self._signals(), names.KNOWN)
        if found == self._seen:
            return ()
        self._seen = found
        return (MachineSeen(now_ns, found),)

    def listen(self, wake: Callable[[], None]) -> int | None:
        """Polled only: nothing tells of all of it, and little of it changes."""
        return None

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One TCP socket of this machine. ``remote`` is compared and forgotten; empty for one that listens."""

    local_port: int
    remote: str = ""


def program_signals(
    known: Iterable[ListedProcess], running: Mapping[int, str], connected: Callable[[int], bool]
) -> tuple[FoundSignal, ...]:
    """What running programs say. ``running`` is names by process number; ``connected`` is asked of remote control only."""
    by_name = {
        program_name(name): (entry.signal, entry.name)
        for entry in known
        if entry.signal
        for name in (entry.name, *entry.original_names)
    }
    found: dict[str, set[str]] = {}
    for pid, running_name in running.items():
        signal, listed = by_name.get(program_name(running_name), ("", ""))
        if signal:
            found.setdefault(signal, set()).add(listed)
        if signal == names.REMOTE_CONTROL_PROGRAM and connected(pid):
            found.setdefault(names.REMOTE_CONTROL_CONNECTED, set()).add(listed)
    return tuple(FoundSignal(signal, joined(programs)) for signal, programs in sorted(found.items()))


def viewer_signals(connections: Iterable[Connection]) -> tuple[FoundSignal, ...]:
    """Whether another computer is connected to a port of this one on which a VNC server listens.

    What comes from this very machine is not counted: virtual machines show their screens to their own windows that way.
    """
    all_of_them = tuple(connections)
    listening = {one.local_port for one in all_of_them if not one.remote}
    watched = listening & set(VNC_PORTS)
    if any(one.local_port in watched and is_elsewhere(one.remote) for one in all_of_them if one.remote):
        return (FoundSignal(names.VIEWER_CONNECTED, "VNC"),)
    return ()


def is_elsewhere(address: str) -> bool:
    """Whether this is an address of another machine, as far as it says so itself."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return not mapped.is_loopback and not mapped.is_unspecified


def running_programs(own: Collection[int] = ()) -> dict[int, str]:
    """Names of all processes but ``own`` by number, as the system shows them to this user."""
    return {
        process.pid: process.info["name"]
        for process in psutil.process_iter(["name"])
        if process.info["name"] and process.pid not in own
    }


def has_connection(pid: int) -> bool:
    """Whether this process is connected with another machine; False where this user may not know."""
    try:
        open_now = psutil.Process(pid).net_connections("tcp")
    except (psutil.Error, OSError):
        return False
    return any(
        one.status == psutil.CONN_ESTABLISHED and bool(one.raddr) and is_elsewhere(one.raddr.ip) for one in open_now
    )
