"""Detectors that are loaded in the background, and what is said when they can't be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.policy import Capture, Detection, Policy
from app.runtime import models as models_module
from app.runtime.models import Models
from tests.fakes.session import exam_policy

CAMERA_ONLY = replace(exam_policy(), capture=Capture(microphone=False))


@contextmanager
def loaded(policy: Policy) -> Iterator[Models]:
    models = Models(policy)
    models.start()
    models.faces()
    try:
        yield models
    finally:
        models.close()
    assert models.ready()


@pytest.fixture
def no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models_module, "model_path", lambda name: tmp_path / name)


@pytest.mark.usefixtures("no_models")
def test_a_missing_model_is_said_in_a_sentence_that_names_it() -> None:
    with loaded(CAMERA_ONLY) as models:
        assert models.faces() is None
        assert "face_landmarker.task" in models.problem


@pytest.mark.usefixtures("no_models")
def test_faces_that_can_not_be_found_are_no_reason_not_to_listen() -> None:
    with loaded(exam_policy()) as models:
        assert models.sound() is not None
        assert models.faces() is None
        assert models.problem


def test_a_loader_that_fails_in_its_own_way_is_said_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __init__(self) -> None:
            raise MemoryError("too little")

    monkeypatch.setattr(models_module, "SoundAnalyzer", Broken)
    with loaded(replace(exam_policy(), capture=Capture(camera=False))) as models:
        assert models.sound() is None
        assert models.problem == (
            "The detection of sound can't be started (too little); install the application again."
        )


@pytest.mark.usefixtures("no_models")
@pytest.mark.parametrize(
    "policy",
    [
        replace(exam_policy(), detection=Detection(enabled=False)),
        replace(exam_policy(), capture=Capture(camera=False, microphone=False)),
    ],
)
def test_what_the_policy_does_not_ask_for_is_not_loaded_and_no_problem(policy: Policy) -> None:
    with loaded(policy) as models:
        assert (models.faces(), models.sound(), models.problem) == (None, None, "")
