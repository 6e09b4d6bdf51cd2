"""Whose face it is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.analysis.identity import Comparison, FaceVerifier, Portrait, judge
from app.analysis.person import PersonWatch
from app.analysis.pictures import PictureError
from app.analysis.portraits import PortraitFiles, reference_portrait
from app.core.errors import InvigilError
from app.core.types import NS_PER_S, Face, FacesSeen, Frame, Instant, Stream

Pixels = NDArray[np.uint8]


def jpeg(pixels: Pixels) -> bytes:
    ok, data = cv2.imencode(".jpg", pixels)
    assert ok
    return bytes(data)


def towards(cosine: float) -> Portrait:
    """A portrait that has this cosine with ``towards(1)``."""
    feature = np.zeros(128, dtype=np.float32)
    feature[0], feature[1] = cosine, (1 - cosine**2) ** 0.5
    return Portrait(feature)


def test_another_picture_of_the_same_person_is_verified(verifier: FaceVerifier, astronaut: Pixels) -> None:
    other = np.clip(astronaut[:, ::-1].astype(float) * 0.7 + 10, 0, 255).astype(np.uint8)
    small = np.asarray(cv2.resize(other, (300, 300)), dtype=np.uint8)
    comparison = verifier.compare_bytes(jpeg(astronaut), jpeg(small))
    assert comparison.verified
    assert comparison.face_detected
    assert comparison.confidence > 0.9
    assert comparison.match_score > 0.6
    assert comparison.warnings == ()


def test_a_face_that_fills_the_picture_is_found(verifier: FaceVerifier, astronaut: Pixels) -> None:
    assert verifier.compare(astronaut, np.ascontiguousarray(astronaut[70:190, 170:280])).face_detected


def test_without_a_face_nobody_is_verified(verifier: FaceVerifier, astronaut: Pixels, empty_room: Pixels) -> None:
    comparison = verifier.compare(astronaut, empty_room)
    assert comparison == Comparison(False, 0.0, 0.0, False, ("no_face_in_second",))


def test_several_faces_are_warned_of(verifier: FaceVerifier, astronaut: Pixels) -> None:
    both = np.hstack([astronaut, np.asarray(cv2.resize(astronaut, (512, 512)), dtype=np.uint8)])
    assert "several_faces_in_first" in verifier.compare(both, astronaut).warnings


@pytest.mark.parametrize(
    ("cosine", "verified", "review"),
    [
        (0.9, True, False),
        (0.45, True, False),
        (0.38, True, True),
        (0.32, False, True),
        (0.2, False, False),
        (-0.2, False, False),
    ],
)
def test_the_cosine_decides_and_what_is_close_wants_review(cosine: float, verified: bool, review: bool) -> None:
    comparison = judge(towards(1.0), towards(cosine))
    assert comparison.verified is verified
    assert ("review" in comparison.warnings) is review
    assert comparison.match_score == pytest.approx(max(0.0, cosine), abs=1e-4)
    assert 0.5 <= comparison.confidence <= 1


def test_its_json_has_the_contracts_names() -> None:
    assert Comparison(True, 0.9, 0.8, True, ("review",)).to_json() == {
        "verified": True,
        "confidence": 0.9,
        "matchScore": 0.8,
        "faceDetected": True,
        "warnings": ["review"],
    }


def test_what_is_no_picture_is_a_value_error(verifier: FaceVerifier, astronaut: Pixels) -> None:
    with pytest.raises(ValueError, match="The second picture is not a picture"):
        verifier.compare_bytes(jpeg(astronaut), b"nothing")


def test_missing_models_are_named(tmp_path: Path, yunet_path: Path, astronaut: Pixels) -> None:
    with pytest.raises(InvigilError, match=r"gone\.onnx is missing"):
        FaceVerifier(yunet_path, tmp_path / "gone.onnx").compare(astronaut, astronaut)


def test_each_file_is_read_once_and_a_bad_one_is_named(
    verifier: FaceVerifier, astronaut_path: Path, tmp_path: Path
) -> None:
    files = PortraitFiles(verifier)
    good, none = files.compare(astronaut_path, astronaut_path)
    assert (good.verified, none) == (True, [])
    bad, problems = files.compare(tmp_path / "gone.jpg", astronaut_path)
    assert (bad.verified, bad.warnings) == (False, ("unreadable_first",))
    assert "gone.jpg can't be read" in str(problems[0])


def test_a_reference_shows_one_face(
    verifier: FaceVerifier, astronaut: Pixels, empty_room: Pixels, tmp_path: Path
) -> None:
    for name, pixels, words in (
        ("none", empty_room, "No face"),
        ("two", np.hstack([astronaut] * 2), "More than one face"),
    ):
        path = tmp_path / f"{name}.png"
        cv2.imwrite(str(path), pixels)
        with pytest.raises(PictureError, match=words):
            reference_portrait(verifier, path)


def seen(count: int, yaw_deg: float = 0.0) -> FacesSeen:
    return FacesSeen(0, (Face((0, 0, 9, 9), 0.9, yaw_deg, 0, 0, 0, 0, True),) * count)


def test_the_first_seconds_enrol_then_the_same_person_matches(verifier: FaceVerifier, astronaut: Pixels) -> None:
    watch = PersonWatch(verifier, None)
    answers = []
    for n in range(12):
        frame = Frame(Stream.CAMERA, n, Instant(n * NS_PER_S // 2, 0, "test"), astronaut)
        answers.append(watch.compared(frame, seen(1)))
    assert answers[:4] == [None] * 4
    assert all(a is not None and a.match_score > 0.9 for a in answers[4:])


def test_nobody_is_compared_in_company_in_profile_or_too_often(verifier: FaceVerifier, astronaut: Pixels) -> None:
    watch = PersonWatch(verifier, verifier.portrait(astronaut))
    frame = Frame(Stream.CAMERA, 0, Instant(0, 0, "test"), astronaut)
    assert watch.compared(frame, seen(2)) is None
    assert watch.compared(frame, seen(1, yaw_deg=60)) is None
    assert watch.compared(frame, seen(1)) is not None
    assert watch.compared(frame, seen(1)) is None
