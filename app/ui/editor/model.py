"""What is being edited: a policy's values, where they differ from the defaults, and what is wrong with them.

Pure: no widget, no Qt, no file. The window shows it and the undo stack replays its changes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, get_type_hints

from app.core.abilities import unmet
from app.core.codes import EVIDENCE
from app.core.policy import Policy, RuleSetting
from app.core.types import Json
from app.keys.bounds import RULE_NUMBERS, problems
from app.keys.contradictions import Problem
from app.keys.policy_model import POLICY_VERSION
from app.keys.settings import RESPONSES
from app.ui.editor.catalogue import LARGEST, Group, Kind, Setting

Values = dict[str, Json]
"""Values by path; a setting that has its default is not in it."""

_HINTS = {f.name: get_type_hints(Policy)[f.name] for f in fields(Policy)}
_PATH = re.compile(r"\bpolicy\.([a-z]+\.[a-z_]*[a-z])")


@dataclass(frozen=True, slots=True)
class Change:
    """What one step of editing did, to be undone or done again. A path that is missing on a side has its default."""

    paths: tuple[str, ...]
    before: Values
    after: Values


@dataclass(frozen=True, slots=True)
class Findings:
    """By path: what has to change before the policy can be signed, and what this client does not do of it."""

    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class EditorModel:
    """The policy that is edited. Only what differs from the defaults is kept, so that its file stays small."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = tuple(groups)
        self.settings: dict[str, Setting] = {s.path: s for group in groups for s in group.settings}
        self._values: Values = {}

    def value(self, path: str) -> Json:
        return self._values.get(path, self.settings[path].default)

    def is_default(self, path: str) -> bool:
        """Whether there is nothing to reset; a required setting has no default to go back to."""
        return not self._differs(path)

    @property
    def values(self) -> Values:
        """A copy of all that differs from the defaults."""
        return dict(self._values)

    def changed(self, group: str = "") -> list[str]:
        """Paths whose values differ from the defaults, in the policy's order; of all groups, or of one.

        What is required has no default to differ from.
        """
        return [path for path, s in self.settings.items() if self._differs(path) and group in ("", s.group)]

    def change(self, values: Mapping[str, Json]) -> Change | None:
        """Sets values by path and says what that did; None when it did nothing."""
        after = {path: self._normal(path, value) for path, value in values.items()}
        paths = tuple(path for path, value in after.items() if not _same(value, self.value(path)))
        if not paths:
            return None
        done = Change(
            paths,
            {path: self._values[path] for path in paths if path in self._values},
            {path: after[path] for path in paths if not _same(after[path], self.settings[path].default)},
        )
        self.redo(done)
        return done

    def reset(self, paths: Iterable[str]) -> Change | None:
        """Gives settings their defaults back."""
        return self.change({path: self.settings[path].default for path in paths})

    def undo(self, change: Change) -> None:
        self._put(change.paths, change.before)

    def redo(self, change: Change) -> None:
        self._put(change.paths, change.after)

    def load(self, data: Json) -> list[Problem]:
        """Takes a policy's JSON in the place of everything. Returns what was left out of it, by path, and why."""
        values, left_out = read(self.settings, data)
        self._values = {}
        self.change(values)
        return left_out

    def document(self) -> dict[str, Json]:
        """The policy's JSON: required fields, and what differs from the defaults."""
        document: dict[str, Json] = {}
        for group in self.groups:
            inner: dict[str, Json] = {
                s.path.partition(".")[2]: self.value(s.path)
                for s in group.settings
                if s.required or s.path in self._values
            }
            if inner:
                document[group.name] = inner
        return document

    def policy(self) -> Policy:
        """The policy as it is, complete or not."""
        return to_policy(self.settings, self._values)

    def search(self, text: str) -> list[str]:
        """Paths of settings in whose label, path, meaning, choices or vendors' names all words of ``text`` occur.

        What is called so comes first, what only other products call so last.
        """
        words = text.casefold().split()
        ranks = {path: _rank(setting, words) for path, setting in self.settings.items()}
        return sorted((path for path, rank in ranks.items() if rank is not None), key=lambda path: ranks[path] or 0)

    def _differs(self, path: str) -> bool:
        return path in self._values and not self.settings[path].required

    def _put(self, paths: Iterable[str], values: Values) -> None:
        for path in paths:
            if path in values:
                self._values[path] = values[path]
            else:
                self._values.pop(path, None)

    def _normal(self, path: str, value: Json) -> Json:
        """A number as the type that its setting has, so that 5 and 5.0 are one value."""
        if self.settings[path].kind is Kind.NUMBER and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        return value


