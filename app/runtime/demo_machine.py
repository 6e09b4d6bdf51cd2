"""Fits the demo to the machine it runs on, so that nobody is turned away by what their machine lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import screeninfo

from app.analysis.native_log import native_log_silenced
from app.core.policy import Capture
from app.core.ports import Clock
from app.core.types import Json, Stream
from app.runtime.preview import Preview
from app.runtime.recording import chosen_sources

PROBE_S = 6.0


@dataclass(frozen=True, slots=True)
class Machine:
    """``camera`` and ``microphone`` give something when they are opened; ``monitors`` counts them."""

    camera: bool
    microphone: bool
    monitors: int


@dataclass(frozen=True, slots=True)
class Fitted:
    """``policy`` groups to lay over the demo's, command-line ``words`` for the client, and ``sentences`` for the person."""

    policy: Mapping[str, Mapping[str, Json]]
    words: tuple[str, ...]
    sentences: tuple[str, ...]


def look_at_machine(clock: Clock) -> Machine:
    """Opens camera and microphone for a moment. Takes up to some seconds; never raises."""
    sources = chosen_sources(Capture(screen=False), None, None, None, clock)
    preview = Preview(sources, clock, lambda _frame: None, lambda _chunk: None)
    with native_log_silenced():  # the sound library tells the terminal about every device that it does not find
        preview.start()
        try:
            camera, microphone = (preview.wait(s, PROBE_S).ok for s in (Stream.CAMERA, Stream.MICROPHONE))
        finally:
            preview.stop()
    return Machine(camera, microphone, _monitors())


def fitted(machine: Machine, film: Path) -> Fitted:
    """A demo captures only what is there. A real exam's policy would refuse instead, with advice."""
    policy: dict[str, dict[str, Json]] = {"capture": {}, "identity": {}, "lockdown": {}, "detection": {}}
    words: list[str] = []
    sentences: list[str] = []
    if not machine.camera and film.is_file():
        words += ["--camera", f"file:{film}"]
        sentences.append("No camera gives a picture here, so a film plays in its place.")
    elif not machine.camera:
        policy["capture"]["camera"] = policy["identity"]["photo"] = False
        sentences.append("No camera gives a picture here, so the demo goes without one.")
    if not machine.microphone:
        policy["capture"]["microphone"] = False
        sentences.append("No microphone gives sound here, so the demo goes without one.")
    if policy["capture"].get("camera") is False and not machine.microphone:
        policy["detection"]["enabled"] = False
    if machine.monitors > 1:
        policy["lockdown"]["single_monitor"] = False
        sentences.append(
            f"There are {machine.monitors} monitors; a real exam would ask you to leave one, the demo does not."
        )
    return Fitted(policy, tuple(words), tuple(sentences))


def _monitors() -> int:
    try:
        return len(screeninfo.get_monitors())
    except screeninfo.ScreenInfoError:
        return 1
