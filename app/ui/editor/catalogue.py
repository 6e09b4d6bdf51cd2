"""Every setting of a policy as the editor needs it: what kind of value it takes, in which unit, and what it means."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from typing import Any, Literal, get_args, get_origin, get_type_hints

from app.core.policy import Policy
from app.core.types import Json
from app.keys.bounds import NUMBERS, SEVERAL_LINES
from app.keys.settings import GROUPS, SECRETS, SETTINGS

RULES = "detection.rules"
WEIGHTS = "score.weights"
KEPT_AS_HASH = frozenset({"lockdown.unlock_password"})
LARGEST = 1_000_000_000
"""No number of a policy is larger; what is, is not taken into the editor."""
_UNITS = {
    "_min": "min",
    "_s": "s",
    "_px": "px",
    "_mb": "MB",
    "_percent": "%",
}


class Kind(Enum):
    """Which control a setting has."""

    YES_NO = "yes or no"
    WHOLE = "whole number"
    NUMBER = "number"
    CHOICE = "choice"
    LINE = "line"
    HASHED = "text kept as a hash"
    TEXT = "text"
    LIST = "list"
    RULES = "rules"
    WEIGHTS = "weights"


@dataclass(frozen=True, slots=True)
class Setting:
    """``optional``: the value may be None. ``bounds``: least and greatest value of a number, where it has any."""

    path: str
    kind: Kind
    default: Json
    label: str
    meaning: str
    required: bool = False
    optional: bool = False
    choices: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None
    unit: str = ""
    vendor_names: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        return self.path.partition(".")[0]

    @property
    def secret(self) -> bool:
        return self.path in SECRETS


@dataclass(frozen=True, slots=True)
class Group:
    """Settings that a person thinks of together, in the policy's order."""

    name: str
    title: str
    meaning: str
    settings: tuple[Setting, ...]


def catalogue(vendor_names: Mapping[str, tuple[str, ...]] | None = None) -> tuple[Group, ...]:
    """All groups of the policy. ``vendor_names`` is what others call a setting, by its path."""
    names = vendor_names or {}
    hints = get_type_hints(Policy)
    groups = []
    for group in fields(Policy):
        inner = get_type_hints(hints[group.name])
        settings = tuple(
            _setting(path, inner[field.name], _default(field), names.get(path, ()))
            for field in fields(hints[group.name])
            for path in (f"{group.name}.{field.name}",)
        )
        words = GROUPS[group.name]
        groups.append(Group(group.name, words.label, words.meaning, settings))
    return tuple(groups)


def _setting(path: str, hint: Any, default: Any, vendor_names: tuple[str, ...]) -> Setting:
    optional = get_origin(hint) is types.UnionType
    plain = get_args(hint)[0] if optional else hint
    kind = _kind(path, plain)
    return Setting(
        path,
        kind,
        _empty(kind) if default is MISSING else default,
        SETTINGS[path].label,
        _without_marks(SETTINGS[path].meaning),
        required=default is MISSING,
        optional=optional,
        choices=tuple(str(choice) for choice in get_args(plain)) if kind is Kind.CHOICE else (),
        bounds=NUMBERS.get(path),
        unit=next((unit for end, unit in _UNITS.items() if path.endswith(end)), ""),
        vendor_names=vendor_names,
    )


def _without_marks(text: str) -> str:
    """The registry marks up values and headings for documentation; here they are plain words."""
    return re.sub(r"\*([^*]+)\*", r"\1", re.sub(r"`([^`]*)`", "\u201c\\1\u201d", text))


def _kind(path: str, hint: Any) -> Kind:
    if path in (RULES, WEIGHTS):
        return Kind.RULES if path == RULES else Kind.WEIGHTS
    if get_origin(hint) is Literal:
        return Kind.CHOICE
    if get_origin(hint) is tuple:
        return Kind.LIST
    if path in KEPT_AS_HASH:
        return Kind.HASHED
    if hint is str and path in SEVERAL_LINES:
        return Kind.TEXT
    return {bool: Kind.YES_NO, int: Kind.WHOLE, float: Kind.NUMBER, str: Kind.LINE}[hint]


def _default(field: Any) -> Any:
    """The default in its JSON form, or MISSING."""
    if field.default is not MISSING:
        return list(field.default) if isinstance(field.default, tuple) else field.default
    return {} if field.default_factory is not MISSING else MISSING


def _empty(kind: Kind) -> Json:
    empty: dict[Kind, Json] = {Kind.YES_NO: False, Kind.WHOLE: 0, Kind.NUMBER: 0.0, Kind.LIST: []}
    return empty.get(kind, "")
