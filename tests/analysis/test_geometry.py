"""Head pose and gaze from numbers alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.analysis.geometry import (
    Gaze,
    Pose,
    box_around,
    gaze_of,
    looks_at_screen,
    pose_from_five_points,
    pose_of,
    same_face,
)


def matrix(
    yaw_deg: float, pitch_deg: float = 0.0, roll_deg: float = 0.0, at: tuple[float, float] = (0, 0)
) -> NDArray[np.float32]:
    """The pose matrix of a head at arm's length, turned by yaw, then pitch, then roll."""
    y, p, r = np.radians([yaw_deg, pitch_deg, -roll_deg])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    pose = np.eye(4)
    pose[:3, :3] = about_y @ about_x @ about_z
    pose[:3, 3] = (*at, -50.0)
    return pose.astype(np.float32)


def mesh(eye_yaw_deg: float) -> NDArray[np.float64]:
    """A frontal mesh in which only the eyes have their places: 29 px wide, irises on a sphere of 10.5 px."""
    points = np.zeros((478, 2))
    shift = 10.5 * np.sin(np.radians(eye_yaw_deg))
    for left, right, iris, x in ((33, 133, 468, -35.0), (362, 263, 473, 35.0)):
        points[left], points[right], points[iris] = (x - 14.5, 0), (x + 14.5, 0), (x + shift, 0)
    return points


def blend(eye_yaw_deg: float, eye_pitch_deg: float = 0.0, blink: float = 0.0) -> dict[str, float]:
    to_right, up = eye_yaw_deg / 30.0, eye_pitch_deg / 25.0
    shapes = {"eyeBlinkLeft": blink, "eyeBlinkRight": blink}
    for side, outward in (("Left", to_right), ("Right", -to_right)):
        shapes |= {f"eyeLookOut{side}": max(0.0, outward), f"eyeLookIn{side}": max(0.0, -outward)}
        shapes |= {f"eyeLookUp{side}": max(0.0, up), f"eyeLookDown{side}": max(0.0, -up)}
    return shapes


angles = st.floats(-60, 60)


@given(angles, angles, st.floats(-40, 40))
def test_pose_is_read_back_from_its_matrix(yaw: float, pitch: float, roll: float) -> None:
    pose = pose_of(matrix(yaw, pitch, roll))
    assert (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == pytest.approx((yaw, pitch, roll), abs=0.01)


@given(st.floats(-30, 30))
def test_gaze_of_a_frontal_head_is_the_eyes(eye_yaw: float) -> None:
    assert gaze_of(mesh(eye_yaw), blend(eye_yaw), matrix(0)).yaw_deg == pytest.approx(eye_yaw, abs=0.01)


def test_eyes_up_and_down_add_to_the_head() -> None:
    assert gaze_of(mesh(0), blend(0, -20), matrix(0, -10)).pitch_deg == pytest.approx(-30, abs=0.01)


def test_closed_eyes_leave_the_head_alone() -> None:
    assert gaze_of(mesh(25), blend(25, blink=0.9), matrix(5)).yaw_deg == pytest.approx(5, abs=0.01)


def test_who_sits_aside_and_looks_into_the_lens_looks_at_zero() -> None:
    beside = matrix(-np.degrees(np.arctan2(20, 50)), at=(20, 0))
    gaze = gaze_of(mesh(0), blend(0, blink=0.9), beside)
    assert gaze.yaw_deg == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    ("head", "gaze", "on_screen"),
    [
        ((0, 0), (0, 0), True),
        ((10, -5), (14, -20), True),
        ((0, 0), (25, 0), False),
        ((0, 0), (-25, 0), False),
        ((0, 30), (0, 35), False),
        ((0, -30), (0, -45), False),
        ((50, 0), (10, 0), False),
    ],
)
def test_the_screen_has_sane_limits(head: tuple[float, float], gaze: tuple[float, float], on_screen: bool) -> None:
    assert looks_at_screen(Pose(*head, 0), Gaze(*gaze)) is on_screen


@pytest.mark.parametrize("yaw", [-50, -20, 0, 20, 50])
def test_five_points_give_the_side_and_about_the_angle(yaw: float) -> None:
    head = np.array([[-32, -35, -45], [32, -35, -45], [0, 0, -75], [-26, 35, -45], [26, 35, -45]], dtype=np.float64)
    turn = np.radians(yaw)
    about_y = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    turned = head @ about_y.T + (0, 0, 600)
    points = turned[:, :2] / turned[:, 2:] * 640 + (320, 240)
    pose = pose_from_five_points(points, (480, 640))
    assert pose.yaw_deg == pytest.approx(yaw, abs=3)
    assert pose.pitch_deg == pytest.approx(0, abs=3)


def test_boxes_of_one_face_are_told_from_those_of_two() -> None:
    assert same_face((0, 0, 10, 10), (2, 2, 10, 10))
    assert same_face((0, 0, 100, 100), (40, 40, 5, 5))
    assert not same_face((0, 0, 10, 10), (9, 0, 10, 10))
    assert box_around(np.array([[1.0, 2.0], [4.0, 8.0]])) == (1, 2, 3, 6)
