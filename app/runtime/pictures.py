"""Pictures as files."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def to_jpeg(pixels: NDArray[np.uint8], quality: int = 80) -> bytes:
    """JPEG of a BGR picture."""
    ok, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError("the picture could not be encoded")
    return data.tobytes()
