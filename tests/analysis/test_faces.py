"""Faces in real photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.analysis.faces import FaceAnalyzer
from app.core.errors import InvigilError
from app.core.types import Face, Frame, Instant, Stream

Pixels = NDArray[np.uint8]
Found = Callable[[Pixels], tuple[Face, ...]]


def test_a_person_at_the_desk_is_one_face_on_the_screen(faces_in: Found, astronaut: Pixels) -> None:
    (face,) = faces_in(astronaut)
    x, y, width, height = face.box
    assert 150 < x < x + width < 300
    assert 40 < y < y + height < 220
    assert face.score > 0.8
    assert abs(face.yaw_deg) < 25
    assert abs(face.roll_deg) < 15
    assert face.on_screen


def test_a_mirrored_picture_has_mirrored_angles(faces_in: Found, astronaut: Pixels) -> None:
    (face,), (mirrored,) = faces_in(astronaut), faces_in(np.ascontiguousarray(astronaut[:, ::-1]))
    assert mirrored.yaw_deg == pytest.approx(-face.yaw_deg, abs=5)
    assert mirrored.gaze_yaw_deg == pytest.approx(-face.gaze_yaw_deg, abs=8)
    assert mirrored.pitch_deg == pytest.approx(face.pitch_deg, abs=5)
    assert mirrored.roll_deg == pytest.approx(-face.roll_deg, abs=5)


def test_a_picture_turned_clockwise_rolls_the_head_clockwise(faces_in: Found, astronaut: Pixels) -> None:
    turn = cv2.getRotationMatrix2D((224, 130), -20, 1.0)  # OpenCV's positive angles are counter-clockwise
    turned = np.asarray(cv2.warpAffine(astronaut, turn, (512, 512)), dtype=np.uint8)
    (before,), (after,) = faces_in(astronaut), faces_in(turned)
    assert after.roll_deg - before.roll_deg == pytest.approx(20, abs=6)


def test_an_empty_room_has_no_face(faces_in: Found, empty_room: Pixels) -> None:
    assert faces_in(empty_room) == ()


def test_a_second_person_counts(faces_in: Found, astronaut: Pixels) -> None:
    assert len(faces_in(np.hstack([astronaut, astronaut[:, ::-1]]))) == 2


def test_a_small_face_in_the_background_counts_and_has_a_pose(
    faces_in: Found, astronaut: Pixels, empty_room: Pixels
) -> None:
    scene = empty_room.copy()
    scene[100:480, 0:380] = cv2.resize(astronaut, (380, 380), interpolation=cv2.INTER_AREA)
    scene[200:300, 500:600] = cv2.resize(astronaut, (100, 100), interpolation=cv2.INTER_AREA)
    near, far = faces_in(scene)
    assert far.box[0] > 500
    assert far.box[2] < near.box[2]
    assert far.yaw_deg == pytest.approx(near.yaw_deg, abs=15)


def test_boxes_are_in_the_pictures_own_pixels_however_large(faces_in: Found, astronaut: Pixels) -> None:
    (small,) = faces_in(astronaut)
    (large,) = faces_in(np.asarray(cv2.resize(astronaut, None, fx=8, fy=8), dtype=np.uint8))
    assert large.box == pytest.approx([v * 8 for v in small.box], rel=0.1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (15, 15), (16, 16), (20, 2000)])
def test_odd_shapes_hold_no_face_and_do_no_harm(faces_in: Found, shape: tuple[int, int]) -> None:
    assert faces_in(np.full((*shape, 3), 127, dtype=np.uint8)) == ()


def test_the_same_picture_gives_the_same_answer(faces_in: Found, astronaut: Pixels, empty_room: Pixels) -> None:
    first = faces_in(astronaut)
    faces_in(empty_room)
    assert faces_in(astronaut) == first


def test_the_frame_is_not_written_to_and_its_time_is_kept(analyzer: FaceAnalyzer, astronaut: Pixels) -> None:
    pixels = astronaut.copy()
    pixels.flags.writeable = False
    seen = analyzer.detect(Frame(Stream.CAMERA, 3, Instant(42, 0, "test"), pixels))
    assert seen.at_ns == 42


def test_the_mesh_alone_finds_a_near_face(landmarker_path: Path, astronaut: Pixels) -> None:
    alone = FaceAnalyzer(landmarker_path)
    alone.start()
    seen = alone.detect(Frame(Stream.CAMERA, 0, Instant(0, 0, "test"), astronaut))
    alone.close()
    alone.close()
    assert len(seen.faces) == 1


def test_a_missing_model_is_named_with_what_to_do(tmp_path: Path, yunet_path: Path) -> None:
    with pytest.raises(InvigilError, match=r"gone\.task is missing.*dev\.py setup"):
        FaceAnalyzer(tmp_path / "gone.task", yunet_path).start()


def test_a_broken_model_is_named_with_what_to_do(tmp_path: Path, landmarker_path: Path, yunet_path: Path) -> None:
    broken = tmp_path / "broken.bin"
    broken.write_bytes(b"not a model" * 100)
    with pytest.raises(InvigilError, match=r"broken\.bin can't be loaded"):
        FaceAnalyzer(broken, yunet_path).start()
    with pytest.raises(InvigilError, match=r"broken\.bin can't be loaded"):
        FaceAnalyzer(landmarker_path, broken).start()
