"""What a policy may ask and this client can't do yet. Nothing of it is passed over in silence.

``unmet`` is shown when a key is made, and in the system check. Where the exam would be another one without it
(``stopping``), it can't begin, unless the policy allows a fallback. Whoever teaches the client one of these takes its line out of here.
"""

from __future__ import annotations

from app.core.policy import Policy
from app.core.rule_table import DEFAULTS

Unmet = tuple[str, str]
"""A field's path and what this client does not do, as the end of a sentence about this client."""

LATER: dict[str, str] = {
    "exam.exit_url": "does not open a page after the exam",
    "identity.id_document": "does not take pictures of documents",
    "identity.reference_photo_url": "does not fetch reference photos",
    "identity.face_check": "does not compare faces before the exam",
    "identity.ongoing": "does not compare faces during the exam",
    "identity.room_inspection": "does not inspect rooms",
    "identity.authorization": "does not wait for a proctor",
    "browser.container_id": "does not show itself inside the page",
    "browser.verification_position": "does not show itself inside the page",
    "browser.id_position": "does not show itself inside the page",
    "browser.live_camera_position": "does not show itself inside the page",
    "capture.second_camera": "does not record a second camera",
    "capture.second_microphone": "does not record a second microphone",
    "capture.second_microphone_label": "does not record a second microphone",
    "detection.objects": "does not look for objects during the exam",
    "upload.second_camera": "does not keep recordings from being uploaded",
    "upload.second_microphone": "does not keep recordings from being uploaded",
    "upload.file_name_prefix": "does not name uploaded files",
    "upload.path_prefix": "does not choose folders at the backend",
    "upload.offline_limit_min": "does not end an exam for a lost network",
    "live.room_id": "does not join a live room",
    "live.chat": "has no chat",
    "live.pause_resume": "does not let a proctor pause",
    "live.initial_state": "does not begin paused",
    "live.end_test": "does not let a proctor end the exam",
    "live.auto_acknowledge": "does not leave acknowledgements to the exam's page",
}
"""Asked where the field has another value than its default."""

ONLY_WITH: dict[str, str] = {
    f"upload.{stream}": f"capture.{stream}" for stream in ("second_camera", "second_microphone")
}
"""Asked only where the other field is on: what is not recorded can't be uploaded either."""

MINOR = frozenset(
    {
        "exam.exit_url",
        "browser.container_id",
        "browser.verification_position",
        "browser.id_position",
        "browser.live_camera_position",
        "upload.file_name_prefix",
        "upload.path_prefix",
        "upload.offline_limit_min",
        "live.room_id",
        "live.chat",
        "live.pause_resume",
        "live.end_test",
        "live.auto_acknowledge",
    }
)
"""Told, but no reason to keep anybody from an exam: what is watched and what may be done in it stay the same."""

LATER_VALUES: dict[str, dict[str, str]] = {
    "evidence.mode": {"snapshots": "does not keep single pictures in place of recordings"},
    "live.mode": {"live": "does not show streams to a proctor", "combo": "does not show streams to a proctor"},
    "detection.server": {
        "after": "asks no backend to look at recordings",
        "live": "asks no backend to look at recordings",
    },
}

NOT_LIVE: dict[int, str] = {5102: "does not compare faces during the exam"}
"""Rules that recordings are judged by, and running exams are not yet."""


def unmet(policy: Policy) -> list[Unmet]:
    """Everything that the policy asks and this client does not do, in the policy's order."""
    return [
        *((path, words) for path, words in LATER.items() if _asked(policy, path)),
        *(
            (path, values[value])
            for path, values in LATER_VALUES.items()
            if (value := str(_value(policy, path))) in values
        ),
        *(
            (f"detection.rules.{code}", NOT_LIVE.get(code, "does not watch for this"))
            for code, rule in sorted(policy.detection.rules.items())
            if policy.detection.enabled and rule.applied and (code in NOT_LIVE or code not in DEFAULTS)
        ),
    ]


def stopping(policy: Policy) -> list[Unmet]:
    """What of it keeps the exam from beginning."""
    return [] if policy.exam.allow_fallback else [one for one in unmet(policy) if one[0] not in MINOR]


def _asked(policy: Policy, path: str) -> bool:
    if path in ONLY_WITH and not _value(policy, ONLY_WITH[path]):
        return False
    return _value(policy, path) != _default(policy, path)


def _value(policy: Policy, path: str) -> object:
    group, _, name = path.partition(".")
    return getattr(getattr(policy, group), name)


def _default(policy: Policy, path: str) -> object:
    group, _, name = path.partition(".")
    return type(getattr(policy, group)).__dataclass_fields__[name].default
