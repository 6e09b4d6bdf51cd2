"""What goes with a device that a vendor's setting switches off, so that no policy contradicts itself."""

from __future__ import annotations

from app.keys.vendors.table import Reading

NEED_CAMERA = ("identity.photo", "identity.id_document", "identity.face_check", "identity.ongoing", "detection.objects")
"""Fields of the policy that may not be on without a camera."""


def without_camera(reading: Reading, source: str) -> None:
    for path in NEED_CAMERA:
        reading.become(path, False, source)


def without_devices(reading: Reading, *sources: str) -> None:
    """Neither camera nor microphone: there is nothing that could be judged."""
    reading.become("detection.enabled", False, *sources)
