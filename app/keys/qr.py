"""QR pictures: made of links, and read from pictures that nobody vouches for."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Literal

from app.core.errors import BadInput

if TYPE_CHECKING:
    import segno

QR_MAX_BYTES = 2953
"""What the largest QR code holds (ISO/IEC 18004: version 40, level L, byte mode)."""
PICTURE_MAX_BYTES = 20_000_000
PICTURE_MAX_PIXELS = 64_000_000
"""More than any telephone's camera makes; decoded in grey, one byte each."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_OTHERS = (b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers of a frame header, which holds the size."""
_FIRST_MARKER = 0xC0
"""Below are only bytes that decoders read each in another way, and so hide a larger frame behind."""
_BARE = frozenset(range(0xD0, 0xD8))
"""JPEG's markers without a length."""
_SCAN = b"\xff\xda"
_SCANS_MAX = 50
"""A progressive picture has some ten; each costs time for every pixel, however short it is."""
_QUIET_MODULES = 4
"""The blank border that ISO/IEC 18004 asks for."""


def make_qr(text: str) -> segno.QRCode | None:
    """The QR code of an ASCII text at the level that makes it largest; None when it is too long for any."""
    import segno

    try:
        return segno.make(text, error="l", micro=False)
    except segno.DataOverflowError:
        return None


def qr_picture(code: segno.QRCode, kind: Literal["png", "svg"], scale_px: int = 8) -> bytes:
    """The code in black on white with its border, each module ``scale_px`` wide."""
    made = io.BytesIO()
    code.save(made, kind=kind, scale=scale_px, border=_QUIET_MODULES, dark="#000", light="#fff")
    return made.getvalue()


def is_picture(data: bytes) -> bool:
    """Whether a file's first bytes are those of a picture, readable here or not."""
    return data.startswith((_PNG, _JPEG, *_OTHERS)) or data[8:12] == b"WEBP" or data[4:8] == b"ftyp"


def read_qr(data: bytes) -> list[str]:
    """The texts of all QR codes in a PNG or JPEG picture, which may come from anybody.

    Raises BadInput. Takes up to two seconds and 200 MB for the largest picture allowed, so not for the UI thread.
    """
    size = _size(data)
    if size is None:
        raise BadInput("This picture can't be read; save it as PNG or JPEG, or open the key's file or link.")
    width, height = size
    too_many_scans = data.startswith(_JPEG) and data.count(_SCAN) > _SCANS_MAX
    if len(data) > PICTURE_MAX_BYTES or width * height > PICTURE_MAX_PIXELS or too_many_scans:
        raise BadInput("This picture is too large; cut out the QR code and save it as PNG or JPEG.")
    import cv2
    import numpy as np
    import zxingcpp

    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error as error:
        raise BadInput("This picture is damaged; take or download it again.") from error
    if pixels is None or not pixels.size:
        raise BadInput("This picture is damaged; take or download it again.")
    found = zxingcpp.read_barcodes(
        pixels, formats=zxingcpp.barcode_formats_from_str("QRCode"), text_mode=zxingcpp.TextMode.Plain
    )
    if not found:
        raise BadInput("There is no QR code in this picture that can be read; take it again, sharp and from nearer.")
    return [code.text for code in found]


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height by the header alone; None for what is no PNG or JPEG."""
    if data.startswith(_PNG):
        if len(data) < 24 or data[12:16] != b"IHDR":
            return None
        width, height = struct.unpack(">II", data[16:24])
        return (width, height) if width and height else None
    return _jpeg_size(data) if data.startswith(_JPEG) else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walks the segments (ITU T.81, annex B) up to the frame header."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return (width, height) if width and height else None
        elif marker < _FIRST_MARKER:
            return None
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return None
