"""The live detectors and rules over recorded files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.analysis.faces import FaceAnalyzer
from app.analysis.identity import FaceVerifier, Portrait
from app.analysis.media import Kind, Recording
from app.analysis.objects import ObjectFinder, SeenObject
from app.analysis.person import PersonWatch
from app.analysis.portraits import reference_portrait
from app.analysis.sound import SoundAnalyzer
from app.core.errors import BadInput
from app.core.policy import Detection, RuleSetting
from app.core.rule_table import LOOKING_AWAY, MORE_FACES, NO_FACE, OTHER_PERSON
from app.core.rules import RuleState, ViolationClosed, advance, finish, settings_for
from app.core.types import (
    NS_PER_MS,
    AudioChunk,
    Face,
    Frame,
    Json,
    Observation,
    SoundHeard,
    Violation,
)

FRAMES_PER_SECOND = 5.0
_LEAST_FRAMES = 2  # of a video, in which an object must be seen to be named

Line = Mapping[str, Json]

# A picture has no duration: what it shows is judged at once. One picture can't tell a glance from looking away.
_PICTURE = Detection(
    rules={
        **{code: RuleSetting(dwell_s=0.0) for code in (NO_FACE, MORE_FACES, OTHER_PERSON)},
        LOOKING_AWAY: RuleSetting(enabled=False),
    }
)
_RECORDING = Detection(faces_per_second=FRAMES_PER_SECOND)


@dataclass(slots=True)
class _Findings:
    """What one file showed."""

    observations: list[Observation] = field(default_factory=list)
    face_counts: Counter[int] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    speech: list[float] = field(default_factory=list)
    end_ns: int = 0


@dataclass(slots=True)
class Detectors:
    """Loaded once for any number of files. ``objects`` None: objects are not looked for; ``verifier`` None: nor whose
    face it is. ``reference`` None: a video's first seconds with one face enrol the person.
    """

    faces: FaceAnalyzer
    objects: ObjectFinder | None
    verifier: FaceVerifier | None = None
    reference: Portrait | None = None

    def start(self) -> None:
        self.faces.start()
        if self.objects is not None:
            self.objects.start()
        if self.verifier is not None:
            self.verifier.start()

    def enrol(self, portrait: Path) -> None:
        """Who should be seen, after ``start()``. Raises PictureError when the picture does not show one face."""
        if self.verifier is not None:
            self.reference = reference_portrait(self.verifier, portrait)

    def close(self) -> None:
        self.faces.close()
        if self.objects is not None:
            self.objects.close()
        if self.verifier is not None:
            self.verifier.close()


def analyze_file(path: Path, source: str, detectors: Detectors, emit: Callable[[Line], None]) -> None:
    """Calls ``emit`` with every line of design section 6, the summary last.

    Raises BadInput when the file can't be used, or, after all its lines, when parts of it were damaged.
    """
    recording = Recording(path, FRAMES_PER_SECOND)
    try:
        recording.open()
        findings = _Findings()
        for line in _lines(recording, source, detectors, findings):
            emit(line)
        emit({"source": source, "summary": _summary(recording.kind, findings)})
    finally:
        recording.close()
    if recording.damaged_packets:
        raise BadInput(f"{source} is damaged in parts; {recording.damaged_packets} of its packets were skipped.")


def _lines(recording: Recording, source: str, detectors: Detectors, findings: _Findings) -> Iterator[Line]:
    sound = SoundAnalyzer()
    sound.start()
    person = None
    if detectors.verifier is not None and (recording.kind == "video" or detectors.reference is not None):
        person = PersonWatch(detectors.verifier, detectors.reference)
    for item in recording.items():
        if isinstance(item, AudioChunk):
            yield from _heard(sound.feed(item), source, findings)
        else:
            yield _seen(item, source, detectors, person, findings)
    yield from _heard(sound.finish(), source, findings)
    sound.close()


def _seen(frame: Frame, source: str, detectors: Detectors, person: PersonWatch | None, findings: _Findings) -> Line:
    seen = detectors.faces.detect(frame)
    compared = None if person is None else person.compared(frame, seen)
    if compared is not None:
        findings.observations.append(compared)
    objects = () if detectors.objects is None else detectors.objects.find(frame.pixels)
    findings.observations.append(seen)
    findings.face_counts[len(seen.faces)] += 1
    findings.labels.update({o.label for o in objects})
    findings.end_ns = max(findings.end_ns, frame.at.mono_ns)
    return {
        "source": source,
        "t_ms": frame.at.mono_ns // NS_PER_MS,
        "faces": [_face_json(face) for face in seen.faces],
        "objects": [_object_json(o) for o in objects],
    }


def _heard(heard: Sequence[SoundHeard], source: str, findings: _Findings) -> Iterator[Line]:
    for window in heard:
        findings.observations.append(window)
        findings.speech.append(window.speech)
        findings.end_ns = max(findings.end_ns, window.at_ns)
        yield {
            "source": source,
            "t_ms": window.at_ns // NS_PER_MS,
            "dbfs": round(window.dbfs, 1),
            "speech": round(window.speech, 3),
        }


def _summary(kind: Kind, findings: _Findings) -> dict[str, Json]:
    counts = findings.face_counts
    most = max(counts.values(), default=0)
    least_frames = 1 if kind == "image" else _LEAST_FRAMES
    labels: list[Json] = [*sorted(label for label, n in findings.labels.items() if n >= least_frames)]
    violations = judged(findings.observations, _PICTURE if kind == "image" else _RECORDING, findings.end_ns)
    speech_ratio = sum(findings.speech) / len(findings.speech) if findings.speech else 0.0
    return {
        "kind": kind,
        "face_count": min((n for n, times in counts.items() if times == most), default=0),
        "objects": labels,
        "speech_ratio": round(speech_ratio, 4),
        "violations": [_violation_json(v) for v in violations],
    }


def judged(observations: Sequence[Observation], detection: Detection, end_ns: int) -> list[Violation]:
    """The violations that the live rules find in observations, in order of their start."""
    settings, state = settings_for(detection), RuleState()
    closed: list[Violation] = []
    for observation in sorted(observations, key=lambda o: o.at_ns):
        state, events = advance(state, observation, settings)
        closed += [e.violation for e in events if isinstance(e, ViolationClosed)]
    closed += [e.violation for e in finish(state, end_ns)[1] if isinstance(e, ViolationClosed)]
    return sorted(closed, key=lambda v: (v.start_ns, v.code))


def _face_json(face: Face) -> dict[str, Json]:
    return {
        "box": [round(v, 1) for v in face.box],
        "score": round(face.score, 3),
        "yaw_deg": round(face.yaw_deg, 1),
        "pitch_deg": round(face.pitch_deg, 1),
        "roll_deg": round(face.roll_deg, 1),
        "gaze_yaw_deg": round(face.gaze_yaw_deg, 1),
        "gaze_pitch_deg": round(face.gaze_pitch_deg, 1),
        "on_screen": face.on_screen,
    }


def _object_json(seen: SeenObject) -> dict[str, Json]:
    return {"label": seen.label, "score": round(seen.score, 3), "box": [round(v, 1) for v in seen.box]}


def _violation_json(violation: Violation) -> dict[str, Json]:
    end_ns = violation.start_ns if violation.end_ns is None else violation.end_ns
    return {
        "code": violation.code,
        "start_ms": violation.start_ns // NS_PER_MS,
        "end_ms": end_ns // NS_PER_MS,
        "severity": violation.severity,
    }
