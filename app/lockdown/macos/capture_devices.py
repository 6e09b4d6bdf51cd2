"""Cameras and microphones as macOS lists them. Listing needs no permission and switches none on."""

from __future__ import annotations

import functools

import objc

from app.core.types import Device, DeviceKind

_FRAMEWORK = "/System/Library/Frameworks/AVFoundation.framework"
_KINDS = {"vide": DeviceKind.CAMERA, "soun": DeviceKind.SOUND}
"""AVMediaTypeVideo and AVMediaTypeAudio (AVFoundation, AVMediaFormat.h)."""


def capture_devices() -> dict[str, Device]:
    """By macOS's identifier, which may hold a serial number and stays inside this process. Any thread."""
    devices = _device_class()
    return {
        f"{media} {device.uniqueID()}": Device(kind, str(device.localizedName() or "without a name"))
        for media, kind in _KINDS.items()
        for device in devices.devicesWithMediaType_(media) or ()
    }


def camera_names() -> list[str]:
    return [device.name for device in capture_devices().values() if device.kind is DeviceKind.CAMERA]


@functools.cache
def _device_class() -> objc.AVCaptureDeviceClass:
    objc.loadBundle("AVFoundation", {}, bundle_path=_FRAMEWORK, scan_classes=False)
    return objc.lookUpClass("AVCaptureDevice")
