"""Settings that contradict each other are refused, each with the field that has to change and what to do."""

from __future__ import annotations

import pytest

from app.core.codes import CAMERA_CODES, MICROPHONE_CODES
from app.core.errors import BadInput
from app.core.types import Json
from app.keys.bounds import problems
from app.keys.contradictions import CONTRADICTIONS
from app.keys.policy_model import parse_policy
from app.keys.settings import SETTINGS
from tests.fakes.policies import small_policy

CAMERA = "needs the camera, which policy.capture.camera switches off"
LINE = "needs a line to a proctor, for which policy.live.endpoint has to give the address"
DURATION = "is added to the exam's duration, which policy.exam.duration_min leaves open"
NO_CAMERA: dict[str, Json] = {"capture__camera": False, "identity__photo": False}
PROCTOR: dict[str, Json] = {"live__endpoint": "https://proctoring.example.org"}
PASSWORD = f"sha256${'0' * 64}"
HOLDING: dict[str, Json] = {"5007": {"response": "hold"}, "5112": {"response": "hold"}}
PORTRAIT = "https://pictures.example.org/s1234.jpg"


def refusal(fields: dict[str, Json]) -> str:
    with pytest.raises(BadInput) as caught:
        parse_policy(small_policy(**fields))
    return str(caught.value)


CASES: list[tuple[dict[str, Json], str, str]] = [
    ({"candidate": {"name": "Sample Candidate"}}, "candidate.name", "is somebody's, so policy.candidate.id"),
    ({"candidate": {"email": "s@example.org"}}, "candidate.email", "is somebody's, so policy.candidate.id"),
    ({"capture__camera": False}, "identity.photo", CAMERA),
    (NO_CAMERA | {"identity__id_document": True}, "identity.id_document", CAMERA),
    (
        {"capture__camera": False, "identity": {"photo": True, "face_check": True, "id_document": True}},
        "identity.face_check",
        CAMERA,
    ),
    (
        {"identity": {"photo": False, "face_check": True, "reference_photo_url": PORTRAIT}},
        "identity.face_check",
        "compares with the photo, which policy.identity.photo skips",
    ),
    ({"identity__face_check": True}, "identity.face_check", "has nothing to compare the photo with"),
    ({"capture__camera": False, "identity__ongoing": True}, "identity.ongoing", CAMERA),
    (
        {"identity": {"photo": False, "ongoing": True}},
        "identity.ongoing",
        "compares with the photo, which policy.identity.photo skips",
    ),
    (
        {"identity__ongoing": True, "detection__enabled": False},
        "identity.ongoing",
        "is part of the detection, which policy.detection.enabled switches off",
    ),
    (NO_CAMERA | {"identity": {"photo": False, "room_inspection": "recorded"}}, "identity.room_inspection", CAMERA),
    ({"identity__room_inspection": "live"}, "identity.room_inspection", LINE),
    ({"identity__authorization": True}, "identity.authorization", LINE),
    (
        {"lockdown": {"content_protect": True, "capture_tools": ["obs"]}},
        "lockdown.content_protect",
        "would do nothing: the programs of policy.lockdown.capture_tools may record the exam",
    ),
    (
        {"lockdown": {"kiosk": False, "separate_desktop": True}},
        "lockdown.separate_desktop",
        "is part of the full screen, which policy.lockdown.kiosk switches off",
    ),
    (
        {"lockdown__hold_release": "proctor", "detection__rules": {"5005": {"response": "hold"}}},
        "lockdown.hold_release",
        "waits for somebody who can't come: set policy.lockdown.unlock_password or policy.live.endpoint",
    ),
    (
        {"detection__rules": {"5113": {"response": "hold"}}},
        "detection.rules.5113.response",
        "would hold an exam for good, as the candidate can't remove the cause",
    ),
    (
        {"detection__rules": {"5007": {"response": "close"}}},
        "detection.rules.5007.response",
        "has nothing to close: only rules 5111 and 5122 know of a program",
    ),
    (
        {"detection__rules": {"5001": {"response": "end"}}},
        "detection.rules.5001.response",
        "may be nobody's fault: only rules 5007, 5111, 5120 and 5122 can end an exam, others hold it",
    ),
    (
        {"detection__rules": {"5112": {"response": "hold", "threshold": 0.8}}},
        "detection.rules.5112.threshold",
        "would hold the exam for a single sign: leave it out, or take more than 0.8",
    ),
    (
        {"detection__rules": {"5008": {"response": "hold"}}},
        "detection.rules.5008.response",
        "is too little to hold an exam: choose warn or record",
    ),
    (
        {"capture__second_microphone_label": "desk"},
        "capture.second_microphone_label",
        "names a second microphone, which policy.capture.second_microphone switches off",
    ),
    (
        NO_CAMERA | {"capture__microphone": False},
        "detection.enabled",
        "has nothing to judge: policy.capture switches off both camera and microphone",
    ),
    (NO_CAMERA | {"detection__objects": True}, "detection.objects", CAMERA),
    (
        {"detection": {"enabled": False, "objects": True}},
        "detection.objects",
        "is part of the detection, which policy.detection.enabled switches off",
    ),
    (
        {"detection": {"objects": True, "object_categories": []}},
        "detection.object_categories",
        "has to name at least one thing",
    ),
    (
        {
            "detection__server": "after",
            "upload__camera": False,
            "upload__microphone": False,
            "upload__screen": False,
        },
        "detection.server",
        "judges recordings, and policy.upload sends none to the backend",
    ),
    ({"live__mode": "live"}, "live.mode", LINE),
    ({"live__mode": "combo"}, "live.mode", LINE),
    (
        {
            "live": {"mode": "live", "endpoint": "https://proctoring.example.org"},
            "capture": {"camera": False, "microphone": False, "screen": False},
            "identity__photo": False,
            "detection__enabled": False,
        },
        "live.mode",
        "has nothing to show: policy.capture switches all devices off",
    ),
    ({"live__chat": True}, "live.chat", LINE),
    ({"live__pause_resume": True}, "live.pause_resume", LINE),
    ({"live__end_test": True}, "live.end_test", LINE),
    ({"live": {"initial_state": "paused", "pause_resume": True}}, "live.initial_state", LINE),
    (
        PROCTOR | {"live__initial_state": "paused"},
        "live.initial_state",
        "would never end: a proctor can't resume while policy.live.pause_resume is off",
    ),
    ({"accessibility__extra_time_min": 10}, "accessibility.extra_time_min", DURATION),
    ({"accessibility__extra_time_percent": 25}, "accessibility.extra_time_percent", DURATION),
    (NO_CAMERA | {"detection__rules": {"5001": {}}}, "detection.rules.5001", CAMERA),
    (
        {"capture__microphone": False, "detection__rules": {"5004": {}}},
        "detection.rules.5004",
        "needs the microphone, which policy.capture.microphone switches off",
    ),
    (
        {"browser": {"allow": ["a.example", "b.example"], "block": ["b.example"]}},
        "browser.allow[1]",
        "is in policy.browser.block too, which is stronger",
    ),
]


