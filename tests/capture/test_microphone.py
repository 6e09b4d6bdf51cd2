"""A real microphone: what is played into PulseAudio is heard, and losing PulseAudio is survived."""

from __future__ import annotations

import builtins
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from app.capture.microphone import DeviceMicrophone
from app.capture.supervised import Supervised
from app.core.errors import SourceError
from app.core.types import NS_PER_S, AudioChunk
from app.runtime.clock import SystemClock
from app.runtime.virtual_desktop import VirtualDesktop
from tests.fakes.media import loudest_hertz, tone, write_wav
from tests.fakes.sources import Heard

CLOCK = SystemClock()


def wait_for(condition: Callable[[], object], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def level(chunk: AudioChunk) -> float:
    return float(np.sqrt(np.mean(np.square(chunk.samples))))


def test_what_is_played_is_heard_as_long_as_loud_and_as_high(desktop: VirtualDesktop, tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "tone.wav", tone(1.0, 440, 44100, peak=0.5), 44100)
    microphone = DeviceMicrophone(CLOCK, "pulse")
    microphone.open()
    quiet = microphone.read()
    chunks: list[AudioChunk] = []
    with desktop.play(wav) as player:
        while len(chunks) < 60 and not (sum(level(c) > 0.1 for c in chunks) >= 8 and level(chunks[-1]) < 0.01):
            chunks.append(microphone.read())
    microphone.close()
    assert player.returncode == 0
    assert level(quiet) < 0.001
    loud = [c for c in chunks if level(c) > 0.2]
    assert len(loud) == pytest.approx(10, abs=1)
    assert level(loud[4]) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)
    assert loudest_hertz(np.concatenate([c.samples for c in loud]), 16000) == pytest.approx(440, abs=5)
    span_s = (loud[-1].at.mono_ns - loud[0].at.mono_ns) / NS_PER_S
    assert span_s == pytest.approx((len(loud) - 1) / 10, abs=0.15)


def test_losing_the_sound_server_is_a_gap_and_its_return_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard()
    chunks: list[AudioChunk] = []
    with VirtualDesktop(sound=True) as own:
        for name, value in own.environment.items():
            monkeypatch.setenv(name, value)
        running = Supervised[AudioChunk](
            DeviceMicrophone(CLOCK, None), CLOCK, [chunks.append], heard, retry=lambda _: 0.1
        )
        running.start()
        try:
            wait_for(lambda: chunks)
            own.stop_sound()
            wait_for(lambda: heard.codes)
            assert heard.events == ["opened", "lost device_lost"]
            assert heard.codes == [4005]
            before = len(chunks)
            own.start_sound()
            wait_for(lambda: len(chunks) > before + 2)
        finally:
            running.stop()
    assert heard.events[-2:] == ["back", "gap device_lost"]
    gap = heard.gaps[-1]
    assert gap.end == chunks[before].at
    assert gap.start.mono_ns <= gap.end.mono_ns


def test_a_machine_without_microphones_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/none")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(SourceError) as caught:
        DeviceMicrophone(CLOCK, None).open()
    assert caught.value.code in {4007, 4009}


def test_a_missing_sound_library_is_a_sentence_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_portaudio(
        name: str,
        globals_: Mapping[str, object] | None = None,
        locals_: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> object:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real_import(name, globals_, locals_, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without_portaudio)
    with pytest.raises(SourceError, match="libportaudio2") as caught:
        DeviceMicrophone(CLOCK, None).open()
    assert caught.value.code == 4009


def test_capture_can_be_imported_where_the_sound_library_is_missing() -> None:
    code = (
        "import sys; sys.modules['sounddevice'] = None; "
        "import app.capture.open, app.capture.devices, app.capture.supervised"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_reader_that_is_too_late_loses_the_oldest_sound_and_counts_it(desktop: VirtualDesktop) -> None:
    microphone = DeviceMicrophone(CLOCK, None, backlog_s=0.2)
    microphone.open()
    try:
        microphone.read()
        total = 0

        def lost_some() -> bool:
            nonlocal total
            total += microphone.take_dropped()
            return total >= 2

        wait_for(lost_some)
        assert microphone.take_dropped() <= 1
        microphone.read()
    finally:
        microphone.close()
