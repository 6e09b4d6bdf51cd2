"""Loads the detectors once, in the background, while the candidate reads and checks."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from app.analysis.faces import FaceAnalyzer
from app.analysis.sound import SoundAnalyzer
from app.core.errors import InvigilError
from app.core.policy import Policy
from app.runtime.resources import model_path

log = structlog.get_logger()

LOAD_TIMEOUT_S = 30.0


class Models:
    """``start()`` begins loading; ``faces()`` and ``sound()`` wait for it. ``close()`` when nothing uses them.

    ``problem`` says what could not be loaded; empty when all is well.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.problem = ""
        self._faces: FaceAnalyzer | None = None
        self._sound: SoundAnalyzer | None = None
        self._thread = threading.Thread(target=self._load, name="models", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def faces(self) -> FaceAnalyzer | None:
        """None when the policy detects nothing or there is a problem."""
        self._thread.join(LOAD_TIMEOUT_S)
        return self._faces

    def sound(self) -> SoundAnalyzer | None:
        self._thread.join(LOAD_TIMEOUT_S)
        return self._sound

    def ready(self) -> bool:
        return not self._thread.is_alive()

    def close(self) -> None:
        """Also of models that were never started."""
        if self._thread.ident is not None:
            self._thread.join()
        if self._faces is not None:
            self._faces.close()
            self._faces = None

    def _load(self) -> None:
        if not self._policy.detection.enabled:
            return
        if self._policy.capture.microphone:
            self._guarded("sound", self._load_sound)
        if self._policy.capture.camera:
            self._guarded("faces", self._load_faces)

    def _load_sound(self) -> None:
        self._sound = SoundAnalyzer()

    def _load_faces(self) -> None:
        yunet = model_path("face_detection_yunet_2023mar_int8bq.onnx")
        faces = FaceAnalyzer(model_path("face_landmarker.task"), yunet if yunet.is_file() else None)
        faces.start()
        self._faces = faces

    def _guarded(self, what: str, load: Callable[[], None]) -> None:
        try:
            load()
        except InvigilError as error:
            log.error("detection", what=what, error=str(error))
            self.problem = str(error)
        except Exception as error:
            # native loaders raise what they like; the exam goes on without, and the proctor has to know
            log.exception("detection", what=what)
            self.problem = f"The detection of {what} can't be started ({error}); install the application again."