def check(settings: Mapping[str, Setting], values: Values) -> Findings:
    """What is wrong with values of the right types. Pure, and free to run on any thread."""
    policy = to_policy(settings, values)
    return Findings(
        _by_setting(settings, problems(policy)),
        _by_setting(settings, [(path, f"This client {words}.") for path, words in unmet(policy)], inner_words=False),
    )


def to_policy(settings: Mapping[str, Setting], values: Values) -> Policy:
    """The policy that the values mean, be it complete or not."""
    groups: dict[str, dict[str, object]] = {name: {} for name in _HINTS}
    for path, setting in settings.items():
        group, _, name = path.partition(".")
        groups[group][name] = _plain(setting, values.get(path, setting.default))
    return Policy(**{name: _HINTS[name](**inner) for name, inner in groups.items()})


def read(settings: Mapping[str, Setting], data: Json) -> tuple[Values, list[Problem]]:
    """The values of a policy's JSON that the editor can hold, and the paths that it has to leave out, with the reason."""
    if not isinstance(data, dict):
        return {}, [("", "has to be an object")]
    values: Values = {}
    left_out: list[Problem] = []
    for group, inner in data.items():
        if group == "version":
            if inner != POLICY_VERSION:
                left_out.append((group, f"is not {POLICY_VERSION}, the only one that is known here"))
        elif group not in _HINTS:
            left_out.append((group, "is not a known field"))
        elif not isinstance(inner, dict):
            left_out.append((group, "has to be an object"))
        else:
            for name, value in inner.items():
                path = f"{group}.{name}"
                wrong = _wrong(settings[path], value) if path in settings else "is not a known field"
                if wrong:
                    left_out.append((path, wrong))
                else:
                    values[path] = value
    return values, left_out


def _same(one: Json, other: Json) -> bool:
    """Equal and of one type: in Python 1 is True, in a policy it is not."""
    return type(one) is type(other) and one == other


def _plain(setting: Setting, value: Json) -> object:
    if setting.kind is Kind.LIST and isinstance(value, list):
        return tuple(value)
    if setting.kind is Kind.RULES and isinstance(value, dict):
        return {int(code): _rule(rule) for code, rule in value.items()}
    if setting.kind is Kind.WEIGHTS and isinstance(value, dict):
        return {int(code): weight for code, weight in value.items()}
    return value


def _rule(rule: Any) -> RuleSetting:
    """What ``_wrong_rule`` had nothing against."""
    return RuleSetting(**rule)


def _by_setting(
    settings: Mapping[str, Setting], found: Iterable[Problem], *, inner_words: bool = True
) -> dict[str, tuple[str, ...]]:
    """Sentences by setting. What is inside one (an entry, a code) is named at the sentence's beginning."""
    sorted_out: dict[str, list[str]] = {}
    for path, words in found:
        setting = _owner(settings, path)
        inner = path[len(setting) :].lstrip(".")
        sentence = _sentence(inner, _PATH.sub(partial(_named, settings), words)) if inner_words else words
        sorted_out.setdefault(setting, []).append(sentence)
    return {path: tuple(dict.fromkeys(sentences)) for path, sentences in sorted_out.items()}


