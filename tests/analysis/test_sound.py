"""Levels, background and speech."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.analysis.sound import RATE_HZ, WINDOW_NS, Resampler, SoundAnalyzer, level_dbfs
from app.core.types import NS_PER_S, AudioChunk, Instant, SoundHeard, Stream
from tests.examples import examples

Samples = NDArray[np.float32]


def chunks(samples: Samples, lengths: list[int], rate_hz: int = RATE_HZ, start_ns: int = 0) -> Iterator[AudioChunk]:
    """The samples cut into chunks of these lengths, again and again."""
    at, seq = 0, 0
    while at < len(samples):
        length = lengths[seq % len(lengths)]
        at_ns = start_ns + at * NS_PER_S // rate_hz
        yield AudioChunk(Stream.MICROPHONE, seq, Instant(at_ns, 0, "test"), rate_hz, samples[at : at + length])
        at, seq = at + length, seq + 1


def heard(samples: Samples, lengths: list[int] | None = None, rate_hz: int = RATE_HZ) -> list[SoundHeard]:
    analyzer = SoundAnalyzer()
    analyzer.start()
    windows = [w for chunk in chunks(samples, lengths or [1600], rate_hz) for w in analyzer.feed(chunk)]
    analyzer.close()
    return windows


def tone(seconds: float, amplitude: float, rate_hz: int = RATE_HZ, pitch_hz: float = 440.0) -> Samples:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (amplitude * np.sin(2 * np.pi * pitch_hz * t)).astype(np.float32)


@pytest.fixture(scope="module")
def speech(speech_path: Path) -> Samples:
    with wave.open(str(speech_path)) as file:
        rate_hz, channels = file.getframerate(), file.getnchannels()
        pcm = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
    mono = pcm.reshape(-1, channels)[:, 0] / 32768
    return Resampler(rate_hz).feed(mono.astype(np.float32))


def test_a_window_is_a_quarter_of_a_second_and_says_when_it_ended() -> None:
    windows = heard(tone(2.0, 0.1))
    assert [w.at_ns for w in windows] == [WINDOW_NS * (n + 1) for n in range(7)]
    assert pytest.approx(0.25, abs=0.01) == WINDOW_NS / NS_PER_S


@pytest.mark.parametrize(("amplitude", "dbfs"), [(1.0, -3.01), (0.1, -23.01), (0.001, -63.01)])
def test_the_level_is_the_rms_below_full_scale(amplitude: float, dbfs: float) -> None:
    assert heard(tone(0.5, amplitude))[0].dbfs == pytest.approx(dbfs, abs=0.05)


def test_digital_silence_has_the_lowest_level() -> None:
    assert heard(np.zeros(8000, dtype=np.float32))[0].dbfs == -96.0
    assert level_dbfs(np.zeros(0, dtype=np.float32)) == -96.0
    assert level_dbfs(np.full(10, np.nan, dtype=np.float32)) == -96.0


def test_the_background_is_unknown_for_two_seconds_then_the_quiet_moments_level() -> None:
    room = np.concatenate([tone(4.0, 0.001), tone(2.0, 0.3)])
    windows = heard(room)
    early = [w for w in windows if w.at_ns < 2 * NS_PER_S]
    assert all(w.background_dbfs is None for w in early)
    last = windows[-1].background_dbfs
    assert last == pytest.approx(-63, abs=1)


def test_the_background_follows_the_room() -> None:
    windows = heard(np.concatenate([tone(3.0, 0.001), tone(33.0, 0.1)]))
    assert windows[-1].background_dbfs == pytest.approx(-23, abs=1)


def test_speech_is_told_from_noise_and_tones(speech: Samples) -> None:
    noise = np.random.default_rng(3).normal(0, 0.05, 3 * RATE_HZ).astype(np.float32)
    spoken, noisy, toned = (np.mean([w.speech for w in heard(s)]) for s in (speech, noise, tone(3, 0.2)))
    assert spoken > 0.5
    assert noisy < 0.1
    assert toned < 0.1


@examples(0.3)
@given(lengths=st.lists(st.integers(1, 5000), min_size=1, max_size=6))
def test_how_sound_is_cut_into_chunks_changes_nothing(lengths: list[int]) -> None:
    sound = np.concatenate([tone(0.6, 0.2), tone(0.5, 0.02, pitch_hz=1000)])
    assert heard(sound, [max(n, 40) for n in lengths]) == heard(sound, [len(sound)])


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 48000])
def test_other_rates_are_converted(rate_hz: int) -> None:
    windows = heard(tone(2.0, 0.1, rate_hz), [rate_hz // 10], rate_hz)
    assert 6 <= len(windows) <= 7
    assert windows[3].dbfs == pytest.approx(-23.01, abs=0.2)


def test_what_16_khz_cannot_hold_is_filtered_out_not_folded_back() -> None:
    assert heard(tone(1.0, 0.5, 48000, pitch_hz=12000), [4800], 48000)[2].dbfs < -50


@pytest.mark.parametrize("rate_hz", [8000, 44100, 48000])
def test_conversion_in_pieces_is_conversion_in_one(rate_hz: int) -> None:
    sound = tone(0.5, 0.4, rate_hz)
    pieces = Resampler(rate_hz)
    cut = np.concatenate([pieces.feed(part) for part in np.array_split(sound, 37)])
    whole = Resampler(rate_hz).feed(sound)
    assert len(cut) == len(whole)
    assert cut == pytest.approx(whole, abs=1e-5)


def test_no_window_spans_a_gap() -> None:
    analyzer = SoundAnalyzer()
    analyzer.start()
    before = [w for c in chunks(tone(0.2, 0.5), [1600]) for w in analyzer.feed(c)]
    after = [w for c in chunks(tone(0.3, 0.5), [1600], start_ns=5 * NS_PER_S) for w in analyzer.feed(c)]
    assert before == []
    assert [w.at_ns for w in after] == [5 * NS_PER_S + WINDOW_NS]


def test_the_rest_of_a_recording_is_not_lost() -> None:
    analyzer = SoundAnalyzer()
    analyzer.start()
    (chunk,) = chunks(tone(0.1, 0.1), [1600])
    assert analyzer.feed(chunk) == []
    (last,) = analyzer.finish()
    assert (last.at_ns, round(last.dbfs)) == (NS_PER_S // 10, -23)
    assert analyzer.finish() == ()
