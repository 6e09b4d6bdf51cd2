"""Fixtures for all tests: a virtual desktop, and a guard against threads that outlive their test."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from app.runtime.virtual_desktop import VirtualDesktop
from app.ui.interpreter import keep_singletons_alive

keep_singletons_alive()

collect_ignore = ["wine"]
"""Those run inside Windows' Python: build_scripts/wine.py."""

_at_exit = ExitStack()
"""Qt must not lose its display while it is being torn down. PySide6 does that as Python exits, by a call that it
registers when it is imported; this one is registered before, and so comes after."""
atexit.register(_at_exit.close)

# How long an example takes says nothing on a busy machine. "usual" tries the same examples each time, so that a check
# fails for what was changed; "full" looks for new ones.
settings.register_profile("usual", deadline=None, max_examples=30, derandomize=True)
settings.register_profile("full", deadline=None, max_examples=400)
settings.load_profile(os.environ.get("INVIGIL_EXAMPLES", "usual"))

if os.geteuid() == 0:
    os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"  # Chromium refuses its sandbox to root; only tests run so


@pytest.fixture(scope="session", autouse=True)
def _few_iterations() -> Iterator[None]:
    """Private keys are protected by as few iterations as are accepted at all, a sixth: tests open and save many."""
    issuers, protected = sys.modules.get("app.keys.issuers"), sys.modules.get("app.keys.protected")
    with pytest.MonkeyPatch.context() as patch:
        if issuers is not None and protected is not None:
            patch.setattr(issuers, "ITERATIONS", protected.ACCEPTED_ITERATIONS[0])
        yield


@pytest.fixture(scope="session")
def desktop() -> VirtualDesktop:
    """One virtual desktop with sound per test process; this process's environment points at it."""
    virtual = VirtualDesktop(sound=True)
    _at_exit.callback(virtual.stop)
    virtual.start()
    os.environ.update(virtual.environment)
    return virtual


@pytest.fixture(scope="session")
def qapp_args(desktop: VirtualDesktop) -> list[str]:
    """Named here so that the application of pytest-qt, which lives as long as the session, finds its display."""
    return ["invigil-tests"]


@pytest.fixture(autouse=True)
def _display_before_qt(request: pytest.FixtureRequest) -> None:
    """Whatever uses Qt gets the virtual desktop first."""
    if {"qtbot", "qapp"} & set(request.fixturenames):
        request.getfixturevalue("desktop")


@pytest.fixture(autouse=True)
def _no_leaked_threads() -> Iterator[None]:
    """A test that leaves a Python thread behind fails, with the thread's name."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while True:
        leaked = [
            t
            for t in threading.enumerate()
            if t not in before and t.is_alive() and not isinstance(t, threading._DummyThread)
        ]
        if not leaked:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"threads left running: {', '.join(t.name for t in leaked)}")
        time.sleep(0.02)
