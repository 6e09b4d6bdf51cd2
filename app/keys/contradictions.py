"""Settings of a policy that contradict each other: each refused with the field that has to change and a sentence.

Something that is switched off by default and idle, such as a threshold of a rule that is not applied, contradicts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.core.codes import CAMERA_CODES, MICROPHONE_CODES
from app.core.machine import MAX_WEIGHT
from app.core.policy import Policy
from app.core.response_rules import by_one_sign, stuck, unfit

Problem = tuple[str, str]

_CAMERA = "needs the camera, which policy.capture.camera switches off"
_MICROPHONE = "needs the microphone, which policy.capture.microphone switches off"
_PHOTO = "compares with the photo, which policy.identity.photo skips"
_LINE = "needs a line to a proctor, for which policy.live.endpoint has to give the address"
_DETECTION = "is part of the detection, which policy.detection.enabled switches off"
_DURATION = "is added to the exam's duration, which policy.exam.duration_min leaves open"
_KIOSK = "is part of the full screen, which policy.lockdown.kiosk switches off"
_PERSON = "is somebody's, so policy.candidate.id has to say whose"


@dataclass(frozen=True, slots=True)
class Contradiction:
    path: str
    sentence: str
    applies: Callable[[Policy], bool]


CONTRADICTIONS: tuple[Contradiction, ...] = (
    Contradiction("candidate.name", _PERSON, lambda p: bool(p.candidate.name) and not p.candidate.id),
    Contradiction("candidate.email", _PERSON, lambda p: bool(p.candidate.email) and not p.candidate.id),
    Contradiction("identity.photo", _CAMERA, lambda p: p.identity.photo and not p.capture.camera),
    Contradiction("identity.id_document", _CAMERA, lambda p: p.identity.id_document and not p.capture.camera),
    Contradiction("identity.face_check", _CAMERA, lambda p: p.identity.face_check and not p.capture.camera),
    Contradiction("identity.face_check", _PHOTO, lambda p: p.identity.face_check and not p.identity.photo),
    Contradiction(
        "identity.face_check",
        "has nothing to compare the photo with: set policy.identity.reference_photo_url or policy.identity.id_document",
        lambda p: p.identity.face_check and not (p.identity.reference_photo_url or p.identity.id_document),
    ),
    Contradiction("identity.ongoing", _CAMERA, lambda p: p.identity.ongoing and not p.capture.camera),
    Contradiction("identity.ongoing", _PHOTO, lambda p: p.identity.ongoing and not p.identity.photo),
    Contradiction("identity.ongoing", _DETECTION, lambda p: p.identity.ongoing and not p.detection.enabled),
    Contradiction(
        "identity.room_inspection", _CAMERA, lambda p: p.identity.room_inspection != "off" and not p.capture.camera
    ),
    Contradiction(
        "identity.room_inspection", _LINE, lambda p: p.identity.room_inspection == "live" and not p.live.endpoint
    ),
    Contradiction("identity.authorization", _LINE, lambda p: p.identity.authorization and not p.live.endpoint),
    Contradiction(
        "lockdown.content_protect",
        "would do nothing: the programs of policy.lockdown.capture_tools may record the exam",
        lambda p: p.lockdown.content_protect and bool(p.lockdown.capture_tools),
    ),
    Contradiction("lockdown.separate_desktop", _KIOSK, lambda p: p.lockdown.separate_desktop and not p.lockdown.kiosk),
    Contradiction(
        "lockdown.hold_release",
        "waits for somebody who can't come: set policy.lockdown.unlock_password or policy.live.endpoint",
        lambda p: p.lockdown.hold_release == "proctor" and bool(stuck(p)),
    ),
    Contradiction(
        "capture.second_microphone_label",
        "names a second microphone, which policy.capture.second_microphone switches off",
        lambda p: bool(p.capture.second_microphone_label) and not p.capture.second_microphone,
    ),
    Contradiction(
        "detection.enabled",
        "has nothing to judge: policy.capture switches off both camera and microphone",
        lambda p: p.detection.enabled and not (p.capture.camera or p.capture.microphone),
    ),
    Contradiction("detection.objects", _CAMERA, lambda p: p.detection.objects and not p.capture.camera),
    Contradiction("detection.objects", _DETECTION, lambda p: p.detection.objects and not p.detection.enabled),
    Contradiction(
        "detection.object_categories",
        "has to name at least one thing that policy.detection.objects is to look for",
        lambda p: p.detection.objects and not p.detection.object_categories,
    ),
    Contradiction(
        "detection.server",
        "judges recordings, and policy.upload sends none to the backend",
        lambda p: p.detection.server != "off" and p.live.mode == "recorded" and not _sent(p),
    ),
    Contradiction("live.mode", _LINE, lambda p: p.live.mode != "recorded" and not p.live.endpoint),
    Contradiction(
        "live.mode",
        "has nothing to show: policy.capture switches all devices off",
        lambda p: p.live.mode != "recorded" and not any(_captured(p)),
    ),
    Contradiction("live.chat", _LINE, lambda p: p.live.chat and not p.live.endpoint),
    Contradiction("live.pause_resume", _LINE, lambda p: p.live.pause_resume and not p.live.endpoint),
    Contradiction("live.end_test", _LINE, lambda p: p.live.end_test and not p.live.endpoint),
    Contradiction("live.initial_state", _LINE, lambda p: p.live.initial_state == "paused" and not p.live.endpoint),
    Contradiction(
        "live.initial_state",
        "would never end: a proctor can't resume while policy.live.pause_resume is off",
        lambda p: p.live.initial_state == "paused" and not p.live.pause_resume,
    ),
    Contradiction(
        "accessibility.extra_time_min",
        _DURATION,
        lambda p: p.accessibility.extra_time_min > 0 and p.exam.duration_min is None,
    ),
    Contradiction(
        "accessibility.extra_time_percent",
        _DURATION,
        lambda p: p.accessibility.extra_time_percent > 0 and p.exam.duration_min is None,
    ),
)
"""In the policy's order. Two of one field may apply at once: both are named."""

