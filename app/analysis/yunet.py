"""YuNet, OpenCV's small face detector: boxes and five points of all faces, near and far."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.geometry import Box
from app.analysis.models import broken_model, require_model

_SIDE_PX = 640
_SMALLEST_PX = 33
"""On pictures that OpenCV pads to 32 pixels the net reads memory that nobody wrote, and finds faces there."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """``row`` is YuNet's own row of 15 numbers in the given picture's pixels, as FaceRecognizerSF wants it."""

    box: Box
    score: float
    points: NDArray[np.float64]
    row: NDArray[np.float32]


class YuNet:
    """One thread at a time. ``start()`` loads the model and raises InvigilError when it can't."""

    def __init__(self, path: Path, min_score: float) -> None:
        self._path = path
        self._min_score = min_score
        self._net: cv2.FaceDetectorYN | None = None

    def start(self) -> None:
        path = require_model(self._path)
        try:
            self._net = cv2.FaceDetectorYN.create(str(path), "", (_SIDE_PX, _SIDE_PX), self._min_score, 0.3, 50)
        except cv2.error as error:
            raise broken_model(path, str(error)) from error

    def close(self) -> None:
        self._net = None

    def find(self, pixels: NDArray[np.uint8]) -> list[FoundFace]:
        """Faces in a BGR picture, best first. Pictures of which less than 33 pixels are left at 640 hold none."""
        if self._net is None:
            raise RuntimeError("YuNet.find before start")
        height, width = pixels.shape[:2]
        scale = min(1.0, _SIDE_PX / max(height, width))
        size = (round(width * scale), round(height * scale))
        if min(size) < _SMALLEST_PX:
            return []
        small = pixels if scale == 1.0 else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        self._net.setInputSize(size)
        rows = np.asarray(self._net.detect(small)[1])
        if rows.ndim != 2:  # OpenCV answers None for no faces, whatever its stubs say
            return []
        grow = np.ones(15, dtype=np.float32)
        grow[0:14:2], grow[1:14:2] = width / size[0], height / size[1]
        found = [_found(row) for row in rows.astype(np.float32) * grow]
        return [face for face in found if is_possible(face, width, height)]


def is_possible(face: FoundFace, width: int, height: int) -> bool:
    """No box is taken on trust: an infinite one, or one far off the picture, would do harm further on."""
    x, y, w, h = face.box
    inside = 0 <= x + w / 2 <= width and 0 <= y + h / 2 <= height
    return bool(np.isfinite(face.row).all()) and w > 0 and h > 0 and inside


def _found(row: NDArray[np.float32]) -> FoundFace:
    x, y, width, height = (float(v) for v in row[:4])
    return FoundFace((x, y, width, height), float(row[14]), row[4:14].reshape(5, 2).astype(np.float64), row)
