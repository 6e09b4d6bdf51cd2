"""The policy of a learning platform's session, made of the exam's own, the platform's settings, and what we know."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import TypeAdapter

from app.core.abilities import stopping, unmet
from app.core.audience import Audience
from app.core.policy import Policy

JsonObject = dict[str, Any]

NOT_GIVEN = " (not given)"
"""How the importers mark a setting that the vendor presumes where the platform says nothing."""
_ADAPTER: TypeAdapter[Policy] = TypeAdapter(Policy)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a platform asks for one student. ``to_json`` and ``from_json`` are for the database.

    ``settings`` is the importers' policy with what the vendor presumes, ``given`` the part of it that was said.
    ``base_id`` is the stored config key that was named as the base; empty means the newest of the exam.
    """

    exam_id: str
    title: str
    student_id: str
    name: str
    email: str = ""
    group: str = ""
    start_url: str = ""
    base_id: str = ""
    settings: JsonObject = field(default_factory=dict)
    given: JsonObject = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Wish:
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the session delivers. ``waiting_page`` opens where nobody said at which address the exam is."""

    address: str
    exam_id: str
    token: str
    waiting_page: str


def imported(result: Mapping[str, Any]) -> tuple[JsonObject, JsonObject]:
    """From an importer's result: the policy's fields, and those of them that at least one given setting decided."""
    settings: JsonObject = result["policy"]
    given: JsonObject = {}
    for line in result["mapped"]:
        if not line["source"].endswith(NOT_GIVEN):
            _put(given, line["path"].split("."), _at(settings, line["path"].split(".")))
    return settings, given


def session_policy(wish: Wish, base: Mapping[str, Any] | None, place: Place) -> JsonObject:
    """All groups that are known. What the vendor merely presumes gives way to the exam's own policy.

    The line to this backend is always there: newer settings of the platform come over it.
    """
    policy = merged(base or {}, wish.given if base is not None else wish.settings)
    exam = policy.setdefault("exam", {})
    exam["id"] = base["exam"]["id"] if base is not None and wish.base_id else wish.exam_id
    exam["title"] = wish.title or exam.get("title") or exam["id"]
    exam["start_url"] = wish.start_url or exam.get("start_url") or place.waiting_page
    person = {"id": wish.student_id, "name": wish.name, "email": wish.email}
    policy["candidate"] = policy.get("candidate", {}) | person | ({"group": wish.group} if wish.group else {})
    delivery = {"endpoint": place.address, "token": place.token, "exam_id": place.exam_id}
    policy["upload"] = policy.get("upload", {}) | delivery
    policy["live"] = policy.get("live", {}) | {"endpoint": place.address}
    return policy


def audience_of(policy: Mapping[str, Any]) -> Audience:
    return Audience(policy["exam"]["id"], candidate=policy["candidate"]["id"])


def digest_of(policy: Mapping[str, Any]) -> str:
    """The same for the same policy: whether a session's key has to be made again."""
    return hashlib.sha256(json.dumps(policy, sort_keys=True).encode()).hexdigest()


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> JsonObject:
    """``above`` laid over ``below``, object by object; neither is changed."""
    result = copy.deepcopy(dict(below))
    for name, value in above.items():
        inner = result.get(name)
        if isinstance(inner, dict) and isinstance(value, Mapping):
            result[name] = merged(inner, value)
        else:
            result[name] = copy.deepcopy(value)
    return result


def notes_of(policy: Mapping[str, Any]) -> list[str]:
    """A sentence for each setting that the client can't fulfil. The policy has been checked."""
    checked = _ADAPTER.validate_json(json.dumps(policy))
    stops, blocks = stopping(checked), "; the exam does not begin unless policy.exam.allow_fallback is set"
    return [
        f"policy.{path}: the client {words}{blocks if (path, words) in stops else ''}."
        for path, words in unmet(checked)
    ]


def with_query(url: str, query: Mapping[str, str]) -> str:
    """The address with these parameters; those of the same name are replaced."""
    if not query:
        return url
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in query]
    return urlunsplit(parts._replace(query=urlencode([*kept, *query.items()])))


def _at(data: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        data = data[part]
    return data


def _put(data: JsonObject, parts: Sequence[str], value: Any) -> None:
    for part in parts[:-1]:
        data = data.setdefault(part, {})
    data[parts[-1]] = value
