"""Safe Exam Browser's .seb files: what is in them, their Config Key, and which policy they make. See docs/seb.md."""

from __future__ import annotations

from pathlib import Path

from app.core.errors import BadInput
from app.keys.seb.config_key import config_key, seb_json
from app.keys.seb.container import MAX_BYTES, Locked, PasswordNeeded, opened
from app.keys.seb.plist import Value, parse_plist

__all__ = ["PasswordNeeded", "Value", "config_key", "load", "read_settings", "seb_json"]


def load(path: Path) -> bytes:
    """The file, at most one byte more than a .seb file may have. Raises BadInput when it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"The .seb file {path} can't be read: {error.strerror}.") from error


def read_settings(data: bytes, password: str | None = None) -> dict[str, Value]:
    """All settings of a .seb file.

    Raises PasswordNeeded, WrongPassword, and BadInput for all else, each with one sentence.
    """
    found = opened(data)
    return parse_plist(found.unlock(password) if isinstance(found, Locked) else found)
