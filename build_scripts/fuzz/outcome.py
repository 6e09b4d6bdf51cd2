"""What a parser may do with any input: take it, or refuse it in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from app.core.errors import BadInput
from tests.fakes.sentences import is_one_sentence

Value = TypeVar("Value")


def taken(parse: Callable[[], Value]) -> Value | None:
    """What was parsed; None where it was refused. Raises AssertionError for a refusal that is no sentence."""
    try:
        return parse()
    except BadInput as refused:
        if not is_one_sentence(str(refused)):
            raise AssertionError(f"not one sentence: {refused}") from refused
        return None
