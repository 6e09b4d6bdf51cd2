"""docs/vendor-settings.md, made from the vendors' tables."""

from __future__ import annotations

from app.keys.vendors import VENDORS
from app.keys.vendors.table import Field, Vendor

_HEAD = """# Settings of other proctoring systems

Who comes from another system keeps its settings: they become a [policy](policy.md), and each of them is told of, as the
field that it became or with the reason why there is none. Nothing is dropped silently.

```console
invigil key import --from trustexam settings.json --preset standard --out policy.json
```

`--from` is `blinkexam`, `proctorai`, `trustexam` or `mettl`; the settings are laid over a preset (`--preset`) or a policy
(`--base`), where they win. `--json` prints the policy, both tables and the notes. The backend reads the same
settings where a learning platform opens a session with it.

- **Unknown settings** are reported as such and change nothing.
- **Wrong values** of known settings are refused, with the setting's name and what is accepted; so are missing ones that
  the vendor requires, and a setting that is given twice with different values.
- **Credentials** never get into a policy, which candidates can read; only their names are reported.
- **Numbers** that the policy does not go as far as become the nearest that it allows, and that is reported.
- **What only the institution knows** (`exam.start_url`, `upload`, `live.endpoint` where a proctor is to take part, ...)
  is left to be added, and named.
- **What this client can't do yet** is in the policy all the same, because the policy says what is asked. The import names
  it, [policy.md](policy.md) marks it, and the client's system check refuses to begin such an exam, unless
  `exam.allow_fallback` is true.

In the tables, *becomes* names the fields that a setting decides on, alone or together with others.

This page is made from the program: after a change of the tables run
`INVIGIL_WRITE_DOCS=1 pytest tests/keys/vendors/test_documentation.py`.
"""

_INTRODUCTIONS = {
    "blinkexam": "The object that a page gives to `BlinkExam.setConfig`. Settings with * are required, and so is the "
    "object `position`.",
    "proctorai": "The body of `POST /exams`, an answer that repeats it, or the object `settings` alone.",
    "trustexam": "The payload of an external session, its `assignment.settings`, or `proctoring_settings` alone; the "
    "table shows the names as in `assignment.settings`. What is not given is what the vendor presumes: camera and "
    "screen recorded, neither of them uploaded. A second camera alone has to be asked for. Numbers may be texts.",
    "mettl": "The body of the Init call, or the fields of the vendor's demonstration page by their labels, in "
    "their groups or without them. The vendor publishes no parameters for what is not in the Init body's known part; "
    "their names here are the labels, written as the known names are.",
}


def render() -> str:
    """The whole page, as it has to stand in docs/vendor-settings.md."""
    return "\n".join([_HEAD, *(_section(name, vendor) for name, vendor in VENDORS.items())])


def _section(name: str, vendor: Vendor) -> str:
    rows = (_row(field) for field in vendor.fields)
    head = ("| setting | is | becomes | meaning |", "|---|---|---|---|")
    return "\n".join([f"## {vendor.name}", "", _INTRODUCTIONS[name], "", *head, *rows, ""])


def _row(field: Field) -> str:
    names = [field.source, *_other_names(field)]
    setting = " or ".join(f"`{name}`" for name in names) + (" *" if field.required else "")
    becomes = ", ".join(f"`{path}`" for path in field.paths) or "-"
    return f"| {setting} | {field.kind.accepts} | {becomes} | {field.meaning} |"


def _other_names(field: Field) -> list[str]:
    """The aliases that are other names, not other places of the same one."""
    own = field.source.rpartition(".")[2]
    return list(dict.fromkeys(alias for alias in field.aliases if "." not in alias and alias != own))
