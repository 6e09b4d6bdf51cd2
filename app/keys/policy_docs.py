"""docs/policy.md, made from the policy's classes, their bounds, the rules' defaults and the vendors' tables."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from app.core import policy_change
from app.core.abilities import LATER, LATER_VALUES, NOT_LIVE
from app.core.coco import CATEGORIES
from app.core.codes import CAMERA_CODES, EVIDENCE, MICROPHONE_CODES
from app.core.policy import Detection, Policy, RuleSetting
from app.core.response_rules import NEVER_HOLDING, STAYING, unfit
from app.core.rule_table import DEFAULTS, MACHINE_RULES, settings_for
from app.core.types import NS_PER_S
from app.keys.bounds import LENGTHS, MAX_ENTRIES, MAX_LINE, NUMBERS
from app.keys.contradictions import ALLOWED_AND_BLOCKED, CONTRADICTIONS, ONE_SIGN, STUCK
from app.keys.presets import ACCOMMODATIONS, PRESETS
from app.keys.settings import GROUPS, RESPONSES, SETTINGS, THRESHOLDS
from app.keys.vendors import VENDORS

_HEAD = f"""# Policy

A policy is everything that one exam asks of the client: a JSON object, signed into a [config key](config-key.md).
Only `exam` and `upload` have to be there; whatever else is left out has its default. `candidate` is left out of keys for
a whole exam or group: then the person is asked who they are. Unknown fields, values of another type, values out of bounds
and [contradictions](#what-goes-together) are refused, with the field's path in the message.

A small policy:

```json
{{
  "exam": {{"id": "algebra-1", "title": "Algebra I", "start_url": "https://exams.example.org/algebra", "duration_min": 90}},
  "candidate": {{"id": "s1234", "name": "Sample Candidate"}},
  "upload": {{"endpoint": "https://proctoring.example.org", "token": "...", "exam_id": "algebra-1"}}
}}
```

- `invigil key edit` writes policies in a window, with each field explained; `invigil key preset` begins one with a
  [preset](#presets); `invigil key import` makes one from [another system's settings](vendor-settings.md), and
  `invigil key import-seb` from a [Safe Exam Browser file](seb.md).
- [policy.schema.json](policy.schema.json) is the form as JSON Schema (`invigil key schema`).
- `version` may stand beside the groups and is 1. A policy without it is of version 1.
- Texts have at most {MAX_LINE} characters where nothing else is said, and lists at most {MAX_ENTRIES} entries.
- *Not yet* marks what this client can't do so far. A policy may ask it all the same: `invigil key issue` and
  `invigil key verify` name it, and so does the client's system check, which then refuses to begin the exam where it
  would be another one, and warns otherwise, and where `exam.allow_fallback` is true. Nothing is passed over in silence.
- The last column has the names of the settings in other systems that decide on a field.

This page is made from the program: after a change of fields or defaults, run
`INVIGIL_WRITE_DOCS=1 pytest tests/keys/test_policy_docs.py`.
"""

_CODES_OF = {"camera": CAMERA_CODES, "microphone": MICROPHONE_CODES}


def render() -> str:
    """The whole page, as it has to stand in docs/policy.md."""
    hints = get_type_hints(Policy)
    groups = [_group(field.name, hints[field.name]) for field in fields(Policy)]
    return "\n".join(
        [_HEAD, *groups, _rules(), _responses(), _objects(), _together(), _running(), _presets(), _accommodations()]
    )


def _group(name: str, kind: Any) -> str:
    return "\n".join([f"## {name}", "", GROUPS[name].meaning, "", *_table(name, kind)])


def _table(path: str, kind: Any) -> Iterator[str]:
    yield "| field | is | default | meaning | elsewhere |"
    yield "|---|---|---|---|---|"
    hints = get_type_hints(kind)
    for field in fields(kind):
        full = f"{path}.{field.name}"
        shape = _kind(hints[field.name], full)
        meaning = f"{SETTINGS[full].meaning}{_not_yet(full)}"
        yield f"| `{field.name}` | {shape} | {_default(field)} | {meaning} | {_elsewhere(full)} |"
    yield ""


def _not_yet(path: str) -> str:
    if path in LATER:
        return f" *Not yet: this client {LATER[path]}.*"
    values = LATER_VALUES.get(path, {})
    return "".join(f" *Not yet `{value}`: this client {words}.*" for value, words in values.items())


def _elsewhere(path: str) -> str:
    """The vendors' settings that decide on a field, from the tables by which they are imported."""
    found = []
    for vendor in VENDORS.values():
        names = []
        for setting in vendor.fields:
            targets = [target for target in setting.paths if _by_code(target) == path]
            rules = ", ".join(target.split(".")[2] for target in targets if target != path)
            names += [f"`{setting.source}`{f' ({rules})' if rules else ''}"] if targets else []
        if names:
            found.append(f"{vendor.name} {', '.join(names)}")
    return "; ".join(found)


def _by_code(path: str) -> str:
    return f"detection.rules.*.{path.split('.')[3]}" if path.startswith("detection.rules.") else path


def _kind(hint: Any, path: str) -> str:
    if get_origin(hint) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(hint))
    if get_origin(hint) in (Union, types.UnionType):
        return f"{_kind(get_args(hint)[0], path)}, or null"
    if get_origin(hint) is tuple:
        return "list of texts"
    if get_origin(hint) is not None:
        return "object by code"
    bounds = NUMBERS.get(path)
    span = f", {bounds[0]:.10g} to {bounds[1]:.10g}" if bounds is not None else ""
    longest = f", up to {LENGTHS[path]} characters" if path in LENGTHS else ""
    return {bool: "true or false", int: f"whole number{span}", float: f"number{span}", str: f"text{longest}"}[hint]


def _default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        value = list(field.default) if isinstance(field.default, tuple) else field.default
        return f"`{json.dumps(value)}`"
    return "`{}`" if field.default_factory is not MISSING else "**required**"


def _rules() -> str:
    lines = [
        "## Rules",
        "",
        "`detection.rules` maps evidence codes to objects of these fields; null means the rule's own default.",
        "",
        *_table("detection.rules.*", RuleSetting),
        "The rules and their defaults at medium sensitivity:",
        "",
        "| code | name | dwell | release | merge | cool-down | threshold | severity | response |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for code, rule in sorted(settings_for(Detection()).items()):
        times = (rule.dwell_ns, rule.release_ns, rule.merge_ns, rule.cooldown_ns)
        spans = " | ".join(f"{ns / NS_PER_S:g} s" for ns in times)
        unit = THRESHOLDS.get(code, "-" if rule.threshold is None else "")
        threshold = f"{rule.threshold:g} {unit}".strip() if rule.threshold is not None else unit
        lines.append(
            f"| {code} | {EVIDENCE[code].name} | {spans} | {threshold} | {rule.severity:g} | {rule.response} |"
        )
    later = ", ".join(f"{code} {EVIDENCE[code].name}" for code in sorted({*EVIDENCE} - {*DEFAULTS} | {*NOT_LIVE}))
    lines += ["", f"*Not yet*: {later}. A rule for one of these may be set, and is named as what this client can't do."]
    return "\n".join([*lines, ""])


def _responses() -> str:
    """What follows a violation, and which rules can have which response."""
    lines = [
        "## Responses",
        "",
        "`detection.rules.CODE.response` says what follows a violation of this rule; without it, it is the rule's own.",
        "",
        "| response | what follows | rules |",
        "|---|---|---|",
    ]
    for response, told in RESPONSES.items():
        codes = [code for code in EVIDENCE if not unfit(code, response)]
        which = "all" if len(codes) == len(EVIDENCE) else ", ".join(map(str, sorted(codes)))
        if response == "hold":
            which = f"all but {' and '.join(map(str, sorted(NEVER_HOLDING)))}"
        lines.append(f"| `{response}` | {told.meaning} | {which} |")
    lines += [
        "",
        "Ending is for what was surely seen and what a candidate did or left running. What is judged from pictures, sound or",
        "signs of the machine may be wrong, and a key pressed or a window left may be a slip: such an exam can be held, and",
        "goes on once the cause is gone or a person has decided. Rules of a moment (5114 to 5118, 5121, 5123) have no cause",
        "that lasts: the candidate reads why, and continues. On the lock screen the exam can always be handed in.",
        "",
    ]
    return "\n".join(lines)


def _objects() -> str:
    names = ", ".join(f"`{name}`" for name in CATEGORIES)
    return f"## Objects\n\nWhat `detection.object_categories` may name (the categories of COCO): {names}.\n"


def _together() -> str:
    rows = [f"| `{one.path}` | {_plain(one.sentence)} |" for one in CONTRADICTIONS]
    for device, codes in _CODES_OF.items():
        numbers = ", ".join(map(str, sorted(codes)))
        words = f"needs the {device}, which `capture.{device}` switches off (rules {numbers}, where they are enabled)"
        rows.append(f"| `detection.rules.*` | {words} |")
    close, end, hold = (next(filter(None, (unfit(code, r) for code in EVIDENCE))) for r in ("close", "end", "hold"))
    rows += [f"| `detection.rules.*.response` | {words} |" for words in (close, end, hold)]
    staying = ", ".join(map(str, sorted(STAYING)))
    rows.append(f"| `detection.rules.*.response` | {_plain(STUCK)} (rule {staying}, hold) |")
    machine = ", ".join(map(str, sorted(MACHINE_RULES)))
    rows.append(f"| `detection.rules.*.threshold` | {ONE_SIGN} (rules {machine}, hold) |")
    rows.append(f"| `browser.allow` | {_plain(ALLOWED_AND_BLOCKED)} |")
    return "\n".join(
        [
            "## What goes together",
            "",
            "Settings that contradict each other are refused, with the field and this sentence:",
            "",
            "| field | is refused because it |",
            "|---|---|",
            *rows,
            "",
            "Addresses may not contain user names or passwords; without encryption they are for this machine only.",
            "",
        ]
    )


def _plain(sentence: str) -> str:
    """With the fields that it names written as on this page."""
    words = (
        f"`{word.removeprefix('policy.').rstrip(':,')}`{word[len(word.rstrip(':,')) :]}"
        if word.startswith("policy.")
        else word
        for word in sentence.split(" ")
    )
    return " ".join(words)


def _running() -> str:
    free = ", ".join(f"`{path}`" for path in sorted(policy_change.FREE))
    more = ", ".join(f"`{path}`" for path in (policy_change.DURATION, *sorted(policy_change.MORE_TIME)))
    grants = ", ".join(f"`{path}`" for path in sorted(policy_change.GRANTS))
    thresholds = ", ".join(f"`{name}`" for name in sorted(policy_change.THRESHOLDS))
    return f"""## What may change while an exam runs

A newer key for the same exam reaches running clients over the line to the backend (`live.endpoint`). Of its policy is taken
over, and written down in the evidence:

- {free};
- in `detection.rules`: {thresholds}; a rule may be switched off, and not on; a `response` may become milder;
- {more}: as long as the candidate has no less time than before;
- {grants}: granted, and never taken back.

Everything else stays as the candidate agreed to it, and is refused with the reason. `invigil key diff` shows beforehand
which is which.
"""


def _presets() -> str:
    names = list(PRESETS)
    lines = [
        "## Presets",
        "",
        "`invigil key preset NAME` prints one to be completed. All of them set the same fields; the rest has its default.",
        "",
        *(f"- **{name}**: {preset.meaning}" for name, preset in PRESETS.items()),
        "",
        f"| field | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    first = PRESETS[names[0]].policy
    for group, values in first.items():
        for name in values:
            cells = " | ".join(_shown(PRESETS[preset].policy[group][name]) for preset in names)
            lines.append(f"| `{group}.{name}` | {cells} |")
    return "\n".join([*lines, ""])


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{code} {_rule_shown(rule)}" for code, rule in value.items())
    if isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value) or "none"
    return f"`{json.dumps(value)}`"


def _rule_shown(rule: Any) -> str:
    if not rule["enabled"]:
        return "off"
    return str(rule.get("response", "on"))


def _accommodations() -> str:
    rows = (
        f"| {', '.join(f'`{form}`' for form in a.form.split(' or '))} | {a.meaning} |" for a in ACCOMMODATIONS.values()
    )
    return "\n".join(
        [
            "## Accommodations",
            "",
            "What one candidate is granted, for instance by `--with extra-time=25% --with looking-away` behind",
            "`invigil key preset standard`. They combine with each preset and with each other, and only ever grant.",
            "",
            "| `--with` | grants |",
            "|---|---|",
            *rows,
            "",
        ]
    )
