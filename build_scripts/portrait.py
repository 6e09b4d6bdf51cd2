"""A photographed person that can turn the head, look aside, blink and move, for the demo's camera film.

The photograph is laid over a triangle mesh of MediaPipe's 478 face points, which have depth, and of a ring around the
head and a grid over the rest, which have none. Turning the mesh in space and drawing the photograph over it again
gives real pixels of a real face in another pose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

# Point numbers of the MediaPipe face mesh.
RIGHT_EAR, LEFT_EAR, CHIN, FOREHEAD = 234, 454, 152, 10
IRISES = ((range(468, 473), 33, 133), (range(473, 478), 362, 263))  # points, outer and inner corner
FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
LIDS = (  # upper point, lower point below it
    *((246, 7), (161, 163), (160, 144), (159, 145), (158, 153), (157, 154), (173, 155)),
    *((466, 249), (388, 390), (387, 373), (386, 374), (385, 380), (384, 381), (398, 382)),
)
HALOS = ((1.12, 0.92), (1.25, 0.75), (1.4, 0.5), (1.55, 0.25))  # size against the face, share of its movement
RING_POINTS = 28
GRID_STEP_PX = 40

_NO_SECOND_MAP = np.empty(0, np.float32)  # both coordinates are in the first


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the person is and looks. Angles in degrees, yaw > 0 to the picture's right, pitch > 0 up.

    ``gaze`` moves the irises, 1 is far to the picture's right; ``blink`` 1 is closed. ``x_px``, ``y_px`` is the place
    of the face's centre in the film's frame and ``scale`` its size against the photograph.
    """

    x_px: float
    y_px: float
    scale: float
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    gaze: float = 0.0
    blink: float = 0.0


class Portrait:
    """One person, cut out of a photograph.

    ``photo`` is BGRA, (height, width, 4), with the person's outline as alpha; ``landmarks`` is (478, 3) in pixels of
    the photograph, depth smaller when nearer, as MediaPipe gives them.
    """

    def __init__(self, photo: Pixels, landmarks: Points) -> None:
        self._photo = photo
        height, width = photo.shape[:2]
        ears = (landmarks[RIGHT_EAR] + landmarks[LEFT_EAR]) / 2
        top, bottom = landmarks[FOREHEAD, 1], landmarks[CHIN, 1]
        self._centre = np.array([ears[0], (top + bottom) / 2])
        self._face_height_px = float(bottom - top)
        oval = landmarks[list(FACE_OVAL), :2]
        halos = [self._centre + (oval - self._centre) * size for size, _ in HALOS]
        ring = _ring(self._centre, self._face_height_px)
        grid = _grid(width, height, self._centre, self._face_height_px)
        self._face = slice(0, len(landmarks))
        self._halo = slice(len(landmarks), len(landmarks) + len(oval) * len(HALOS))
        self._ring = slice(self._halo.stop, self._halo.stop + len(ring))
        self._source = np.vstack([landmarks[:, :2], *halos, ring, grid]).astype(np.float64)
        self._depth = np.maximum(ears[2] - landmarks[:, 2], 0.0)
        self._triangles = _delaunay(self._source, width, height)

    def draw(self, canvas: Pixels, pose: Pose) -> None:
        """Draw the person into ``canvas`` (BGR, changed in place)."""
        height, width = canvas.shape[:2]
        vertices, depth = self._posed(pose)
        mapping = _inverse_map(self._source, vertices, depth, self._triangles, width, height)
        drawn = cv2.remap(
            self._photo, mapping, _NO_SECOND_MAP, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=0
        )
        alpha = drawn[:, :, 3:].astype(np.float32) / 255
        canvas[:] = (drawn[:, :, :3] * alpha + canvas * (1 - alpha)).astype(np.uint8)

    def _posed(self, pose: Pose) -> tuple[Points, NDArray[np.float64]]:
        """The mesh's points in the film's frame, and their depth towards the camera."""
        points = self._source.copy()
        self._move_eyes(points, pose)
        yaw, pitch, roll = (math.radians(angle) for angle in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg))
        offsets = points - self._centre
        x, y = offsets[self._face].T
        z = self._depth
        turned_z = z * math.cos(yaw) - x * math.sin(yaw)
        turned_x = x * math.cos(yaw) + z * math.sin(yaw)
        turned_y = y * math.cos(pitch) - turned_z * math.sin(pitch)
        moves = np.zeros_like(offsets)
        moves[self._face] = np.stack([turned_x - x, turned_y - y], axis=1)
        oval_moves = moves[list(FACE_OVAL)]
        moves[self._halo] = np.vstack([oval_moves * share for _, share in HALOS])
        moves[self._ring] = np.array([math.sin(yaw), -math.sin(pitch)]) * self._face_height_px * 0.06
        moved = offsets + moves
        tilt = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
        head = slice(0, self._ring.stop)
        moved[head] = moved[head] @ tilt.T
        depth = np.full(len(points), -1e3)
        depth[self._face] = turned_z
        return moved * pose.scale + np.array([pose.x_px, pose.y_px]), depth

    def _move_eyes(self, points: Points, pose: Pose) -> None:
        for iris, corner, other_corner in IRISES:
            eye_width = abs(points[other_corner, 0] - points[corner, 0])
            points[list(iris), 0] += pose.gaze * 0.3 * eye_width
        for upper, lower in LIDS:
            points[upper] += (points[lower] - points[upper]) * 0.9 * pose.blink


