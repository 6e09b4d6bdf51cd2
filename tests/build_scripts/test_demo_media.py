"""The demo's camera film shows detectors what its list of scenes says."""

from __future__ import annotations

import json
import math
import wave
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import cv2
import mediapipe
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mediapipe.tasks.python import vision
from mediapipe.tasks.python.core.base_options import BaseOptions

from build_scripts.demo_scenes import DURATION_MS, FPS, SPANS, Span, candidate_pose, visitor_pose

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
FILM = RESOURCES / "media" / "demo_camera.webm"


def test_the_scenes_follow_one_another_without_holes_to_the_films_end() -> None:
    assert SPANS[0].start_ms == 0
    assert [span.end_ms for span in SPANS[:-1]] == [span.start_ms for span in SPANS[1:]]
    assert SPANS[-1].end_ms == DURATION_MS
    for span in SPANS:
        assert span.start_ms <= span.steady_start_ms < span.steady_end_ms <= span.end_ms


@given(st.integers(0, DURATION_MS - 1))
def test_the_poses_fit_the_scene_at_every_moment(t_ms: int) -> None:
    pose, visitor = candidate_pose(t_ms), visitor_pose(t_ms)
    span = next(span for span in SPANS if span.start_ms <= t_ms < span.end_ms)
    steady = span.steady_start_ms <= t_ms <= span.steady_end_ms
    assert (visitor is not None) <= (span.kind == "second_face")
    if steady:
        assert (pose.x_px < -200) == (span.kind == "empty")
        assert (pose.yaw_deg > 30) == (span.kind == "away")
        assert (visitor is not None) == (span.kind == "second_face")


@given(st.integers(0, DURATION_MS - 100))
def test_nobody_jumps_between_two_pictures(t_ms: int) -> None:
    before, after = candidate_pose(t_ms), candidate_pose(t_ms + 1000 / FPS)
    assert abs(after.yaw_deg - before.yaw_deg) < 15
    assert abs(after.x_px - before.x_px) < 130


@pytest.fixture(scope="module")
def landmarker() -> Iterator[vision.FaceLandmarker]:
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(RESOURCES / "models" / "face_landmarker.task")),
        num_faces=3,
        output_facial_transformation_matrixes=True,
    )
    with closing(vision.FaceLandmarker.create_from_options(options)) as landmarker:
        yield landmarker


def _yaws_deg(landmarker: vision.FaceLandmarker, t_ms: int) -> list[float]:
    """The yaw of each face in the film's picture at that time."""
    with_film = cv2.VideoCapture(str(FILM))
    with_film.set(cv2.CAP_PROP_POS_MSEC, t_ms)
    read, picture = with_film.read()
    with_film.release()
    assert read
    rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8)
    found = landmarker.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb))
    return [math.degrees(math.atan2(m[0][2], m[2][2])) for m in found.facial_transformation_matrixes]


@pytest.mark.parametrize("span", SPANS, ids=lambda span: f"{span.kind}-{span.start_ms}")
def test_the_film_shows_each_scene(landmarker: vision.FaceLandmarker, span: Span) -> None:
    quarter_ms = (span.steady_end_ms - span.steady_start_ms) // 4
    for t_ms in (span.steady_start_ms + quarter_ms, span.steady_end_ms - quarter_ms):
        yaws = _yaws_deg(landmarker, t_ms)
        assert len(yaws) == {"empty": 0, "second_face": 2}.get(span.kind, 1)
        if span.kind == "normal":
            assert abs(yaws[0]) < 10
        if span.kind == "away":
            assert yaws[0] > 22


def test_the_scenes_written_beside_the_film_are_the_ones_it_was_made_from() -> None:
    written = json.loads(FILM.with_suffix(".json").read_text(encoding="utf-8"))
    assert written["spans"] == [asdict(span) for span in SPANS]


def test_the_speech_is_some_seconds_of_16_khz_mono() -> None:
    path = RESOURCES / "media" / "demo_speech.wav"
    assert path.exists(), "run 'python3 build_scripts/dev.py setup' first; it needs espeak-ng"
    with wave.open(str(path)) as speech:
        assert (speech.getframerate(), speech.getnchannels(), speech.getsampwidth()) == (16_000, 1, 2)
        assert 4 < speech.getnframes() / speech.getframerate() < 9
