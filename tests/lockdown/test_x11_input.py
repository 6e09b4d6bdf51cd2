"""Input that a program makes, told from that of a device, on a real X server.

Xvfb's own keyboard and mouse say nothing by themselves; XTEST's requests for extension devices press their keys.
"""

from __future__ import annotations

import select
import subprocess
from collections.abc import Iterator

import pytest
from Xlib.display import Display
from Xlib.ext import xinput, xtest
from Xlib.protocol import rq

from app.core.types import NS_PER_S, InputInjected
from app.lockdown.linux import x11_input
from app.lockdown.linux.x11_input import InjectedInput, has_real_keyboard
from app.runtime.virtual_desktop import VirtualDesktop

pytestmark = [pytest.mark.desktop, pytest.mark.usefixtures("bare_desktop")]
KEY_PRESS, BUTTON_PRESS = 1, 3  # of extension devices; the release is the next number
HARMLESS_KEY = 78  # Scroll Lock


class _DeviceInput(rq.Request):
    """XTestFakeInput for an extension device (XTEST 2.2)."""

    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(2), rq.RequestLength(), rq.Card8("event_type"), rq.Card8("detail"), rq.Pad(2),
        rq.Card32("time"), rq.Pad(23), rq.Card8("deviceid"),
    )  # fmt: skip


class RealDevices:
    """Presses keys and buttons as if by hand."""

    def __init__(self) -> None:
        self.display = Display()
        extension = self.display.query_extension(xinput.extname)
        assert extension is not None
        self._base = int(extension.first_event)
        devices = {str(d.name): int(d.deviceid) for d in xinput.query_device(self.display, xinput.AllDevices).devices}
        self._keyboard, self._mouse = devices["Xvfb keyboard"], devices["Xvfb mouse"]

    def key(self) -> None:
        self._press(self._keyboard, KEY_PRESS, HARMLESS_KEY)

    def click(self) -> None:
        self._press(self._mouse, BUTTON_PRESS, 2)

    def _press(self, device: int, kind: int, detail: int) -> None:
        for event_type in (kind, kind + 1):
            _DeviceInput(
                display=self.display.display,
                opcode=self.display.display.get_extension_major(xtest.extname),
                event_type=self._base + event_type, detail=detail, time=0, deviceid=device,
            )  # fmt: skip
        self.display.sync()


def inject(*words: str) -> None:
    subprocess.run(["xdotool", *words], check=True, timeout=10)


@pytest.fixture(scope="module")
def own_desktop() -> Iterator[VirtualDesktop]:
    """For this file alone: a click on the background opens the window manager's menu, which then has all keys."""
    with VirtualDesktop() as virtual:
        yield virtual


@pytest.fixture
def bare_desktop(own_desktop: VirtualDesktop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in own_desktop.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def watcher(bare_desktop: None) -> Iterator[InjectedInput]:
    made = InjectedInput()
    assert made.poll(0) == ()
    yield made
    made.close()


@pytest.fixture
def hands(bare_desktop: None) -> Iterator[RealDevices]:
    made = RealDevices()
    yield made
    made.display.close()


def test_keys_and_clicks_of_a_program_are_counted_and_told_with_their_source(watcher: InjectedInput) -> None:
    inject("key", "Scroll_Lock", "Scroll_Lock", "click", "2")
    (told,) = watcher.poll(5)
    assert told == InputInjected(5, "the X server's XTEST extension", 3)
    assert watcher.poll(6) == ()


def test_keys_and_clicks_of_real_devices_are_not_counted(watcher: InjectedInput, hands: RealDevices) -> None:
    hands.key()
    hands.click()
    assert watcher.poll(5) == ()
    inject("key", "Scroll_Lock")
    assert counts(watcher.poll(6)) == [1]


def counts(observations: object) -> list[int]:
    assert isinstance(observations, tuple)
    return [each.count for each in observations if isinstance(each, InputInjected)]


def test_input_past_a_grab_of_ours_is_seen(watcher: InjectedInput, hands: RealDevices) -> None:
    root = hands.display.screen().root
    root.grab_keyboard(False, 1, 1, 0)
    hands.display.sync()
    inject("key", "Scroll_Lock")
    hands.display.ungrab_keyboard(0)
    hands.display.sync()
    assert counts(watcher.poll(5)) == [1]


def test_a_burst_is_told_at_once_and_the_rest_after_a_second(watcher: InjectedInput) -> None:
    inject("key", "Scroll_Lock")
    assert counts(watcher.poll(0)) == [1]
    inject("key", "Scroll_Lock", "Scroll_Lock")
    assert watcher.poll(NS_PER_S - 1) == ()
    assert counts(watcher.poll(NS_PER_S)) == [2]


def test_scrolling_by_a_gesture_program_is_not_counted(watcher: InjectedInput) -> None:
    inject("click", "4", "click", "5")
    assert watcher.poll(5) == ()


def test_clicks_of_mouse_keys_follow_a_real_key_and_are_not_counted(watcher: InjectedInput, hands: RealDevices) -> None:
    hands.key()
    inject("click", "2")
    assert watcher.poll(5) == ()


def test_it_is_woken_by_a_key(watcher: InjectedInput) -> None:
    descriptor = watcher.listen(lambda: None)
    assert descriptor is not None
    watcher.poll(0)
    inject("key", "Scroll_Lock")
    assert select.select([descriptor], [], [], 10)[0]


def test_a_server_whose_own_keyboard_says_nothing_can_not_tell(
    hands: RealDevices, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not has_real_keyboard(hands.display)
    monkeypatch.setattr(x11_input, "_NEVER_EMIT", ("another name",))
    assert has_real_keyboard(hands.display)
