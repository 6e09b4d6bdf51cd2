"""Ready-made policies to begin with, and what may be granted to a candidate on top of them.

Each preset sets the same fields, so that laying one over another leaves nothing of the first behind. An
accommodation only ever grants. Presets ask nothing that this client can't do.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from app.core.errors import BadInput
from app.core.policy import Response
from app.core.rule_table import DEFAULTS, MONITORS, PROCESS, REMOTE_CONTROL, SAMPLED_RULES
from app.core.types import Json

_REMOTE_CONTROL = ("anydesk", "dwagent", "parsecd", "rustdesk", "teamviewer", "x11vnc")
_SHARING = ("discord", "kazam", "obs", "obs64", "simplescreenrecorder", "skype", "vokoscreenng", "webex", "zoom")
_CHATS = ("element-desktop", "signal-desktop", "slack", "telegram", "telegram-desktop", "whatsapp", "ms-teams", "teams")
_ASSISTANTS = ("chatgpt", "claude", "cluely", "copilot", "lm studio", "ollama", "perplexity")
_FALSE_CAMERAS = ("droidcam", "manycam", "snap camera", "webcamoid", "xsplitvcam")
_UNSAMPLED = tuple(sorted({*DEFAULTS} - SAMPLED_RULES))
"""Rules that need neither picture nor sound, and so go on without detection."""
_MILD: dict[int, Response] = {MONITORS: "warn", PROCESS: "warn", REMOTE_CONTROL: "record"}
_STRICT: dict[int, Response] = {MONITORS: "hold", PROCESS: "close", REMOTE_CONTROL: "hold"}
"""What a candidate can put right may hold the exam. A virtual machine can't be left, and a camera's name may deceive:
these are recorded."""


@dataclass(frozen=True, slots=True)
class Preset:
    """``policy`` lacks what only the institution knows: exam, candidate and upload."""

    label: str
    meaning: str
    policy: Mapping[str, Mapping[str, Json]]


@dataclass(frozen=True, slots=True)
class Accommodation:
    """``form`` is how it is written; ``granted`` makes the fields of the group ``accessibility`` out of the words
    behind ``=``, None when they can't be used.
    """

    label: str
    meaning: str
    form: str
    granted: Callable[[str], dict[str, Json] | None]


def _unsampled(responses: Mapping[int, Response], *, applied: bool) -> dict[str, Json]:
    responding = {code: {"response": response} for code, response in responses.items()}
    return {str(code): {"enabled": applied, **responding.get(code, {})} for code in _UNSAMPLED}


PRESETS: dict[str, Preset] = {
    "practice": Preset(
        "Practice",
        "To try out the exam: Quit works at any time, files may stand in for devices, nothing is judged, and no recording is kept.",
        {
            "identity": {"photo": False},
            "lockdown": {
                "kiosk": True,
                "grab_keyboard": True,
                "single_monitor": False,
                "keep_awake": True,
                "watch_windows": False,
                "watch_devices": False,
                "denied_processes": [],
                "kill_processes": False,
                "quit_always": True,
            },
            "capture": {
                "camera": True,
                "microphone": True,
                "screen": True,
                "allow_file_sources": True,
                "screen_fps": 1.0,
            },
            "detection": {
                "enabled": False,
                "sensitivity": "low",
                "faces_per_second": 5.0,
                "rules": _unsampled(_MILD, applied=False),
            },
            "evidence": {
                "mode": "clips",
                "pre_roll_s": 0.0,
                "post_roll_s": 0.0,
                "quota_mb": 500,
                "keep_after_upload": False,
            },
            "privacy": {"retention_days": 1},
        },
    ),
    "standard": Preset(
        "Standard",
        "For most exams: locked screen, photo, detection at medium sensitivity, and clips around violations.",
        {
            "identity": {"photo": True},
            "lockdown": {
                "kiosk": True,
                "grab_keyboard": True,
                "single_monitor": True,
                "keep_awake": True,
                "watch_windows": True,
                "watch_devices": True,
                "denied_processes": [*_REMOTE_CONTROL, *_SHARING],
                "kill_processes": False,
                "quit_always": False,
            },
            "capture": {
                "camera": True,
                "microphone": True,
                "screen": True,
                "allow_file_sources": False,
                "screen_fps": 1.0,
            },
            "detection": {
                "enabled": True,
                "sensitivity": "medium",
                "faces_per_second": 5.0,
                "rules": _unsampled(_MILD, applied=True),
            },
            "evidence": {
                "mode": "clips",
                "pre_roll_s": 5.0,
                "post_roll_s": 5.0,
                "quota_mb": 2048,
                "keep_after_upload": False,
            },
            "privacy": {"retention_days": 30},
        },
    ),
    "strict": Preset(
        "Strict",
        "For exams with much at stake: everything is kept, detection is quick, chats, assistants and camera programs are denied too, and what is denied holds the exam.",
        {
            "identity": {"photo": True},
            "lockdown": {
                "kiosk": True,
                "grab_keyboard": True,
                "single_monitor": True,
                "keep_awake": True,
                "watch_windows": True,
                "watch_devices": True,
                "denied_processes": [*_REMOTE_CONTROL, *_SHARING, *_CHATS, *_ASSISTANTS, *_FALSE_CAMERAS],
                "kill_processes": False,
                "quit_always": False,
            },
            "capture": {
                "camera": True,
                "microphone": True,
                "screen": True,
                "allow_file_sources": False,
                "screen_fps": 2.0,
            },
            "detection": {
                "enabled": True,
                "sensitivity": "high",
                "faces_per_second": 8.0,
                "rules": _unsampled(_STRICT, applied=True),
            },
            "evidence": {
                "mode": "continuous",
                "pre_roll_s": 10.0,
                "post_roll_s": 10.0,
                "quota_mb": 8192,
                "keep_after_upload": False,
            },
            "privacy": {"retention_days": 90},
        },
    ),
}


def _flag(name: str) -> Callable[[str], dict[str, Json] | None]:
    return lambda words: None if words else {name: True}


def _extra_time(words: str) -> dict[str, Json] | None:
    if re.fullmatch(r"\d{1,3}(\.\d{1,3})?%", words, re.ASCII):
        return {"extra_time_percent": float(words.removesuffix("%"))}
    return {"extra_time_min": int(words)} if re.fullmatch(r"\d{1,4}", words, re.ASCII) else None


ACCOMMODATIONS: dict[str, Accommodation] = {
    "extra-time": Accommodation(
        "Extra time",
        "More time: percent of the exam's duration, or minutes; both together are added up.",
        "extra-time=25% or extra-time=15",
        _extra_time,
    ),
    "screen-reader": Accommodation(
        "Screen reader",
        "A screen reader's voice is in the room: sound, speech and a second voice are no violation.",
        "screen-reader",
        _flag("screen_reader"),
    ),
    "looking-away": Accommodation(
        "Looking away",
        "Looking away from the screen is no violation.",
        "looking-away",
        _flag("looking_away"),
    ),
    "second-person": Accommodation(
        "Second person",
        "An assistant may be there: a second face, speech and a second voice are no violation.",
        "second-person",
        _flag("second_person"),
    ),
    "reading-aloud": Accommodation(
        "Reading aloud",
        "Speech is no violation; other sound still is.",
        "reading-aloud",
        _flag("reading_aloud"),
    ),
}


def combined(
    preset: str, accommodations: Iterable[str] = (), overlay: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    """The preset, under ``overlay`` (a policy's JSON, whole or in part), under the accommodations.

    Objects are laid over each other field by field, lists and other values replaced. Accommodations are written as in
    their ``form``; each can be given once, extra time once in percent and once in minutes. The result may lack exam,
    candidate and upload; nothing but the accommodations is checked here. Raises BadInput.
    """
    if preset not in PRESETS:
        raise BadInput(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    whole: dict[str, Json] = laid_over(laid_over({}, PRESETS[preset].policy), overlay or {})
    granted = granted_by(accommodations)
    return laid_over(whole, {"accessibility": granted}) if granted else whole


def granted_by(accommodations: Iterable[str]) -> dict[str, Json]:
    """The fields of the group ``accessibility`` that these accommodations set. Raises BadInput."""
    fields: dict[str, Json] = {}
    for words in accommodations:
        name, equals, rest = words.partition("=")
        if name not in ACCOMMODATIONS:
            raise BadInput(f"There is no accommodation {name!r}; choose from {', '.join(ACCOMMODATIONS)}.")
        accommodation = ACCOMMODATIONS[name]
        made = None if equals and not rest else accommodation.granted(rest)
        if made is None:
            raise BadInput(f"The accommodation {words!r} can't be used; write {accommodation.form}.")
        if made.keys() & fields.keys():
            raise BadInput(f"The accommodation {name!r} is given twice; give it once.")
        fields |= made
    return fields


def laid_over(
    below: Mapping[str, Json], above: Mapping[str, Json] | Mapping[str, Mapping[str, Json]]
) -> dict[str, Json]:
    """A new object: ``above`` wins field by field, at any depth; lists are replaced, not joined."""
    whole = copy.deepcopy(dict(below))
    for name, value in above.items():
        under = whole.get(name)
        if isinstance(value, Mapping):
            whole[name] = laid_over(under if isinstance(under, dict) else {}, value)
        else:
            whole[name] = copy.deepcopy(value)
    return whole
