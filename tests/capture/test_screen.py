"""The screen as it really is on a virtual display."""

from __future__ import annotations

import subprocess

import pytest

from app.capture.screen import Screen
from app.core.errors import SourceError
from app.runtime.clock import SystemClock
from app.runtime.virtual_desktop import VirtualDesktop


@pytest.fixture
def small() -> VirtualDesktop:
    return VirtualDesktop(320, 200)


def paint(virtual: VirtualDesktop, colour: str) -> None:
    subprocess.run(["xsetroot", "-display", virtual.environment["DISPLAY"], "-solid", colour], check=True)


def test_the_whole_screen_is_seen_in_blue_green_red(small: VirtualDesktop) -> None:
    with small:
        paint(small, "#ff8000")
        screen = Screen(SystemClock(), 50, 320, display=small.environment["DISPLAY"])
        info = screen.open()
        frame = screen.read()
        screen.close()
    assert (info.facts["width"], info.facts["height"]) == (320, 200)
    assert frame.pixels.shape == (200, 320, 3)
    assert frame.pixels[0, 0].tolist() == frame.pixels[199, 319].tolist() == [0, 128, 255]


def test_a_wide_screen_is_scaled_down_and_follows_what_changes(desktop: VirtualDesktop) -> None:
    screen = Screen(SystemClock(), 50, 683)
    paint(desktop, "#204060")
    screen.open()
    before = screen.read()
    paint(desktop, "#906030")
    after = screen.read()
    screen.close()
    assert before.pixels.shape == after.pixels.shape == (384, 682, 3)
    assert before.pixels[5, 5].tolist() == [0x60, 0x40, 0x20]
    assert after.pixels[5, 5].tolist() == [0x30, 0x60, 0x90]


def test_a_display_that_goes_away_is_an_error_not_a_crash(small: VirtualDesktop) -> None:
    small.start()
    screen = Screen(SystemClock(), 50, 320, display=small.environment["DISPLAY"])
    screen.open()
    screen.read()
    small.stop()
    with pytest.raises(SourceError) as caught:
        screen.read()
    assert caught.value.code in {4012, 4013}
    with pytest.raises(SourceError) as again:
        screen.open()
    assert again.value.code == 4013
    screen.close()


def test_wayland_is_refused_instead_of_recording_black_pictures(desktop: VirtualDesktop) -> None:
    with pytest.raises(SourceError, match="Wayland") as caught:
        Screen(SystemClock(), 1, 640, environment={"XDG_SESSION_TYPE": "wayland"}).open()
    assert caught.value.code == 4011
