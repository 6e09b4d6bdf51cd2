"""Untrusted JSON to Policy and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.core.errors import BadInput
from app.core.policy import Policy
from app.core.types import Json
from app.keys.bounds import Problem, problems

_ADAPTER = TypeAdapter(Policy)
_MOST_NAMED = 5
_WORDS = {
    "missing": "is missing",
    "unexpected_keyword_argument": "is not a known field",
    "bool_type": "has to be true or false",
    "int_type": "has to be a whole number",
    "int_from_float": "has to be a whole number",
    "int_parsing": "is not the number of an evidence code",
    "float_type": "has to be a number",
    "finite_number": "has to be a number",
    "string_type": "has to be a text",
    "tuple_type": "has to be a list",
    "mapping_type": "has to be an object",
    "dict_type": "has to be an object",
    "dataclass_type": "has to be an object",
}


def parse_policy(data: object) -> Policy:
    """The policy that ``data`` (parsed JSON) describes. Types are exact: no number from a text, no yes from a 1.

    Raises BadInput with one sentence that names each wrong field by its path, and never its value.
    """
    try:
        text = json.dumps(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput("The policy can't be used: it is not made of JSON values only.") from error
    try:
        policy = _ADAPTER.validate_json(text, strict=True)
    except ValidationError as error:
        wrong = [(_path(e["loc"]), _words(e)) for e in error.errors(include_url=False, include_input=False)]
        raise BadInput(_sentence(wrong)) from None
    if found := problems(policy):
        raise BadInput(_sentence(found))
    return policy


def policy_to_json(policy: Policy) -> dict[str, Json]:
    """The JSON form of a policy, all fields included; ``parse_policy`` gives the same policy back."""
    dumped: dict[str, Json] = _ADAPTER.dump_python(policy, mode="json")
    return dumped


def _path(location: Sequence[int | str]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part != "[key]":
            path += f".{part}"
    return path.lstrip(".")


def _words(error: Any) -> str:
    kind = str(error["type"])
    if kind == "literal_error":
        return f"has to be {error['ctx']['expected']}"
    return _WORDS.get(kind, f"can't be used ({error['msg']})")


def _sentence(wrong: Sequence[Problem]) -> str:
    named = [f"policy.{path}: {what}" if path else f"policy: {what}" for path, what in wrong[:_MOST_NAMED]]
    more = len(wrong) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "") + "."
