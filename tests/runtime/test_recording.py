"""One session's recording, over cameras and microphones that can be unplugged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.core.errors import BadInput, EvidenceError
from app.core.policy import Capture, Policy
from app.core.ports import SourceInfo
from app.core.types import (
    AudioChunk,
    EntryKind,
    FacesSeen,
    Frame,
    Gap,
    GapCause,
    Observation,
    SoundHeard,
    Stream,
    StreamBack,
    StreamLost,
)
from app.runtime.attempts import Attempt, open_attempt
from app.runtime.clock import SystemClock
from app.runtime.recording import Recording, Sources, chosen_sources
from tests.fakes.session import exam_policy
from tests.fakes.sources import FakeCamera, FakeMicrophone

CLOCK = SystemClock()


def until(reached: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@dataclass
class Listener:
    """Writes down what it is told; only appends, from any thread."""

    seen: list[Observation] = field(default_factory=list)
    lost: list[tuple[Stream, int]] = field(default_factory=list)
    back: list[Stream] = field(default_factory=list)
    opened: list[SourceInfo] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    full: int = 0

    def observed(self, seen: Observation) -> None:
        self.seen.append(seen)

    def stream_lost(self, stream: Stream, code: int, sentence: str) -> None:
        self.lost.append((stream, code))

    def stream_back(self, stream: Stream) -> None:
        self.back.append(stream)

    def source_opened(self, info: SourceInfo) -> None:
        self.opened.append(info)

    def degraded(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def not_stored(self) -> None:
        self.full += 1


class NoFaces:
    """A detector that finds nothing, and counts."""

    def __init__(self) -> None:
        self.running = False

    def start(self) -> None:
        self.running = True

    def close(self) -> None:
        self.running = False

    def detect(self, frame: Frame) -> FacesSeen:
        assert self.running
        return FacesSeen(frame.at.mono_ns, ())

    def feed(self, chunk: AudioChunk) -> Sequence[SoundHeard]:
        return [SoundHeard(chunk.at.mono_ns, -60.0, None, 0.0)]


def policy(*, camera: bool = True, microphone: bool = True) -> Policy:
    capture = Capture(camera=camera, microphone=microphone, screen=False, camera_fps=200.0, segment_s=1.0)
    return replace(exam_policy(), capture=capture)


@dataclass
class Rig:
    camera: FakeCamera
    microphone: FakeMicrophone
    listener: Listener
    recording: Recording
    attempt: Attempt

    def gaps(self) -> list[tuple[str, str]]:
        bodies = [e.body for e in self.attempt.store.entries() if e.kind is EntryKind.GAP]
        return [(str(b["stream"]), str(b["cause"])) for b in bodies]

    def observations(self, kind: type[Observation]) -> int:
        return sum(isinstance(seen, kind) for seen in list(self.listener.seen))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    attempt = open_attempt(tmp_path, policy(), "kid", CLOCK.now())
    camera, microphone, listener = FakeCamera(CLOCK), FakeMicrophone(CLOCK), Listener()
    sources = Sources(camera=lambda: camera, microphone=lambda: microphone, screen=None)
    recording = Recording(policy(), sources, attempt.store, CLOCK, NoFaces(), NoFaces(), listener)
    yield Rig(camera, microphone, listener, recording, attempt)
    recording.stop()
    attempt.store.close()


def test_what_the_devices_give_is_analysed_and_becomes_segments_of_its_stream(rig: Rig) -> None:
    rig.recording.start()
    until(lambda: rig.observations(FacesSeen) and rig.observations(SoundHeard))
    rig.recording.stop()
    assert {s.stream for s in rig.attempt.store.segments()} == {Stream.CAMERA, Stream.MICROPHONE}
    assert {info.stream for info in rig.listener.opened} == {Stream.CAMERA, Stream.MICROPHONE}
    assert rig.recording.streams == (Stream.CAMERA, Stream.MICROPHONE)
    latest = rig.recording.latest(Stream.CAMERA)
    assert latest is not None
    assert latest.stream is Stream.CAMERA
    assert rig.recording.latest(Stream.MICROPHONE) is None


def test_it_has_settled_once_every_device_gave_something_or_was_found_missing(rig: Rig) -> None:
    rig.microphone.plugged = False
    rig.camera.hang()
    rig.recording.start()
    until(rig.camera.hanging.is_set)
    until(lambda: rig.listener.lost)
    assert not rig.recording.settled()
    rig.camera.release()
    until(rig.recording.settled)
    assert rig.listener.lost == [(Stream.MICROPHONE, 4009)]
    assert [lost.stream for lost in rig.recording.lost_streams()] == [Stream.MICROPHONE]


def test_an_unplugged_camera_is_told_and_is_a_gap_until_it_is_back(rig: Rig) -> None:
    rig.recording.start()
    until(rig.recording.settled)
    rig.camera.plugged = False
    until(lambda: rig.observations(StreamLost))
    rig.camera.plugged = True
    until(lambda: rig.listener.back)
    until(lambda: ("camera", "device_lost") in rig.gaps())
    assert rig.observations(StreamBack) == 1
    assert rig.recording.lost_streams() == ()


def test_a_pause_records_and_analyses_nothing_and_is_a_gap_of_every_stream(rig: Rig) -> None:
    rig.recording.start()
    until(rig.recording.settled)
    rig.recording.suspend()
    frames = rig.camera.seq + 20
    until(lambda: rig.camera.seq > frames)
    seen = len(rig.listener.seen)
    until(lambda: rig.camera.seq > frames + 100)
    assert len(rig.listener.seen) - seen <= 2  # what was under way
    rig.recording.resume()
    until(lambda: len(rig.listener.seen) > seen + 5)
    rig.recording.stop()
    paused = [g for g in rig.gaps() if g[1] == "paused"]
    assert sorted(paused) == [("camera", "paused"), ("microphone", "paused")]


def test_a_pause_that_lasts_to_the_end_is_a_gap_too(rig: Rig) -> None:
    rig.recording.start()
    until(rig.recording.settled)
    rig.recording.suspend()
    rig.recording.stop()
    assert ("camera", "paused") in rig.gaps()


def test_a_gap_for_which_the_disk_has_no_room_is_told_and_not_lost(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    gap = Gap(Stream.CAMERA, CLOCK.now(), CLOCK.now(), GapCause.DISK)
    with monkeypatch.context() as broken:
        broken.setattr(rig.attempt.store, "append", _no_room)
        rig.recording.gap(gap)
    assert rig.listener.full == 1
    assert rig.listener.sentences == ["The disk is full."]
    rig.attempt.store.append(EntryKind.EVENT, {"event": "any"}, CLOCK.now())
    assert rig.gaps() == [("camera", "disk")]


def _no_room(*_: object) -> None:
    raise EvidenceError("The disk is full.")


def test_only_what_the_policy_captures_is_opened() -> None:
    nothing = policy(camera=False, microphone=False)
    sources = chosen_sources(nothing.capture, None, None, None, CLOCK)
    assert (sources.camera, sources.microphone, sources.screen) == (None, None, None)


def test_a_file_as_camera_is_refused_at_once_where_the_key_does_not_allow_it(tmp_path: Path) -> None:
    film = tmp_path / "film.webm"
    film.write_bytes(b"")
    with pytest.raises(BadInput, match="camera"):
        chosen_sources(policy().capture, f"file:{film}", None, None, CLOCK)
