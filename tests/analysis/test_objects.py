"""Objects in real photographs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from app.analysis.objects import ObjectFinder
from app.core.coco import CATEGORIES
from app.core.errors import InvigilError
from app.runtime.resources import model_path

Pixels = NDArray[np.uint8]


def test_a_person_is_seen_where_they_are(finder: ObjectFinder, astronaut: Pixels) -> None:
    person = next(o for o in finder.find(astronaut) if o.label == "person")
    x, y, width, height = person.box
    assert person.score > 0.6
    assert x < 224 < x + width
    assert y < 120 < y + height


def test_boxes_are_in_the_pictures_own_pixels_however_large(finder: ObjectFinder, astronaut: Pixels) -> None:
    small = next(o for o in finder.find(astronaut) if o.label == "person")
    huge = np.asarray(cv2.resize(astronaut, None, fx=6, fy=6), dtype=np.uint8)
    large = next(o for o in finder.find(huge) if o.label == "person")
    assert large.box == pytest.approx([v * 6 for v in small.box], abs=150)


def test_nobody_and_nothing_in_a_tiny_picture(finder: ObjectFinder) -> None:
    assert finder.find(np.zeros((1, 1, 3), dtype=np.uint8)) == ()


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvigilError, match=r"gone\.tflite is missing"):
        ObjectFinder(tmp_path / "gone.tflite").start()


def test_the_categories_that_a_policy_may_name_are_those_of_the_model() -> None:
    with zipfile.ZipFile(model_path("efficientdet_lite2.tflite")) as model:
        labels = model.read("labelmap.txt").decode().split("\n")
    assert tuple(label for label in labels if label not in {"", "???"}) == CATEGORIES
