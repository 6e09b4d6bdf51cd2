"""The command line's entry: finds the sub-command, turns failures into one sentence and an exit code."""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import sys
from collections.abc import Sequence

from app import __version__
from app.cli.plain import plain
from app.core.errors import InvigilError

COMMANDS = (
    "take",
    "client",
    "demo",
    "check",
    "key",
    "analyze",
    "compare",
    "evidence",
    "report",
    "serve",
    "url_filter",
    "lockdown",
    "bench",
)
"""Modules of this package; each has ``add_parser(sub)`` and loads what is heavy only when it runs."""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="invigil",
        description="Desktop lockdown proctoring client. Without a command it opens the start window, where a key "
        "file is opened or a link is pasted.",
        epilog="Exit codes: 0 done, 1 a check failed or the command could not do its work, 2 bad input. Errors are one "
        "sentence on standard error. 'invigil COMMAND --help' says more of each command.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and end")
    parser.add_argument(
        "--json",
        action="store_true",
        dest="version_json",
        help="with --version: version, build hash and kind of build (docs/development.md)",
    )
    parser.set_defaults(run=None)
    sub = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"app.cli.{name}").add_parser(sub)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. 0 done, 1 a failed check or failure, 2 bad input, 130 interrupted."""
    _print_anything()
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.version_json and not args.version:
        parser.error("--json stands after a command, or with --version")
    if args.version:
        print(_version(as_json=args.version_json))
        return 0
    if args.run is None:
        args = build_parser().parse_args(["take"])
    try:
        code = int(args.run(args))
        sys.stdout.flush()
    except InvigilError as error:
        print("\n".join(plain(line) for line in f"invigil: {error}".split("\n")), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"invigil: {_sentence(error)}", file=sys.stderr)
        return 1
    return code


def _version(*, as_json: bool) -> str:
    if not as_json:
        return f"invigil {__version__}"
    from app.runtime.build import own_build

    return json.dumps(own_build().to_json())


def _print_anything() -> None:
    """What the terminal or pipe has no characters for is printed as escapes instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _sentence(error: OSError) -> str:
    """For what the system refuses anywhere: a folder that can't be written, a full disk."""
    if error.filename is None:
        return f"The system refused something ({error.strerror or error}); try again."
    return f"{error.filename} can't be used ({error.strerror}); check that it is there and that its disk has room."
