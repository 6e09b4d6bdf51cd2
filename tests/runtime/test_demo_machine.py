"""A demo asks of a machine only what is there, and its policy is one that a key can carry."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from app.core.types import Json
from app.keys.policy_model import parse_policy
from app.keys.presets import laid_over
from app.runtime.demo import demo_policy
from app.runtime.demo_machine import Machine, fitted


@pytest.mark.parametrize(("camera", "microphone", "film"), list(itertools.product([True, False], repeat=3)))
def test_the_demos_policy_fits_each_machine(camera: bool, microphone: bool, film: bool, tmp_path: Path) -> None:
    file = tmp_path / "film.webm"
    if film:
        file.touch()
    fit = fitted(Machine(camera, microphone, monitors=1), file)
    whole: dict[str, Json] = laid_over(demo_policy("http://127.0.0.1:1", "e", "t", headless=False), fit.policy)
    policy = parse_policy(whole)
    assert policy.capture.camera == (camera or film)
    assert policy.capture.microphone == microphone
    assert policy.detection.enabled == (camera or film or microphone)
    assert bool(fit.words) == (film and not camera)
