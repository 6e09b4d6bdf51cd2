"""ProctorAI's exams and their settings."""

from __future__ import annotations

import pytest

from app.core.errors import BadInput
from app.core.types import Json
from app.keys.policy_model import parse_policy
from app.keys.vendors.proctorai import import_settings
from tests.keys.vendors.samples import PROCTORAI, completed


def settings(**changed: Json) -> dict[str, Json]:
    whole = PROCTORAI["settings"]
    assert isinstance(whole, dict)
    return whole | changed


def test_the_sample_becomes_the_policy_that_it_means() -> None:
    assert import_settings(PROCTORAI).policy == {
        "exam": {"title": "Final Computer Science Exam", "duration_min": 180},
        "lockdown": {"kiosk": True, "grab_keyboard": True},
        "capture": {"camera": True, "screen": True, "microphone": True},
        "detection": {"enabled": True, "sensitivity": "high"},
    }


def test_the_settings_alone_mean_the_same_as_within_an_exam() -> None:
    alone, within = import_settings(settings()).policy, import_settings({"settings": settings()}).policy
    assert alone == within


def test_an_answer_of_the_vendor_is_read_and_its_record_reported() -> None:
    found = import_settings(
        PROCTORAI
        | {
            "id": "exam_12345",
            "status": "in_progress",
            "createdAt": "2025-03-26T14:30:00Z",
            "accessUrl": "https://proctor.example.org/exam/12345",
            "participants": [{"id": "user_789", "name": "Sample Candidate"}],
        }
    )
    assert parse_policy(completed(found.policy)).upload.exam_id == "exam_12345"
    assert {line.source for line in found.unmapped} == {"status", "createdAt", "accessUrl", "participants"}


@pytest.mark.parametrize("level", ["low", "medium", "high"])
def test_each_sensitivity_is_kept(level: str) -> None:
    found = import_settings(settings(aiDetection={"enabled": True, "sensitivity": level}))
    assert found.policy["detection"] == {"enabled": True, "sensitivity": level}


def test_another_sensitivity_is_refused() -> None:
    with pytest.raises(BadInput, match=r"settings\.aiDetection\.sensitivity has to be low, medium or high"):
        import_settings({"settings": {"aiDetection": {"sensitivity": "extreme"}}})


@pytest.mark.parametrize("name", ["webcam", "screenRecording", "audioRecording", "browserLock"])
def test_a_switch_that_is_neither_true_nor_false_is_refused(name: str) -> None:
    values: list[Json] = [1, "true", [True]]
    for value in values:
        with pytest.raises(BadInput, match=f"{name} has to be true or false"):
            import_settings(settings(**{name: value}))


def test_without_the_camera_nothing_that_needs_it_is_asked() -> None:
    policy = parse_policy(completed(import_settings(settings(webcam=False)).policy))
    assert not policy.capture.camera
    assert not policy.identity.photo
    assert policy.detection.enabled


def test_without_camera_and_microphone_nothing_is_judged_and_that_is_told() -> None:
    found = import_settings(settings(webcam=False, audioRecording=False))
    assert not parse_policy(completed(found.policy)).detection.enabled
    assert [line.source for line in found.unmapped] == ["aiDetection.enabled"]


def test_without_the_lock_the_exam_is_an_ordinary_window() -> None:
    policy = import_settings(settings(browserLock=False)).policy
    assert policy["lockdown"] == {"kiosk": False, "grab_keyboard": False}


@pytest.mark.parametrize("minutes", [0, -5, 1441, 90.5, "soon", True, 10**400])
def test_a_duration_that_is_none_is_refused(minutes: Json) -> None:
    with pytest.raises(BadInput, match="duration has to be a whole number of minutes from 1 to 1440"):
        import_settings({"duration": minutes})
