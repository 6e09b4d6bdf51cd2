"""BlinkExam: the object that a page gives to ``BlinkExam.setConfig``, as its developer documentation describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from app.core.policy import Position
from app.core.types import Json
from app.keys.imported import Imported
from app.keys.vendors.kinds import CREDENTIAL, ELEMENT, FOLDERS, NAME, PREFIX, YES_NO, one_of, whole
from app.keys.vendors.table import Field, Reading, Table, Vendor

_KEY = "serviceAccessKey"
_ROOM = "roomInfo.roomId"
_LONG_KEY = 8
"""A shorter key may be part of another text by chance."""

_POSITION = one_of({position: position for position in get_args(Position)})

FIELDS = (
    Field(
        _KEY,
        CREDENTIAL,
        (),
        "A credential: it is no part of a policy. The backend accepts it from who opens sessions.",
        required=True,
    ),
    Field("clientId", NAME, ("exam.client_id",), "The institution at the vendor.", required=True),
    Field("testId", NAME, ("exam.id",), "Which exam it is.", required=True),
    Field("candidateId", NAME, ("candidate.id",), "Who takes it.", required=True),
    Field(
        "proctorMode",
        one_of({"recorded": "recorded", "live": "live", "combo": "combo"}),
        ("live.mode",),
        "live and combo need `live.endpoint`, which is to be added.",
        required=True,
    ),
    Field(
        _ROOM,
        NAME,
        ("live.room_id",),
        "By the vendor's recipe it begins with the serviceAccessKey: that part is left out.",
        required=True,
    ),
    Field("attemptNumber", whole(1, 1000), ("candidate.attempt_number",), "Which try it is.", required=True),
    Field("captureCandidate", YES_NO, ("identity.photo",), "A photo of the candidate before the exam.", required=True),
    Field("captureIdentity", YES_NO, ("identity.id_document",), "A picture of an identity document.", required=True),
    Field(
        "faceAuth",
        YES_NO,
        ("identity.face_check",),
        "The photo is compared with the one on the document. It needs captureCandidate and captureIdentity; without a "
        "document add `identity.reference_photo_url` and set `identity.face_check`.",
        required=True,
    ),
    Field(
        "roomInspection",
        YES_NO,
        ("identity.room_inspection",),
        "Together with inspectionType; false means off.",
        required=True,
    ),
    Field(
        "inspectionType",
        one_of({"recorded": "recorded", "live": "live"}),
        ("identity.room_inspection",),
        "Used where roomInspection is true. live needs `live.endpoint`.",
        required=True,
    ),
    Field(
        "recordingCategory",
        one_of({"image": "snapshots", "vScreen": "continuous"}),
        ("evidence.mode", "capture.screen"),
        "image keeps single pictures (`snapshots`). vScreen keeps everything (`continuous`), the screen included.",
        required=True,
    ),
    Field("containerId", ELEMENT, ("browser.container_id",), "The page's element for the proctoring.", required=True),
    Field("fileNamePrefix", PREFIX, ("upload.file_name_prefix",), "How names of uploaded files begin.", required=True),
    Field("position.verification", _POSITION, ("browser.verification_position",), "Where the photo is taken."),
    Field("position.id", _POSITION, ("browser.id_position",), "Where the document is photographed."),
    Field("position.liveCam", _POSITION, ("browser.live_camera_position",), "Where the live picture is."),
    Field("preUploadPath", FOLDERS, ("upload.path_prefix",), "The folder at the backend.", required=True),
)
TABLE = Table("BlinkExam", FIELDS)


def import_settings(data: Mapping[str, Json]) -> Imported:
    """A whole config object. Raises BadInput for missing and wrong settings, by name; no value of the key anywhere."""
    reading = TABLE.read(data, required_groups=("position",))
    _room(reading)
    _faces(reading)
    _inspection(reading)
    if reading.get("recordingCategory") == "continuous":
        reading.become("evidence.mode", "continuous", "recordingCategory")
        reading.become("capture.screen", True, "recordingCategory")
    else:
        reading.become("evidence.mode", "snapshots", "recordingCategory")
    return reading.imported()


def _room(reading: Reading) -> None:
    """The key must not get into a policy, which candidates can read."""
    key, room = str(reading.get(_KEY)), str(reading.get(_ROOM))
    rest = room.removeprefix(key)
    if rest != room:
        reading.drop(_ROOM, "Its beginning is the serviceAccessKey, which was left out.")
    reading.become("live.room_id", rest, _ROOM)
    texts = {field.source: rest if field.source == _ROOM else reading.get(field.source) for field in FIELDS}
    for source, value in texts.items():
        if source != _KEY and len(key) >= _LONG_KEY and isinstance(value, str) and key in value:
            raise reading.refuse(source, "contains the serviceAccessKey, which candidates could read; leave it out")


def _faces(reading: Reading) -> None:
    if not reading.get("faceAuth"):
        return
    if not reading.get("captureCandidate"):
        reading.drop("faceAuth", "It compares the photo, which captureCandidate switches off.")
    elif not reading.get("captureIdentity"):
        reading.drop(
            "faceAuth",
            "There is nothing to compare the photo with: add identity.reference_photo_url and set identity.face_check, "
            "or have the document photographed.",
        )


def _inspection(reading: Reading) -> None:
    if reading.get("roomInspection"):
        reading.become("identity.room_inspection", reading.get("inspectionType"), "roomInspection", "inspectionType")
    else:
        reading.become("identity.room_inspection", "off", "roomInspection")
        reading.drop("inspectionType", "There is no inspection: roomInspection is false.")


VENDOR = Vendor(TABLE.vendor, FIELDS, import_settings)