ONE_SIGN = f"would hold the exam for a single sign: leave it out, or take more than {MAX_WEIGHT:g}"
STUCK = (
    "would hold an exam for good, as the candidate can't remove the cause: set policy.lockdown.unlock_password or "
    "policy.live.endpoint"
)
ALLOWED_AND_BLOCKED = "is in policy.browser.block too, which is stronger"


def contradictions(policy: Policy) -> list[Problem]:
    """Those that apply, then those of single rules and addresses."""
    found = [(one.path, one.sentence) for one in CONTRADICTIONS if one.applies(policy)]
    return [*found, *_rules(policy), *_addresses(policy)]


def _rules(policy: Policy) -> Iterator[Problem]:
    for code, rule in policy.detection.rules.items():
        path = f"detection.rules.{code}"
        if policy.detection.enabled and rule.applied and code in CAMERA_CODES and not policy.capture.camera:
            yield path, _CAMERA
        if policy.detection.enabled and rule.applied and code in MICROPHONE_CODES and not policy.capture.microphone:
            yield path, _MICROPHONE
        if rule.response is not None and (words := unfit(code, rule.response)):
            yield f"{path}.response", words
        if by_one_sign(code, rule.response or "record", rule.threshold):
            yield f"{path}.threshold", ONE_SIGN
    if policy.lockdown.hold_release != "proctor":
        for code in stuck(policy):
            yield f"detection.rules.{code}.response", STUCK


def _addresses(policy: Policy) -> Iterator[Problem]:
    blocked = frozenset(policy.browser.block)
    for number, rule in enumerate(policy.browser.allow):
        if rule in blocked:
            yield f"browser.allow[{number}]", ALLOWED_AND_BLOCKED


def _captured(policy: Policy) -> tuple[bool, ...]:
    capture = policy.capture
    return capture.camera, capture.microphone, capture.screen, capture.second_camera, capture.second_microphone


def _sent(policy: Policy) -> bool:
    upload = policy.upload
    sent = (upload.camera, upload.microphone, upload.screen, upload.second_camera, upload.second_microphone)
    return any(taken and given for taken, given in zip(_captured(policy), sent, strict=True))
