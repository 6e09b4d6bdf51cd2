"""Pictures as files."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.core.ports import EvidenceStore
from app.core.types import EntryKind, Frame


def to_jpeg(pixels: NDArray[np.uint8], quality: int = 80) -> bytes:
    """JPEG of a BGR picture."""
    ok, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError("the picture could not be encoded")
    return data.tobytes()


def keep_picture(store: EvidenceStore, frame: Frame, shows: str) -> str:
    """Puts the frame into the evidence as a snapshot and returns its SHA-256. Raises EvidenceError."""
    data = to_jpeg(frame.pixels)
    return store.add_file(EntryKind.SNAPSHOT, frame.stream, data, ".jpg", "image/jpeg", frame.at, {"shows": shows})
