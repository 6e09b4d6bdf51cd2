"""What of a Windows machine speaks for a virtual machine, remote control or a virtual camera.

Signals only, no judgement: ``core.machine`` weighs them. Neither serial numbers nor addresses leave this module.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

from app.core.machine import FoundSignal
from app.lockdown.win32 import advapi32, kernel32, user32
from app.lockdown.win32.advapi32_services import running_services
from app.lockdown.win32.setupapi import PresentDevice, present_devices
from app.lockdown.windows import machine_signs as signs

logger = logging.getLogger(__name__)

_FIRMWARE_KEY = "HARDWARE\\DESCRIPTION\\System\\BIOS"
_FIRMWARE_VALUES = (
    "SystemManufacturer", "SystemProductName", "BIOSVendor", "BIOSVersion", "BaseBoardManufacturer", "BaseBoardProduct",
)  # fmt: skip
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


def machine_signals() -> tuple[FoundSignal, ...]:
    """What can't be read is left out: it speaks for nothing. Any thread; takes some 50 ms."""
    return signals_of(_read())


def signals_of(readings: Readings) -> tuple[FoundSignal, ...]:
    """At most one of each name, with the products. Pure."""
    found = (
        ("vm_bios_vendor", _vendor(readings.firmware, ("SystemManufacturer", "BIOSVendor", "BIOSVersion"))),
        ("vm_product", _product(readings.firmware)),
        ("vm_board", _vendor(readings.firmware, ("BaseBoardManufacturer", "BaseBoardProduct"))),
        ("vm_device", _joined(_device_makers(readings.devices))),
        ("vm_service", _joined(signs.SERVICES.get(name, "") for name in readings.services)),
        ("vm_mac", _network(readings.mac_addresses)),
        ("wine", readings.wine and f"Wine {readings.wine}"),
        ("remote_session", _remote(readings)),
        ("virtual_camera_name", _joined(_virtual_cameras(readings.devices))),
    )
    return tuple(FoundSignal(name, detail) for name, detail in found if detail)


def _vendor(firmware: dict[str, str], values: Iterable[str]) -> str:
    texts = [firmware.get(value, "").lower() for value in values]
    return _joined(
        maker for part, maker in signs.FIRMWARE_TEXTS.items() if any(_has_word(text, part) for text in texts)
    )


def _has_word(text: str, part: str) -> bool:
    """As a word of its own: "Xen" is not in "Xenon"."""
    padded = f" {''.join(c if c.isalnum() else ' ' for c in text)} "
    return f" {part} " in padded or (part in {"vmware", "virtualbox", "parallels"} and part in text)


def _product(firmware: dict[str, str]) -> str:
    maker, product = firmware.get("SystemManufacturer", "").lower(), firmware.get("SystemProductName", "").lower()
    if (maker, product) == signs.HYPER_V_PRODUCT:
        return "Hyper-V"
    return _vendor(firmware, ("SystemProductName",))


def _device_makers(devices: Iterable[PresentDevice]) -> Iterable[str]:
    ids = [device.hardware_id.upper() for device in devices]
    return (maker for start, maker in signs.DEVICE_IDS.items() if any(one.startswith(start) for one in ids))


def _network(addresses: tuple[str, ...]) -> str:
    """Only where no adapter is another maker's: hosts of virtual machines have adapters for them beside their own."""
    makers = [signs.MAC_PREFIXES.get(address[:8].upper().replace(":", "-"), "") for address in addresses]
    return _joined(makers) if makers and all(makers) else ""


def _remote(readings: Readings) -> str:
    if readings.remote_session:
        return "Remote Desktop"
    return "Remote Assistance or shadowing" if readings.remote_control else ""


def _virtual_cameras(devices: Iterable[PresentDevice]) -> Iterable[str]:
    names = [device.name for device in devices if device.class_name.lower() in _CAMERA_CLASSES]
    return (name for name in names if any(known in name.lower() for known in signs.VIRTUAL_CAMERAS))


def _joined(words: Iterable[str]) -> str:
    return ", ".join(sorted({word for word in words if word}))


def _read() -> Readings:
    return Readings(
        _firmware(),
        tuple(_or_empty(present_devices)),
        running_services(signs.SERVICES),
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
