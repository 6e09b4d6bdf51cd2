"""What a message for people has to look like."""

from __future__ import annotations

from collections.abc import Callable

from app.core.errors import BadInput


def is_one_sentence(message: str) -> bool:
    """One line of readable characters, of bearable length, that ends as sentences do and hides no traceback."""
    return (
        0 < len(message) <= 600
        and message.isprintable()
        and message.endswith(".")
        and not message.endswith("..")
        and message[0].isupper() | message.startswith(("policy", "/", "'", '"', "--"))
        and "Traceback" not in message
    )


def told(call: Callable[[], object]) -> str | None:
    """What a call was refused with; None where it was not. Other failures than BadInput are failures."""
    try:
        call()
    except BadInput as refused:
        return str(refused)
    return None
