"""Who has the focus of a real X server: another program is named, what normal life brings is not."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest
from Xlib import X

from app.lockdown.linux import x11_focus
from app.lockdown.linux.x11_focus import Focus
from tests.fakes.other_program import OtherProgram, OurWindow, other_program, until

pytestmark = [pytest.mark.desktop, pytest.mark.usefixtures("desktop")]


@pytest.fixture(scope="module")
def other(desktop: object) -> Iterator[OtherProgram]:
    with other_program("override") as program:
        yield program


@pytest.fixture
def ours(desktop: object) -> Iterator[OurWindow]:
    window = OurWindow()
    yield window
    window.close()


@pytest.fixture
def focus(ours: OurWindow) -> Iterator[Focus]:
    made = Focus()
    give_focus(ours, ours.handle())
    made.watch(ours.handle())
    yield made
    made.close()


def give_focus(ours: OurWindow, window: int) -> None:
    ours.display.set_input_focus(window, X.RevertToPointerRoot, X.CurrentTime)
    ours.display.sync()


def test_another_program_with_the_focus_is_told_of_and_named_until_it_is_ours_again(
    focus: Focus, ours: OurWindow, other: OtherProgram
) -> None:
    descriptor = focus.watch(ours.handle())
    assert descriptor is not None
    assert focus.taken_by() == ""
    give_focus(ours, other.window)
    assert select.select([descriptor], [], [], 10)[0]
    assert focus.hear()
    assert focus.taken_by().startswith("OtherProgram (")
    give_focus(ours, ours.handle())
    assert focus.taken_by() == ""


@pytest.mark.parametrize("nobody", [X.NONE, X.PointerRoot], ids=["none", "whoever is under the pointer"])
def test_a_focus_that_nobody_has_was_not_taken(focus: Focus, ours: OurWindow, nobody: int) -> None:
    give_focus(ours, nobody)
    assert focus.taken_by() == ""


@pytest.mark.parametrize("who", ["is_our_process", "is_system_helper"])
def test_what_normal_life_gives_the_focus_to_took_nothing(
    focus: Focus, ours: OurWindow, other: OtherProgram, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x11_focus, who, lambda pid, *_: pid == other.process.pid)
    give_focus(ours, other.window)
    assert focus.taken_by() == ""


def test_the_window_manager_took_nothing(
    focus: Focus, ours: OurWindow, other: OtherProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x11_focus, "window_manager_pid", lambda _: other.process.pid)
    give_focus(ours, other.window)
    assert focus.taken_by() == ""


def test_a_program_that_is_gone_took_nothing(focus: Focus, ours: OurWindow) -> None:
    with other_program("override") as short:
        give_focus(ours, short.window)
        assert focus.taken_by()
    until(lambda: focus.taken_by() == "")