@pytest.mark.parametrize(("fields", "path", "words"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_contradiction_is_refused_with_its_path_and_a_sentence(
    fields: dict[str, Json], path: str, words: str
) -> None:
    assert f"policy.{path}: {words}" in refusal(fields)


def test_each_contradiction_of_the_table_has_a_case_here() -> None:
    tried = {(path, words) for _, path, words in CASES}
    missing = [c for c in CONTRADICTIONS if not any(c.path == p and c.sentence.startswith(w) for p, w in tried)]
    assert missing == []


def test_contradictions_name_fields_that_exist() -> None:
    assert {one.path for one in CONTRADICTIONS} <= set(SETTINGS)


@pytest.mark.parametrize(
    "fields",
    [
        {"capture__camera": False, "identity__photo": False, "detection__rules": {"5001": {"enabled": False}}},
        NO_CAMERA | {"capture__microphone": False, "detection": {"enabled": False, "rules": {"5001": {}}}},
        {"identity": {"face_check": True, "reference_photo_url": PORTRAIT}},
        {"identity": {"face_check": True, "id_document": True}},
        {"identity": {"photo": False, "id_document": True}},
        {"identity__ongoing": True},
        {"capture": {"second_microphone": True, "second_microphone_label": "desk"}},
        {"detection__object_categories": []},
        {"detection__server": "after", "upload__camera": False},
        {"detection__server": "live", "live": {"mode": "live", "endpoint": "wss://proctoring.example.org"}},
        {"live": {"endpoint": "https://proctoring.example.org", "pause_resume": True, "initial_state": "paused"}},
        {"live__room_id": "596"},
        {"exam__duration_min": 60, "accessibility__extra_time_percent": 25},
        {"candidate": {"group": "7b", "attempt_number": 2}},
        {"candidate": {"id": "s1234"}},
        {"accessibility__looking_away": True, "detection__rules": {"5101": {"dwell_s": 1}}},
        {"lockdown__denied_processes": ["obs"], "accessibility__assistive_programs": ["obs"]},
        NO_CAMERA | {"detection__rules": {"5001": {"response": "ignore"}}},
        NO_CAMERA | {"detection__rules": {"5110": {"response": "hold"}}},
        {"lockdown__hold_release": "proctor"},
        {"lockdown": {"hold_release": "proctor", "unlock_password": PASSWORD}, "detection__rules": HOLDING},
        PROCTOR | {"lockdown__hold_release": "proctor", "detection__rules": HOLDING},
        {"lockdown__unlock_password": PASSWORD, "detection__rules": {"5113": {"response": "hold"}}},
        {"detection__rules": {"5113": {"enabled": False, "response": "hold"}}},
        {"detection__rules": HOLDING | {"5111": {"response": "close"}, "5122": {"response": "end"}}},
        {"lockdown__kiosk": False},
        {"detection__rules": {"5112": {"response": "hold", "threshold": 0.85}, "5110": {"threshold": 0.2}}},
    ],
)
def test_what_goes_together_is_taken(fields: dict[str, Json]) -> None:
    assert problems(parse_policy(small_policy(**fields))) == []


@pytest.mark.parametrize("code", sorted(CAMERA_CODES | MICROPHONE_CODES))
def test_a_rule_is_refused_without_what_it_watches(code: int) -> None:
    fields = NO_CAMERA if code in CAMERA_CODES else {"capture__microphone": False}
    assert refusal(fields | {"detection__rules": {str(code): {"dwell_s": 1}}}).startswith(
        f"policy.detection.rules.{code}: needs the "
    )
