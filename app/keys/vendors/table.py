"""Tables of vendors' settings, and how settings are read by such a table.

Every leaf of the input ends in a line: as a field of the policy, or with the reason why there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice

from app.core.errors import BadInput
from app.core.policy import Policy
from app.core.types import Json
from app.keys.bounds import NUMBERS, REQUIRED_TEXTS
from app.keys.imported import Imported, Mapped, Unmapped
from app.keys.vendors.kinds import Kind

Path = tuple[str, ...]

_MOST_NAMED = 5
_MOST_SETTINGS = 5000
_DEEPEST = 16
_LONGEST_NAME = 100
_PLAIN = re.compile(r"[^.\[\]\"\x00-\x1f\x7f]+")
_CODE = re.compile(r"\.\d+(?=\.|$)")
_NULL = "It is null, which says nothing."
_EMPTY = "It is empty, which says nothing."


@dataclass(frozen=True, slots=True)
class Field:
    """One setting in the vendor's words.

    ``source`` is its path, where a last ``*`` stands for any further name; ``aliases`` are other paths for the same.
    ``paths`` are the policy's fields that it decides on, alone or with others; none where it has no counterpart here.
    ``meaning`` says what becomes of it, or why nothing does, in sentences. ``kind`` applies to the whole value.
    """

    source: str
    kind: Kind
    paths: tuple[str, ...]
    meaning: str
    required: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vendor:
    """``name`` as people write it. ``import_settings`` raises BadInput with a sentence that names each wrong setting."""

    name: str
    fields: tuple[Field, ...]
    import_settings: Callable[[Mapping[str, Json]], Imported]


class Table:
    """A vendor's settings by name. ``vendor`` is the name as people write it."""

    def __init__(self, vendor: str, fields: Sequence[Field]) -> None:
        self.vendor = vendor
        self.fields = {field.source: field for field in fields}
        self._rows = {alias: field for field in fields for alias in (field.source, *field.aliases)}
        split = [row.split(".") for row in self._rows]
        self._groups = {".".join(parts[:n]) for parts in split for n in range(1, len(parts))}

    def row(self, path: Path) -> Field | None:
        """The field that takes what is at this path, as a whole."""
        if any("." in part for part in path):
            return None
        exact = self._rows.get(".".join(path))
        return exact if exact is not None else self._rows.get(".".join((*path[:-1], "*")))

    def is_group(self, path: Path) -> bool:
        return ".".join(path) in self._groups

    def read(self, data: Mapping[str, Json], required_groups: Sequence[str] = ()) -> Reading:
        """Raises BadInput with one sentence that names each wrong setting by its path, and never its value."""
        reading = Reading(self)
        reading.take_in(data, required_groups)
        return reading


