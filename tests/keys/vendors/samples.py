"""The vendors' own samples, with the values that their documents show."""

from __future__ import annotations

import copy

from app.core.types import Json
from app.keys.presets import laid_over
from tests.fakes.policies import small_policy

BLINKEXAM: dict[str, Json] = {
    "serviceAccessKey": "your-secret-key",
    "clientId": "1",
    "testId": "596",
    "candidateId": "323",
    "proctorMode": "combo",
    "roomInfo": {"roomId": "your-secret-key5962"},
    "attemptNumber": "1",
    "captureCandidate": True,
    "captureIdentity": True,
    "faceAuth": True,
    "roomInspection": True,
    "inspectionType": "recorded",
    "recordingCategory": "vScreen",
    "containerId": "proctoringContainer",
    "fileNamePrefix": "596_323_1",
    "position": {"verification": "center", "id": "center", "liveCam": "top-right"},
    "preUploadPath": "testResources",
}

PROCTORAI: dict[str, Json] = {
    "title": "Final Computer Science Exam",
    "duration": 180,
    "settings": {
        "webcam": True,
        "screenRecording": True,
        "audioRecording": True,
        "browserLock": True,
        "aiDetection": {"enabled": True, "sensitivity": "high"},
    },
}

TRUSTEXAM: dict[str, Json] = {
    "proctoring_settings": {
        "check_env": True,
        "browser_type": "*",
        "object_detect": False,
        "displays_check": False,
        "focus_detector": False,
        "noise_detector": False,
        "read_clipboard": 0,
        "content_protect": False,
        "face_landmarker": False,
        "fullscreen_mode": False,
        "id_verification": False,
        "speech_detector": False,
        "main_camera_record": False,
        "main_camera_upload": False,
        "photo_head_identity": 0,
        "screen_share_record": True,
        "screen_share_upload": False,
        "video_head_identity": False,
        "head_tracking_client": 0,
        "second_camera_record": False,
        "second_camera_upload": False,
        "main_camera_blackhole": False,
        "screen_share_blackhole": False,
        "second_camera_blackhole": False,
        "second_microphone_record": False,
        "second_microphone_upload": False,
        "second_microphone_blackhole": False,
        "head_tracking_server_realtime": False,
        "head_compare_euclidean_distance": 0.5,
    }
}
"""What a contest site sends to the vendor's API."""

METTL: dict[str, Json] = {
    "publicKey": "public-key-of-the-platform",
    "userId": "1349",
    "groupName": "course-27",
    "proctoringSettings": {
        "screenCapture": True,
        "recording": True,
        "audioProctoring": True,
        "authorization": False,
    },
    "expiryTime": 6,
    "userMetaData": {"name": "Sample Candidate", "email": "candidate@example.org", "courseId": 27},
}

SAMPLES: dict[str, dict[str, Json]] = {
    "blinkexam": BLINKEXAM,
    "proctorai": PROCTORAI,
    "trustexam": TRUSTEXAM,
    "mettl": METTL,
}


def blinkexam(**changed: Json) -> dict[str, Json]:
    return copy.deepcopy(BLINKEXAM) | changed


def completed(policy: dict[str, Json]) -> dict[str, Json]:
    """An imported policy with what only the institution knows."""
    below = small_policy(live__endpoint="https://proctoring.example.org")
    del below["candidate"]
    return laid_over(below, policy)


def leaves(value: Json, path: str = "") -> list[str]:
    """The paths of all values and empty containers, for names without special characters."""
    if isinstance(value, dict) and value:
        return [leaf for key, item in value.items() for leaf in leaves(item, f"{path}.{key}".lstrip("."))]
    if isinstance(value, list) and value:
        return [leaf for number, item in enumerate(value) for leaf in leaves(item, f"{path}[{number}]")]
    return [path]
