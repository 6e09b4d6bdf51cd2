"""Faces with head pose and gaze: MediaPipe's face mesh, with YuNet to count.

The mesh's own detector is made for one person at arm's length and misses those behind; YuNet sees them.
So YuNet says how many there are, and the mesh says where they look: on the whole picture, and again on a
crop around each face that only YuNet found.

The landmarker runs in IMAGE mode: the same picture always gives the same answer, no time stamps have to
rise, and a second face is looked for in every picture. VIDEO mode tracks instead of detecting, which saves
3 ms and smooths only where a single face is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from mediapipe import Image, ImageFormat
from mediapipe.tasks.python import vision
from mediapipe.tasks.python.core.base_options import BaseOptions
from numpy.typing import NDArray

from app.analysis.geometry import (
    Box,
    Gaze,
    box_around,
    gaze_of,
    looks_at_screen,
    pose_from_five_points,
    pose_of,
    same_face,
)
from app.analysis.models import created_task, require_model
from app.analysis.yunet import FoundFace, YuNet
from app.core.types import Face, FacesSeen, Frame

MAX_FACES = 5
_SURE = 0.8  # YuNet's score from which it stands alone
_SUPPORT = 0.3  # and from which it confirms what the mesh found
_MESH_ONLY_SCORE = 0.6
_MAX_CROPS = 2
_CROP_PX = 256
_LONGEST_SIDE_PX = 1920
_SMALLEST_PX = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Mesh:
    points: NDArray[np.float64]
    blend: dict[str, float]
    matrix: NDArray[np.float32]
    box: Box


class FaceAnalyzer:
    """Implements the Detector port. One thread at a time; ``start()`` first, ``close()`` when done.

    Without ``yunet_path`` only the mesh's own detector counts faces.
    """

    def __init__(self, model_path: Path, yunet_path: Path | None = None) -> None:
        self._model_path = model_path
        self._yunet = None if yunet_path is None else YuNet(yunet_path, _SUPPORT)
        self._landmarker: vision.FaceLandmarker | None = None

    def start(self) -> None:
        """Loads the models; does nothing when they are. Raises InvigilError when a file is missing or broken."""
        if self._landmarker is not None:
            return
        path = require_model(self._model_path)
        if self._yunet is not None:
            self._yunet.start()
        options = vision.FaceLandmarkerOptions(
            BaseOptions(model_asset_path=str(path)),
            num_faces=MAX_FACES,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        self._landmarker = created_task(lambda: vision.FaceLandmarker.create_from_options(options), path)

    def close(self) -> None:
        """Releases the models; safe to call twice."""
        if self._landmarker is not None:
            self._landmarker.close()
            self._landmarker = None
        if self._yunet is not None:
            self._yunet.close()

    def detect(self, frame: Frame) -> FacesSeen:
        """All faces, largest first; boxes in the frame's pixels. Pictures below 16 pixels hold none."""
        height, width = frame.pixels.shape[:2]
        if min(height, width) < _SMALLEST_PX:
            return FacesSeen(frame.at.mono_ns, ())
        scale = min(1.0, _LONGEST_SIDE_PX / max(height, width))
        pixels = frame.pixels
        if scale < 1.0:
            size = (max(_SMALLEST_PX, round(width * scale)), max(_SMALLEST_PX, round(height * scale)))
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        faces = self._faces(pixels, scale)
        return FacesSeen(frame.at.mono_ns, tuple(sorted(faces, key=lambda f: -f.box[2] * f.box[3])))

    def _faces(self, pixels: NDArray[np.uint8], scale: float) -> list[Face]:
        rgb = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8)
        meshes = _distinct(self._meshes(rgb, 0, 0))
        if self._yunet is None:
            return [_from_mesh(m, _MESH_ONLY_SCORE, scale) for m in meshes]
        found = self._yunet.find(pixels)
        faces: list[Face] = []
        for mesh in meshes:
            backing = [f for f in found if same_face(f.box, mesh.box)]
            if backing:
                faces.append(_from_mesh(mesh, max(f.score for f in backing), scale))
        sure = [f for f in found if f.score >= _SURE and not any(same_face(f.box, m.box) for m in meshes)]
        sure.sort(key=lambda f: -f.box[2] * f.box[3])
        faces += [self._far_face(f, rgb, scale, again=n < _MAX_CROPS) for n, f in enumerate(sure)]
        if not faces:  # so near that YuNet can't frame it
            faces = [_from_mesh(m, _MESH_ONLY_SCORE, scale) for m in meshes[:1]]
        return faces

    def _far_face(self, found: FoundFace, rgb: NDArray[np.uint8], scale: float, *, again: bool) -> Face:
        """A face that only YuNet saw: the mesh on an enlarged crop, or a coarse pose from five points."""
        if again:
            for mesh in self._meshes_around(found.box, rgb):
                if same_face(found.box, mesh.box):
                    return _from_mesh(mesh, found.score, scale)
        height, width = rgb.shape[:2]
        pose = pose_from_five_points(found.points, (height, width))
        gaze = Gaze(pose.yaw_deg, pose.pitch_deg)
        return Face(
            box=_scaled(found.box, scale),
            score=found.score,
            yaw_deg=pose.yaw_deg,
            pitch_deg=pose.pitch_deg,
            roll_deg=pose.roll_deg,
            gaze_yaw_deg=gaze.yaw_deg,
            gaze_pitch_deg=gaze.pitch_deg,
            on_screen=abs(pose.yaw_deg) <= 45.0,  # five points are too coarse to accuse anyone of less
        )

    def _meshes_around(self, box: Box, rgb: NDArray[np.uint8]) -> list[_Mesh]:
        height, width = rgb.shape[:2]
        half = max(box[2], box[3])
        x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
        left, top = max(0, int(x - half)), max(0, int(y - half))
        crop = rgb[top : min(height, int(y + half) + 1), left : min(width, int(x + half) + 1)]
        if min(crop.shape[:2]) < _SMALLEST_PX:
            return []
        grow = max(1.0, _CROP_PX / max(crop.shape[:2]))
        size = (round(crop.shape[1] * grow), round(crop.shape[0] * grow))
        large = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
        return self._meshes(large, left, top, crop.shape[1] / size[0])

    def _meshes(self, rgb: NDArray[np.uint8], left: int, top: int, shrink: float = 1.0) -> list[_Mesh]:
        """The meshes in a picture, with their points moved and scaled into the picture it was cut from."""
        if self._landmarker is None:
            raise RuntimeError("FaceAnalyzer.detect before start")
        result = self._landmarker.detect(Image(ImageFormat.SRGB, np.ascontiguousarray(rgb)))
        height, width = rgb.shape[:2]
        size = np.array([width * shrink, height * shrink])
        meshes = []
        for landmarks, shapes, matrix in zip(
            result.face_landmarks, result.face_blendshapes, result.facial_transformation_matrixes, strict=True
        ):
            points = np.array([(p.x, p.y) for p in landmarks], dtype=np.float64) * size + (left, top)
            blend = {shape.category_name: shape.score for shape in shapes}
            meshes.append(_Mesh(points, blend, matrix, box_around(points)))
        return meshes


def _distinct(meshes: list[_Mesh]) -> list[_Mesh]:
    """The mesh model sometimes reports one face twice."""
    kept: list[_Mesh] = []
    for mesh in meshes:
        if not any(same_face(mesh.box, other.box) for other in kept):
            kept.append(mesh)
    return kept


def _from_mesh(mesh: _Mesh, score: float, scale: float) -> Face:
    pose = pose_of(mesh.matrix)
    gaze = gaze_of(mesh.points, mesh.blend, mesh.matrix)
    return Face(
        box=_scaled(mesh.box, scale),
        score=score,
        yaw_deg=pose.yaw_deg,
        pitch_deg=pose.pitch_deg,
        roll_deg=pose.roll_deg,
        gaze_yaw_deg=gaze.yaw_deg,
        gaze_pitch_deg=gaze.pitch_deg,
        on_screen=looks_at_screen(pose, gaze),
    )


def _scaled(box: Box, scale: float) -> Box:
    return box[0] / scale, box[1] / scale, box[2] / scale, box[3] / scale