class Reading:
    """Settings that were read by a vendor's table, and the policy that is made of them.

    ``Table.read`` makes one, the vendor's own rules decide what needs more than one setting, ``imported`` does
    the rest by the table: fields of the policy get the value as it is, whatever has none gets its meaning as reason.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._values: dict[str, Json] = {}
        self._given: dict[str, list[str]] = {}
        self._order: list[str] = []
        self._policy: dict[str, Json] = {}
        self._mapped: list[Mapped] = []
        self._unmapped: list[Unmapped] = []
        self._decided: set[str] = set()

    def has(self, source: str) -> bool:
        return source in self._values

    def get(self, source: str, default: Json = None) -> Json:
        """A setting's value in the policy's terms."""
        return self._values.get(source, default)

    def become(self, path: str, value: Json, *sources: str) -> None:
        """A field of the policy, decided by these settings; those that were not given are told as such.

        A number out of the field's bounds becomes the nearest one within, and that is told too.
        """
        bounds = NUMBERS.get(_CODE.sub(".*", path))
        if bounds is not None and isinstance(value, (int, float)) and not bounds[0] <= value <= bounds[1]:
            value = bounds[0] if value < bounds[0] else bounds[1]
            for source in sources:
                self.drop(source, f"Taken as {value:g}: policy.{path} may be {bounds[0]:g} to {bounds[1]:g}.")
        _put(self._policy, path, value)
        for source in sources:
            for shown in self._given.get(source, [f"{source} (not given)"]):
                self._mapped.append(Mapped(shown, path, value))
        self._decided.update(sources)

    def drop(self, source: str, reason: str) -> None:
        """A given setting, or a part of its meaning, that becomes no field of the policy."""
        self._unmapped.extend(Unmapped(shown, reason) for shown in self._given.get(source, []))
        self._decided.add(source)

    def refuse(self, source: str, what: str) -> BadInput:
        """For a setting whose value can't be together with others; ``what`` never contains a value."""
        return BadInput(f"{self._table.vendor} settings: {self._given[source][0]} {what}.")

    def imported(self) -> Imported:
        for source, value in self._values.items():
            if source in self._decided:
                continue
            field = self._table.fields[source]
            if value == "" and REQUIRED_TEXTS.intersection(field.paths):
                self.drop(source, _EMPTY)
                continue
            for path in field.paths:
                self.become(path, value, source)
            if not field.paths:
                self.drop(source, field.meaning)
        place = {shown: number for number, shown in enumerate(self._order)}
        return Imported(
            {group.name: self._policy[group.name] for group in fields(Policy) if group.name in self._policy},
            tuple(sorted(self._mapped, key=lambda line: place.get(line.source, len(place)))),
            tuple(sorted(self._unmapped, key=lambda line: place.get(line.source, len(place)))),
        )

    def take_in(self, data: Mapping[str, Json], required_groups: Sequence[str]) -> None:
        """Raises BadInput for values of the wrong kind and for required settings that are missing."""
        found = list(islice(_walk(data, self._table), _MOST_SETTINGS + 1))
        if len(found) > _MOST_SETTINGS:
            raise BadInput(f"{self._table.vendor} settings: there are more than {_MOST_SETTINGS} of them.")
        wrong = [sentence for path, value in found for sentence in self._take(path, value)]
        missing = [f.source for f in self._table.fields.values() if f.required and f.source not in self._given]
        missing += [group for group in required_groups if data.get(group) is None]
        if missing:
            wrong.append(f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing")
        if wrong:
            more = f"; and {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
            raise BadInput(f"{self._table.vendor} settings: {'; '.join(wrong[:_MOST_NAMED])}{more}.")

    def _take(self, path: Path, value: Json) -> Iterator[str]:
        shown, field = _shown(path), self._table.row(path)
        self._order.append(shown)
        blank = value in ({}, []) if field is None else value == "" and field.kind.may_be_blank
        if value is None or blank:
            self._unmapped.append(Unmapped(shown, _NULL if value is None else _EMPTY))
        elif field is None and self._table.is_group(path):
            yield f"{shown} has to be an object"
        elif field is None:
            self._unmapped.append(Unmapped(shown, f"Not a setting of {self._table.vendor} that is known here."))
        elif field.source.endswith("*"):
            self._unmapped.append(Unmapped(shown, field.meaning))
        else:
            yield from self._keep(field, shown, value)

    def _keep(self, field: Field, shown: str, value: Json) -> Iterator[str]:
        given = self._given.setdefault(field.source, [])
        given.append(shown)
        try:
            found = field.kind.read(value)
        except ValueError:
            yield f"{shown} has to be {field.kind.accepts}"
            return
        if self._values.setdefault(field.source, found) != found:
            yield f"{shown} and {given[0]} are the same setting with different values; leave one out"


def _walk(data: Mapping[str, Json], table: Table) -> Iterator[tuple[Path, Json]]:
    """Each leaf with its path: a value, an empty container, what a row takes whole, or what lies too deep."""
    todo: list[tuple[Path, Json]] = [((str(key),), value) for key, value in reversed(list(data.items()))]
    while todo:
        path, value = todo.pop()
        if table.row(path) is not None or len(path) >= _DEEPEST or not value:
            yield path, value
        elif isinstance(value, dict):
            todo.extend(((*path, str(key)), item) for key, item in reversed(value.items()))
        elif isinstance(value, list) and not table.is_group(path):
            todo.extend(((*path, f"[{number}]"), item) for number, item in reversed(list(enumerate(value))))
        else:
            yield path, value


def _shown(path: Path) -> str:
    """A path for people: names that could be mistaken or can't be printed are quoted, long ones cut."""
    text = ""
    for whole in path:
        part = whole if len(whole) <= _LONGEST_NAME else f"{whole[:_LONGEST_NAME]}…"
        index = re.fullmatch(r"\[\d+\]", part) is not None
        name = part if index or (_PLAIN.fullmatch(part) and part.isprintable()) else ascii(part)
        text += name if index or not text else f".{name}"
    return text


def _put(policy: dict[str, Json], path: str, value: Json) -> None:
    *groups, name = path.split(".")
    place = policy
    for group in groups:
        inner = place.setdefault(group, {})
        if not isinstance(inner, dict):
            raise TypeError(path)
        place = inner
    place[name] = value


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
