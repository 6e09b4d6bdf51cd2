"""Picture files to pixels, with bounds. Nothing is decoded whose size is not known to be bearable."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInput

MAX_PIXELS = 40_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class PictureError(BadInput, ValueError):
    """Not a picture that can be used; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class PictureSize:
    format: str
    width_px: int
    height_px: int


def picture_size(data: bytes) -> PictureSize | None:
    """Format and size from the header of a JPEG, PNG, WebP, BMP, TIFF or GIF; None for anything else."""
    if data.startswith(_PNG) and len(data) >= 24:
        return PictureSize("png", *struct.unpack(">II", data[16:24]))
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size(data)
    if data.startswith(b"BM") and len(data) >= 26:
        width, height = struct.unpack("<ii", data[18:26])
        return PictureSize("bmp", abs(width), abs(height))
    if data[:4] in {b"II*\0", b"MM\0*"}:
        return _tiff_size(data)
    if data[:6] in {b"GIF87a", b"GIF89a"} and len(data) >= 10:
        return PictureSize("gif", *struct.unpack("<HH", data[6:10]))
    return None


def decode_picture(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """BGR pixels, turned upright by EXIF; grey, 16-bit and alpha become 8-bit colour.

    ``name`` is how the sentence of a PictureError calls the picture.
    """
    size = picture_size(data)
    if size is None:
        raise PictureError(f"{name} is not a picture that can be read; use a JPEG, PNG, WebP, BMP or TIFF file.")
    if size.width_px * size.height_px > max_pixels:
        raise PictureError(
            f"{name} has {size.width_px} x {size.height_px} pixels; "
            f"use a picture of at most {max_pixels // 1_000_000} megapixels."
        )
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise PictureError(f"{name} is damaged; use another picture.")
    return np.asarray(pixels, dtype=np.uint8)


def _jpeg_size(data: bytes) -> PictureSize | None:
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker in _FRAME_MARKERS:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return PictureSize("jpeg", width, height)
        if marker == 0xFF:  # a fill byte before the marker
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # these have no length
            at += 2
        else:
            at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None


def _webp_size(data: bytes) -> PictureSize | None:
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return PictureSize("webp", 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little"))
    if kind == b"VP8 " and len(data) >= 30:
        width, height = struct.unpack("<HH", data[26:30])
        return PictureSize("webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return PictureSize("webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    return None


def _tiff_size(data: bytes) -> PictureSize | None:
    order = "<" if data[:2] == b"II" else ">"
    sides: dict[int, int] = {}
    try:
        (at,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, at)
        for n in range(count):
            tag, kind = struct.unpack_from(f"{order}HH", data, at + 2 + 12 * n)
            if tag in {256, 257}:  # ImageWidth, ImageLength
                (sides[tag],) = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", data, at + 10 + 12 * n)
    except struct.error:
        return None
    return PictureSize("tiff", sides[256], sides[257]) if len(sides) == 2 else None
