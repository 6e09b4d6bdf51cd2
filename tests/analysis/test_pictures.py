"""Picture files: sizes from headers, bounds, odd formats."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.pictures import PictureError, decode_picture, picture_size


def encoded(suffix: str, height: int = 30, width: int = 50, channels: int = 3, dtype: type = np.uint8) -> bytes:
    top = np.iinfo(dtype).max
    shape = (height, width) if channels == 1 else (height, width, channels)
    noise = np.random.default_rng(1).integers(0, top, shape)
    ok, data = cv2.imencode(suffix, np.asarray(noise, dtype=dtype))
    assert ok
    return bytes(data)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff"])
def test_the_size_is_read_from_the_header(suffix: str) -> None:
    size = picture_size(encoded(suffix, 31, 57))
    assert size is not None
    assert (size.width_px, size.height_px) == (57, 31)


def test_lossless_and_extended_webp_too() -> None:
    ok, lossless = cv2.imencode(".webp", np.zeros((31, 57, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])
    assert ok
    extended = encoded(".webp", 31, 57, channels=4)
    for data in (bytes(lossless), extended):
        size = picture_size(data)
        assert size is not None
        assert (size.width_px, size.height_px) == (57, 31)


@pytest.mark.parametrize(
    ("suffix", "channels", "dtype"),
    [
        (".png", 1, np.uint8),
        (".png", 4, np.uint8),
        (".png", 3, np.uint16),
        (".png", 1, np.uint16),
        (".tiff", 3, np.uint16),
    ],
)
def test_grey_alpha_and_16_bit_become_8_bit_colour(suffix: str, channels: int, dtype: type) -> None:
    pixels = decode_picture(encoded(suffix, 30, 50, channels, dtype), "x")
    assert pixels.shape == (30, 50, 3)
    assert pixels.dtype == np.uint8


def test_a_huge_picture_is_refused_by_its_header_alone() -> None:
    png = encoded(".png")
    bomb = png[:16] + struct.pack(">II", 60000, 60000) + png[24:]
    with pytest.raises(PictureError, match="60000 x 60000 pixels; use a picture of at most 40 megapixels"):
        decode_picture(bomb, "The first picture")


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x04ab", b"\x89PNG\r\n\x1a\n", b"II*\0"]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError, match="photo is not a picture"):
        decode_picture(data, "photo")


def test_a_damaged_picture_is_refused() -> None:
    png = encoded(".png")
    with pytest.raises(PictureError, match=r"photo\.png is damaged"):
        decode_picture(png[:40] + b"\xff" * 40, "photo.png")


def test_it_is_a_value_error_for_those_who_know_nothing_of_ours() -> None:
    assert issubclass(PictureError, ValueError)


@given(
    st.sampled_from([b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8X", b"BM", b"II*\0", b"MM\0*", b"GIF89a"]),
    st.binary(max_size=60),
)
def test_no_header_makes_it_fail_otherwise(head: bytes, rest: bytes) -> None:
    picture_size(head + rest)
