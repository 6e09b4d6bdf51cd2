"""Mettl SecureProctor: the body of its Init call, or the fields of its demonstration page by their labels.

Names beyond the Init body's known ones are not published; they are the labels, written as the known ones are.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.core.types import Json
from app.keys.imported import Imported
from app.keys.vendors.kinds import ADDRESS, ANYTHING, CREDENTIAL, NAME, TEXT, YES_NO, Kind, one_of, whole
from app.keys.vendors.table import Field, Reading, Table, Vendor

_LINE = "Needs `live.endpoint`, which is to be added."
_LOCK = ("lockdown.kiosk", "lockdown.grab_keyboard")
_PERSON = ("userMetaData.name", "userMetaData.email")
_RECORDING = "proctoringSettings.recording"
_AUDIO = "proctoringSettings.audioProctoring"
_AUTHORIZATION = "proctoringSettings.authorization"
_GROUPS = (
    "",
    "proctoringSettings.",
    "proctoringSettings.advancedSettings.",
    "advancedSettings.",
    "Proctoring Settings.",
    "Proctoring Settings.Advanced Settings.",
    "Advanced Settings.",
    "Parameters.",
    "Signature.",
)


def _field(source: str, label: str, kind: Kind, paths: tuple[str, ...], meaning: str, *labels: str) -> Field:
    """A parameter under its own name or a label of the demonstration page, in any of its groups or in none."""
    names = (source.rpartition(".")[2], label, *labels)
    aliases = [group + name for name in names for group in _GROUPS if group + name != source]
    return Field(source, kind, paths, meaning, aliases=tuple(aliases))


FIELDS = (
    _field("publicKey", "Public Key", CREDENTIAL, (), "A credential: it is no part of a policy. The backend knows it."),
    _field(
        "privateKey",
        "Private Key",
        CREDENTIAL,
        (),
        "A credential: it is no part of a policy. It signs calls, and should not leave the learning platform.",
    ),
    _field("userId", "User ID", NAME, ("candidate.id",), "Who takes it."),
    _field("groupName", "Group Name", NAME, ("candidate.group",), "The assessment or training of these candidates."),
    _field("userMetaData.name", "User Name", TEXT, ("candidate.name",), "Needs userId."),
    _field("userMetaData.email", "User Email", TEXT, ("candidate.email",), "For the report. Needs userId."),
    Field("userMetaData.*", ANYTHING, (), "A policy holds no further data of the candidate."),
    _field(
        "proctoringSettings.screenCapture", "Screen Capture", YES_NO, ("capture.screen",), "The screen is recorded."
    ),
    _field(
        _RECORDING,
        "Recording On",
        YES_NO,
        ("evidence.mode",),
        "true keeps the whole session (`continuous`), false what lies around violations (`clips`).",
    ),
    _field(
        _AUDIO,
        "Audio Proctoring",
        YES_NO,
        ("capture.microphone", "detection.enabled"),
        "The microphone is recorded, and its sound judged.",
    ),
    _field(
        _AUTHORIZATION,
        "Authorization On",
        YES_NO,
        ("identity.authorization", "identity.photo", "identity.id_document"),
        f"A proctor lets the candidate begin, by photo and document unless skipId or skipIdAndPhoto say otherwise. {_LINE}",
    ),
    _field(
        "expiryTime",
        "Session Expiry Time",
        whole(1, 1440, " of minutes"),
        ("upload.offline_limit_min",),
        "Taken as minutes: the vendor publishes no unit.",
    ),
    _field("pauseResume", "Pause/Resume test on", YES_NO, ("live.pause_resume",), f"A proctor may pause. {_LINE}"),
    _field(
        "initialState",
        "Initial State",
        one_of({"running": "running", "paused": "paused"}, any_case=True),
        ("live.initial_state",),
        f"paused is used where pauseResume is true. {_LINE}",
        "Initial State:",
    ),
    _field("endTest", "End test on", YES_NO, ("live.end_test",), f"A proctor may end the exam. {_LINE}"),
    _field(
        "autoAcknowledge",
        "Enable Auto Acknowledgement",
        YES_NO,
        ("live.auto_acknowledge",),
        "Of pause, resume and end.",
    ),
    _field(
        "msb",
        "MSB",
        YES_NO,
        _LOCK,
        "The exam fills the screen, stays in front, and keys that leave it are swallowed, where this or "
        "navigationControl is true.",
    ),
    _field(
        "msbKey",
        "MSB Key",
        CREDENTIAL,
        (),
        "A credential of the vendor's browser: it is no part of a policy. A config key of this client takes its place.",
    ),
    _field(
        "navigationControl",
        "Enable Navigation Control",
        YES_NO,
        _LOCK,
        "As msb, where this or msb is true.",
    ),
    _field(
        "skipId",
        "Skip ID",
        YES_NO,
        ("identity.id_document", "identity.face_check"),
        "true: no document is photographed. false says nothing where authorization is not true.",
    ),
    _field(
        "skipIdAndPhoto",
        "Skip ID and Photo",
        YES_NO,
        ("identity.id_document", "identity.photo", "identity.face_check", "identity.ongoing"),
        "true: neither document nor photo, and so no comparing of faces. false says nothing where authorization is "
        "not true.",
    ),
    _field(
        "candidatePhotoUrl",
        "Candidate Photo URL",
        ADDRESS,
        ("identity.reference_photo_url", "identity.face_check", "identity.photo"),
        "A photo is taken and compared with the one at this address, unless skipIdAndPhoto is true.",
    ),
)
TABLE = Table("Mettl", FIELDS)


def import_settings(data: Mapping[str, Json]) -> Imported:
    """An Init body or the demonstration page's fields. Raises BadInput for wrong ones, by name. None is required."""
    reading = TABLE.read(data)
    if not reading.has("userId"):
        for source in _PERSON:
            reading.drop(source, "Whose it is has to be said too: userId is missing.")
    if reading.has(_RECORDING):
        reading.become("evidence.mode", "continuous" if reading.get(_RECORDING) else "clips", _RECORDING)
    if reading.get("initialState") == "paused" and not reading.get("pauseResume"):
        reading.drop("initialState", "Nobody could resume: pauseResume is not true.")
    if reading.has(_AUDIO):
        reading.become("capture.microphone", reading.get(_AUDIO), _AUDIO)
    if reading.get(_AUDIO):
        reading.become("detection.enabled", True, _AUDIO)
    locks = [source for source in ("msb", "navigationControl") if reading.has(source)]
    for path in _LOCK if locks else ():
        reading.become(path, any(reading.get(source) for source in locks), *locks)
    _identity(reading)
    return reading.imported()


