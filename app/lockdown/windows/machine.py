"""What of a Windows machine speaks for a virtual machine, remote control or a virtual camera.

Signals only, no judgement: ``core.machine`` weighs them. Neither serial numbers nor addresses leave this module.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from app.core import machine_signals as names
from app.core.machine import FoundSignal
from app.lockdown.machine import Connection, has_connection, program_signals, viewer_signals
from app.lockdown.machine_signs import MachineSigns, joined
from app.lockdown.processes import ListedProcess
from app.lockdown.win32 import advapi32, kernel32, user32
from app.lockdown.win32.advapi32_services import running_services
from app.lockdown.win32.setupapi import PresentDevice, present_devices

logger = logging.getLogger(__name__)

_FIRMWARE_KEY = "HARDWARE\\DESCRIPTION\\System\\BIOS"
_FIRMWARE_VALUES = (
    "SystemManufacturer", "SystemProductName", "BIOSVendor", "BIOSVersion", "BaseBoardManufacturer", "BaseBoardProduct",
)  # fmt: skip
_PCI = re.compile(r"PCI\\VEN_(?P<vendor>[0-9A-F]{4})&DEV_(?P<device>[0-9A-F]{4})")
_CAMERA_CLASSES = frozenset({"camera", "image"})


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read. ``firmware`` by registry value. ``mac_addresses`` are of the network adapters that are up."""

    firmware: dict[str, str]
    devices: tuple[PresentDevice, ...] = ()
    services: tuple[str, ...] = ()
    mac_addresses: tuple[str, ...] = ()
    remote_session: bool = False
    remote_control: bool = False
    wine: str = ""


def machine_signals(signs: MachineSigns, known: Sequence[ListedProcess] = ()) -> tuple[FoundSignal, ...]:
    """What can't be read is left out: it speaks for nothing. Any thread; takes some 50 ms.

    A service that runs in guests only and its program are one cause, and so are told once.
    """
    own = signals_of(_read(signs), signs)
    told = {signal.name for signal in own}
    running = {one.pid: one.name for one in kernel32.running()}
    programs = program_signals(known, running, has_connection)
    return (*own, *(one for one in programs if one.name not in told), *viewer_signals(_connections()))


def signals_of(readings: Readings, signs: MachineSigns) -> tuple[FoundSignal, ...]:
    """At most one of each name, with the products. Pure."""
    firmware = readings.firmware
    maker, model = firmware.get("SystemManufacturer", ""), firmware.get("SystemProductName", "")
    cameras = [device.name for device in readings.devices if device.class_name.lower() in _CAMERA_CLASSES]
    found = (
        (names.VM_BIOS_VENDOR, signs.makers(maker, firmware.get("BIOSVendor", ""), firmware.get("BIOSVersion", ""))),
        (names.VM_PRODUCT, signs.model(maker, model)),
        (names.VM_BOARD, signs.makers(firmware.get("BaseBoardManufacturer", ""), firmware.get("BaseBoardProduct", ""))),
        (names.VM_DEVICE, signs.parts(_part(device) for device in readings.devices)),
        (names.VM_SERVICE, joined(signs.services.get(name, "") for name in readings.services)),
        (names.VM_MAC, signs.network(readings.mac_addresses)),
        (names.WINE, readings.wine and f"Wine {readings.wine}"),
        (names.REMOTE_SESSION, _remote(readings)),
        (names.VIRTUAL_CAMERA_NAME, signs.virtual_cameras(cameras)),
        (names.PHONE_CAMERA, signs.phones(cameras)),
    )
    return tuple(FoundSignal(name, detail) for name, detail in found if detail)


def _part(device: PresentDevice) -> str:
    """A hardware number as the lists write it."""
    number = device.hardware_id.upper()
    if number.startswith("VMBUS\\"):
        return "vmbus"
    pci = _PCI.match(number)
    return f"pci:{pci['vendor']}:{pci['device']}".lower() if pci else ""


def _remote(readings: Readings) -> str:
    if readings.remote_session:
        return "Remote Desktop"
    return "Remote Assistance or shadowing" if readings.remote_control else ""


def _read(signs: MachineSigns) -> Readings:
    return Readings(
        _firmware(),
        tuple(_or_empty(present_devices)),
        running_services(signs.services),
        _mac_addresses(),
        bool(user32.system_metric(user32.SM_REMOTESESSION)),
        bool(user32.system_metric(user32.SM_REMOTECONTROL)),
        kernel32.wine_version(),
    )


def _or_empty(read: Callable[[], list[PresentDevice]]) -> list[PresentDevice]:
    try:
        return read()
    except OSError as error:
        logger.warning("the machine's devices are not told: %s", error)
        return []


def _firmware() -> dict[str, str]:
    try:
        key = advapi32.open_key(advapi32.HKEY_LOCAL_MACHINE, _FIRMWARE_KEY, advapi32.KEY_QUERY_VALUE)
    except OSError as error:
        logger.info("the firmware's names are not told: %s", error)
        return {}
    try:
        read = ((name, advapi32.query_value(key, name)) for name in _FIRMWARE_VALUES)
        return {
            name: value[1].decode("utf-16-le", "replace").rstrip("\0").strip()
            for name, value in read
            if value is not None and value[0] == advapi32.REG_SZ
        }
    finally:
        advapi32.close_key(key)


def _mac_addresses() -> tuple[str, ...]:
    """Of the adapters that are up. Compared and forgotten: never a detail of a signal."""
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    addresses = psutil.net_if_addrs()
    return tuple(
        one.address
        for name in addresses
        if name in up
        for one in addresses[name]
        if one.family == psutil.AF_LINK and one.address
    )


def _connections() -> list[Connection]:
    try:
        sockets = psutil.net_connections("tcp")
    except (psutil.Error, OSError) as error:
        logger.info("the machine's connections are not told: %s", error)
        return []
    found = [Connection(one.laddr.port) for one in sockets if one.status == psutil.CONN_LISTEN and one.laddr]
    return found + [
        Connection(one.laddr.port, one.raddr.ip)
        for one in sockets
        if one.status == psutil.CONN_ESTABLISHED and one.laddr and one.raddr
    ]
