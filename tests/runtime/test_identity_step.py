"""The candidate's photo: what is shown, what is held, what is stored."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core.policy import Detection
from app.core.types import AudioChunk, EntryKind, Frame, Stream
from app.runtime.attempts import open_attempt
from app.runtime.identity_step import IdentityStep, dbfs
from app.runtime.models import Models
from tests.fakes.session import exam_policy
from tests.fakes.shell import FakeFace
from tests.fakes.sources import ManualClock

CLOCK = ManualClock()


def frame(seq: int, stream: Stream = Stream.CAMERA) -> Frame:
    return Frame(stream, seq, CLOCK.now(), np.full((48, 64, 3), seq, np.uint8))


def sound(*samples: float) -> AudioChunk:
    return AudioChunk(Stream.MICROPHONE, 1, CLOCK.now(), 16_000, np.array(samples, np.float32))


class Rig:
    def __init__(self, folder: Path) -> None:
        policy = replace(exam_policy(), detection=Detection(enabled=False))
        self.attempt = open_attempt(folder, policy, "kid", CLOCK.now())
        self.models = Models(policy)
        self.models.start()
        self.face = FakeFace()
        self.step = IdentityStep(policy, self.attempt, CLOCK, self.models, self.face)

    def stored(self) -> list[str]:
        return [str(e.body["shows"]) for e in self.attempt.store.entries() if e.kind is EntryKind.SNAPSHOT]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.models.close()
    made.attempt.store.close()


def test_live_pictures_of_the_camera_alone_are_shown(rig: Rig) -> None:
    rig.step.offer(frame(1))
    rig.step.offer(frame(2, Stream.SCREEN))
    assert rig.face.pictures == 1


def test_the_newest_picture_is_held_and_becomes_evidence_when_it_is_accepted(rig: Rig) -> None:
    rig.step.begin()
    rig.step.offer(frame(1))
    rig.step.offer(frame(2))
    rig.step.request()
    rig.step.offer(frame(3))
    assert [photo.seq for photo in rig.face.photos] == [2]
    assert rig.stored() == []
    assert rig.step.accept()
    assert rig.stored() == ["candidate photo"]
    assert not rig.step.accept()
    assert rig.stored() == ["candidate photo"]


def test_before_the_camera_gives_a_picture_there_is_none_to_take(rig: Rig) -> None:
    rig.step.begin()
    rig.step.request()
    assert rig.face.photos == []
    assert rig.face.hints == ["The camera gives no picture yet; wait a moment."]
    assert not rig.step.accept()


def test_a_photo_that_is_taken_again_is_not_stored(rig: Rig) -> None:
    rig.step.begin()
    rig.step.offer(frame(1))
    rig.step.request()
    rig.step.retake()
    assert not rig.step.accept()
    assert rig.stored() == []


@pytest.mark.parametrize(("faces", "words"), [(0, "No face"), (1, "Ready"), (2, "More than one face"), (None, "")])
def test_the_hint_says_whether_the_picture_will_do(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, faces: int | None, words: str
) -> None:
    monkeypatch.setattr(IdentityStep, "_count", lambda _self, _frame: faces)
    rig.models.faces()
    rig.step.begin()
    rig.step.offer(frame(1))
    assert words in rig.face.hints[0]
    rig.step.offer(frame(2))  # not for every picture
    assert len(rig.face.hints) == 1


@pytest.mark.parametrize(
    ("samples", "level"),
    [((), -100.0), ((0.0, 0.0), -100.0), ((1.0, -1.0), 0.0), ((0.1, -0.1), -20.0), ((1e-9,), -100.0)],
)
def test_the_level_is_in_decibels_of_full_scale(rig: Rig, samples: tuple[float, ...], level: float) -> None:
    assert math.isclose(dbfs(sound(*samples)), level, abs_tol=0.01)
    rig.step.hear(sound(*samples))
    assert math.isclose(rig.face.levels[0], level, abs_tol=0.01)