def _identity(reading: Reading) -> None:
    no_photo = bool(reading.get("skipIdAndPhoto"))
    no_document = no_photo or bool(reading.get("skipId"))
    authorized, address = bool(reading.get(_AUTHORIZATION)), bool(reading.get("candidatePhotoUrl"))
    if authorized:
        reading.become("identity.authorization", True, _AUTHORIZATION)
        reading.become("identity.photo", not no_photo, _AUTHORIZATION)
        reading.become("identity.id_document", not no_document, _AUTHORIZATION)
    elif reading.has(_AUTHORIZATION):
        reading.become("identity.authorization", False, _AUTHORIZATION)
    for source, skipped in (("skipId", False), ("skipIdAndPhoto", True)):
        if reading.get(source):
            _skip(reading, source, photo=skipped, face=skipped or not address)
        elif not authorized:
            reading.drop(source, "It skips a part of the authorization, which is not on.")
        elif reading.has(source):
            reading.become("identity.id_document", not no_document, source)
    if reading.has("candidatePhotoUrl"):
        _reference(reading, no_photo=no_photo)


def _skip(reading: Reading, source: str, *, photo: bool, face: bool) -> None:
    reading.become("identity.id_document", False, source)
    if face:
        reading.become("identity.face_check", False, source)
    if photo:
        reading.become("identity.photo", False, source)
        reading.become("identity.ongoing", False, source)


def _reference(reading: Reading, *, no_photo: bool) -> None:
    source = "candidatePhotoUrl"
    reading.become("identity.reference_photo_url", reading.get(source), source)
    if no_photo:
        reading.drop(source, "There is no photo to compare with it: skipIdAndPhoto is true.")
    elif reading.get(source):
        reading.become("identity.photo", True, source)
        reading.become("identity.face_check", True, source)


VENDOR = Vendor(TABLE.vendor, FIELDS, import_settings)
