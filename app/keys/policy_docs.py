"""docs/policy.md, made from the policy's classes, their bounds and the rules' defaults."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from app.core.codes import CAMERA_CODES, EVIDENCE, MICROPHONE_CODES
from app.core.policy import Detection, Policy, RuleSetting
from app.core.rule_table import settings_for
from app.core.types import NS_PER_S
from app.keys.bounds import NUMBERS

MEANINGS: dict[str, str] = {
    "exam.id": "The exam's name in the institution's system.",
    "exam.title": "What the candidate sees above the exam.",
    "exam.start_url": "The page that opens first: https, or http on this machine itself.",
    "exam.duration_min": "Minutes until the client ends the exam; without it the page alone keeps the time.",
    "exam.instructions": "Text that is shown before the exam begins.",
    "candidate.id": "The candidate's name in the institution's system.",
    "candidate.name": "The candidate's name as people write it.",
    "candidate.email": "For the report only; the client sends no mail.",
    "candidate.group": "Class or group, for the report.",
    "candidate.attempt_number": "Which try at this exam it is.",
    "upload.endpoint": "The backend's address: https, or http on this machine itself.",
    "upload.token": "Bearer token for the backend; it should be allowed to deliver to this one exam, nothing else.",
    "upload.exam_id": "The exam's id at the backend.",
    "identity.photo": "A photo of the candidate is taken before the exam; needs the camera.",
    "lockdown.kiosk": "The exam fills the screen and stays in front.",
    "lockdown.grab_keyboard": "Key combinations that leave the exam are swallowed.",
    "lockdown.single_monitor": "A second monitor keeps the exam from starting and is reported while it runs.",
    "lockdown.keep_awake": "The machine does not fall asleep and shows no screen saver.",
    "lockdown.denied_processes": "Names of further programs that may not run, added to the built-in list.",
    "lockdown.quit_always": "Quit button and Ctrl+Alt+Shift+Q end the exam at any time: for practice only.",
    "browser.allow": "Addresses that may be opened, in Safe Exam Browser's simplified syntax; the start page's "
    "origin always may.",
    "browser.block": "Addresses that may not, stronger than `allow`.",
    "browser.new_windows": "What becomes of links that want a new window.",
    "browser.user_agent_suffix": "Added to the browser's user agent, so that the exam server knows the client.",
    "browser.page_api_origins": "Origins besides the start page's that may use the page API.",
    "capture.camera": "The camera is watched and recorded.",
    "capture.microphone": "The microphone is listened to and recorded.",
    "capture.screen": "The screen is recorded.",
    "capture.allow_file_sources": "`file:PATH` may stand in for a device: for demonstrations and tests, never in "
    "a real exam.",
    "capture.camera_width_px": "Largest width of the camera's pictures.",
    "capture.camera_height_px": "Largest height of the camera's pictures.",
    "capture.camera_fps": "Camera pictures a second.",
    "capture.screen_fps": "Screen pictures a second.",
    "capture.screen_max_width_px": "Wider screens are scaled down to this.",
    "capture.segment_s": "Length of one recorded file, which is also how much a crash can cost at most.",
    "detection.enabled": "Pictures and sound are judged on the device.",
    "detection.sensitivity": "Moves dwell times and thresholds of all rules that set none of their own.",
    "detection.faces_per_second": "How many camera pictures a second are searched for faces.",
    "detection.rules": "Settings of single rules by evidence code: see *Rules*.",
    "evidence.mode": "`clips` keeps what lies around violations, `continuous` keeps everything.",
    "evidence.pre_roll_s": "Seconds kept before a violation.",
    "evidence.post_roll_s": "Seconds kept after a violation.",
    "evidence.quota_mb": "Space on the candidate's disk that evidence may take.",
    "evidence.keep_after_upload": "Local copies stay after the server acknowledged them.",
    "privacy.institution": "Who is responsible for the data: shown in the consent.",
    "privacy.contact": "Whom the candidate can ask: shown in the consent.",
    "privacy.purpose": "What the data is for: shown in the consent.",
    "privacy.viewers": "Who sees the data: shown in the consent.",
    "privacy.retention_days": "After how many days the backend deletes it: shown in the consent.",
    "score.weights": "Trust points by evidence code, in the place of the built-in ones.",
    "detection.rules.*.enabled": "The rule is applied.",
    "detection.rules.*.dwell_s": "For how long a signal has to be there before it is a violation.",
    "detection.rules.*.release_s": "For how long it has to be gone before the violation ends.",
    "detection.rules.*.merge_s": "Violations closer together are one.",
    "detection.rules.*.cooldown_s": "After its end, no new one begins for this long.",
    "detection.rules.*.threshold": "In the rule's own unit: see the table.",
    "detection.rules.*.severity": "0 is for information, 1 the gravest.",
}

THRESHOLDS: dict[int, str] = {
    5002: "least certainty of a face",
    5004: "dB above the background",
    5007: "monitors allowed",
    5101: "degrees of gaze to the side",
    5102: "least likeness to the enrolled face",
    5106: "probability of speech",
}

_HEAD = """# Policy