def _named(settings: Mapping[str, Setting], found: re.Match[str]) -> str:
    """A setting that a sentence speaks of, by the name that it has in the window."""
    setting = settings.get(found[1])
    return found[0] if setting is None else f"\u201c{setting.label}\u201d ({setting.path})"


def _owner(settings: Mapping[str, Setting], path: str) -> str:
    """The setting that a problem's path belongs to; the first of its group where it names the group alone."""
    while path not in settings:
        shorter = max(path.rfind("."), path.rfind("["))
        if shorter < 0:
            return next((known for known in settings if known.startswith(f"{path}.")), next(iter(settings)))
        path = path[:shorter]
    return path


def _sentence(inner: str, words: str) -> str:
    text = words
    if inner.startswith("["):
        number = inner[1:].partition("]")[0]
        text = f"Entry {int(number) + 1} {words}" if number.isdecimal() else words
    elif inner:
        code, _, name = inner.partition(".")
        text = f"{code}{f', {name}' if name else ''} {words}"
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _rank(setting: Setting, words: Sequence[str]) -> int | None:
    """How near to the setting's name all the words are found, 0 the nearest; None where one of them is missing."""
    label = setting.label.casefold()
    if label == " ".join(words):
        return 0
    texts = (label, setting.path, setting.meaning, " ".join(setting.choices), " ".join(setting.vendor_names))
    for rank in range(1, len(texts) + 1):
        known = " ".join(texts[:rank]).casefold()
        if all(word in known for word in words):
            return rank
    return None


def _wrong(setting: Setting, value: Json) -> str:
    """Why the editor can't hold a value; empty when it can. Whether it is a sensible one is not asked here."""
    if value is None:
        return "" if setting.optional else "may not be null"
    kind = setting.kind
    if kind is Kind.YES_NO:
        return "" if isinstance(value, bool) else "has to be true or false"
    if kind in (Kind.WHOLE, Kind.NUMBER):
        return _wrong_number(value, whole=kind is Kind.WHOLE)
    if kind is Kind.CHOICE:
        return "" if value in setting.choices else f"has to be one of {', '.join(setting.choices)}"
    if kind is Kind.LIST:
        fits = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        return "" if fits else "has to be a list of texts"
    if kind is Kind.RULES:
        return _wrong_table(value, _wrong_rule)
    if kind is Kind.WEIGHTS:
        return _wrong_table(value, lambda weight: _wrong_number(weight, whole=False))
    return "" if isinstance(value, str) else "has to be a text"


def _wrong_number(value: Json, *, whole: bool) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or (whole and not isinstance(value, int)):
        return "has to be a whole number" if whole else "has to be a number"
    fits = (isinstance(value, int) or math.isfinite(value)) and abs(value) <= LARGEST
    return "" if fits else "is too large a number"


def _wrong_rule(rule: Json) -> str:
    if not isinstance(rule, dict):
        return "has to be an object"
    for name, value in rule.items():
        if name == "enabled":
            wrong = "" if isinstance(value, bool) else "has to be true or false"
        elif name == "response":
            wrong = "" if value is None or value in tuple(RESPONSES) else f"has to be one of {', '.join(RESPONSES)}"
        elif name in RULE_NUMBERS:
            wrong = "" if value is None else _wrong_number(value, whole=False)
        else:
            wrong = "is not a known field"
        if wrong:
            return f"{name} {wrong}"
    return ""


def _wrong_table(value: Json, wrong_row: Callable[[Json], str]) -> str:
    if not isinstance(value, dict):
        return "has to be an object"
    for code, row in value.items():
        if not code.isascii() or not code.isdecimal() or int(code[:9]) not in EVIDENCE or len(code) > 4:
            return "has a field that is not the number of an evidence code"
        wrong = wrong_row(row)
        if wrong:
            return f"has something wrong under {code}: {wrong}"
    return ""
