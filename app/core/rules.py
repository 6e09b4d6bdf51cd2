"""Observations in, violations out. Pure: time comes with the observations.

    state = RuleState()
    settings = settings_for(policy.detection, policy.accessibility)
    state, events = advance(state, observation, settings)
    state, events = finish(state, at_ns)

Guarantees, each held by a test:

- The same observations give the same events; shifting all times shifts only the events' times.
- Violations of one code never overlap. ``ViolationOpened`` comes once its dwell was met, with a start at the
  first active observation; ``ViolationClosed`` follows with the same number.
- One odd observation neither opens a violation (dwell) nor splits one (release).
- Missing data is never an accusation: while a stream is lost its observations are ignored; what was
  pending is dropped and what was open ends where it was last known. The same holds when a detector falls silent.
- With the same policy otherwise, more sensitivity never judges less: each moment within a violation at a
  lower sensitivity lies within a violation of the same code at a higher one. (Spans may grow together, so
  their number may fall. A cool-down set for a rule with duration is exempt: it limits, it does not judge.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.core import rule_track
from app.core.rule_signals import is_away, signals_of
from app.core.rule_table import FACE_RULES, INSTANT_RULES, SAMPLED_RULES, SOUND_RULES, EffectiveRule, settings_for
from app.core.rule_track import RuleEvent, Signal, Step, Track, ViolationClosed, ViolationOpened
from app.core.types import (
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

__all__ = [
    "EffectiveRule",
    "RuleEvent",
    "RuleState",
    "ViolationClosed",
    "ViolationOpened",
    "advance",
    "finish",
    "settings_for",
]

_RULES_OF = {Stream.CAMERA: FACE_RULES, Stream.MICROPHONE: SOUND_RULES}


@dataclass(frozen=True, slots=True)
class RuleState:
    """Everything the rules remember. ``next_number`` names the next violation; ``now_ns`` None before the first.

    ``focused`` is the window's last word, ``left`` that it has no focus and nothing of normal life explains it, ``away`` the
    login session's: what one says began, the other does not end.
    """

    next_number: int = 1
    now_ns: int | None = None
    focused: bool = True
    left: bool = False
    away: bool = False
    lost: Mapping[Stream, str] = field(default_factory=dict)
    tracks: Mapping[int, Track] = field(default_factory=dict)


def advance(
    state: RuleState, observation: Observation, settings: Mapping[int, EffectiveRule]
) -> tuple[RuleState, tuple[RuleEvent, ...]]:
    """The state after ``observation``, and what was opened and closed by it.

    ``settings`` may change between calls; a rule that is no longer among them closes what it has open.
    """
    if _unheard(state, observation):
        return state, ()
    now_ns = observation.at_ns if state.now_ns is None else max(state.now_ns, observation.at_ns)
    state = replace(state, now_ns=now_ns)
    state, events = _with_stream(_with_attention(state, observation), observation)
    signals = signals_of(observation, state.lost, settings, focused=state.focused, out=state.left or state.away)
    if isinstance(observation, FocusChanged):
        state = replace(state, focused=observation.focused)
    for code in sorted(state.tracks.keys() | signals.keys()):
        track = state.tracks.get(code, Track())
        rule = settings.get(code)
        if rule is None:
            step = rule_track.forgotten(track, code)
        else:
            step = _stepped(track, rule, observation.at_ns, now_ns, signals.get(code), state.next_number)
        state, more = _after(state, code, step)
        events += more
    return state, events


def finish(state: RuleState, at_ns: int) -> tuple[RuleState, tuple[RuleEvent, ...]]:
    """Closes what is open: measured signals where they were last known, those that last at ``at_ns``."""
    events: tuple[RuleEvent, ...] = ()
    for code in sorted(state.tracks):
        track = state.tracks[code]
        run = track.run
        if code not in SAMPLED_RULES and run is not None and run.paused_ns is None:
            track = replace(track, run=replace(run, last_ns=max(run.last_ns, at_ns)))
        state, more = _after(state, code, rule_track.forgotten(track, code))
        events += more
    return state, events


def _unheard(state: RuleState, observation: Observation) -> bool:
    """What is said to come from a stream that gives nothing is late or made up."""
    if isinstance(observation, FacesSeen | PersonCompared):
        return Stream.CAMERA in state.lost
    return isinstance(observation, SoundHeard) and Stream.MICROPHONE in state.lost


def _with_attention(state: RuleState, observation: Observation) -> RuleState:
    """A screen lock and sleep end what the window said: nobody can be in front then."""
    if isinstance(observation, FocusChanged):
        return replace(state, left=not observation.focused)
    if isinstance(observation, SessionSeen):
        left = state.left and observation.state in (SessionState.HERE, SessionState.AWAY)
        return replace(state, left=left, away=is_away(observation))
    return state


def _with_stream(state: RuleState, observation: Observation) -> tuple[RuleState, tuple[RuleEvent, ...]]:
    events: tuple[RuleEvent, ...] = ()
    if isinstance(observation, StreamLost):
        state = replace(state, lost={**state.lost, observation.stream: observation.cause})
        for code in sorted(_RULES_OF.get(observation.stream, frozenset()) & state.tracks.keys()):
            state, more = _after(state, code, rule_track.forgotten(state.tracks[code], code))
            events += more
    elif isinstance(observation, StreamBack):
        state = replace(state, lost={s: cause for s, cause in state.lost.items() if s is not observation.stream})
    return state, events


def _stepped(track: Track, rule: EffectiveRule, at_ns: int, now_ns: int, signal: Signal | None, number: int) -> Step:
    if rule.code in SAMPLED_RULES:
        if signal is None:
            return rule_track.unless_stale(track, rule, now_ns)
        return rule_track.sampled(track, rule, at_ns, signal, number)
    if rule.code in INSTANT_RULES:
        return (track, ()) if signal is None else rule_track.instant(track, rule, at_ns, signal, number)
    return rule_track.held(track, rule, now_ns, signal, number)


def _after(state: RuleState, code: int, step: Step) -> tuple[RuleState, tuple[RuleEvent, ...]]:
    track, events = step
    opened = sum(isinstance(event, ViolationOpened) for event in events)
    state = replace(state, next_number=state.next_number + opened, tracks={**state.tracks, code: track})
    return state, events
