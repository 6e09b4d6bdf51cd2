"""Passwords on the command line: from a file or the environment, never as an argument."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from app.core.errors import BadInput

_ISSUER_VARIABLE = "INVIGIL_ISSUER_PASSWORD"


def add_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help=f"its first line is the issuer's password (default: ${_ISSUER_VARIABLE})",
    )


def password_of(args: argparse.Namespace) -> str:
    path: Path | None = args.password_file
    if path is None:
        password = os.environ.get(_ISSUER_VARIABLE, "")
    else:
        try:
            password = path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"The password file {path} can't be read; give a text file.") from error
    if not password:
        raise BadInput(f"The issuer's password is missing; give --password-file, or set {_ISSUER_VARIABLE}.")
    return password
