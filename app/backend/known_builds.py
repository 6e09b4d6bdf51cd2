"""The builds of the client that an institution knows, as releases publish them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from app.core.errors import BadInput

_SHA256 = re.compile(r"[0-9a-f]{64}")


def load_known_builds(files: Iterable[Path]) -> dict[str, str]:
    """Version by hash. Each file holds ``{"version", "hash", ...}``, as ``invigil --version --json`` prints it, or an array
    of such objects. Raises BadInput that names the file."""
    known: dict[str, str] = {}
    for path in files:
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadInput(f"The list of known builds {path} can't be read ({error}); choose another file.") from error
        for number, each in enumerate(told if isinstance(told, list) else [told], start=1):
            match each:
                case {"version": str(version), "hash": str(digest)} if _SHA256.fullmatch(digest):
                    known[digest] = version
                case _:
                    raise BadInput(
                        f"Entry {number} of the list of known builds {path} needs a version and a hash of 64 small "
                        "hexadecimal digits; correct it."
                    )
    return known
