"""The virtual desktop that tests and the headless demo run on."""

from __future__ import annotations

import subprocess

import pytest

from app.runtime.virtual_desktop import VirtualDesktop


def test_a_window_manager_and_a_microphone_are_there(desktop: VirtualDesktop) -> None:
    root = subprocess.run(["xprop", "-root", "_NET_SUPPORTING_WM_CHECK"], capture_output=True, check=True, text=True)
    sources = subprocess.run(["pactl", "list", "short", "sources"], capture_output=True, check=True, text=True)
    assert "window id" in root.stdout
    assert "mic" in sources.stdout


def test_no_home_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a service's user, or where the home is read-only."""
    monkeypatch.setenv("HOME", "/proc/nowhere")
    with VirtualDesktop(sound=True) as made:
        assert "PULSE_SERVER" in made.environment
