"""Real models and real media for the analysis tests, and pictures composed of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.analysis.faces import FaceAnalyzer
from app.analysis.identity import FaceVerifier
from app.analysis.objects import ObjectFinder
from app.core.types import Face, Frame, Instant, Stream
from app.runtime.resources import model_path, resources_dir

Pixels = NDArray[np.uint8]


def needed(path: Path) -> Path:
    """Fails, rather than skips, when set-up was not run."""
    if not path.is_file():
        pytest.fail(f"{path.name} is missing under resources; run python3 build_scripts/dev.py setup.")
    return path


@pytest.fixture(scope="session")
def astronaut_path() -> Path:
    return needed(resources_dir() / "media" / "astronaut.png")


@pytest.fixture(scope="session")
def astronaut(astronaut_path: Path) -> Pixels:
    """One person, facing the camera, 512 x 512."""
    return np.asarray(cv2.imread(str(astronaut_path)), dtype=np.uint8)


@pytest.fixture(scope="session")
def speech_path() -> Path:
    return needed(resources_dir() / "media" / "demo_speech.wav")


@pytest.fixture(scope="session")
def yunet_path() -> Path:
    return needed(model_path("face_detection_yunet_2023mar_int8bq.onnx"))


@pytest.fixture(scope="session")
def landmarker_path() -> Path:
    return needed(model_path("face_landmarker.task"))


@pytest.fixture(scope="session")
def analyzer(landmarker_path: Path, yunet_path: Path) -> Iterator[FaceAnalyzer]:
    faces = FaceAnalyzer(landmarker_path, yunet_path)
    faces.start()
    yield faces
    faces.close()


@pytest.fixture(scope="session")
def verifier(yunet_path: Path) -> Iterator[FaceVerifier]:
    compared = FaceVerifier(yunet_path, needed(model_path("face_recognition_sface_2021dec_int8bq.onnx")))
    yield compared
    compared.close()


@pytest.fixture(scope="session")
def finder() -> Iterator[ObjectFinder]:
    objects = ObjectFinder(needed(model_path("efficientdet_lite2.tflite")))
    objects.start()
    yield objects
    objects.close()


@pytest.fixture(scope="session")
def faces_in(analyzer: FaceAnalyzer) -> Callable[[Pixels], tuple[Face, ...]]:
    def found(pixels: Pixels) -> tuple[Face, ...]:
        return analyzer.detect(frame_of(pixels)).faces

    return found


def frame_of(pixels: Pixels, at_ns: int = 0) -> Frame:
    return Frame(Stream.CAMERA, 0, Instant(at_ns, at_ns, "test"), pixels)


@pytest.fixture(scope="session")
def empty_room() -> Pixels:
    """A picture with structure and noise, but nobody in it."""
    noise = np.random.default_rng(7).normal(0, 6, (480, 640, 3))
    shade = np.linspace(60, 180, 640)[None, :, None]
    return np.clip(shade + noise, 0, 255).astype(np.uint8)
