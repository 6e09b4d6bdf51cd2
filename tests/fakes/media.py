"""Small media files that tests make for themselves."""

from __future__ import annotations

import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Picture = Callable[[int], NDArray[np.uint8]]


def grey_levels(number: int) -> NDArray[np.uint8]:
    """A picture whose grey tells its number: 20, 30, ... 210, then again"""
    return np.full((48, 64, 3), 20 + 10 * (number % 20), np.uint8)


def write_video(path: Path, count: int, fps: int, picture: Picture = grey_levels) -> Path:
    """``count`` pictures at ``fps``, lossless, in the container that the suffix names."""
    with av.open(str(path), "w") as container:
        height, width = picture(0).shape[:2]
        stream = container.add_stream("ffv1", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, fps)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tone(seconds: float, hertz: float, rate_hz: int, peak: float = 0.5) -> NDArray[np.float64]:
    return peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate_hz)) / rate_hz)


def write_wav(path: Path, samples: NDArray[np.float64], rate_hz: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def loudest_hertz(samples: NDArray[np.float32], rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate_hz / len(samples))
