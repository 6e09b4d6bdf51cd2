"""Is it still the enrolled person? Compares the one face in the picture with the reference."""

from __future__ import annotations

import numpy as np

from app.analysis.identity import FaceVerifier, Portrait, judge
from app.core.types import NS_PER_S, FacesSeen, Frame, PersonCompared

_INTERVAL_NS = NS_PER_S // 2
_ENROL_NS = 5 * NS_PER_S  # the first seconds with one face enrol the person
_ENROL_PORTRAITS = 4
_YAW_LIMIT_DEG = 35.0  # beyond, embeddings say little


class PersonWatch:
    """One thread at a time. ``reference`` None: whoever is seen first, for up to 5 seconds, is enrolled."""

    def __init__(self, verifier: FaceVerifier, reference: Portrait | None) -> None:
        self._verifier = verifier
        self._reference = reference
        self._enrolled: list[Portrait] = []
        self._first_ns: int | None = None
        self._next_ns: int | None = None

    def compared(self, frame: Frame, seen: FacesSeen) -> PersonCompared | None:
        """None while enrolling, too soon after the last, or when there is not one face turned to the camera."""
        at_ns = frame.at.mono_ns
        if len(seen.faces) != 1 or abs(seen.faces[0].yaw_deg) > _YAW_LIMIT_DEG:
            return None
        if self._next_ns is not None and at_ns < self._next_ns:
            return None
        self._next_ns = at_ns + _INTERVAL_NS
        portrait = self._verifier.portrait(frame.pixels)
        if portrait.feature is None:
            return None
        if self._reference is None:
            self._enrol(portrait, at_ns)
            return None
        return PersonCompared(at_ns, judge(self._reference, portrait).match_score)

    def _enrol(self, portrait: Portrait, at_ns: int) -> None:
        if self._first_ns is None:
            self._first_ns = at_ns
        self._enrolled.append(portrait)
        if len(self._enrolled) >= _ENROL_PORTRAITS or at_ns - self._first_ns >= _ENROL_NS:
            unit = [p.feature / np.linalg.norm(p.feature) for p in self._enrolled if p.feature is not None]
            self._reference = Portrait(np.mean(unit, axis=0, dtype=np.float32))
