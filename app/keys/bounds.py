"""What the values of a policy may be, beyond their types.

One table each of numbers, texts and addresses, from which docs/policy.md, the JSON Schema and the key editor are made as
well. Problems are pairs of a field's path and what has to change; they never contain a field's value, which may be a
secret. What contradicts what is in ``keys.contradictions``.
"""

from __future__ import annotations

import ipaddress
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import get_type_hints
from urllib.parse import urlsplit

from app.core import unlock
from app.core.coco import CATEGORIES
from app.core.codes import EVIDENCE
from app.core.errors import BadInput
from app.core.policy import Policy, RuleSetting
from app.core.urls import compile_rules, parse_url
from app.keys.contradictions import Problem as Problem
from app.keys.contradictions import contradictions

NUMBERS: dict[str, tuple[float, float]] = {
    "exam.duration_min": (1, 1440),
    "candidate.attempt_number": (1, 1000),
    "capture.camera_width_px": (160, 3840),
    "capture.camera_height_px": (120, 2160),
    "capture.camera_fps": (1, 30),
    "capture.screen_fps": (0.2, 30),
    "capture.screen_max_width_px": (320, 7680),
    "capture.segment_s": (1, 60),
    "capture.start_timeout_s": (5, 300),
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
    "upload.connection_timeout_s": (1, 300),
    "upload.offline_limit_min": (1, 1440),
    "privacy.retention_days": (1, 3650),
    "score.weights.*": (0, 100),
    "accessibility.extra_time_min": (0, 1440),
    "accessibility.extra_time_percent": (0, 300),
}
"""Least and greatest value by path; ``*`` stands for an evidence code."""

RULE_THRESHOLDS: dict[int, tuple[float, float]] = {
    5002: (0, 1),
    5004: (0, 100),
    5007: (1, 100),
    5101: (0, 90),
    5102: (-1, 1),
    5103: (0, 1),
    5104: (0, 1),
    5105: (0, 1),
    5106: (0, 1),
    5110: (0.1, 1),
    5112: (0.1, 1),
    5113: (0.1, 1),
}
"""Least and greatest threshold by evidence code, in the rule's own unit; the other rules have none."""

MAX_LINE = 500
MAX_TEXT = 20_000
MAX_ENTRIES = 2000

LENGTHS: dict[str, int] = {
    "exam.start_url": MAX_TEXT,
    "exam.instructions": MAX_TEXT,
    "exam.message": 2000,
    "exam.exit_url": 2000,
    "identity.reference_photo_url": 2000,
    "lockdown.unlock_password": 250,
    "capture.second_microphone_label": 200,
    "upload.token": MAX_TEXT,
    "upload.file_name_prefix": 100,
    "privacy.purpose": MAX_TEXT,
}
"""Most characters of a text or of a list's entry, by path; of all others ``MAX_LINE``."""

REQUIRED_TEXTS = frozenset(
    {"exam.id", "exam.title", "exam.start_url", "upload.endpoint", "upload.token", "upload.exam_id"}
)
SEVERAL_LINES = frozenset({"exam.instructions", "exam.message"})

CHOICES: dict[str, frozenset[str]] = {"detection.object_categories": frozenset(CATEGORIES)}
"""What the entries of a list may be, where that is known."""

PATTERNS: dict[str, str] = {"lockdown.unlock_password": unlock.FORM}
"""Regular expressions that whole texts match, unless they are empty."""

_WEB = ("https", "http")
ADDRESSES: dict[str, tuple[str, ...]] = {
    "exam.start_url": _WEB,
    "exam.exit_url": _WEB,
    "identity.reference_photo_url": _WEB,
    "browser.page_api_origins": _WEB,
    "upload.endpoint": _WEB,
    "live.endpoint": (*_WEB, "wss", "ws"),
}
"""Fields that hold addresses, and their schemes. Those without encryption are for this machine only."""

_PLAIN = frozenset({"http", "ws"})
_BASES = frozenset({"upload.endpoint", "live.endpoint"})

CONTROL = r"[\x00-\x1f\x7f-\x9f]"
CONTROL_BUT_LINES = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
_CONTROL = re.compile(CONTROL)
_CONTROL_BUT_LINES = re.compile(CONTROL_BUT_LINES)
RULE_NUMBERS = tuple(field.name for field in fields(RuleSetting) if field.name not in ("enabled", "response"))
"""The numbers that a rule may set."""
_FILE_HASH = "sha256:"
_SHA256 = re.compile(r"sha256:[0-9a-fA-F]{64}")
_ELEMENT = re.compile(r"\S*")
_FOLDER = r"(?!\.{1,2}(?:/|\Z))[^/\\]+"
_FOLDERS = re.compile(rf"(?:{_FOLDER}(?:/{_FOLDER})*/?)?")


_HINTS = get_type_hints(Policy)
_PATHS = tuple(
    (group.name, field.name, f"{group.name}.{field.name}")
    for group in fields(Policy)
    for field in fields(_HINTS[group.name])
)


def problems(policy: Policy) -> list[Problem]:
    """Everything in a policy of the right types that can't be as it is, in the policy's order; contradictions last."""
    found: list[Problem] = []
    for group, name, path in _PATHS:
        value = getattr(getattr(policy, group), name)
        if isinstance(value, str):
            found += _one(_text(value, path, required=path in REQUIRED_TEXTS), path)
        elif isinstance(value, tuple):
            found += _list(value, path)
        elif isinstance(value, Mapping):
            found += _by_code(value, path)
        elif value is not None and not isinstance(value, bool):
            found += _one(_number(value, path), path)
    return [*found, *_named(policy), *contradictions(policy)]


