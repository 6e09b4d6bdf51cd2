"""The client process itself; ``take`` starts it under its guardian."""

from __future__ import annotations

import argparse


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from app.runtime.options import add_client_arguments

    parser = sub.add_parser(  # without a help text, the list of commands leaves it out
        "client", description="The client alone, without its guardian: for 'take', which starts it, and for debugging."
    )
    parser.add_argument("--key", metavar="KEY", help="a key file, picture, link, code or the key itself")
    add_client_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from app.runtime.client import run_client
    from app.runtime.logs import set_up_logging
    from app.runtime.options import ClientOptions

    options = ClientOptions.from_args(args)
    set_up_logging(options.data_dir / "logs")
    return run_client(options)
