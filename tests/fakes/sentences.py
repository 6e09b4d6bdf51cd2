"""What a message for people has to look like."""

from __future__ import annotations


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
