"""TrustExam: a session's whole payload, its ``assignment.settings``, or ``proctoring_settings`` alone."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.types import Json
from app.keys.imported import Imported
from app.keys.vendors.devices import without_camera, without_devices
from app.keys.vendors.table import Reading, Table, Vendor
from app.keys.vendors.trustexam_fields import FIELDS
from app.keys.vendors.trustexam_objects import read_objects

TABLE = Table("TrustExam", FIELDS)
_STREAMS = {"main_camera": "camera", "second_camera": "second_camera", "screen_share": "screen"}
_SOUND = {"noise_detector": 5004, "speech_detector": 5106}
_OFF = "It is off."
_NO_CAMERA = "It needs the camera, which main_camera_record and main_camera_upload switch off."
_NO_MICROPHONE = "It needs the microphone, which noise_detector and speech_detector switch off."


def import_settings(data: Mapping[str, Json]) -> Imported:
    """Raises BadInput for wrong settings, by name. Nothing is required."""
    reading = TABLE.read(data)
    for theirs, ours in _STREAMS.items():
        _stream(reading, theirs, ours)
    _second_microphone(reading)
    _candidate(reading)
    if _on(reading, "main_camera_record", default=True) or _on(reading, "main_camera_upload"):
        _identity(reading)
        _looking(reading)
        _server(reading)
        read_objects(reading)
        _judge(reading, "head_tracking_client", "face_landmarker", "video_head_identity", "object_detect")
    else:
        without_camera(reading, _at("main_camera_record"))
        _drop_all(reading, _NEEDS_CAMERA, _NO_CAMERA)
        if _silent(reading):
            without_devices(reading, _at("main_camera_record"))
    _sound(reading)
    _judge(reading, *_SOUND)
    return reading.imported()


_NEEDS_CAMERA = (
    "photo_head_identity",
    "video_head_identity",
    "id_verification",
    "head_tracking_client",
    "face_landmarker",
    "head_tracking_server",
    "head_tracking_server_post",
    "head_tracking_server_realtime",
    "head_recognize_interval",
    "head_tolerance_seconds",
    "object_detect",
    "object_detect_threshold",
    "object_detect_categories",
)


def _at(name: str) -> str:
    return f"proctoring_settings.{name}"


def _on(reading: Reading, name: str, *, default: bool = False) -> bool:
    return bool(reading.get(_at(name), default))


def _given(reading: Reading, *names: str) -> list[str]:
    return [_at(name) for name in names if reading.has(_at(name))]


def _drop_all(reading: Reading, names: tuple[str, ...], reason: str) -> None:
    for source in _given(reading, *names):
        reading.drop(source, reason if reading.get(source) is not False else _OFF)


def _stream(reading: Reading, theirs: str, ours: str) -> None:
    """The vendor presumes record true and upload false; upload alone records too, without a relay.

    A second camera is asked for where it is given only: an exam that nobody set up for one must be able to begin.
    """
    record, upload = f"{theirs}_record", f"{theirs}_upload"
    if ours == "second_camera" and not _given(reading, record, upload):
        return
    uploaded = _on(reading, upload)
    captured = _on(reading, record, default=True) or uploaded
    reading.become(f"capture.{ours}", captured, _at(record))
    if uploaded and not _on(reading, record, default=True):
        reading.become(f"capture.{ours}", captured, _at(upload))
    reading.become(f"upload.{ours}", uploaded, _at(upload))
    if ours == "camera":
        reading.become("upload.microphone", uploaded, _at(upload))


def _second_microphone(reading: Reading) -> None:
    sources = _given(reading, "second_microphone_record", "second_microphone_upload")
    captured = any(reading.get(source) for source in sources)
    for source in sources:
        reading.become("capture.second_microphone", captured, source)
    for source in _given(reading, "second_microphone_upload"):
        reading.become("upload.second_microphone", reading.get(source), source)
    if not captured:
        label = _at("second_microphone_label")
        reading.drop(label, "No second microphone is recorded: second_microphone_record is not true.")


def _candidate(reading: Reading) -> None:
    if not reading.has("student.external_id"):
        for source in ("student.name", "student.firstname", "student.lastname", "student.email"):
            reading.drop(source, "Whose it is has to be said too: student.external_id is missing.")
        return
    parts = [source for source in ("student.firstname", "student.lastname") if reading.has(source)]
    if reading.get("student.name"):
        for source in parts:
            reading.drop(source, "The candidate's name is taken from student.name.")
    elif parts:
        reading.become("candidate.name", " ".join(str(reading.get(source)) for source in parts).strip(), *parts)
        reading.drop("student.name", "It is empty; firstname and lastname are taken.")


def _identity(reading: Reading) -> None:
    photo, video, document = (
        _on(reading, name) for name in ("photo_head_identity", "video_head_identity", "id_verification")
    )
    given = _given(reading, "photo_head_identity", "video_head_identity", "id_verification")
    for source in given:
        reading.become("identity.photo", photo or video or document, source)
    for source in _given(reading, "video_head_identity"):
        reading.become("identity.ongoing", video, source)
    for source in _given(reading, "id_verification"):
        reading.become("identity.id_document", document, source)
    for source in _given(reading, "photo_head_identity", "id_verification"):
        if document or not photo:
            reading.become("identity.face_check", document, source)
    if photo and not document:
        reading.drop(
            _at("photo_head_identity"),
            "The photo is taken, but there is nothing to compare it with: add identity.reference_photo_url and set "
            "identity.face_check, or switch id_verification on.",
        )


def _looking(reading: Reading) -> None:
    tracked, away = _on(reading, "head_tracking_client"), _on(reading, "face_landmarker")
    for source in _given(reading, "head_tracking_client"):
        reading.become("detection.rules.5001.enabled", tracked, source)
        reading.become("detection.rules.5002.enabled", tracked, source)
    for source in _given(reading, "head_tracking_client", "face_landmarker"):
        reading.become("detection.rules.5101.enabled", tracked or away, source)
    for source in _given(reading, "head_recognize_interval"):
        seconds = reading.get(source)
        if isinstance(seconds, float) and seconds:
            reading.become("detection.faces_per_second", round(1 / seconds, 3), source)
        else:
            reading.drop(source, "0 says nothing; `detection.faces_per_second` stays as it is.")


def _judge(reading: Reading, *names: str) -> None:
    """Whatever is to be judged on the device needs detection as a whole."""
    for source in _given(reading, *names):
        if reading.get(source):
            reading.become("detection.enabled", True, source)


def _server(reading: Reading) -> None:
    live = _on(reading, "head_tracking_server_realtime")
    sent = any(_on(reading, f"{stream}_upload") for stream in _STREAMS)
    if live:
        reading.become("live.mode", "combo" if sent else "live", _at("head_tracking_server_realtime"))
    asked = _given(reading, "head_tracking_server", "head_tracking_server_post", "head_tracking_server_realtime")
    after = any(reading.get(source) for source in asked)
    for source in asked:
        if live or sent or not after:
            reading.become("detection.server", "live" if live else "after" if after else "off", source)
        else:
            off = reading.get(source) is False
            reading.drop(source, _OFF if off else "The backend has nothing to look at: no recording is uploaded.")


def _silent(reading: Reading) -> bool:
    """Whether the settings switch the microphone off: both of what listens to it are given and false."""
    return len(_given(reading, *_SOUND)) == len(_SOUND) and not any(_on(reading, name) for name in _SOUND)


def _sound(reading: Reading) -> None:
    listening = any(_on(reading, name) for name in _SOUND)
    for name, code in _SOUND.items():
        for source in _given(reading, name):
            if listening or _silent(reading):
                reading.become("capture.microphone", listening, source)
            reading.become(f"detection.rules.{code}.enabled", _on(reading, name), source)
    if _silent(reading):
        tolerances = ("noise_tolerance_seconds", "speech_tolerance_seconds", "speech_positive_threshold")
        _drop_all(reading, tolerances, _NO_MICROPHONE)


VENDOR = Vendor(TABLE.vendor, FIELDS, import_settings)
