"""Are two pictures of the same person? YuNet finds and aligns, SFace embeds, the cosine decides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.analysis.models import broken_model, require_model
from app.analysis.pictures import decode_picture
from app.analysis.yunet import FoundFace, YuNet
from app.core.types import Json

MATCH = 0.363  # OpenCV's published threshold of SFace's cosine; facts: TPR 1.000 at FPR 0.0009 here
REVIEW_FROM, REVIEW_TO = 0.30, 0.40
_MIN_SCORE = 0.6
_SMALL_FACE_PX = 40
_CERTAINTY_PER_COSINE = 12.0
_LONGEST_SIDE_PX = 1920


@dataclass(frozen=True, slots=True)
class Comparison:
    """``match_score`` is the cosine, cut to 0..1. ``confidence`` is how sure the decision is, 0..1.

    ``warnings``: ``review`` (too close to call), ``no_face_in_first``, ``no_face_in_second``,
    ``several_faces_in_first``, ``several_faces_in_second`` (the largest was compared),
    ``small_face_in_first``, ``small_face_in_second``.
    """

    verified: bool
    confidence: float
    match_score: float
    face_detected: bool
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return {
            "verified": self.verified,
            "confidence": self.confidence,
            "matchScore": self.match_score,
            "faceDetected": self.face_detected,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """The embedding of the largest face of a picture; ``feature`` is None where there is none."""

    feature: NDArray[np.float32] | None
    warnings: tuple[str, ...] = ()


class FaceVerifier:
    """One thread at a time. The models are loaded by ``start()`` or at first use; InvigilError when they can't be."""

    def __init__(self, yunet_path: Path, sface_path: Path) -> None:
        self._yunet = YuNet(yunet_path, _MIN_SCORE)
        self._sface_path = sface_path
        self._sface: cv2.FaceRecognizerSF | None = None

    def start(self) -> None:
        """Does nothing when started already."""
        self._recognizer()

    def close(self) -> None:
        self._yunet.close()
        self._sface = None

    def compare(self, a: NDArray[np.uint8], b: NDArray[np.uint8]) -> Comparison:
        """Two BGR pictures. Never raises for what is in them."""
        return judge(self.portrait(a), self.portrait(b))

    def compare_bytes(self, jpeg_a: bytes, jpeg_b: bytes) -> Comparison:
        """Two encoded pictures. Raises PictureError (a ValueError) for what is no picture, or above 40 megapixels."""
        first = decode_picture(jpeg_a, "The first picture")
        return self.compare(first, decode_picture(jpeg_b, "The second picture"))

    def portrait(self, pixels: NDArray[np.uint8]) -> Portrait:
        """What is needed of a picture to compare it any number of times."""
        recognizer = self._recognizer()
        pixels = _bounded(pixels)
        faces = self._yunet.find(pixels)
        if not faces:  # a face that fills the picture is found once it has surroundings
            pixels = _with_border(pixels)
            faces = self._yunet.find(pixels)
        if not faces:
            return Portrait(None, ("no_face",))
        face = max(faces, key=_area)
        warnings = []
        if len(faces) > 1:
            warnings.append("several_faces")
        if min(face.box[2:]) < _SMALL_FACE_PX:
            warnings.append("small_face")
        feature = recognizer.feature(recognizer.alignCrop(pixels, face.row))
        return Portrait(np.array(feature, dtype=np.float32).ravel(), tuple(warnings))

    def _recognizer(self) -> cv2.FaceRecognizerSF:
        if self._sface is None:
            path = require_model(self._sface_path)
            self._yunet.start()
            try:
                self._sface = cv2.FaceRecognizerSF.create(str(path), "")
            except cv2.error as error:
                raise broken_model(path, str(error)) from error
        return self._sface


def judge(first: Portrait, second: Portrait) -> Comparison:
    """The decision on two portraits."""
    warnings = [f"{w}_in_first" for w in first.warnings] + [f"{w}_in_second" for w in second.warnings]
    if first.feature is None or second.feature is None:
        return Comparison(False, 0.0, 0.0, False, tuple(warnings))
    norms = float(np.linalg.norm(first.feature) * np.linalg.norm(second.feature))
    cosine = float(first.feature @ second.feature) / max(norms, 1e-9)
    if REVIEW_FROM <= cosine <= REVIEW_TO:
        warnings.insert(0, "review")
    sure = 1.0 / (1.0 + math.exp(-_CERTAINTY_PER_COSINE * abs(cosine - MATCH)))
    return Comparison(cosine >= MATCH, round(sure, 4), round(min(1.0, max(0.0, cosine)), 4), True, tuple(warnings))


def _area(face: FoundFace) -> float:
    return face.box[2] * face.box[3]


def _bounded(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = _LONGEST_SIDE_PX / max(height, width)
    if scale >= 1.0:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _with_border(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    margin = max(pixels.shape[:2]) // 2
    wide = cv2.copyMakeBorder(pixels, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(128, 128, 128))
    return np.asarray(wide, dtype=np.uint8)
