"""Threads around detectors."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import pytest

from app.analysis.worker import MAX_RESTARTS, AnalysisWorker, SoundWorker
from app.core.types import AudioChunk, FacesSeen, Frame, Instant, SoundHeard, Stream

W = TypeVar("W", AnalysisWorker, SoundWorker)
Running = Callable[[AnalysisWorker], AnalysisWorker]

_PIXELS = np.zeros((2, 2, 3), dtype=np.uint8)


def frame(seq: int) -> Frame:
    return Frame(Stream.CAMERA, seq, Instant(seq, 0, "test"), _PIXELS)


class Box:
    """A mailbox for tests: a queue."""

    def __init__(self) -> None:
        self._items: queue.Queue[Frame] = queue.Queue()

    def put(self, item: Frame) -> None:
        self._items.put(item)

    def take(self, timeout_s: float) -> Frame | None:
        try:
            return self._items.get(timeout=timeout_s)
        except queue.Empty:
            return None


class FakeFaces:
    """Answers with the frame's time; fails on the frames that it is told to."""

    def __init__(self, fails: Callable[[int], bool] = lambda _seq: False) -> None:
        self._fails = fails
        self.threads: set[str] = set()
        self.starts = 0
        self.closes = 0

    def start(self) -> None:
        self.starts += 1

    def detect(self, taken: Frame) -> FacesSeen:
        self.threads.add(threading.current_thread().name)
        if self._fails(taken.seq):
            raise RuntimeError("the model broke")
        return FacesSeen(taken.at.mono_ns, ())

    def close(self) -> None:
        self.closes += 1


@pytest.fixture
def running() -> Iterator[Callable[[W], W]]:
    """Starts workers, and stops them whatever becomes of the test."""
    workers: list[AnalysisWorker | SoundWorker] = []

    def start(worker: W) -> W:
        workers.append(worker)
        worker.start()
        return worker

    yield start
    for worker in workers:
        worker.stop()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_frames_become_observations_on_a_named_thread(running: Running) -> None:
    box, faces, seen = Box(), FakeFaces(), list[FacesSeen]()
    worker = running(AnalysisWorker(faces, box, seen.append, 1000.0, pytest.fail))
    worker.start()
    for seq in (1, 2, 3):
        box.put(frame(seq))
    until(lambda: len(seen) == 3)
    worker.stop()
    worker.stop()
    assert [s.at_ns for s in seen] == [1, 2, 3]
    assert (worker.processed, worker.errors) == (3, 0)
    assert faces.threads == {"face analysis"}
    assert (faces.starts, faces.closes) == (1, 1)


def test_it_analyses_no_more_often_than_it_is_asked(running: Running) -> None:
    box, now_s, seen = Box(), [100.0], list[FacesSeen]()
    worker = running(AnalysisWorker(FakeFaces(), box, seen.append, 5.0, pytest.fail, monotonic_s=lambda: now_s[0]))
    box.put(frame(1))
    box.put(frame(2))
    until(lambda: len(seen) == 1)
    now_s[0] += 0.1
    assert len(seen) == 1
    now_s[0] += 0.11
    until(lambda: len(seen) == 2)
    worker.stop()


def test_a_failing_detector_is_started_afresh_and_goes_on(running: Running) -> None:
    box, faces, seen = Box(), FakeFaces(lambda seq: seq == 1), list[FacesSeen]()
    worker = running(AnalysisWorker(faces, box, seen.append, 1000.0, pytest.fail))
    box.put(frame(1))
    box.put(frame(2))
    until(lambda: len(seen) == 1)
    worker.stop()
    assert (worker.processed, worker.errors) == (1, 1)
    assert (faces.starts, faces.closes) == (2, 2)


def test_it_gives_up_with_a_sentence_after_five_restarts_within_a_minute(running: Running) -> None:
    box, told = Box(), list[str]()
    worker = running(
        AnalysisWorker(
            FakeFaces(lambda _: True),
            box,
            lambda _: None,
            1000.0,
            told.append,
            monotonic_s=itertools.count(5.0, 0.01).__next__,
        )
    )
    for seq in range(20):
        box.put(frame(seq))
    until(lambda: not worker.alive)
    worker.stop()
    assert told == ["The face analysis stopped after 5 restarts within a minute: the model broke"]
    assert worker.errors == MAX_RESTARTS + 1


def test_failures_further_apart_are_forgiven(running: Running) -> None:
    box, now_s = Box(), [0.0]

    def passing() -> float:
        now_s[0] += 13.0
        return now_s[0]

    worker = running(
        AnalysisWorker(FakeFaces(lambda _: True), box, lambda _: None, 1000.0, pytest.fail, monotonic_s=passing)
    )
    for seq in range(12):
        box.put(frame(seq))
    until(lambda: worker.errors == 12)
    worker.stop()


class FakeSound:
    def start(self) -> None: ...

    def feed(self, chunk: AudioChunk) -> Sequence[SoundHeard]:
        return [SoundHeard(chunk.at.mono_ns + n, -40, None, 0.0) for n in (1, 2)]

    def close(self) -> None: ...


def test_sound_is_measured_on_its_own_thread(running: Callable[[SoundWorker], SoundWorker]) -> None:
    chunks: queue.Queue[AudioChunk] = queue.Queue()
    chunks.put(AudioChunk(Stream.MICROPHONE, 0, Instant(10, 0, "test"), 16000, np.zeros(4, dtype=np.float32)))

    class Chunks:
        def take(self, timeout_s: float) -> AudioChunk | None:
            try:
                return chunks.get(timeout=timeout_s)
            except queue.Empty:
                return None

    heard = list[SoundHeard]()
    worker = running(SoundWorker(FakeSound(), Chunks(), heard.append))
    until(lambda: len(heard) == 2)
    worker.stop()
    assert [h.at_ns for h in heard] == [11, 12]
    assert worker.processed == 1
