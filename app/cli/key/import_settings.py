"""``invigil key import``: a policy from the settings of another proctoring system."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.core.types import Json

_MOST_BYTES = 1_000_000
SYSTEMS = ("blinkexam", "proctorai", "trustexam", "mettl")


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "import",
        help="turn another proctoring system's settings into a policy",
        description="Takes the settings of BlinkExam (the config object), ProctorAI (an exam or its settings), TrustExam "
        "(assignment.settings, proctoring_settings or a session's whole payload) or Mettl (the Init body) over into a "
        "policy, and lists those that have no counterpart. See docs/vendor-settings.md.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the settings as JSON")
    parser.add_argument("--from", required=True, dest="system", choices=SYSTEMS, help="whose settings they are")
    under = parser.add_mutually_exclusive_group()
    under.add_argument("--base", type=Path, metavar="POLICY", help="lay the settings over this policy (JSON)")
    under.add_argument("--preset", metavar="NAME", help="lay the settings over a preset: practice, standard or strict")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the policy to this file, which must not exist")
    parser.add_argument("--json", action="store_true", help='print {"policy", "mapped", "unmapped", "notes"}')
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints what was taken over and what was not, and the policy where it is not written. Raises BadInput."""
    from app.cli.key.imported import notes, tables
    from app.cli.plain import shown
    from app.keys.issuers import write_new
    from app.keys.presets import combined, laid_over
    from app.keys.vendors import import_settings

    found = import_settings(args.system, _read(args.file, "settings"))
    if args.preset is not None:
        policy = combined(args.preset, (), found.policy)
    else:
        policy = laid_over({} if args.base is None else _read(args.base, "policy"), found.policy)
    text = shown(policy, indent=2)
    if args.out is not None:
        write_new(args.out, (text + "\n").encode())
    told = notes(policy)
    if args.json:
        print(json.dumps(found.to_json() | {"policy": policy, "notes": list(told)}, indent=2, ensure_ascii=False))
        return 0
    print(tables(found))
    print(text if args.out is None else f"Written to {args.out}.")
    for note in told:
        print(f"note: {note}", file=sys.stderr)
    return 0


def _read(path: Path, what: str) -> dict[str, Json]:
    from app.keys.signed import json_object

    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadInput(f"The {what} {path} can't be read: {error.strerror}.") from error
    if len(content) > _MOST_BYTES:
        raise BadInput(f"The {what} {path} can't be used: the file has more than {_MOST_BYTES} bytes.")
    try:
        return json_object(content)
    except ValueError as error:
        raise BadInput(
            f"The {what} {path} can't be used: it has to be a JSON object, with names in double quotes and each once."
        ) from error
