"""BlinkExam's config object."""

from __future__ import annotations

import json

import pytest

from app.core.errors import BadInput
from app.core.types import Json
from app.keys.policy_model import parse_policy
from app.keys.vendors.blinkexam import import_settings
from tests.keys.vendors.samples import BLINKEXAM, blinkexam, completed

REQUIRED = tuple(name for name in BLINKEXAM if name != "roomInfo")


def reasons(data: dict[str, Json], source: str) -> list[str]:
    return [line.reason for line in import_settings(data).unmapped if line.source == source]


def test_the_sample_becomes_the_policy_that_it_means() -> None:
    assert import_settings(BLINKEXAM).policy == {
        "exam": {"client_id": "1", "id": "596"},
        "candidate": {"id": "323", "attempt_number": 1},
        "identity": {"room_inspection": "recorded", "photo": True, "id_document": True, "face_check": True},
        "browser": {
            "container_id": "proctoringContainer",
            "verification_position": "center",
            "id_position": "center",
            "live_camera_position": "top-right",
        },
        "capture": {"screen": True},
        "evidence": {"mode": "continuous"},
        "upload": {"file_name_prefix": "596_323_1", "path_prefix": "testResources"},
        "live": {"room_id": "5962", "mode": "combo"},
    }


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_setting_is_named(name: str) -> None:
    config = blinkexam()
    del config[name]
    with pytest.raises(BadInput, match=f"BlinkExam settings: {name} is missing"):
        import_settings(config)


@pytest.mark.parametrize("name", ["serviceAccessKey", "testId", "attemptNumber"])
def test_an_empty_setting_does_not_pass_for_a_given_one(name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} (is missing|has to be)"):
        import_settings(blinkexam(**{name: ""}))


def test_all_missing_settings_are_named_at_once() -> None:
    config = blinkexam(roomInfo={})
    del config["testId"], config["faceAuth"]
    with pytest.raises(BadInput, match=r"testId, roomInfo\.roomId and faceAuth are missing"):
        import_settings(config)


@pytest.mark.parametrize("mode", ["recorded", "live", "combo"])
def test_each_proctor_mode_is_kept(mode: str) -> None:
    policy = parse_policy(completed(import_settings(blinkexam(proctorMode=mode)).policy))
    assert policy.live.mode == mode


def test_another_proctor_mode_is_refused() -> None:
    with pytest.raises(BadInput, match="proctorMode has to be recorded, live or combo"):
        import_settings(blinkexam(proctorMode="auto"))


def test_images_are_snapshots_and_leave_the_screen_as_it_is() -> None:
    policy = import_settings(blinkexam(recordingCategory="image")).policy
    assert policy["evidence"] == {"mode": "snapshots"}
    assert "capture" not in policy


@pytest.mark.parametrize(
    ("inspected", "kind", "becomes"),
    [(True, "recorded", "recorded"), (True, "live", "live"), (False, "live", "off"), (False, "recorded", "off")],
)
def test_the_room_is_inspected_as_both_settings_say(inspected: bool, kind: str, becomes: str) -> None:
    config = blinkexam(roomInspection=inspected, inspectionType=kind)
    assert parse_policy(completed(import_settings(config).policy)).identity.room_inspection == becomes
    assert bool(reasons(config, "inspectionType")) != inspected


def test_the_key_at_the_beginning_of_the_room_is_left_out_and_that_is_told() -> None:
    assert reasons(BLINKEXAM, "roomInfo.roomId") == ["Its beginning is the serviceAccessKey, which was left out."]
    assert "your-secret-key" not in json.dumps(import_settings(BLINKEXAM).to_json())


def test_a_room_of_its_own_is_kept_as_it_is() -> None:
    config = blinkexam(roomInfo={"roomId": "room-7"})
    assert import_settings(config).policy["live"] == {"room_id": "room-7", "mode": "combo"}
    assert reasons(config, "roomInfo.roomId") == []


@pytest.mark.parametrize("name", ["testId", "fileNamePrefix", "preUploadPath", "containerId"])
def test_the_key_within_another_setting_is_refused_without_being_repeated(name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} contains the serviceAccessKey") as refused:
        import_settings(blinkexam(**{name: "x-your-secret-key-x"}))
    assert "your-secret-key" not in str(refused.value)


def test_the_key_in_the_middle_of_the_room_is_refused() -> None:
    with pytest.raises(BadInput, match=r"roomInfo\.roomId contains the serviceAccessKey"):
        import_settings(blinkexam(roomInfo={"roomId": "596your-secret-key"}))


def test_faces_without_a_photo_are_not_compared_and_that_is_told() -> None:
    config = blinkexam(captureCandidate=False)
    assert not parse_policy(completed(import_settings(config).policy)).identity.face_check
    assert reasons(config, "faceAuth") == ["It compares the photo, which captureCandidate switches off."]


def test_faces_without_a_document_need_another_picture_and_that_is_told() -> None:
    config = blinkexam(captureIdentity=False)
    assert not parse_policy(completed(import_settings(config).policy)).identity.face_check
    assert "identity.reference_photo_url" in reasons(config, "faceAuth")[0]


@pytest.mark.parametrize("number", ["0", "one", "-1", "1.5", True, 1001])
def test_an_attempt_number_that_is_none_is_refused(number: Json) -> None:
    with pytest.raises(BadInput, match="attemptNumber has to be a whole number from 1 to 1000"):
        import_settings(blinkexam(attemptNumber=number))


def test_a_group_that_is_no_object_is_refused() -> None:
    with pytest.raises(BadInput, match="roomInfo has to be an object"):
        import_settings(blinkexam(roomInfo="your-secret-key5962"))
    with pytest.raises(BadInput, match="position has to be an object"):
        import_settings(blinkexam(position=["center"]))
