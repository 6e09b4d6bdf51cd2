"""Passwords on the command line: from a file, the environment or a terminal, never as an argument."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from app.core.errors import BadInput

_ISSUER_VARIABLE = "INVIGIL_ISSUER_PASSWORD"
_KEY_VARIABLE = "INVIGIL_KEY_PASSWORD"


def add_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help=f"its first line is the issuer's password (default: ${_ISSUER_VARIABLE}, else it is asked for)",
    )


def add_key_password(parser: argparse.ArgumentParser, option: str = "--password-file") -> None:
    parser.add_argument(
        option,
        dest="key_password_file",
        type=Path,
        metavar="FILE",
        help=f"its first line is the password of a protected key (default: ${_KEY_VARIABLE}, else it is asked for)",
    )


def password_of(args: argparse.Namespace, *, new: bool = False) -> str:
    """The issuer's password; ``new`` asks twice at a terminal. Raises BadInput."""
    password = _given(args.password_file, _ISSUER_VARIABLE)
    if password is None:
        password = _asked("The issuer's password: ", again=new)
    if not password:
        raise BadInput(f"The issuer's password is missing; give --password-file, or set {_ISSUER_VARIABLE}.")
    return password


def password_in(path: Path) -> str:
    """The first line of a file. Raises BadInput."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline(10_000).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The password file {path} can't be read; give a text file.") from error


def asked_twice(prompt: str) -> str | None:
    """A new password, typed twice at a terminal; None where there is none. Raises BadInput when the two differ."""
    return _asked(prompt, again=True)


def signed_text(argument: str, args: argparse.Namespace) -> str:
    """A signed key from a file, QR picture, link or text; a protected one is opened with its password.

    Wrong passwords are counted for each key: after five there is a wait. Raises BadInput.
    """
    from app.keys.carriers import KeyText, read_carrier
    from app.keys.protected import WrongPassword, is_protected, key_subject, unprotect
    from app.keys.tries import Tries, default_tries_path

    carrier = read_carrier(argument)
    if not isinstance(carrier, KeyText):
        raise BadInput("This is a code or a session's link, which a backend resolves; give the key itself.")
    if not is_protected(carrier.token):
        return carrier.token
    tries, subject = Tries(default_tries_path()), key_subject(carrier.token)
    tries.check(subject, datetime.now(UTC))
    password = _given(args.key_password_file, _KEY_VARIABLE)
    if password is None:
        password = _asked("The key's password: ")
    if password is None:
        raise BadInput(f"This key is protected; give its password with --password-file, or set {_KEY_VARIABLE}.")
    try:
        token = unprotect(carrier.token, password)
    except WrongPassword:
        tries.failed(subject, datetime.now(UTC))
        raise
    tries.succeeded(subject)
    return token


def _given(path: Path | None, variable: str) -> str | None:
    return password_in(path) if path is not None else os.environ.get(variable)


def _asked(prompt: str, *, again: bool = False) -> str | None:
    """None where there is no terminal to ask at."""
    if not sys.stdin.isatty():
        return None
    password = getpass.getpass(prompt)
    if again and getpass.getpass("The same again: ") != password:
        raise BadInput("The two passwords differ; start again.")
    return password
