"""The candidate's photo: live picture, a hint whether it will do, take, retake, accept."""

from __future__ import annotations

import threading
import time
from typing import Protocol

import numpy as np

from app.core.policy import Policy
from app.core.ports import Clock
from app.core.types import AudioChunk, EntryKind, Frame, Stream
from app.runtime.attempts import Attempt
from app.runtime.models import Models
from app.runtime.pictures import to_jpeg

HINT_INTERVAL_S = 0.5
SILENCE_DBFS = -100.0


class IdentityFace(Protocol):
    def show_picture(self, frame: Frame) -> None: ...
    def show_level(self, dbfs: float, speech: bool) -> None: ...
    def show_hint(self, hint: str) -> None: ...
    def show_photo(self, frame: Frame) -> None: ...


class IdentityStep:
    """Fed by the preview's threads; ``request``, ``retake`` and ``accept`` come from the session thread."""

    def __init__(self, policy: Policy, attempt: Attempt, clock: Clock, models: Models, face: IdentityFace) -> None:
        self._policy = policy
        self._attempt = attempt
        self._clock = clock
        self._models = models
        self._face = face
        self._lock = threading.Lock()
        self._detecting = threading.Lock()
        self._newest: Frame | None = None
        self._photo: Frame | None = None
        self._hinting = False
        self._last_hint_s = 0.0

    def offer(self, frame: Frame) -> None:
        """A live picture. Preview thread."""
        if frame.stream is not Stream.CAMERA:
            return
        with self._lock:
            self._newest = frame
            hinting = self._hinting and self._photo is None
        self._face.show_picture(frame)
        if hinting and time.monotonic() - self._last_hint_s >= HINT_INTERVAL_S:
            self._last_hint_s = time.monotonic()
            self._face.show_hint(self._hint(frame))

    def hear(self, chunk: AudioChunk) -> None:
        """Sound of the preview. Its thread."""
        self._face.show_level(dbfs(chunk), speech=False)

    def begin(self) -> None:
        with self._lock:
            self._photo = None
            self._hinting = True

    def request(self) -> None:
        """Holds the newest picture as the photo."""
        with self._lock:
            self._photo = self._newest
            photo = self._photo
        if photo is None:
            self._face.show_hint("The camera gives no picture yet; wait a moment.")
            return
        self._face.show_photo(photo)
        self._face.show_hint(self._hint(photo))

    def retake(self) -> None:
        self.begin()

    def accept(self) -> bool:
        """Stores the held photo as evidence, once; False when there is none. After an EvidenceError it is still held."""
        with self._lock:
            photo = self._photo
        if photo is None:
            return False
        faces = self._count(photo)
        self._attempt.store.add_file(
            EntryKind.SNAPSHOT,
            Stream.CAMERA,
            to_jpeg(photo.pixels, 92),
            ".jpg",
            "image/jpeg",
            photo.at,
            {"shows": "candidate photo", "faces": faces},
        )
        with self._lock:
            self._photo, self._hinting = None, False
        return True

    def _count(self, frame: Frame) -> int | None:
        detector = self._models.faces()
        if detector is None:
            return None
        with self._detecting:  # the live picture's thread and the session's share it
            return len(detector.detect(frame).faces)

    def _hint(self, frame: Frame) -> str:
        count = self._count(frame) if self._models.ready() else None
        if count is None:
            return ""
        if count == 0:
            return "No face is seen yet. Sit in front of the camera, with light on your face."
        if count > 1:
            return "More than one face is seen. Only you should be in the picture."
        return "One face is seen. Ready for the photo."


def dbfs(chunk: AudioChunk) -> float:
    """RMS level of a chunk in dB relative to full scale."""
    power = float(np.mean(np.square(chunk.samples, dtype=np.float64))) if chunk.samples.size else 0.0
    return SILENCE_DBFS if power <= 0 else max(SILENCE_DBFS, 10.0 * float(np.log10(power)))
