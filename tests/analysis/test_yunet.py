"""What is believed of YuNet's answers."""

from __future__ import annotations

import numpy as np
import pytest

from app.analysis.geometry import Box
from app.analysis.yunet import FoundFace, is_possible


def _face(box: Box) -> FoundFace:
    row = np.array([*box, *[5.0] * 10, 0.9], dtype=np.float32)
    return FoundFace(box, 0.9, row[4:14].reshape(5, 2).astype(np.float64), row)


@pytest.mark.parametrize("box", [(10, 10, 40, 50), (-10, 5, 40, 40), (80, 60, 30, 30)])
def test_faces_in_the_picture_and_over_its_edge_are_believed(box: Box) -> None:
    assert is_possible(_face(box), 100, 80)


@pytest.mark.parametrize(
    "box",
    [
        (3.2e30, -float("inf"), 0, float("inf")),
        (float("nan"), 10, 40, 50),
        (10, 10, 0, 50),
        (1e9, 10, 40, 50),
        (10, -500, 40, 50),
    ],
)
def test_boxes_that_no_face_can_have_are_not(box: Box) -> None:
    assert not is_possible(_face(box), 100, 80)
