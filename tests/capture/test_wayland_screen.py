"""The screen of a Wayland compositor that lets it be seen; what every source promises is in test_source_contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.capture.screen import Screen
from app.capture.wayland_screen import WaylandGrabber
from app.core.errors import SourceError
from app.runtime.clock import SystemClock
from tests.fakes.compositor import HeadlessCage, ScriptedCompositor

B, G, R, W = b"\xff\0\0\0", b"\0\xff\0\0", b"\0\0\xff\0", b"\xff\xff\xff\0"
BLUE, GREEN, RED, WHITE = ([255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255])
BGRX, RGBX, RGB565 = 1, 0x34324258, 0x36314752


def seen(compositor: ScriptedCompositor) -> list[list[list[int]]]:
    """Rows of pixels, each blue, green and red."""
    grabber = WaylandGrabber(compositor.environment)
    try:
        grabber.connect()
        rows: list[list[list[int]]] = grabber.grab()[:, :, :3].tolist()
        return rows
    finally:
        grabber.close()


def test_a_picture_has_the_colours_that_are_shown(tmp_path: Path) -> None:
    with ScriptedCompositor(tmp_path, pixels=B + G + R + W, layout=BGRX) as compositor:
        assert seen(compositor) == [[BLUE, GREEN], [RED, WHITE]]


def test_a_picture_with_red_first_and_the_lowest_line_first_is_turned_round(tmp_path: Path) -> None:
    with ScriptedCompositor(tmp_path, pixels=B + G + R + W, layout=RGBX, inverted=True) as compositor:
        assert seen(compositor) == [[BLUE, WHITE], [RED, GREEN]]


def test_several_outputs_are_seen_side_by_side_as_they_stand(tmp_path: Path) -> None:
    outputs = {11: ("right", 2), 10: ("left", 0)}
    with ScriptedCompositor(tmp_path, outputs=outputs, size=(2, 1), pixels=B + R) as compositor:
        assert seen(compositor) == [[BLUE, RED, BLUE, RED]]


def test_a_screen_that_is_plugged_in_is_seen_too(tmp_path: Path) -> None:
    with ScriptedCompositor(tmp_path, size=(2, 1), pixels=B + R) as compositor:
        grabber = WaylandGrabber(compositor.environment)
        grabber.connect()
        assert grabber.grab().shape == (1, 2, 4)
        compositor.plug(12, "second", 2)
        assert grabber.grab().shape == (1, 4, 4)
        compositor.unplug(12)
        compositor.unplug(10)
        with pytest.raises(SourceError, match="no screen") as caught:
            grabber.grab()
        assert caught.value.code == 4012
        grabber.close()


def test_a_desktop_that_lets_no_program_see_the_screen_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with ScriptedCompositor(tmp_path, screencopy=False) as compositor:
        screen = Screen(SystemClock(), 1, 640, environment=compositor.environment)
        with pytest.raises(SourceError, match="X11 session, or start with 'invigil take --kiosk-compositor'") as caught:
            screen.open()
        assert caught.value.code == 4011
        with pytest.raises(SourceError, match="stopped"):
            screen.read()


def test_a_picture_that_is_refused_is_an_error_and_no_black_picture(tmp_path: Path) -> None:
    with ScriptedCompositor(tmp_path, failing=True) as compositor, pytest.raises(SourceError, match="no picture"):
        seen(compositor)


def test_a_picture_in_an_unknown_form_is_an_error(tmp_path: Path) -> None:
    with ScriptedCompositor(tmp_path, layout=RGB565) as compositor, pytest.raises(SourceError, match="0x36314752"):
        seen(compositor)


def test_a_size_that_can_not_be_is_not_believed(tmp_path: Path) -> None:
    with ScriptedCompositor(tmp_path, size=(1 << 20, 1)) as compositor, pytest.raises(SourceError, match="1048576x1"):
        seen(compositor)


def test_what_is_no_wayland_is_an_error(tmp_path: Path) -> None:
    with ScriptedCompositor(tmp_path, garbage=True) as compositor, pytest.raises(SourceError, match="no event"):
        seen(compositor)


def test_a_compositor_that_dies_is_an_error(tmp_path: Path) -> None:
    cage = HeadlessCage()
    cage.start()
    screen = Screen(SystemClock(), 50, 640, environment=cage.environment)
    assert screen.open().facts["driver"] == "wlr-screencopy"
    assert screen.read().pixels.shape == (360, 640, 3)
    cage.stop()
    with pytest.raises(SourceError) as caught:
        screen.read()
    assert caught.value.code == 4012
    with pytest.raises(SourceError) as again:
        screen.open()
    assert again.value.code == 4013
    screen.close()
