"""How many examples a property is tried with, in proportion to the profile that ``conftest`` chose."""

from __future__ import annotations

from hypothesis import settings


def examples(share: float) -> settings:
    """So many times the usual number: less than one where an example costs much, more where few of them tell."""
    return settings(max_examples=max(1, round(settings().max_examples * share)))
