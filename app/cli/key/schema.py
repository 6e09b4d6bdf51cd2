"""``invigil key schema``: the form of a policy, for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.core.errors import BadInput


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "schema",
        help="print the JSON Schema of policies",
        description="Prints the JSON Schema (draft 2020-12) of policies, with the name, the meaning, the bounds and the "
        "default of each field: for editors that complete and check, and for programs that write policies.",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there instead, over an older one")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints or writes the schema."""
    from app.keys.schema import schema_text

    if args.out is None:
        print(schema_text(), end="")
        return 0
    try:
        args.out.write_text(schema_text(), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"The schema can't be written to {args.out}: {error.strerror}.") from error
    print(f"{args.out}: the JSON Schema of policies")
    return 0
