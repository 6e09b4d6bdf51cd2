"""Objects by COCO name: EfficientDet-Lite2 through MediaPipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from mediapipe import Image, ImageFormat
from mediapipe.tasks.python import vision
from mediapipe.tasks.python.core.base_options import BaseOptions
from numpy.typing import NDArray

from app.analysis.geometry import Box
from app.analysis.models import created_task, require_model

_LONGEST_SIDE_PX = 1280
_SMALLEST_PX = 16
_MAX_OBJECTS = 25


@dataclass(frozen=True, slots=True)
class SeenObject:
    """``label`` is the COCO name, ``box`` x, y, width, height in the picture's pixels."""

    label: str
    score: float
    box: Box


class ObjectFinder:
    """One thread at a time; ``start()`` first, ``close()`` when done."""

    def __init__(self, model_path: Path, min_score: float = 0.35) -> None:
        self._model_path = model_path
        self._min_score = min_score
        self._detector: vision.ObjectDetector | None = None

    def start(self) -> None:
        """Loads the model. Raises InvigilError when the file is missing or broken."""
        if self._detector is not None:
            return
        path = require_model(self._model_path)
        options = vision.ObjectDetectorOptions(
            BaseOptions(model_asset_path=str(path)), max_results=_MAX_OBJECTS, score_threshold=self._min_score
        )
        self._detector = created_task(lambda: vision.ObjectDetector.create_from_options(options), path)

    def close(self) -> None:
        """Releases the model; safe to call twice."""
        if self._detector is not None:
            self._detector.close()
            self._detector = None

    def find(self, pixels: NDArray[np.uint8]) -> tuple[SeenObject, ...]:
        """Objects in a BGR picture, best first; none in pictures below 16 pixels."""
        if self._detector is None:
            raise RuntimeError("ObjectFinder.find before start")
        height, width = pixels.shape[:2]
        if min(height, width) < _SMALLEST_PX:
            return ()
        scale = min(1.0, _LONGEST_SIDE_PX / max(height, width))
        if scale < 1.0:
            size = (max(_SMALLEST_PX, round(width * scale)), max(_SMALLEST_PX, round(height * scale)))
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        rgb = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8)
        found = self._detector.detect(Image(ImageFormat.SRGB, np.ascontiguousarray(rgb)))
        seen = (_seen(detection, scale) for detection in found.detections)
        return tuple(sorted(seen, key=lambda s: -s.score))


def _seen(detection: vision.Detection, scale: float) -> SeenObject:
    best, box = detection.categories[0], detection.bounding_box
    sides = (box.origin_x / scale, box.origin_y / scale, box.width / scale, box.height / scale)
    return SeenObject(best.category_name, best.score, sides)
