"""Fixtures of the end-to-end tests: a backend, and a desktop that no other test disturbs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend


@pytest.fixture
def own_desktop() -> Iterator[VirtualDesktop]:
    with VirtualDesktop() as desktop:
        yield desktop


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    running = Backend(tmp_path / "backend")
    running.start()
    yield running
    running.stop()
