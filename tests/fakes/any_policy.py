"""Hypothesis strategies for whole policies: every field, within its bounds, without contradictions."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from app.core.codes import EVIDENCE
from app.core.policy import Policy, RuleSetting
from app.core.response_rules import by_one_sign, unfit
from app.core.unlock import make
from app.keys.bounds import ADDRESSES, CHOICES, NUMBERS, REQUIRED_TEXTS, RULE_THRESHOLDS, problems

_WORDS = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P"], exclude_characters="/\\"), min_size=1, max_size=12
)
_RULE = "detection.rules.*"
_URLS = ["https://a.example/x", "http://127.0.0.1:8000/"]
_URL_RULES = ["*", "a.example", ".b.example/x/*?y", "http://127.0.0.1:8000/", "*.example:443"]
_QUIET: dict[str, object] = {
    "detection.object_categories": ("book",),
    "detection.server": "off",
    "identity.room_inspection": "off",
    "live.initial_state": "running",
    "live.mode": "recorded",
    "lockdown.hold_release": "cause_gone",
}
_TEXTS: dict[str, st.SearchStrategy[str]] = {
    "capture.second_microphone_label": st.sampled_from(["", "desk", "^USB .*(mic|Mic)$"]),
    "upload.path_prefix": st.sampled_from(["", "exams/2026"]),
    "lockdown.unlock_password": st.sampled_from(["", f"sha256${'0' * 64}", make("correct horse", bytes(16))]),
}


def policies() -> st.SearchStrategy[Policy]:
    """Policies that ``parse_policy`` accepts."""
    hints = get_type_hints(Policy)
    groups = {field.name: _group(field.name, hints[field.name]) for field in fields(Policy)}
    return st.builds(Policy, **groups).map(_consistent)


def _consistent(policy: Policy) -> Policy:
    """Gives up each setting that contradicts another, until none does."""
    while found := problems(policy):
        group, name = found[0][0].partition("[")[0].split(".")[:2]
        part = getattr(policy, group)
        quiet = _QUIET.get(f"{group}.{name}", type(getattr(part, name))())
        policy = replace(policy, **{group: replace(part, **{name: quiet})})
    return policy


def _group(path: str, kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{f.name: _field(f"{path}.{f.name}", hints[f.name]) for f in fields(kind)})


def _field(path: str, hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.none() | _field(path, arguments[0])
    if origin is tuple:
        return st.lists(_entry(path), max_size=3).map(tuple)
    if origin is Mapping:
        if arguments[1] is RuleSetting:
            return st.lists(_rule(), max_size=3).map(dict)
        return st.dictionaries(st.sampled_from(sorted(EVIDENCE)), _field(f"{path}.*", arguments[1]), max_size=3)
    if hint is bool:
        return st.booleans()
    if hint is str:
        return _text(path)
    least, most = NUMBERS[path]
    if hint is int:
        return st.integers(int(least), int(most))
    return st.floats(least, most, allow_nan=False, allow_subnormal=False)


def _rule() -> st.SearchStrategy[tuple[int, RuleSetting]]:
    return st.builds(_fitting, st.sampled_from(sorted(EVIDENCE)), _group(_RULE, RuleSetting), st.floats(0, 1))


def _fitting(code: int, rule: RuleSetting, share: float) -> tuple[int, RuleSetting]:
    """Keeps whether there is a threshold, within what this rule allows, if it has one at all, and a response that fits."""
    least, most = RULE_THRESHOLDS.get(code, (0.0, 0.0))
    has = rule.threshold is not None and code in RULE_THRESHOLDS
    threshold = least + share * (most - least) if has else None
    fits = rule.response is None or not (unfit(code, rule.response) or by_one_sign(code, rule.response, threshold))
    return code, replace(rule, threshold=threshold, response=rule.response if fits else None)


def _entry(path: str) -> st.SearchStrategy[str]:
    if path in ("browser.allow", "browser.block"):
        return st.sampled_from(_URL_RULES)
    if path in ADDRESSES:
        return st.sampled_from(["https://c.example", "http://localhost:1"])
    return st.sampled_from(sorted(CHOICES[path])) if path in CHOICES else _WORDS


def _text(path: str) -> st.SearchStrategy[str]:
    if path in ADDRESSES:
        return st.sampled_from(_URLS if path in REQUIRED_TEXTS else ["", *_URLS])
    if path in _TEXTS:
        return _TEXTS[path]
    return _WORDS if path in REQUIRED_TEXTS else st.just("") | _WORDS
