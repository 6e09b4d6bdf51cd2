"""Two policies side by side: what differs, and what of it a running exam may take over.

An exam that runs may be given other thresholds, more time and a message. It never gets stricter in kind: what
is recorded and judged, and what follows a violation, is what the candidate agreed to, or milder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace

from app.core.codes import CAMERA_CODES, MICROPHONE_CODES
from app.core.policy import Accessibility, Policy, RuleSetting
from app.core.response_rules import HOLDING, by_one_sign, has_no_release, is_stricter, response_of
from app.core.types import Json

MESSAGE = "exam.message"
DURATION = "exam.duration_min"
RULES = "detection.rules"
FREE = frozenset({MESSAGE, "detection.sensitivity", "score.weights"})
THRESHOLDS = frozenset({"dwell_s", "release_s", "merge_s", "cooldown_s", "threshold", "severity"})
MORE_TIME = frozenset({"accessibility.extra_time_min", "accessibility.extra_time_percent"})
GRANTS = frozenset(
    f"accessibility.{name}" for name in ("screen_reader", "looking_away", "second_person", "reading_aloud")
)


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs. ``refusal`` says why a running exam can't take it over; empty where it can."""

    path: str
    old: Json
    new: Json
    refusal: str = ""


def flat(value: object, path: str = "") -> Iterator[tuple[str, Json]]:
    """Each field of a policy with its path. Lists are one value; rules and weights are taken apart by code."""
    if is_dataclass(value):
        for field in fields(value):
            yield from flat(getattr(value, field.name), f"{path}.{field.name}".lstrip("."))
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from flat(value[key], f"{path}.{key}")
    elif isinstance(value, tuple):
        yield path, list(value)
    elif value is None or isinstance(value, str | int | float):
        yield path, value


def differences(old: Policy, new: Policy) -> list[Change]:
    """All fields that differ, in the policy's order; what is on one side only is None on the other."""
    before, after = dict(flat(old)), dict(flat(new))
    paths = [*before, *(path for path in after if path not in before)]
    return [
        Change(path, before.get(path), after.get(path), _refusal(path, old, new))
        for path in paths
        if before.get(path) != after.get(path)
    ]


def applied(running: Policy, update: Policy) -> tuple[Policy, list[Change]]:
    """The running policy with all that may change while an exam runs, and every difference, refused ones included."""
    changes = differences(running, update)
    taken = {change.path for change in changes if not change.refusal}
    exam = replace(
        running.exam,
        message=update.exam.message if MESSAGE in taken else running.exam.message,
        duration_min=update.exam.duration_min if DURATION in taken else running.exam.duration_min,
    )
    detection = running.detection
    if "detection.sensitivity" in taken:
        detection = replace(detection, sensitivity=update.detection.sensitivity)
    detection = replace(detection, rules=_rules(running, update, taken))
    granted = {
        path.removeprefix("accessibility."): getattr(update.accessibility, path.removeprefix("accessibility."))
        for path in taken
        if path.startswith("accessibility.")
    }
    score = replace(running.score, weights=update.score.weights) if _any(taken, "score.weights") else running.score
    policy = replace(
        running,
        exam=exam,
        detection=detection,
        score=score,
        accessibility=replace(running.accessibility, **granted),
    )
    return policy, changes


def extra_time_s(duration_min: int, accessibility: Accessibility) -> int:
    """Seconds that the candidate has beyond the exam's duration."""
    return accessibility.extra_time_min * 60 + round(duration_min * 60 * accessibility.extra_time_percent / 100)


def _rules(running: Policy, update: Policy, taken: set[str]) -> dict[int, RuleSetting]:
    """Each rule with what was taken over of it. One that sets nothing is there only where its policy names it."""
    old, new = running.detection.rules, update.detection.rules
    merged = {}
    for code in sorted({*old, *new}):
        rule = _rule(code, old.get(code), new.get(code), taken)
        if rule != RuleSetting() or code in (new if _any(taken, f"{RULES}.{code}") else old):
            merged[code] = rule
    return merged


def _rule(code: int, old: RuleSetting | None, new: RuleSetting | None, taken: set[str]) -> RuleSetting:
    old, new = old or RuleSetting(), new or RuleSetting()
    chosen = {
        field.name: getattr(new if f"{RULES}.{code}.{field.name}" in taken else old, field.name)
        for field in fields(RuleSetting)
    }
    return RuleSetting(**chosen)


def _any(taken: set[str], prefix: str) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}.") for path in taken)


def _refusal(path: str, old: Policy, new: Policy) -> str:
    if path in FREE or path.startswith("score.weights."):
        return ""
    if path == DURATION:
        return _less_time(old, new)
    if path in MORE_TIME:
        return _less_time(old, new)
    if path in GRANTS:
        granted = bool(dict(flat(new)).get(path))
        return "" if granted else "takes back what the candidate was granted"
    if path.startswith(f"{RULES}."):
        return _rule_refusal(path, old, new)
    return "can't change while the exam runs"


def _less_time(old: Policy, new: Policy) -> str:
    return "" if _total_s(new) >= _total_s(old) else "takes time away from a running exam"


def _total_s(policy: Policy) -> float:
    minutes = policy.exam.duration_min
    return float("inf") if minutes is None else minutes * 60 + extra_time_s(minutes, policy.accessibility)


def _rule_refusal(path: str, old: Policy, new: Policy) -> str:
    number, name = path.removeprefix(f"{RULES}.").split(".")
    code = int(number)
    if (code in CAMERA_CODES and not old.capture.camera) or (code in MICROPHONE_CODES and not old.capture.microphone):
        return "is about a device that this exam does not record"
    was = old.detection.rules.get(code, RuleSetting())
    now = new.detection.rules.get(code, RuleSetting())
    if name in THRESHOLDS:
        response = was.response if _response_refusal(code, old, now) else now.response
        eager = name == "threshold" and by_one_sign(code, response or "record", now.threshold)
        return "would hold the exam for a single sign" if eager else ""
    if name == "response":
        return _response_refusal(code, old, now)
    if now.enabled and not was.enabled:
        return "judges what the candidate did not agree to"
    # a rule that the newer key does not name has its default response, which may be stricter
    return "" if code in new.detection.rules else _response_refusal(code, old, now)


def _response_refusal(code: int, old: Policy, now: RuleSetting) -> str:
    """The switch of the rule is another field: here both count as switched on."""
    was = response_of(code, replace(old.detection.rules.get(code, RuleSetting()), enabled=True))
    wanted = response_of(code, replace(now, enabled=True))
    if is_stricter(wanted, was):
        return "answers more strictly than the candidate agreed to"
    if wanted in HOLDING and was not in HOLDING and has_no_release(code, old):
        return "would hold an exam that nobody could let go on"
    return ""
