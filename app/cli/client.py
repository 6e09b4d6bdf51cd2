"""The client process itself; ``take`` starts it under its guardian."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from app.runtime.options import add_client_arguments

    parser = sub.add_parser(  # without a help text, the list of commands leaves it out
        "client", description="The client alone, without its guardian: for 'take', which starts it, and for debugging."
    )
    parser.add_argument("--key", metavar="KEY", help="a key file, picture, link, code or the key itself")
    add_client_arguments(parser)
    parser.add_argument("--compositor-line", type=int, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if sys.platform == "linux" and args.kiosk_compositor:
        return _in_compositor(args)
    from app.runtime.client import run_client
    from app.runtime.logs import set_up_logging
    from app.runtime.options import ClientOptions

    options = ClientOptions.from_args(args)
    set_up_logging(options.data_dir / "logs")
    return run_client(options)


def _in_compositor(args: argparse.Namespace) -> int:
    """Outside of the compositor its host, inside of it the program that it shows."""
    from app.runtime.guardian_watch import tell_stop
    from app.runtime.kiosk_compositor import run_host, run_inner
    from app.runtime.options import ClientOptions, self_command

    options = ClientOptions.from_args(args)
    if args.compositor_line is not None:
        return run_inner(
            args.compositor_line,
            self_command("client", *replace(options, kiosk_compositor=False).to_words()),
            lambda seconds: tell_stop(options.journal, seconds),
        )

    def inner(line: int) -> Sequence[str]:
        return self_command("client", f"--compositor-line={line}", *options.to_words())

    return run_host(inner)
