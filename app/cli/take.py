"""``invigil take KEY``: one attempt, from a key file, link or code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.runtime.options import ClientOptions


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from app.runtime.options import add_client_arguments

    parser = sub.add_parser(
        "take",
        help="take an exam with a key file, link or code",
        description="Takes one exam. The program that you start guards the client: it gives the machine back as it "
        "was, and starts a client that died again; the same attempt goes on. Without KEY, an interrupted attempt "
        "goes on, or the start window asks for a key.",
    )
    parser.add_argument(
        "key",
        nargs="?",
        metavar="KEY",
        help="a key file or a picture of its QR code, an invigil:// link, a code, or the key itself",
    )
    add_client_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """The guardian: starts the client, and gives the machine back whatever happens to it."""
    from app.core.errors import EvidenceError
    from app.lockdown.platform import all_operations, start_elsewhere
    from app.runtime.guardian import Guardian, to_stderr
    from app.runtime.options import ClientOptions, self_command
    from app.runtime.restoring import restore_leftovers

    options = _placed(ClientOptions.from_args(args))
    try:
        options.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EvidenceError(
            f"The exam's data can't be kept in {options.data_dir} ({error.strerror}); choose another with --data-dir."
        ) from error
    if args.data_dir is None:
        for problem in restore_leftovers():
            to_stderr(problem)
    command = self_command("client", *options.to_words())

    def farewell(sentence: str) -> Sequence[str]:
        return self_command("client", *replace(options, key=None, problem=sentence).to_words())

    operations = all_operations()
    elsewhere = start_elsewhere(operations, options.journal)
    return Guardian(command, options.journal, operations, farewell=farewell, elsewhere=elsewhere).run()


def _placed(options: ClientOptions) -> ClientOptions:
    """With the kiosk compositor where it was asked for, here or by IT. Raises BadInput where there is none."""
    from app.core.errors import BadInput

    asked = options.kiosk_compositor
    if sys.platform == "linux":
        from app.runtime.kiosk_compositor import VARIABLE, check_available

        asked = asked or os.environ.get(VARIABLE) == "1"
        if asked:
            check_available(is_root=os.geteuid() == 0)
    elif asked:
        raise BadInput("--kiosk-compositor is for Linux; leave it out, the exam is locked without it.")
    return replace(options, kiosk_compositor=asked)