def is_loopback(host: str) -> bool:
    """Whether a host name or address always means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _one(wrong: str | None, path: str) -> tuple[Problem, ...]:
    return () if wrong is None else ((path, wrong),)


def _list(values: tuple[str, ...], path: str) -> list[Problem]:
    if len(values) > MAX_ENTRIES:
        return [(path, f"may have at most {MAX_ENTRIES} entries")]
    judged = ((number, _text(value, path, required=True)) for number, value in enumerate(values))
    return [(f"{path}[{number}]", wrong) for number, wrong in judged if wrong is not None]


def _by_code(values: Mapping[int, object], path: str) -> Iterator[Problem]:
    for code, value in values.items():
        if code not in EVIDENCE:
            yield f"{path}.{code if abs(code) < 1e9 else '(a long number)'}", "is not the number of an evidence code"
        elif isinstance(value, RuleSetting):
            for name in RULE_NUMBERS:
                number = getattr(value, name)
                if number is not None:
                    wrong = _threshold(number, code) if name == "threshold" else _number(number, f"{path}.*.{name}")
                    yield from _one(wrong, f"{path}.{code}.{name}")
        elif isinstance(value, int | float):
            yield from _one(_number(value, f"{path}.*"), f"{path}.{code}")


def _number(value: float, field: str) -> str | None:
    return _within(value, NUMBERS[field])


def _threshold(value: float, code: int) -> str | None:
    if code not in RULE_THRESHOLDS:
        return "would have no effect: this rule has no threshold"
    return _within(value, RULE_THRESHOLDS[code])


def _within(value: float, bounds: tuple[float, float]) -> str | None:
    least, most = bounds
    return None if least <= value <= most else f"has to be between {least:.10g} and {most:.10g}"


def _text(value: str, field: str, *, required: bool) -> str | None:
    if not value or value.isspace():
        return "may not be empty" if required or value else None
    most = LENGTHS.get(field, MAX_LINE)
    if len(value) > most:
        return f"may have at most {most} characters"
    if (_CONTROL_BUT_LINES if field in SEVERAL_LINES else _CONTROL).search(value):
        return "may not contain control characters"
    if field in ADDRESSES:
        return _address(value, field)
    if field in CHOICES and value not in CHOICES[field]:
        return "is not a name of the list in docs/policy.md"
    return None


def _address(address: str, field: str) -> str | None:
    schemes = ADDRESSES[field]
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in schemes or not host or port == 0 or re.search(r"[\s\\]", address):
        secure = " or ".join(f"{scheme}://" for scheme in schemes if scheme not in _PLAIN)
        return f"has to be an address that begins with {secure}"
    if parse_url(address) is None:
        return "is not an address that a browser can open"
    if parts.username is not None or parts.password is not None:
        return "may not contain a user name or password"
    if parts.scheme in _PLAIN and not is_loopback(host):
        secure = {"http": "https", "ws": "wss"}[parts.scheme]
        return f"has to begin with {secure}:// ({parts.scheme}:// is for this machine only)"
    if field in _BASES and (parts.query or parts.fragment):
        return "may not have a query or fragment"
    if field == "browser.page_api_origins" and (parts.path or parts.query or parts.fragment):
        return "has to end after host and port"
    return None


def _named(policy: Policy) -> Iterator[Problem]:
    """Texts that are read by a machine: a hash, a pattern, rules for addresses, an element's id, parts of file names."""
    if policy.lockdown.unlock_password and not unlock.is_hash(policy.lockdown.unlock_password):
        yield "lockdown.unlock_password", "is not a password's hash; make one with invigil key unlock-password"
    for number, name in enumerate(policy.lockdown.denied_processes):
        if name.startswith(_FILE_HASH) and not _SHA256.fullmatch(name):
            yield f"lockdown.denied_processes[{number}]", "has to be sha256: and the 64 digits of a file's hash"
    if not _is_pattern(policy.capture.second_microphone_label):
        yield "capture.second_microphone_label", "is not a regular expression as Python reads them"
    for field, rules in (("allow", policy.browser.allow), ("block", policy.browser.block)):
        for number, rule in enumerate(rules):
            if rule.strip() and not _is_url_rule(rule):
                yield f"browser.{field}[{number}]", "can't be read as a rule; try it with invigil url-filter"
    if not _ELEMENT.fullmatch(policy.browser.container_id):
        yield "browser.container_id", "may not contain white space"
    if re.search(r"[/\\]", policy.upload.file_name_prefix):
        yield "upload.file_name_prefix", "may not contain / or \\"
    if not _FOLDERS.fullmatch(policy.upload.path_prefix):
        yield "upload.path_prefix", "has to be a folder below the backend's own, such as exams/2026"


def _is_url_rule(text: str) -> bool:
    try:
        compile_rules((text,), ())
    except BadInput:
        return False
    return True


def _is_pattern(text: str) -> bool:
    if len(text) > LENGTHS["capture.second_microphone_label"]:
        return True  # its length is refused already
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(text)
    except (re.error, OverflowError, RecursionError, Warning):
        return False
    return True
