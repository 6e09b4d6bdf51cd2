"""``invigil key import-seb``: a policy from a file of Safe Exam Browser, and what has no counterpart."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.key.imported import notes
from app.cli.key.seb_files import add_seb_file, settings_of
from app.cli.plain import plain, shown

if TYPE_CHECKING:
    from app.keys.imported import Imported


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "import-seb",
        help="turn a Safe Exam Browser file into a policy",
        description="Takes the settings of a .seb file over into a policy, and lists those that have no counterpart. "
        "The policy is to be completed (exam.id, exam.title, upload, ...) before it is issued. See docs/seb.md.",
    )
    add_seb_file(parser)
    parser.add_argument("--preset", metavar="NAME", help="lay the settings over a preset: practice, standard or strict")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the policy to this file, which must not exist")
    parser.add_argument("--json", action="store_true", help='print {"policy", "mapped", "unmapped", "notes"}')
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints what was taken over and what was not. Raises BadInput."""
    from app.keys.issuers import write_new
    from app.keys.presets import combined
    from app.keys.seb.mapping import import_settings

    found = import_settings(settings_of(args))
    policy = found.policy if args.preset is None else combined(args.preset, (), found.policy)
    text, told = shown(policy, indent=2), notes(policy)
    if args.out is not None:
        write_new(args.out, (text + "\n").encode())
    if args.json:
        print(json.dumps(found.to_json() | {"policy": policy, "notes": list(told)}, indent=2, ensure_ascii=False))
        return 0
    print(_shown(found))
    print(text if args.out is None else f"Written to {args.out}.")
    for note in told:
        print(f"note: {note}", file=sys.stderr)
    return 0


def _shown(found: Imported) -> str:
    lines = ["Taken over:"]
    width = max((len(mapped.source) for mapped in found.mapped), default=0)
    lines += [
        f"  {plain(mapped.source):{width}}  {mapped.path} = {shown(mapped.value)}" for mapped in found.mapped
    ] or ["  nothing"]
    by_reason: dict[str, list[str]] = {}
    for unmapped in found.unmapped:
        by_reason.setdefault(unmapped.reason, []).append(plain(unmapped.source))
    lines += ["", "Not taken over:"] + ([] if by_reason else ["  nothing"])
    for reason, sources in by_reason.items():
        lines += [
            f"  {reason}",
            textwrap.fill(", ".join(sources), 110, initial_indent="    ", subsequent_indent="    "),
        ]
    return "\n".join([*lines, ""])
