"""What processes said to the network, read from strace: every connect and every datagram with an address."""

from __future__ import annotations

import ipaddress
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

STRACE = ("strace", "-f", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o")
"""Arguments are written as a call begins, so that no address hides in a call that another one interrupts."""

_FAMILY = re.compile(r"sa_family=(AF_\w+|0x[0-9a-f]+)")
_PORT = re.compile(r"sin6?_port=htons\((\d+)\)")
_ADDRESS = re.compile(r'inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"')
_ON_THIS_MACHINE = frozenset({"AF_UNIX", "AF_NETLINK", "AF_UNSPEC"})
_DNS_PORT = "53"


def traced(command: Sequence[str], trace: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Runs the command and all that it starts, with their network calls in ``trace``."""
    words = [*STRACE, str(trace), *command]
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False
    )


def looks_outside(trace: str) -> list[str]:
    """The calls that reach for anything but this machine, or for a name server even here."""
    return [line for line in trace.splitlines() if _is_outside(line)]


def loopback_calls(trace: str) -> int:
    """How often anything spoke to this machine by address: none would mean that nothing was traced."""
    return sum("127.0.0.1" in line for line in trace.splitlines())


def _is_outside(line: str) -> bool:
    if "io.systemd.Resolve" in line:
        return True
    families = _FAMILY.findall(line)
    if all(family in _ON_THIS_MACHINE for family in families):
        return False
    addresses = _ADDRESS.findall(line)
    local = bool(addresses) and all(_is_loopback(address) for address in addresses)
    return not local or _DNS_PORT in _PORT.findall(line)


def _is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text)
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
