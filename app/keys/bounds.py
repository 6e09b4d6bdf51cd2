"""What the values of a policy may be, beyond their types, and which of them contradict each other.

One table of bounds, from which docs/policy.md is made as well. Problems are pairs of a field's
path and what has to change; they never contain a field's value, which may be a secret.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from urllib.parse import urlsplit

from app.core.codes import EVIDENCE
from app.core.policy import Policy

Problem = tuple[str, str]

NUMBERS: dict[str, tuple[float, float]] = {
    "exam.duration_min": (1, 1440),
    "candidate.attempt_number": (1, 1000),
    "capture.camera_width_px": (160, 3840),
    "capture.camera_height_px": (120, 2160),
    "capture.camera_fps": (1, 30),
    "capture.screen_fps": (0.2, 30),
    "capture.screen_max_width_px": (320, 7680),
    "capture.segment_s": (1, 60),
    "detection.faces_per_second": (0.5, 30),
    "detection.rules.*.dwell_s": (0, 600),
    "detection.rules.*.release_s": (0, 600),
    "detection.rules.*.merge_s": (0, 600),
    "detection.rules.*.cooldown_s": (0, 3600),
    "detection.rules.*.threshold": (-1000, 1000),
    "detection.rules.*.severity": (0, 1),
    "evidence.pre_roll_s": (0, 120),
    "evidence.post_roll_s": (0, 120),
    "evidence.quota_mb": (50, 1_000_000),
    "privacy.retention_days": (1, 3650),
    "score.weights.*": (0, 100),
}
"""Least and greatest value by path; ``*`` stands for an evidence code."""

REQUIRED_TEXTS = frozenset(
    {"exam.id", "exam.title", "candidate.id", "candidate.name", "upload.endpoint", "upload.token", "upload.exam_id"}
)
MAX_LINE = 500
MAX_TEXT = 20_000
MAX_ENTRIES = 2000
LONG_TEXTS = frozenset({"exam.instructions", "exam.start_url", "upload.token", "privacy.purpose"})

CAMERA_CODES = frozenset({5001, 5002, 5003, 5101, 5102, 5103, 5104, 5105, 5108, 5109, 5110})
MICROPHONE_CODES = frozenset({5004, 5106, 5107})

_CODE = re.compile(r"\.\d+(?=\.|$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def problems(policy: Policy) -> list[Problem]:
    """Everything in a policy of the right types that can't be as it is."""
    return [*_values(policy, ""), *_addresses(policy), *_contradictions(policy)]


def is_loopback(host: str) -> bool:
    """Whether a host name or address always means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _values(value: object, path: str) -> Iterator[Problem]:
    """Walks the policy: bounds of numbers, emptiness and length of texts and lists, known codes."""
    if is_dataclass(value):
        for field in fields(value):
            yield from _values(getattr(value, field.name), f"{path}.{field.name}".lstrip("."))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in EVIDENCE:
                yield f"{path}.{key}", "is not the number of an evidence code"
            yield from _values(item, f"{path}.{key}")
    elif isinstance(value, tuple):
        if len(value) > MAX_ENTRIES:
            yield path, f"may have at most {MAX_ENTRIES} entries"
        for number, item in enumerate(value):
            yield from _values(item, f"{path}[{number}]")
    elif isinstance(value, str):
        yield from _text(value, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _number(value, path)


def _number(value: float, path: str) -> Iterator[Problem]:
    bounds = NUMBERS.get(_CODE.sub(".*", path))
    if bounds is None:
        return
    least, most = bounds
    if not math.isfinite(value) or not least <= value <= most:
        yield path, f"has to be between {least:g} and {most:g}" if most < 1e6 else f"has to be {least:g} or more"


def _text(value: str, path: str) -> Iterator[Problem]:
    most = MAX_TEXT if path in LONG_TEXTS else MAX_LINE
    entry = path.endswith("]")
    if (path in REQUIRED_TEXTS or entry) and not value.strip():
        yield path, "may not be empty"
    if len(value) > most:
        yield path, f"may have at most {most} characters"
    if (_CONTROL_IN_TEXT if path == "exam.instructions" else _CONTROL).search(value):
        yield path, "may not contain control characters"


def _addresses(policy: Policy) -> Iterator[Problem]:
    for path, address in (("exam.start_url", policy.exam.start_url), ("upload.endpoint", policy.upload.endpoint)):
        wrong = _address(address)
        if wrong is not None:
            yield path, wrong
    for number, origin in enumerate(policy.browser.page_api_origins):
        path = f"browser.page_api_origins[{number}]"
        wrong = _address(origin)
        if wrong is not None:
            yield path, wrong
        elif urlsplit(origin).path or urlsplit(origin).query or urlsplit(origin).fragment:
            yield path, "has to end after host and port"


def _address(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in {"http", "https"} or not host or " " in address:
        return "has to be an address that begins with https://"
    if parts.username is not None or parts.password is not None:
        return "may not contain a user name or password"
    if parts.scheme == "http" and not is_loopback(host):
        return "has to begin with https:// (http:// is for this machine only)"
    return None


def _contradictions(policy: Policy) -> Iterator[Problem]:
    capture = policy.capture
    if policy.identity.photo and not capture.camera:
        yield "identity.photo", "needs the camera, which policy.capture.camera switches off"
    if not policy.detection.enabled:
        return
    for code, rule in policy.detection.rules.items():
        path = f"detection.rules.{code}"
        if rule.enabled and code in CAMERA_CODES and not capture.camera:
            yield path, "needs the camera, which policy.capture.camera switches off"
        if rule.enabled and code in MICROPHONE_CODES and not capture.microphone:
            yield path, "needs the microphone, which policy.capture.microphone switches off"
