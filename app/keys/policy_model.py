"""Untrusted JSON to Policy and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.core.errors import BadInput
from app.core.policy import Policy
from app.core.types import Json
from app.keys.bounds import Problem, problems

POLICY_VERSION = 1
"""Of the model. A policy may name it in its field ``version``; one that does not is of version 1."""

_ADAPTER = TypeAdapter(Policy)
_MOST_NAMED = 5
_LONGEST_NAME = 60
_PLAIN = re.compile(r"0|-?[1-9][0-9]*")
_WORDS = {
    "missing": "is missing",
    "unexpected_keyword_argument": "is not a known field",
    "bool_type": "has to be true or false",
    "int_type": "has to be a whole number",
    "int_from_float": "has to be a whole number",
    "int_parsing": "is not the number of an evidence code",
    "int_parsing_size": "has too many digits",
    "float_type": "has to be a number",
    "finite_number": "has to be a number",
    "string_type": "has to be a text",
    "tuple_type": "has to be a list",
    "mapping_type": "has to be an object",
    "dict_type": "has to be an object",
    "dataclass_type": "has to be an object",
    "json_invalid": "is nested too deeply or holds text that is not Unicode",
}


def parse_policy(data: object) -> Policy:
    """The policy that ``data`` (parsed JSON) describes. Types are exact: no number from a text, no yes from a 1.

    Raises BadInput with one sentence that names each wrong field by its path, and never its value.
    """
    if isinstance(data, Mapping) and "version" in data:
        data = _without_version(data)
    try:
        text = json.dumps(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput("The policy can't be used: it is not made of JSON values only, or of too large ones.") from error
    try:
        policy = _ADAPTER.validate_json(text, strict=True)
    except ValidationError as error:
        wrong = [(_path(e["loc"]), _words(e)) for e in error.errors(include_url=False, include_input=False)]
        raise BadInput(_sentence(wrong)) from None
    if found := [*_odd_codes(data), *problems(policy)]:
        raise BadInput(_sentence(found))
    return policy


def policy_to_json(policy: Policy) -> dict[str, Json]:
    """The JSON form of a policy, all fields included; ``parse_policy`` gives the same policy back."""
    dumped: dict[str, Json] = _ADAPTER.dump_python(policy, mode="json")
    return dumped


def _without_version(data: Mapping[Any, Any]) -> dict[Any, Any]:
    version = data["version"]
    if type(version) is not int or version != POLICY_VERSION:
        words = f"is not {POLICY_VERSION}, the only one that this client reads; a newer client may read it"
        raise BadInput(_sentence([("version", words)]))
    return {name: value for name, value in data.items() if name != "version"}


def _odd_codes(data: Any) -> Iterator[Problem]:
    """Keys that would be read as a code and are written otherwise, such as ``05001``: two of them could be one code."""
    for group, name in (("detection", "rules"), ("score", "weights")):
        for key in data.get(group, {}).get(name, {}):
            if not _PLAIN.fullmatch(str(key)):
                yield f"{group}.{name}.{_readable(str(key))}", "is not the number of an evidence code"


def _path(location: Sequence[int | str]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part != "[key]":
            path += f".{_readable(part)}"
    return path.lstrip(".")


def _readable(name: str) -> str:
    """A field's name as it was written, unless it would spoil the sentence or the terminal."""
    return name if len(name) <= _LONGEST_NAME and name.isprintable() and name.strip() else "(an unreadable name)"


def _words(error: Any) -> str:
    kind = str(error["type"])
    if kind == "literal_error":
        return f"has to be {error['ctx']['expected']}"
    return _WORDS.get(kind, f"can't be used ({error['msg']})")


def _sentence(wrong: Sequence[Problem]) -> str:
    named = [f"policy.{path}: {what}" if path else f"policy: {what}" for path, what in wrong[:_MOST_NAMED]]
    more = len(wrong) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "") + "."
