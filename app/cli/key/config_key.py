"""``invigil key config-key``: the Config Key of a .seb file."""

from __future__ import annotations

import argparse
import json

from app.cli.key.seb_files import add_seb_file, settings_of


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "config-key",
        help="print the Config Key of a Safe Exam Browser file",
        description="Prints the Config Key that Safe Exam Browser calculates for a .seb file, and nothing else: the "
        "SHA-256 of its settings as SEB-JSON, in 64 lower-case hexadecimal digits. See docs/seb.md.",
    )
    add_seb_file(parser)
    parser.add_argument("--json", action="store_true", help='print {"config_key": ...}')
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Raises BadInput for what is no .seb file, and for a missing or wrong password."""
    from app.keys.seb import config_key

    key = config_key(settings_of(args))
    print(json.dumps({"config_key": key}) if args.json else key)
    return 0
