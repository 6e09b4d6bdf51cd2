"""What an observation says to each rule: active or not, how surely, with what detail. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.machine_rules import machine_signals
from app.core.rule_table import (
    FOCUS_GAINED,
    FOCUS_LOST,
    GAP,
    LOOKING_AWAY,
    LOUD,
    MORE_FACES,
    NO_FACE,
    OTHER_PERSON,
    SPEECH,
    EffectiveRule,
)
from app.core.rule_track import Signal
from app.core.types import (
    Face,
    FacesSeen,
    FocusChanged,
    Observation,
    PersonCompared,
    SessionSeen,
    SessionState,
    SoundHeard,
    Stream,
    StreamBack,
    StreamLost,
)

# Nothing quieter than this is loud, however silent the room.
LEAST_LOUD_DBFS = -50.0
_SURELY_LOUD_DB = 20.0


def signals_of(
    observation: Observation,
    lost: Mapping[Stream, str],
    settings: Mapping[int, EffectiveRule],
    *,
    focused: bool,
    out: bool,
) -> Mapping[int, Signal]:
    """Signals by code for the rules in ``settings``. ``lost`` is the streams' state with this observation in it,
    ``focused`` the focus before it; ``out`` whether, with it, the candidate is out of the exam by anybody's word."""
    match observation:
        case FacesSeen():
            found = _faces(observation, settings)
        case PersonCompared(match_score=match_score):
            other = match_score < _threshold(settings, OTHER_PERSON, 0.26)
            found = {OTHER_PERSON: Signal(other, 1.0 - match_score)}
        case SoundHeard():
            found = _sound(observation, settings)
        case FocusChanged():
            found = {FOCUS_LOST: Signal(out, details=() if observation.focused else _words(observation.detail))}
            if observation.focused and not focused:
                found[FOCUS_GAINED] = Signal(True, details=_words(observation.detail))
        case SessionSeen():
            found = {FOCUS_LOST: Signal(out, details=_words(observation.detail) if is_away(observation) else ())}
        case StreamLost() | StreamBack():
            causes = tuple(f"{stream}: {cause}" for stream, cause in sorted(lost.items()))
            found = {GAP: Signal(bool(lost), details=causes)}
        case _:
            found = machine_signals(observation, settings)
    return {code: signal for code, signal in found.items() if code in settings}


def is_away(seen: SessionSeen) -> bool:
    """Locking, sleeping and closing the lid are normal life: only another session on the screen is being away."""
    return seen.state is SessionState.AWAY


def _faces(seen: FacesSeen, settings: Mapping[int, EffectiveRule]) -> dict[int, Signal]:
    least = _threshold(settings, MORE_FACES, 0.0)
    scores = sorted((f.score for f in seen.faces if f.score >= least), reverse=True)
    away = [f for f in seen.faces if _looks_away(f, settings)]
    all_away = bool(seen.faces) and len(away) == len(seen.faces)
    return {
        NO_FACE: Signal(not seen.faces),
        MORE_FACES: Signal(len(scores) > 1, scores[1], (f"{len(scores)} faces",)) if len(scores) > 1 else Signal(False),
        LOOKING_AWAY: Signal(True, sum(f.score for f in away) / len(away), (_where(away[0]),))
        if all_away
        else Signal(False),
    }


def _looks_away(face: Face, settings: Mapping[int, EffectiveRule]) -> bool:
    rule = settings.get(LOOKING_AWAY)
    if rule is None or rule.threshold is None:
        return not face.on_screen
    return abs(face.gaze_yaw_deg) > rule.threshold


def _where(face: Face) -> str:
    """The direction in the candidate's own words: the image is not mirrored."""
    if abs(face.gaze_yaw_deg) >= abs(face.gaze_pitch_deg):
        return "to the left" if face.gaze_yaw_deg > 0 else "to the right"
    return "up" if face.gaze_pitch_deg > 0 else "down"


def _sound(heard: SoundHeard, settings: Mapping[int, EffectiveRule]) -> dict[int, Signal]:
    found = {SPEECH: Signal(heard.speech >= _threshold(settings, SPEECH, 0.5), heard.speech)}
    if heard.background_dbfs is not None:
        above_db = heard.dbfs - heard.background_dbfs
        loud = above_db >= _threshold(settings, LOUD, 14.0) and heard.dbfs >= LEAST_LOUD_DBFS
        found[LOUD] = Signal(loud, min(1.0, above_db / _SURELY_LOUD_DB))
    return found


def _words(detail: str) -> tuple[str, ...]:
    return (detail,) if detail else ()


def _threshold(settings: Mapping[int, EffectiveRule], code: int, default: float) -> float:
    rule = settings.get(code)
    return default if rule is None or rule.threshold is None else rule.threshold
