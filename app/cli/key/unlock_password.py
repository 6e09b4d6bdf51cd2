"""``invigil key unlock-password``: the hash of a password that lets a held exam go on."""

from __future__ import annotations

import argparse
import json
import secrets
from pathlib import Path

from app.cli.key.passwords import asked_twice, password_in
from app.core.errors import BadInput

SHORT = 8
"""Passwords that are shorter can be guessed from their hash by whoever has the key."""


def add_parser(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = sub.add_parser(
        "unlock-password",
        help="make the hash of an unlock password for a policy",
        description="Asks twice for the password that lets a held exam go on, and prints its hash for the policy's field "
        "lockdown.unlock_password. The hash is slow to try out, but whoever has the key can: take a long password, and "
        "another one for each exam.",
    )
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="its first line is the password")
    parser.add_argument(
        "--json", action="store_true", help='print {"unlock_password"}, as the policy\'s lockdown has it'
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the hash, another one each time. Raises BadInput."""
    from app.core import unlock

    given = password_in(args.password_file) if args.password_file is not None else asked_twice("The unlock password: ")
    if not given:
        raise BadInput("The unlock password is missing; give --password-file, or type it at a terminal.")
    if len(given) < SHORT:
        raise BadInput(f"The unlock password is too short; take {SHORT} characters or more.")
    made = unlock.make(given, secrets.token_bytes(unlock.LEAST_SALT_BYTES))
    print(json.dumps({"unlock_password": made}) if args.json else made)
    return 0
