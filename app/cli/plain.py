"""What is printed of keys and files that nobody vouches for: never anything that a terminal obeys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.types import Json


def plain(text: str) -> str:
    """In one line, with escapes in place of control characters and of those that change the direction of writing."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shown(value: Json, indent: int | None = None) -> str:
    """JSON as people read it; with escapes where it has characters that a terminal could obey."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return text if text.replace("\n", "").isprintable() else json.dumps(value, indent=indent)