def _ring(centre: Points, face_height_px: float) -> Points:
    """Points around the head with its hair, which hold still while the face turns within."""
    angles = np.linspace(0, 2 * math.pi, RING_POINTS, endpoint=False)
    radius = np.array([0.76, 0.92]) * face_height_px
    ring: Points = centre + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius
    return ring


def _grid(width: int, height: int, centre: Points, face_height_px: float) -> Points:
    """Points over the rest of the photograph; they don't turn with the head."""
    columns = np.append(np.arange(0, width - 1, GRID_STEP_PX), width - 1)
    rows = np.append(np.arange(0, height - 1, GRID_STEP_PX), height - 1)
    points = np.array([(x, y) for x in columns for y in rows], dtype=np.float64)
    away = np.abs((points - centre) / (np.array([0.95, 1.1]) * face_height_px))
    outside: Points = points[np.hypot(away[:, 0], away[:, 1]) > 1]
    return outside


def _delaunay(points: Points, width: int, height: int) -> NDArray[np.int64]:
    """Triangles over the points, as (n, 3) numbers of points."""
    subdivision = cv2.Subdiv2D((-1, -1, width + 2, height + 2))
    for x, y in points:
        subdivision.insert((float(x), float(y)))
    corners = np.array(subdivision.getTriangleList()).reshape(-1, 3, 2)
    inside = np.all((corners >= 0) & (corners <= (width - 1, height - 1)), axis=(1, 2))
    away = np.linalg.norm(corners[inside][:, :, None, :] - points[None, None, :, :], axis=3)
    numbers: NDArray[np.int64] = away.argmin(axis=2)
    return numbers


def _inverse_map(
    source: Points, target: Points, depth: NDArray[np.float64], triangles: NDArray[np.int64], width: int, height: int
) -> NDArray[np.float32]:
    """For each pixel of the frame, the photograph's pixel to show there; (-9, -9) where there is none."""
    before, after = source[triangles], target[triangles]
    edges = after[:, 1:] - after[:, :1]
    turned_over = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    flat = before[:, 1:] - before[:, :1]
    sign = np.sign(flat[:, 0, 0] * flat[:, 1, 1] - flat[:, 0, 1] * flat[:, 1, 0])
    visible = np.flatnonzero(turned_over * sign > 1e-6)
    owner = np.full((height, width), -1, dtype=np.int32)
    corners = np.round(after * 16).astype(np.int32)
    for number in visible[np.argsort(depth[triangles[visible]].mean(axis=1), kind="stable")].tolist():
        cv2.fillConvexPoly(owner, corners[number], number, cv2.LINE_8, 4)
    homogeneous = np.concatenate([after[visible], np.ones((len(visible), 3, 1))], axis=2)
    affine = np.zeros((len(triangles) + 1, 3, 2), dtype=np.float32)
    affine[visible] = np.linalg.solve(homogeneous, before[visible])
    affine[-1, 2] = -9
    columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    along, down, offset = affine[:, 0], affine[:, 1], affine[:, 2]
    mapping = np.empty((height, width, 2), dtype=np.float32)
    for axis in (0, 1):
        part = along[:, axis].take(owner, mode="wrap") * columns
        part += down[:, axis].take(owner, mode="wrap") * rows
        mapping[:, :, axis] = part + offset[:, axis].take(owner, mode="wrap")
    return mapping
