"""Words that come from outside, made to fit."""

from __future__ import annotations

_LONG_WORD = 20


def breakable(text: str) -> str:
    """With places where lines may break in long names."""
    words = (word if len(word) <= _LONG_WORD else _broken(word) for word in text.split(" "))
    return " ".join(words)


def _broken(word: str) -> str:
    return "\u200b".join(word[at : at + _LONG_WORD] for at in range(0, len(word), _LONG_WORD))
