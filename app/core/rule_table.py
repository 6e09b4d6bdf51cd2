"""The rules' settings: defaults by evidence code, scaled by sensitivity, overridden by the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core import codes
from app.core.policy import Accessibility, Detection, Response, RuleSetting, Sensitivity
from app.core.types import NS_PER_S

NO_FACE = 5001
MORE_FACES = 5002
LOUD = 5004
FOCUS_LOST = 5005
FOCUS_GAINED = 5006
MONITORS = 5007
MONITORS_SUSPECTED = 5008
LOOKING_AWAY = 5101
OTHER_PERSON = 5102
SPEECH = 5106
SECOND_VOICE = 5107
VIRTUAL_CAMERA = 5110
PROCESS = 5111
REMOTE_CONTROL = 5112
VIRTUAL_MACHINE = 5113
CLIPBOARD = 5114
CAPTURE_KEY = 5115
DISPLAY_CHANGED = 5116
DEVICE = 5117
CLOCK = 5118
GAP = 5119
TAMPERING = 5120
BLOCKED_KEY = 5121
FOREIGN_WINDOW = 5122
INJECTED_INPUT = 5123

FACE_RULES = frozenset({NO_FACE, MORE_FACES, LOOKING_AWAY, OTHER_PERSON})
SOUND_RULES = frozenset({LOUD, SPEECH})
SAMPLED_RULES = FACE_RULES | SOUND_RULES
INSTANT_RULES = frozenset(
    {FOCUS_GAINED, CLIPBOARD, CAPTURE_KEY, DISPLAY_CHANGED, DEVICE, CLOCK, TAMPERING, BLOCKED_KEY, INJECTED_INPUT}
)
MACHINE_RULES = frozenset({VIRTUAL_CAMERA, REMOTE_CONTROL, VIRTUAL_MACHINE})
"""Judged from the machine's signals, at the system check too."""

NOTHING_GRANTED = Accessibility()

_FASTEST_STALE_S = 3.0
_STALE_SAMPLES = 3.0


@dataclass(frozen=True, slots=True)
class EffectiveRule:
    """One rule as it is applied. All times in nanoseconds.

    ``stale_ns``: a sampled signal that gave nothing for longer is unknown, and what was built on it ends.
    ``threshold`` by code: 5002 least face score; 5101 degrees of gaze yaw (None = the detector's own
    judgement); 5102 least match score; 5004 dB above the background; 5106 speech probability; 5007 monitors allowed;
    5110, 5112 and 5113 least score of ``core.machine`` (None = its verdict ``likely``). ``response``: what follows.
    """

    code: int
    dwell_ns: int
    release_ns: int
    merge_ns: int
    cooldown_ns: int
    stale_ns: int
    threshold: float | None
    severity: float
    response: Response = "warn"


@dataclass(frozen=True, slots=True)
class _Default:
    """``thresholds`` for low, medium and high sensitivity; the rest for medium, in seconds.

    ``response`` is "record" for what is nobody's fault, or too uncertain to tell a candidate about in the exam.
    """

    dwell_s: float = 0.0
    release_s: float = 0.0
    merge_s: float = 0.0
    cooldown_s: float = 0.0
    thresholds: tuple[float | None, float | None, float | None] = (None, None, None)
    response: Response = "warn"


DEFAULTS: Mapping[int, _Default] = {
    NO_FACE: _Default(1.5, 0.7, 1.0),
    MORE_FACES: _Default(1.0, 0.7, 2.0, thresholds=(0.88, 0.8, 0.7)),
    LOUD: _Default(0.75, 1.0, 2.0, thresholds=(18.0, 14.0, 10.0)),
    FOCUS_LOST: _Default(),
    FOCUS_GAINED: _Default(response="record"),
    MONITORS: _Default(thresholds=(1.0, 1.0, 1.0)),
    MONITORS_SUSPECTED: _Default(response="record"),
    LOOKING_AWAY: _Default(2.0, 0.7, 1.0),
    OTHER_PERSON: _Default(2.0, 1.5, 3.0, thresholds=(0.2, 0.26, 0.3)),
    SPEECH: _Default(1.0, 1.0, 2.0, thresholds=(0.7, 0.5, 0.4)),
    VIRTUAL_CAMERA: _Default(response="record"),
    PROCESS: _Default(),
    REMOTE_CONTROL: _Default(response="record"),
    VIRTUAL_MACHINE: _Default(response="record"),
    CLIPBOARD: _Default(cooldown_s=1.0, response="record"),
    CAPTURE_KEY: _Default(cooldown_s=1.0),
    DISPLAY_CHANGED: _Default(response="record"),
    DEVICE: _Default(response="record"),
    CLOCK: _Default(response="record"),
    GAP: _Default(response="record"),
    TAMPERING: _Default(response="record"),
    BLOCKED_KEY: _Default(cooldown_s=1.0),
    FOREIGN_WINDOW: _Default(dwell_s=0.5),
    INJECTED_INPUT: _Default(cooldown_s=10.0, response="record"),
}

_LEVEL: Mapping[Sensitivity, int] = {"low": 0, "medium": 1, "high": 2}
_DWELL_FACTOR = (1.5, 1.0, 0.6)


def permitted(accessibility: Accessibility) -> frozenset[int]:
    """Evidence codes that are no violation for this candidate."""
    return frozenset(
        (LOOKING_AWAY,) * accessibility.looking_away
        + (MORE_FACES, SECOND_VOICE) * accessibility.second_person
        + (SPEECH,) * (accessibility.reading_aloud or accessibility.second_person)
        + (LOUD, SPEECH, SECOND_VOICE) * accessibility.screen_reader
        + (INJECTED_INPUT,) * (accessibility.screen_reader or bool(accessibility.assistive_programs))
    )


def settings_for(detection: Detection, accessibility: Accessibility = NOTHING_GRANTED) -> Mapping[int, EffectiveRule]:
    """The enabled rules by code. What the policy sets for a rule is taken as it is, unscaled.

    What the candidate is permitted is no rule at all.

    More sensitivity never lengthens a dwell nor raises a threshold, and changes nothing else: see ``core.rules``.
    """
    stale_ns = _ns(max(_FASTEST_STALE_S, _STALE_SAMPLES / max(detection.faces_per_second, 0.01)))
    granted = permitted(accessibility)
    return {
        code: _effective(code, default, detection.rules.get(code, RuleSetting()), detection.sensitivity, stale_ns)
        for code, default in DEFAULTS.items()
        if code not in granted and _enabled(code, detection)
    }


def _enabled(code: int, detection: Detection) -> bool:
    setting = detection.rules.get(code)
    return (detection.enabled or code not in SAMPLED_RULES) and (setting is None or setting.applied)


def _effective(
    code: int, default: _Default, setting: RuleSetting, sensitivity: Sensitivity, stale_ns: int
) -> EffectiveRule:
    level = _LEVEL[sensitivity]
    return EffectiveRule(
        code=code,
        dwell_ns=_ns(_either(setting.dwell_s, default.dwell_s * _DWELL_FACTOR[level])),
        release_ns=_ns(_either(setting.release_s, default.release_s)),
        merge_ns=_ns(_either(setting.merge_s, default.merge_s)),
        cooldown_ns=_ns(_either(setting.cooldown_s, default.cooldown_s)),
        stale_ns=stale_ns,
        threshold=default.thresholds[level] if setting.threshold is None else setting.threshold,
        severity=min(1.0, max(0.0, _either(setting.severity, codes.code(code).severity))),
        response=setting.response or default.response,
    )


def _either(chosen: float | None, default: float) -> float:
    return default if chosen is None else max(0.0, chosen)


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_S)
