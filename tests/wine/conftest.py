"""For tests that run inside Windows' Python: neither Qt nor NumPy is there, and nothing of tests/conftest.py applies."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them are ``wine``."""
    for item in items:
        item.add_marker(pytest.mark.wine)
