"""ProctorAI: the body of ``POST /exams``, the answers that repeat it, or the object ``settings`` alone."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.types import Json
from app.keys.imported import Imported
from app.keys.vendors.devices import NEED_CAMERA, without_camera, without_devices
from app.keys.vendors.kinds import ANYTHING, NAME, YES_NO, one_of, whole
from app.keys.vendors.table import Field, Reading, Table, Vendor

CAMERA = "settings.webcam"
MICROPHONE = "settings.audioRecording"
DETECTION = "settings.aiDetection.enabled"

_LOCK = ("lockdown.kiosk", "lockdown.grab_keyboard")
_RECORD = "It tells of an exam that was made or taken; it is no setting."

FIELDS = (
    Field("id", NAME, ("exam.id", "upload.exam_id"), "Which exam it is, here and at the backend."),
    Field("title", NAME, ("exam.title",), "What the candidate sees above the exam."),
    Field("duration", whole(1, 1440, " of minutes"), ("exam.duration_min",), "Minutes until the client ends the exam."),
    Field(
        CAMERA,
        YES_NO,
        ("capture.camera", *NEED_CAMERA, "detection.enabled"),
        "false also switches off what needs the camera: photo, document, comparing faces and looking for things.",
        aliases=("webcam",),
    ),
    Field(
        "settings.screenRecording", YES_NO, ("capture.screen",), "The screen is recorded.", aliases=("screenRecording",)
    ),
    Field(
        MICROPHONE,
        YES_NO,
        ("capture.microphone",),
        "The microphone is recorded and listened to.",
        aliases=("audioRecording",),
    ),
    Field(
        "settings.browserLock",
        YES_NO,
        _LOCK,
        "The exam fills the screen, stays in front, and keys that leave it are swallowed.",
        aliases=("browserLock",),
    ),
    Field(
        DETECTION,
        YES_NO,
        ("detection.enabled",),
        "Pictures and sound are judged on the device. Where webcam and audioRecording are false there is nothing to "
        "judge, and it is off.",
        aliases=("aiDetection.enabled",),
    ),
    Field(
        "settings.aiDetection.sensitivity",
        one_of({"low": "low", "medium": "medium", "high": "high"}),
        ("detection.sensitivity",),
        "How soon something counts as a violation.",
        aliases=("aiDetection.sensitivity",),
    ),
    Field("accessUrl", ANYTHING, (), "The vendor's own page; `exam.start_url` is the page that this client opens."),
    Field("adminUrl", ANYTHING, (), "The vendor's own page for proctors; the backend has its own."),
    *(Field(name, ANYTHING, (), _RECORD) for name in ("status", "createdAt", "startedAt", "participants", "warnings")),
)
TABLE = Table("ProctorAI", FIELDS)


def import_settings(data: Mapping[str, Json]) -> Imported:
    """An exam or its settings. Raises BadInput for wrong settings, by name. Nothing is required."""
    reading = TABLE.read(data)
    if reading.has(CAMERA):
        reading.become("capture.camera", reading.get(CAMERA), CAMERA)
        if not reading.get(CAMERA):
            without_camera(reading, CAMERA)
    _detection(reading)
    return reading.imported()


def _detection(reading: Reading) -> None:
    if reading.get(CAMERA, True) or reading.get(MICROPHONE, True):
        return
    without_devices(reading, CAMERA)
    if reading.get(DETECTION):
        reading.drop(DETECTION, "There is nothing to judge: webcam and audioRecording are false.")


VENDOR = Vendor(TABLE.vendor, FIELDS, import_settings)
