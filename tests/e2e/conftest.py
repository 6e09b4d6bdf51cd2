"""Fixtures of the end-to-end tests: a backend, and a desktop that no other test disturbs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend


@pytest.fixture(scope="session", autouse=True)
def _config_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Demos and clients write their autostart entries here, not into a developer's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture
def own_desktop() -> Iterator[VirtualDesktop]:
    with VirtualDesktop() as desktop:
        yield desktop


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """One for all tests of a process: each enters an exam of its own. Who stops it takes ``own_backend``."""
    yield from _running(tmp_path_factory.mktemp("backend"))


@pytest.fixture
def own_backend(tmp_path: Path) -> Iterator[Backend]:
    yield from _running(tmp_path / "backend")


def _running(folder: Path) -> Iterator[Backend]:
    made = Backend(folder)
    made.start()
    yield made
    made.stop()
