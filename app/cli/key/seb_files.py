"""A .seb file on the command line, with its password: from a prompt, a file, standard input or an argument."""

from __future__ import annotations

import argparse
import getpass
import hashlib
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.key.passwords import password_in
from app.core.errors import BadInput

if TYPE_CHECKING:
    from app.keys.seb import Value

_ASK = ""


def add_seb_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="a .seb file: XML, compressed, or with a password")
    given = parser.add_mutually_exclusive_group()
    given.add_argument(
        "--password",
        nargs="?",
        const=_ASK,
        metavar="PASSWORD",
        help="the file's password; without a value it is asked for, or read from standard input (a value can be "
        "seen by everybody on this machine while the command runs)",
    )
    given.add_argument("--password-file", type=Path, metavar="FILE", help="its first line is the file's password")


def settings_of(args: argparse.Namespace) -> Mapping[str, Value]:
    """The file's settings. A person at a terminal is asked when the file needs a password and none was given.

    Wrong passwords are counted over all runs: after five the file has to wait. Raises BadInput.
    """
    from app.keys.protected import WrongPassword
    from app.keys.seb import PasswordNeeded, load, read_settings
    from app.keys.tries import Tries, default_tries_path

    data = load(args.file)
    password = _given(args)
    tries, subject = Tries(default_tries_path()), hashlib.sha256(data).hexdigest()
    try:
        if password is not None:
            tries.check(subject, datetime.now(UTC))
        try:
            settings = read_settings(data, password)
        except PasswordNeeded:
            if not sys.stdin.isatty():
                raise BadInput(
                    f"{args.file} is protected with a password; give --password or --password-file."
                ) from None
            tries.check(subject, datetime.now(UTC))
            settings = read_settings(data, _asked())
    except WrongPassword:
        tries.failed(subject, datetime.now(UTC))
        raise
    tries.succeeded(subject)
    return settings


def _given(args: argparse.Namespace) -> str | None:
    if args.password_file is not None:
        return password_in(args.password_file)
    password: str | None = args.password
    return _asked() if password == _ASK else password


def _asked() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password of the .seb file: ")
    return sys.stdin.readline().rstrip("\r\n")