A policy is everything that one exam asks of the client: a JSON object, signed into a [config key](config-key.md).
Only `exam`, `candidate` and `upload` have to be there; whatever else is left out has its default.
Unknown fields, values of another type and values out of bounds are refused, with the field's path in the message.

A small policy:

```json
{
  "exam": {"id": "algebra-1", "title": "Algebra I", "start_url": "https://exams.example.org/algebra", "duration_min": 90},
  "candidate": {"id": "s1234", "name": "Sample Candidate"},
  "upload": {"endpoint": "https://proctoring.example.org", "token": "...", "exam_id": "algebra-1"}
}
```

This page is made from the program: after a change of fields or defaults, run
`INVIGIL_WRITE_DOCS=1 pytest tests/keys/test_policy_docs.py`.
"""

_CONTRADICTIONS = f"""## What goes together

Refused as contradictions: `identity.photo` without `capture.camera`; an enabled rule in `detection.rules` that needs the
camera ({", ".join(map(str, sorted(CAMERA_CODES)))}) or the microphone ({", ".join(map(str, sorted(MICROPHONE_CODES)))})
while that is switched off. Addresses may not contain user names or passwords.
"""


def render() -> str:
    """The whole page, as it has to stand in docs/policy.md."""
    hints = get_type_hints(Policy)
    groups = [_group(field.name, hints[field.name]) for field in fields(Policy)]
    return "\n".join([_HEAD, *groups, _rules(), _CONTRADICTIONS])


def paths() -> set[str]:
    """Every field that the page has to explain."""
    hints = get_type_hints(Policy)
    found = {f"{g.name}.{f.name}" for g in fields(Policy) for f in fields(hints[g.name])}
    return found | {f"detection.rules.*.{f.name}" for f in fields(RuleSetting)}


def _group(name: str, kind: Any) -> str:
    return "\n".join([f"## {name}", "", *_table(name, kind)])


def _table(path: str, kind: Any) -> Iterator[str]:
    yield "| field | is | default | meaning |"
    yield "|---|---|---|---|"
    hints = get_type_hints(kind)
    for field in fields(kind):
        full = f"{path}.{field.name}"
        yield f"| `{field.name}` | {_kind(hints[field.name], full)} | {_default(field)} | {MEANINGS[full]} |"
    yield ""


def _kind(hint: Any, path: str) -> str:
    if get_origin(hint) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(hint))
    if get_origin(hint) is types.UnionType:
        return f"{_kind(get_args(hint)[0], path)}, or null"
    if get_origin(hint) is tuple:
        return "list of texts"
    if get_origin(hint) is not None:
        return "object by code"
    bounds = NUMBERS.get(path)
    span = f", {bounds[0]:.10g} to {bounds[1]:.10g}" if bounds is not None else ""
    return {bool: "true or false", int: f"whole number{span}", float: f"number{span}", str: "text"}[hint]


def _default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        value = list(field.default) if isinstance(field.default, tuple) else field.default
        return f"`{json.dumps(value)}`"
    return "`{}`" if field.default_factory is not MISSING else "**required**"


def _rules() -> str:
    lines = [
        "## Rules",
        "",
        "`detection.rules` maps evidence codes to objects of these fields; null means the rule's own default.",
        "",
        *_table("detection.rules.*", RuleSetting),
        "The rules and their defaults at medium sensitivity:",
        "",
        "| code | name | dwell | release | merge | cool-down | threshold | severity |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for code, rule in sorted(settings_for(Detection()).items()):
        times = (rule.dwell_ns, rule.release_ns, rule.merge_ns, rule.cooldown_ns)
        spans = " | ".join(f"{ns / NS_PER_S:g} s" for ns in times)
        unit = THRESHOLDS.get(code, "-" if rule.threshold is None else "")
        threshold = f"{rule.threshold:g} {unit}".strip() if rule.threshold is not None else unit
        lines.append(f"| {code} | {EVIDENCE[code].name} | {spans} | {threshold} | {rule.severity:g} |")
    return "\n".join([*lines, ""])
