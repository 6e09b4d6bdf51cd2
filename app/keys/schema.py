"""The policy as JSON Schema (draft 2020-12): for editors and other programs that write policies.

Made from the policy's classes, their bounds and ``keys.settings``. Whatever the schema refuses, ``parse_policy``
refuses too. The other way round it can't say everything: contradictions, addresses and patterns are checked by the
program alone.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from app.core.codes import EVIDENCE
from app.core.policy import Policy
from app.core.types import Json
from app.keys.bounds import (
    ADDRESSES,
    CHOICES,
    CONTROL,
    CONTROL_BUT_LINES,
    LENGTHS,
    MAX_ENTRIES,
    MAX_LINE,
    NUMBERS,
    PATTERNS,
    REQUIRED_TEXTS,
    SEVERAL_LINES,
)
from app.keys.policy_model import POLICY_VERSION
from app.keys.settings import GROUPS, SETTINGS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def policy_schema() -> dict[str, Json]:
    """A new, self-contained schema without references."""
    schema = _object("", Policy)
    version: Json = {
        "title": "Version",
        "description": "Of this form; left out, it is this one.",
        "const": POLICY_VERSION,
        "default": POLICY_VERSION,
    }
    properties = cast(dict[str, Json], schema["properties"])
    return {
        "$schema": DIALECT,
        "$id": f"urn:invigil:policy:{POLICY_VERSION}",
        "title": "Invigil policy",
        "description": "Everything that one exam asks of the client.",
        **schema,
        "properties": {"version": version, **properties},
    }


def schema_text() -> str:
    """The schema as it stands in docs/policy.schema.json."""
    return json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"


def _object(path: str, kind: Any) -> dict[str, Json]:
    hints = get_type_hints(kind)
    required: list[Json] = [field.name for field in fields(kind) if _is_required(field)]
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        "properties": {
            field.name: _property(f"{path}.{field.name}".lstrip("."), hints[field.name], field)
            for field in fields(kind)
        },
    }


def _property(path: str, hint: Any, field: Field[Any]) -> Json:
    told = GROUPS[path] if path in GROUPS else SETTINGS[path]
    default: dict[str, Json] = {}
    if not _is_required(field) and not is_dataclass(field.default):
        default = {"default": _as_json(field.default if field.default is not MISSING else {})}
    return {"title": told.label, "description": told.meaning, **_shape(path, hint), **default}


def _shape(path: str, hint: Any) -> dict[str, Json]:
    origin, arguments = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        return _object(path, hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        bare = _shape(path, arguments[0])
        if "enum" in bare:
            return {"enum": [*cast(list[Json], bare["enum"]), None]}
        return {**bare, "type": [cast(str, bare["type"]), "null"]}
    if origin is tuple:
        return {"type": "array", "maxItems": MAX_ENTRIES, "items": _text(path, entry=True)}
    if origin is Mapping:
        return _by_code(path, arguments[1])
    if hint is bool:
        return {"type": "boolean"}
    if hint is str:
        return _text(path, entry=False)
    least, most = NUMBERS[path]
    return {"type": "integer" if hint is int else "number", "minimum": least, "maximum": most}


def _by_code(path: str, value: Any) -> dict[str, Json]:
    inner = _object(f"{path}.*", value) if is_dataclass(value) else _shape(f"{path}.*", value)
    codes: list[Json] = [str(code) for code in sorted(EVIDENCE)]
    return {"type": "object", "propertyNames": {"enum": codes}, "additionalProperties": inner}


def _text(path: str, *, entry: bool) -> dict[str, Json]:
    if path in CHOICES:
        return {"enum": list[Json](sorted(CHOICES[path]))}
    control = CONTROL_BUT_LINES if path in SEVERAL_LINES else CONTROL
    shape: dict[str, Json] = {
        "type": "string",
        "maxLength": LENGTHS.get(path, MAX_LINE),
        "not": {"pattern": control},
    }
    if entry or path in REQUIRED_TEXTS:
        shape |= {"minLength": 1, "pattern": r"\S"}
    if path in PATTERNS:
        shape["pattern"] = f"^(?:{PATTERNS[path]})?$"
    if path in ADDRESSES:
        schemes = "|".join("".join(f"[{c}{c.upper()}]" for c in scheme) for scheme in ADDRESSES[path])
        shape["pattern"] = f"^({schemes})://" if "minLength" in shape else f"^$|^({schemes})://"
    return shape


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _as_json(value: Any) -> Json:
    return list(value) if isinstance(value, tuple) else cast(Json, value)
