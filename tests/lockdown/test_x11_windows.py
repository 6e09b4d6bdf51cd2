"""Windows of another program over ours, on a real X server: seen, kept below, asked to close."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest
from Xlib import X
from Xlib.display import Display
from Xlib.ext import composite

from app.core.errors import LockdownError
from app.core.types import ForeignWindow, WindowIs, WindowsSeen
from app.lockdown.linux import x11_clients
from app.lockdown.linux.x11_windows import KeptAbove, Windows, X11Closer
from tests.fakes.other_program import OtherProgram, OurWindow, other_program, until

pytestmark = [pytest.mark.desktop, pytest.mark.usefixtures("desktop")]


@pytest.fixture(scope="module")
def shared(desktop: object) -> Iterator[OtherProgram]:
    """A second process; its tests unmap what they opened."""
    with other_program() as program:
        yield program


@pytest.fixture
def ours(desktop: object) -> Iterator[OurWindow]:
    window = OurWindow()
    yield window
    window.close()


@pytest.fixture
def watcher(ours: OurWindow) -> Iterator[Windows]:
    made = Windows(ours)
    yield made
    made.close()


def seen(watcher: Windows) -> tuple[ForeignWindow, ...] | None:
    """What the next poll reports; None where nothing changed."""
    reported = [each.found for each in watcher.poll(1) if isinstance(each, WindowsSeen)]
    return reported[0] if reported else None


def test_an_unmanaged_window_over_ours_is_seen_with_its_program_and_is_gone_again(
    watcher: Windows, shared: OtherProgram
) -> None:
    assert seen(watcher) is None
    number = shared.open("override", "at=150,150,200,200")
    found = seen(watcher)
    assert found is not None
    assert [(each.why, each.handle, each.pid) for each in found] == [(WindowIs.ABOVE, number, shared.process.pid)]
    assert found[0].program.startswith("OtherProgram (")
    assert "secret" not in found[0].program
    assert seen(watcher) is None
    shared.unmap(number)
    assert seen(watcher) == ()


def test_a_window_in_a_window_managers_frame_is_seen(watcher: Windows, ours: OurWindow, shared: OtherProgram) -> None:
    number = shared.open("at=200,200,300,200")
    ours.lower()
    reported: list[tuple[ForeignWindow, ...]] = []

    def framed() -> bool:
        reported.extend(found for found in [seen(watcher)] if found)
        return any(each.handle == number for found in reported for each in found)

    until(framed)
    shared.unmap(number)
    assert all(each.pid == shared.process.pid for each in reported[-1])


@pytest.mark.parametrize(
    "words",
    [
        "override at=900,600,100,100",
        "override at=104,104,1,1",
        "override at=-500,-500,400,400",
        "override inputonly at=150,150,200,200",
    ],
    ids=["beside ours", "one pixel", "off the screen", "input only"],
)
def test_what_can_not_be_seen_over_ours_is_not_reported(watcher: Windows, shared: OtherProgram, words: str) -> None:
    number = shared.open(*words.split())
    assert seen(watcher) is None
    shared.unmap(number)


def test_what_lies_below_ours_is_not_reported_until_it_is_raised(
    watcher: Windows, ours: OurWindow, shared: OtherProgram
) -> None:
    number = shared.open("override", "at=150,150,200,200")
    ours.raise_()
    assert seen(watcher) is None
    shared.tell(f"raise {number}")
    assert seen(watcher)
    shared.unmap(number)


def test_a_notification_is_said_to_be_one(watcher: Windows, shared: OtherProgram) -> None:
    number = shared.open("override", "type=NOTIFICATION", "at=150,150,200,60")
    found = seen(watcher)
    assert found is not None
    assert found[0].program.endswith(", a notification")
    shared.unmap(number)


def test_a_window_that_a_compositor_shows_fully_transparent_is_not_reported(
    watcher: Windows, ours: OurWindow, shared: OtherProgram
) -> None:
    number = shared.open("override", "transparent", "at=150,150,200,200")
    assert seen(watcher)  # nobody composes, so it is opaque
    ours.copy("_NET_WM_CM_S0")
    assert seen(watcher) == ()
    shared.unmap(number)


def test_the_overlay_that_a_compositor_draws_on_is_not_reported(watcher: Windows) -> None:
    display = Display()
    root = display.screen().root
    composite.query_version(display)
    overlay = composite.get_overlay_window(root).overlay_window
    assert overlay.get_attributes().map_state == X.IsViewable
    assert seen(watcher) is None
    display.close()  # the server takes it back with its last user


def test_an_allowed_programs_window_is_not_reported(ours: OurWindow, shared: OtherProgram) -> None:
    name = next(iter(x11_clients.program_names(shared.process.pid)))
    allowing = Windows(ours, allowed={name})
    number = shared.open("override", "at=150,150,200,200")
    assert allowing.poll(0) == ()
    allowing.close()
    shared.unmap(number)


def test_an_allowed_name_in_a_windows_class_alone_allows_nothing(ours: OurWindow, shared: OtherProgram) -> None:
    pretending = Windows(ours, allowed={"otherprogram"})
    number = shared.open("override", "at=150,150,200,200")
    assert len(pretending.poll(0)) == 1
    pretending.close()
    shared.unmap(number)


def test_our_own_further_windows_are_not_reported(watcher: Windows) -> None:
    popup = OurWindow()  # another connection of this process
    popup.raise_()
    assert seen(watcher) is None
    popup.close()


def test_without_a_window_of_ours_nothing_can_be_over_it(shared: OtherProgram) -> None:
    number = shared.open("override")
    for window in (None, Gone()):
        nothing = Windows(window)
        assert nothing.poll(0) == ()
        nothing.close()
    shared.unmap(number)


class Gone:
    """A window of ours that was closed, or that has no number yet."""

    def set_kiosk(self, on: bool) -> None:
        raise AssertionError

    def grab_keyboard(self, on: bool) -> bool:
        return on

    def handle(self) -> int:
        return 0x0FFF_FFF0


def test_it_is_woken_by_a_new_window_and_sleeps_otherwise(watcher: Windows, shared: OtherProgram) -> None:
    descriptor = watcher.listen(lambda: None)
    assert descriptor is not None
    while select.select([descriptor], [], [], 0)[0]:
        watcher.poll(0)
    number = shared.open("override", "at=150,150,200,200")
    assert select.select([descriptor], [], [], 10)[0]
    assert seen(watcher)
    shared.unmap(number)


def test_an_x_server_that_is_gone_is_told_in_a_sentence(ours: OurWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    with pytest.raises(LockdownError, match="':4711' does not answer"):
        Windows(ours).poll(0)


# ---- keeping ours above


@pytest.fixture
def kept(ours: OurWindow) -> Iterator[KeptAbove]:
    made = KeptAbove(ours)
    made.start()
    yield made
    made.stop()


@pytest.mark.usefixtures("kept")
def test_an_unmanaged_window_that_comes_above_ours_is_put_below(ours: OurWindow, shared: OtherProgram) -> None:
    number = shared.open("override", "at=150,150,200,200")
    until(lambda: ours.is_above(number))
    shared.tell(f"raise {number}")
    until(lambda: ours.is_above(number))
    shared.unmap(number)


@pytest.mark.usefixtures("kept")
def test_a_program_that_insists_is_left_to_the_watcher(ours: OurWindow, shared: OtherProgram) -> None:
    number = shared.open("override", "at=150,150,200,200")
    watcher = Windows(ours)
    until(lambda: shared.tell(f"raise {number}") == "done" and bool(seen(watcher)))
    watcher.close()
    shared.unmap(number)


def test_after_it_was_stopped_nothing_is_put_below_any_more(ours: OurWindow, shared: OtherProgram) -> None:
    made = KeptAbove(ours)
    made.start()
    made.stop()
    number = shared.open("override", "at=150,150,200,200")
    ours.display.sync()
    assert not ours.is_above(number)
    shared.unmap(number)


# ---- closing


@pytest.mark.parametrize("words", [("closable",), ("closable", "override")], ids=["managed", "unmanaged"])
def test_a_window_is_asked_to_close_as_its_own_button_would(words: tuple[str, ...]) -> None:
    with other_program(*words) as asked:
        assert asked.line() == "waits"
        X11Closer().ask_window(asked.window)
        assert asked.process.wait(10) == 0
        X11Closer().ask_window(asked.window)  # gone already


def test_a_window_without_a_way_to_ask_it_is_told_in_a_sentence(shared: OtherProgram) -> None:
    number = shared.open("override")
    with pytest.raises(LockdownError, match="can't be asked to close"):
        X11Closer().ask_window(number)
    shared.unmap(number)


def test_our_own_window_and_the_x_servers_are_never_closed(ours: OurWindow) -> None:
    root = int(ours.display.screen().root.id)
    for number in (ours.handle(), root):
        with pytest.raises(LockdownError, match="belongs to the exam or to the system"):
            X11Closer().ask_window(number)
