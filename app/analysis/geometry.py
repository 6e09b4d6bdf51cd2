"""Where a head points and where its eyes look, from MediaPipe's face mesh. Pure functions on arrays.

Angles are degrees with the product's signs: yaw > 0 towards the image's right, pitch > 0 up,
roll > 0 clockwise in the image. MediaPipe's camera looks along -z, with x to the right and y up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]

# Indexes of MediaPipe's 478-point mesh: corners towards the image's left and right, iris centre.
_EYES = ((33, 133, 468), (362, 263, 473))

# An iris' centre moves on a sphere of about 10.5 mm around the eye's centre of rotation, the visible
# eye is about 29 mm wide, and its corners lie about 6.5 mm in front of that centre.
_IRIS_RADIUS_PER_EYE_WIDTH = 10.5 / 29.0
_CORNER_DEPTH_PER_IRIS_RADIUS = 6.5 / 10.5
# Full deflection of the eyeLook blendshapes.
_BLEND_YAW_DEG = 30.0
_BLEND_PITCH_DEG = 25.0
_IRIS_WEIGHT = 2.0 / 3.0
_CLOSED_EYES = 0.6

# A screen below the camera at arm's length spans about +-17 degrees; the eyes' own error comes on top.
GAZE_YAW_LIMIT_DEG = 18.0
GAZE_UP_LIMIT_DEG = 22.0
GAZE_DOWN_LIMIT_DEG = -32.0
HEAD_YAW_LIMIT_DEG = 38.0


@dataclass(frozen=True, slots=True)
class Pose:
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class Gaze:
    """Relative to the direction from the head to the camera: 0, 0 looks into the lens."""

    yaw_deg: float
    pitch_deg: float


def pose_of(matrix: NDArray[np.float32]) -> Pose:
    """Head angles from the 4x4 pose matrix; the rotation is taken as yaw, then pitch, then roll."""
    rotation = matrix[:3, :3].astype(np.float64)
    rotation = rotation / np.maximum(np.linalg.norm(rotation, axis=0), 1e-9)
    yaw = np.arctan2(rotation[0, 2], rotation[2, 2])
    pitch = np.arcsin(np.clip(rotation[1, 2], -1.0, 1.0))
    roll = -np.arctan2(rotation[1, 0], rotation[1, 1])
    return Pose(float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll)))


def bearing_of(matrix: NDArray[np.float32]) -> tuple[float, float]:
    """The head's direction seen from the camera, in degrees to the image's right and up."""
    x, y, z = (float(v) for v in matrix[:3, 3])
    ahead = max(-z, 1e-6)
    return float(np.degrees(np.arctan2(x, ahead))), float(np.degrees(np.arctan2(y, ahead)))


def gaze_of(points: NDArray[np.float64], blend: Mapping[str, float], matrix: NDArray[np.float32]) -> Gaze:
    """Head and eyes together. ``points`` is 478 x 2 in pixels, ``blend`` the blendshapes by name.

    Sideways, the irises' place between the corners (spherical eye) and the eyeLook blendshapes are
    averaged; up and down, only the blendshapes are steady enough. Closed eyes: the head alone counts.
    """
    pose = pose_of(matrix)
    aside, above = bearing_of(matrix)
    if min(blend.get("eyeBlinkLeft", 0.0), blend.get("eyeBlinkRight", 0.0)) > _CLOSED_EYES:
        return Gaze(pose.yaw_deg + aside, pose.pitch_deg + above)
    by_blend = pose.yaw_deg + _BLEND_YAW_DEG * _blend_x(blend)
    yaw = _IRIS_WEIGHT * _iris_yaw_deg(points, pose.yaw_deg) + (1.0 - _IRIS_WEIGHT) * by_blend
    return Gaze(yaw + aside, pose.pitch_deg + _BLEND_PITCH_DEG * _blend_y(blend) + above)


def looks_at_screen(pose: Pose, gaze: Gaze) -> bool:
    """Whether head and eyes together point at a screen that carries the camera, with a wide margin."""
    return (
        abs(gaze.yaw_deg) <= GAZE_YAW_LIMIT_DEG
        and GAZE_DOWN_LIMIT_DEG <= gaze.pitch_deg <= GAZE_UP_LIMIT_DEG
        and abs(pose.yaw_deg) <= HEAD_YAW_LIMIT_DEG
    )


def _iris_yaw_deg(points: NDArray[np.float64], head_yaw_deg: float) -> float:
    """Gaze yaw in camera axes from the irises, each eye weighted by the width it shows."""
    head = np.radians(head_yaw_deg)
    shift, width = 0.0, 1e-9
    for left, right, iris in _EYES:
        axis = points[right] - points[left]
        length = float(np.linalg.norm(axis))
        middle = (points[right] + points[left]) / 2
        shift += float((points[iris] - middle) @ axis) / max(length, 1e-9)
        width += length
    sine = shift / width * np.cos(head) / _IRIS_RADIUS_PER_EYE_WIDTH + _CORNER_DEPTH_PER_IRIS_RADIUS * np.sin(head)
    return float(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def _blend_x(blend: Mapping[str, float]) -> float:
    to_right = blend.get("eyeLookOutLeft", 0.0) + blend.get("eyeLookInRight", 0.0)
    to_left = blend.get("eyeLookInLeft", 0.0) + blend.get("eyeLookOutRight", 0.0)
    return (to_right - to_left) / 2


def _blend_y(blend: Mapping[str, float]) -> float:
    up = blend.get("eyeLookUpLeft", 0.0) + blend.get("eyeLookUpRight", 0.0)
    down = blend.get("eyeLookDownLeft", 0.0) + blend.get("eyeLookDownRight", 0.0)
    return (up - down) / 2


# Right eye, left eye, nose tip, right and left mouth corner of an average head, in millimetres around its
# centre; x to the image's right, y down, z away from the camera.
_HEAD_MM = np.array(
    [[-32.0, -35.0, -45.0], [32.0, -35.0, -45.0], [0.0, 0.0, -75.0], [-26.0, 35.0, -45.0], [26.0, 35.0, -45.0]],
    dtype=np.float64,
)


def pose_from_five_points(points: NDArray[np.float64], image_size: tuple[int, int]) -> Pose:
    """A coarse head pose from YuNet's five points (x, y in pixels), where the face mesh found nothing."""
    height, width = image_size
    focal = float(max(height, width))
    camera = np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    found, turn, _ = cv2.solvePnP(_HEAD_MM, points, camera, np.zeros(4), flags=cv2.SOLVEPNP_SQPNP)
    if not found:
        return Pose(0.0, 0.0, 0.0)
    rotation, _ = cv2.Rodrigues(turn)
    ahead = -np.asarray(rotation, dtype=np.float64)[:, 2]  # where the face points; it points at -z when frontal
    yaw = float(np.degrees(np.arctan2(ahead[0], -ahead[2])))
    pitch = float(np.degrees(np.arcsin(np.clip(-ahead[1], -1.0, 1.0))))
    eyes = points[1] - points[0]
    return Pose(yaw, pitch, float(np.degrees(np.arctan2(eyes[1], eyes[0]))))


def box_around(points: NDArray[np.float64]) -> Box:
    """x, y, width, height of the points' bounds."""
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def same_face(a: Box, b: Box) -> bool:
    """Whether two boxes frame one face: they overlap by a fifth, or one's centre lies in the other."""
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(0.0, wide) * max(0.0, high)
    union = a[2] * a[3] + b[2] * b[3] - shared
    return shared > 0.2 * union or _holds_centre(a, b) or _holds_centre(b, a)


def _holds_centre(outer: Box, inner: Box) -> bool:
    x, y = inner[0] + inner[2] / 2, inner[1] + inner[3] / 2
    return outer[0] <= x <= outer[0] + outer[2] and outer[1] <= y <= outer[1] + outer[3]
