"""What is asked of the desktop and the login manager, so that the screen stays on; and that it ends."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from app.lockdown.linux import dbus, x11
from app.lockdown.linux.inhibit import Inhibition
from tests.fakes.message_bus import NO_BUS, FakeLogind, MessageBus, Service, environment

SAVER, GNOME, LOGIND = "org.freedesktop.ScreenSaver", "org.gnome.SessionManager", "org.freedesktop.login1"


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MessageBus]:
    made = MessageBus(tmp_path_factory.mktemp("bus"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def desktop_services(bus: MessageBus) -> Iterator[Service]:
    """A desktop that grants what it is asked for."""
    made = Service(bus.address, SAVER, GNOME)
    made.answers["/org/freedesktop/ScreenSaver", SAVER, "Inhibit"] = ("u", (17,))
    made.answers["/org/gnome/SessionManager", GNOME, "Inhibit"] = ("u", (18,))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def inhibition(bus: MessageBus) -> Iterator[Inhibition]:
    made = Inhibition(environment(bus))
    yield made
    made.release()


def gone(bus: MessageBus, name: str) -> bool:
    """Whether this connection is no longer on the bus."""
    line = dbus.Bus(bus.address)
    line.connect()
    try:
        return line.owner(name) == ""
    finally:
        line.close()


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.005)


def test_a_desktop_is_asked_and_asked_only_while_it_is_held(
    bus: MessageBus, desktop_services: Service, inhibition: Inhibition
) -> None:
    assert inhibition.hold() == (SAVER, GNOME)
    (first, second) = desktop_services.callers("Inhibit")
    assert first == second
    assert not gone(bus, first)
    inhibition.release()
    until(lambda: gone(bus, first))


def test_sleep_that_a_person_asks_for_is_not_held_up(desktop_services: Service, inhibition: Inhibition) -> None:
    inhibition.hold()
    asked = [call.body for call in desktop_services.calls if len(call.body) == 4]
    assert asked == [("Invigil", 0, "An exam is being taken.", 8)]


def test_the_login_manager_holds_idle_off_until_its_file_is_closed(bus: MessageBus, inhibition: Inhibition) -> None:
    manager = FakeLogind(bus.address)
    reads = manager.grants_inhibition()
    manager.start()
    try:
        assert inhibition.hold() == (LOGIND,)
        assert [call.body for call in manager.calls] == [("idle", "Invigil", "An exam is being taken.", "block")]
        manager.let_go()
        assert select.select([reads], [], [], 0)[0] == []
        inhibition.release()
        assert os.read(reads, 1) == b""
    finally:
        manager.stop()
        os.close(reads)


def test_a_machine_without_either_is_left_as_it_is() -> None:
    lonely = Inhibition(NO_BUS)
    assert lonely.hold() == ()
    lonely.release()


def test_a_service_that_refuses_is_no_error(inhibition: Inhibition, bus: MessageBus) -> None:
    refusing = Service(bus.address, SAVER, LOGIND)
    refusing.start()
    try:
        assert inhibition.hold() == ()
    finally:
        refusing.stop()


@pytest.mark.desktop
@pytest.mark.usefixtures("desktop")
def test_keeping_the_screen_on_asks_the_desktop_too_and_gives_both_back(
    bus: MessageBus, desktop_services: Service, inhibition: Inhibition
) -> None:
    def saver_timeout() -> str:
        shown = subprocess.run(["xset", "q"], capture_output=True, text=True, check=True).stdout
        return shown[shown.index("timeout:") :].split()[1]

    was = saver_timeout()
    awake = x11.KeepAwake(inhibition)
    before = awake.before()
    awake.perform()
    (asker, _) = desktop_services.callers("Inhibit")
    assert not gone(bus, asker)
    awake.revert(before)
    until(lambda: gone(bus, asker))
    assert saver_timeout() == was
