"""A small policy in JSON form, for tests of what reads policies and keys."""

from __future__ import annotations

import copy

from app.core.types import Json

_SMALL: dict[str, Json] = {
    "exam": {"id": "algebra-1", "title": "Algebra I", "start_url": "https://exams.example.org/algebra"},
    "candidate": {"id": "s1234", "name": "Sample Candidate"},
    "upload": {"endpoint": "https://proctoring.example.org", "token": "t0ken", "exam_id": "algebra-1"},
}


def small_policy(**fields: Json) -> dict[str, Json]:
    """The least that a policy needs, with fields set by path: ``small_policy(capture__camera=False)``."""
    policy = copy.deepcopy(_SMALL)
    for path, value in fields.items():
        group, _, name = path.partition("__")
        if not name:
            policy[group] = value
            continue
        inner = policy.setdefault(group, {})
        if isinstance(inner, dict):
            inner[name] = value
    return policy
