"""TrustExam's settings: those of its article on integration, of its wiki, and of clients of its API.

Its console gives all times in milliseconds, those whose names end in ``seconds`` included.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.core.types import Json
from app.keys.vendors.devices import NEED_CAMERA
from app.keys.vendors.kinds import (
    ADDRESS,
    ANY_NUMBER,
    ANYTHING,
    CREDENTIAL,
    EXPRESSION,
    MILLISECONDS,
    NAME,
    TEXT,
    YES_NO_OR_NUMBER,
    Kind,
    number,
    one_of,
)
from app.keys.vendors.table import Field

SHARE = number(0, 1)


def _categories(value: Json) -> Json:
    """Names with their least certainty, None where none is given. A list of names has none."""
    named: Mapping[str, Json] = {str(name): {} for name in value} if isinstance(value, list) else _object(value)
    return {
        name: None if (score := _object(one).get("score")) is None else SHARE.read(score) for name, one in named.items()
    }


def _object(value: Json) -> Mapping[str, Json]:
    if isinstance(value, dict):
        return value
    raise ValueError(type(value).__name__)


CATEGORIES = Kind("names, each with an object of count, score from 0 to 1 and action; or a list of names", _categories)

_BROWSER = one_of({name: name for name in ("*", "Chrome", "Safari", "Edge", "Yandex")})
_APPLICATION = one_of({name: name for name in ("browser", "tray", "desktop")})
_OWN_MODEL = "It tunes the vendor's own model; this client's detectors have their own scale."
_FRAMES = "It counts the vendor's own audio frames; the tolerance in time is used instead."
_PACE = "This client looks as often as the machine allows, up to `detection.faces_per_second`."
_ANGLE = (
    "The vendor publishes no unit. Set `detection.rules.5101.threshold`, degrees of gaze to the side, where the "
    "default does not suit."
)
_PLATFORM = "A matter of the learning platform."
_BLACKHOLE = "What it does is not published; the `_record` and `_upload` settings beside it are used."
_AFTER = "`after`, or `live` where head_tracking_server_realtime is true. Used where recordings are uploaded."
_WEBHOOK = "Told to the backend, not to the client: it calls this address at start and finish."


def _setting(name: str, kind: Kind, paths: tuple[str, ...], meaning: str, *others: str) -> Field:
    """A proctoring setting, which may stand in the whole payload, in ``assignment.settings``, or alone."""
    names = (name, *others)
    places = ("proctoring_settings.", "settings.proctoring_settings.", "assignment.settings.proctoring_settings.", "")
    source, *aliases = [place + each for each in names for place in places]
    return Field(source, kind, paths, meaning, aliases=tuple(aliases))


def _around(name: str, kind: Kind, paths: tuple[str, ...], meaning: str) -> Field:
    """A setting beside the proctoring settings."""
    return Field(name, kind, paths, meaning, aliases=(f"settings.{name}", f"assignment.settings.{name}"))


def _rule(code: int, name: str) -> str:
    return f"detection.rules.{code}.{name}"


_STREAMS = (
    _setting(
        "main_camera_record",
        YES_NO_OR_NUMBER,
        ("capture.camera", *NEED_CAMERA, "detection.enabled"),
        "Not given: true. Without the camera, what needs it is off. The camera is also on where only main_camera_upload is true, which the vendor's console "
        "calls recording.",
    ),
    _setting(
        "main_camera_upload",
        YES_NO_OR_NUMBER,
        ("upload.camera", "upload.microphone", "capture.camera"),
        "Not given: false. What is uploaded is recorded. The vendor's camera recording has the sound in it.",
    ),
    _setting(
        "second_camera_record",
        YES_NO_OR_NUMBER,
        ("capture.second_camera",),
        "Not given: false, unlike the vendor's true, since most candidates have none.",
    ),
    _setting(
        "second_camera_upload",
        YES_NO_OR_NUMBER,
        ("upload.second_camera", "capture.second_camera"),
        "Not given: false. What is uploaded is recorded.",
    ),
    _setting("screen_share_record", YES_NO_OR_NUMBER, ("capture.screen",), "Not given: true."),
    _setting(
        "screen_share_upload",
        YES_NO_OR_NUMBER,
        ("upload.screen", "capture.screen"),
        "Not given: false. What is uploaded is recorded.",
    ),
    _setting(
        "second_microphone_record",
        YES_NO_OR_NUMBER,
        ("capture.second_microphone",),
        "Together with second_microphone_upload.",
    ),
    _setting(
        "second_microphone_upload",
        YES_NO_OR_NUMBER,
        ("upload.second_microphone", "capture.second_microphone"),
        "What is uploaded is recorded.",
    ),
    _setting(
        "second_microphone_label",
        EXPRESSION,
        ("capture.second_microphone_label",),
        "A regular expression for the device's name. Used where the second microphone is recorded or uploaded.",
    ),
    *(
        _setting(f"{stream}_blackhole", YES_NO_OR_NUMBER, (), _BLACKHOLE)
        for stream in ("main_camera", "second_camera", "screen_share", "second_microphone")
    ),
)

_IDENTITY = (
    _setting(
        "photo_head_identity",
        YES_NO_OR_NUMBER,
        ("identity.photo", "identity.face_check"),
        "The vendor compares the photo with one that it keeps. Here it is compared with the document, where "
        "id_verification is on; otherwise add `identity.reference_photo_url` and set `identity.face_check`.",
    ),
    _setting(
        "video_head_identity",
        YES_NO_OR_NUMBER,
        ("identity.ongoing", "identity.photo", "detection.enabled"),
        "Faces are compared during the exam, with the photo taken before it.",
    ),
    _setting(
        "id_verification",
        YES_NO_OR_NUMBER,
        ("identity.id_document", "identity.face_check", "identity.photo"),
        "The document is photographed, and its face compared with the photo.",
    ),
    _setting("head_compare_interval", ANY_NUMBER, (), _PACE),
    _setting("head_compare_euclidean_distance", ANY_NUMBER, (), _OWN_MODEL),
)

_FACES = (
    _setting(
        "head_tracking_client",
        YES_NO_OR_NUMBER,
        (_rule(5001, "enabled"), _rule(5002, "enabled"), _rule(5101, "enabled"), "detection.enabled"),
        "No face, more than one face, and looking away are judged on the device.",
    ),
    _setting(
        "face_landmarker",
        YES_NO_OR_NUMBER,
        (_rule(5101, "enabled"), "detection.enabled"),
        "Looking away is judged where this or head_tracking_client is true.",
    ),
    *(
        _setting(f"head_tracking_{where}", YES_NO_OR_NUMBER, ("detection.server",), meaning)
        for where, meaning in (
            ("server", _AFTER),
            ("server_post", _AFTER),
        )
    ),
    _setting(
        "head_tracking_server_realtime",
        YES_NO_OR_NUMBER,
        ("detection.server", "live.mode"),
        "`live`, for which the streams go to the backend while the exam runs: needs `live.endpoint`, which is to be "
        "added.",
    ),
    _setting(
        "head_recognize_interval",
        MILLISECONDS,
        ("detection.faces_per_second",),
        "Milliseconds from one picture to the next.",
    ),
    _setting(
        "head_tolerance_seconds",
        MILLISECONDS,
        (_rule(5101, "dwell_s"), _rule(5001, "dwell_s")),
        "Milliseconds, whatever its name says. It also counts for a face that turned away so far that it is not seen.",
    ),
    _setting("head_tracking", ANYTHING, (), "An older setting; the other head_tracking ones are used."),
    *(_setting(f"head_{name}", ANY_NUMBER, (), _ANGLE) for name in ("x_sensitivity", "y_sensitivity")),
    *(
        _setting(f"head_{name}", ANY_NUMBER, (), _OWN_MODEL)
        for name in (
            "depth_sensitivity",
            "center_area_size_x",
            "center_area_size_y",
            "position_confidence",
            "position_probability",
        )
    ),
    *(_setting(name, ANY_NUMBER, (), _PACE) for name in ("head_position_interval", "face_landmarker_interval")),
    _setting("face_landmarker_threshold", ANY_NUMBER, (), _OWN_MODEL),
    _setting("face_landmarker_categories", ANYTHING, (), _OWN_MODEL),
)

_SOUND = (
    _setting(
        "noise_detector",
        YES_NO_OR_NUMBER,
        ("capture.microphone", _rule(5004, "enabled"), "detection.enabled"),
        "The microphone is on where this or speech_detector is true, and off where both are false.",
    ),
    _setting(
        "speech_detector",
        YES_NO_OR_NUMBER,
        ("capture.microphone", _rule(5106, "enabled"), "detection.enabled"),
        "The microphone is on where this or noise_detector is true, and off where both are false.",
    ),
    _setting("noise_tolerance_seconds", MILLISECONDS, (_rule(5004, "dwell_s"),), "Milliseconds."),
    _setting("speech_tolerance_seconds", MILLISECONDS, (_rule(5106, "dwell_s"),), "Milliseconds."),
    _setting("speech_positive_threshold", SHARE, (_rule(5106, "threshold"),), "Probability of speech."),
    _setting(
        "noise_sensitivity",
        ANY_NUMBER,
        (),
        "A level; rule 5004 judges decibels above the room's own background, see `detection.rules.5004.threshold`.",
    ),
    _setting("silent_tolerance_seconds", ANY_NUMBER, (), "Silence is no violation here."),
    *(
        _setting(name, ANY_NUMBER, (), _FRAMES)
        for name in (
            "noise_tolerance_frames",
            "mute_frames_count",
            "quite_frames_count",
            "speech_pre_pad_frames",
            "speech_min_frames_count",
        )
    ),
)

_OBJECTS = (
    _setting(
        "object_detect",
        YES_NO_OR_NUMBER,
        ("detection.objects", "detection.enabled"),
        "Things are looked for in the camera.",
    ),
    _setting(
        "object_detect_threshold",
        SHARE,
        (_rule(5103, "threshold"), _rule(5104, "threshold"), _rule(5105, "threshold")),
        "Least certainty of a thing. Used where object_detect is true.",
    ),
    _setting(
        "object_detect_categories",
        CATEGORIES,
        ("detection.object_categories", _rule(5103, "threshold"), _rule(5104, "threshold"), _rule(5105, "threshold")),
        "Its names, with `score` as least certainty: of a phone, a book, and anything else. Used where object_detect "
        "is true. `count` and `action` are not: each thing is a violation, and people decide what follows.",
    ),
    _setting("object_detect_interval", ANY_NUMBER, (), _PACE),
)

_ENVIRONMENT = (
    _setting(
        "fullscreen_mode",
        YES_NO_OR_NUMBER,
        ("lockdown.kiosk", "lockdown.grab_keyboard"),
        "The exam fills the screen, stays in front, and keys that leave it are swallowed.",
    ),
    _setting("displays_check", YES_NO_OR_NUMBER, ("lockdown.single_monitor",), "One monitor only.", "display_checks"),
    _setting(
        "hdcp_check",
        YES_NO_OR_NUMBER,
        (),
        "Displays are judged by what the system reports of them: see `lockdown.single_monitor`.",
        "hdcp_checks",
    ),
    _setting("content_protect", YES_NO_OR_NUMBER, ("lockdown.content_protect",), "The exam is hidden from captures."),
    _setting(
        "read_clipboard",
        YES_NO_OR_NUMBER,
        (_rule(5114, "enabled"),),
        "Use of the clipboard is reported. The clipboard is emptied for the exam whatever this says.",
    ),
    _setting("focus_detector", YES_NO_OR_NUMBER, (_rule(5005, "enabled"),), "Leaving the exam window is reported."),
    _setting("focus_tolerance_seconds", MILLISECONDS, (_rule(5005, "dwell_s"),), "Milliseconds."),
    _setting("extension_detector", YES_NO_OR_NUMBER, (), "The exam's browser has no extensions."),
    _setting("browser_type", _BROWSER, (), "The exam runs in this client's own browser."),
    _setting("check_env", YES_NO_OR_NUMBER, (), "The system check is always made."),
    _setting(
        "proctoring_mobile_restrict", YES_NO_OR_NUMBER, ("lockdown.refuse_mobile",), "Mobile devices are refused."
    ),
    _setting(
        "proctoring_fallback_allow",
        YES_NO_OR_NUMBER,
        ("exam.allow_fallback",),
        "The exam may begin although something that is asked can't be done.",
    ),
    _setting(
        "rtc_connection_timeout",
        MILLISECONDS,
        ("upload.connection_timeout_s",),
        "Milliseconds.",
        "connection_timeout",
    ),
    _setting(
        "facemodel_init_timeout",
        MILLISECONDS,
        ("capture.start_timeout_s",),
        "Milliseconds.",
        "initialization_timeout",
    ),
)

_AROUND = (
    _around("exit_url", ADDRESS, ("exam.exit_url",), "Opened after the exam."),
    *(_around(f"webhook.{name}", ANYTHING, (), _WEBHOOK) for name in ("start_url", "finish_url")),
    *(
        _around(f"webhook.{name}", ANYTHING, (), "Goes with the webhook's address, to the backend.")
        for name in ("post", "query", "headers")
    ),
    *(
        _around(name, ANYTHING, (), _PLATFORM)
        for name in ("certificate", "score_settings", "webinar_settings", "scenario_settings", "component_settings")
    ),
)

_PAYLOAD = (
    Field("api_token", CREDENTIAL, (), "A credential: it is no part of a policy. The backend accepts it."),
    Field("assignment.external_id", NAME, ("exam.id",), "Which exam it is."),
    Field("assignment.name", NAME, ("exam.title",), "What the candidate sees above the exam."),
    Field("assignment.external_url", ADDRESS, ("exam.start_url",), "The page that opens first."),
    Field("assignment.application", _APPLICATION, (), "This client is the application."),
    Field("assignment.type", ANYTHING, (), _PLATFORM),
    Field("assignment.is_proctoring", ANYTHING, (), "Whoever opens a key with this client is proctored."),
    Field("student.external_id", NAME, ("candidate.id",), "Who takes it."),
    Field("student.name", TEXT, ("candidate.name",), "Without it, firstname and lastname."),
    Field("student.firstname", TEXT, ("candidate.name",), "Used without name.", aliases=("student.user.firstname",)),
    Field("student.lastname", TEXT, ("candidate.name",), "Used without name.", aliases=("student.user.lastname",)),
    Field("student.email", TEXT, ("candidate.email",), "For the report.", aliases=("student.user.email",)),
    Field("student.user.password", CREDENTIAL, (), "A credential: it is no part of a policy."),
    Field("group.external_id", NAME, ("candidate.group",), "The candidate's group."),
    Field("group.name", ANYTHING, (), "The group goes by its external_id."),
    Field("group.description", ANYTHING, (), "The group goes by its external_id."),
    Field("application", _APPLICATION, (), "This client is the application."),
    Field("session_data.external_id", ANYTHING, (), "The backend keeps it with the session, for report and webhook."),
    Field("session_data.query", ANYTHING, (), "The backend keeps it with the session."),
)

FIELDS = (*_STREAMS, *_IDENTITY, *_FACES, *_SOUND, *_OBJECTS, *_ENVIRONMENT, *_AROUND, *_PAYLOAD)
