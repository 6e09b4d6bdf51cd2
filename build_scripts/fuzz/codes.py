"""Fuzz target: short codes, as people hear, type and mistype them."""

from __future__ import annotations

from app.core.short_codes import looks_like_code, new_code, normalised, shown
from build_scripts.fuzz.outcome import taken

SEEDS = (shown(new_code(lambda _: 7)).encode(), b"abcd efgh j", b"ABCD-EFGH-J", "ÄBCD–EFGH".encode())


def one(data: bytes) -> None:
    """Raises nothing, for any input."""
    text = data.decode("utf-8", errors="surrogateescape")
    code = taken(lambda: normalised(text))
    looks_like_code(text)
    if code is not None and (normalised(shown(code)) != code or not looks_like_code(shown(code))):
        raise AssertionError(f"{code} is not the same when it was shown and typed again")
