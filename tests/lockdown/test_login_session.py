"""What the login manager and the desktop tell of the person's session, on a real message bus."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from Xlib import Xatom

from app.core.errors import LockdownError
from app.core.types import NS_PER_S, Observation, SessionSeen, SessionState
from app.lockdown.linux import consoles, logind, x11
from app.lockdown.linux.login_session import Session, SessionStates
from app.lockdown.linux.logind import Login, Told
from app.lockdown.platform import machine_facts
from app.lockdown.watch import WatchLoop
from app.runtime.clock import SystemClock
from tests.fakes.message_bus import NO_BUS, OTHER, OURS, FakeLogind, MessageBus, Service, environment

HERE, LOCKED, ASLEEP, AWAY = SessionState.HERE, SessionState.LOCKED, SessionState.ASLEEP, SessionState.AWAY
GNOME = "org.gnome.ScreenSaver"
GNOME_PATH = "/org/gnome/ScreenSaver"
S = NS_PER_S


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MessageBus]:
    made = MessageBus(tmp_path_factory.mktemp("bus"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def running_manager(bus: MessageBus) -> Iterator[FakeLogind]:
    made = FakeLogind(bus.address)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def manager(running_manager: FakeLogind) -> FakeLogind:
    """A login manager whose one session is shown."""
    running_manager.reset()
    return running_manager


@pytest.fixture
def locker(bus: MessageBus) -> Iterator[Service]:
    made = Service(bus.address, GNOME)
    made.answers[GNOME_PATH, GNOME, "GetActive"] = ("b", (False,))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def session(manager: FakeLogind, bus: MessageBus, tmp_path: Path) -> Iterator[Session]:
    """One that was here at 0 s."""
    made = Session(environment(bus), tmp_path)
    made.listen(lambda: None)
    assert made.poll(0) == [SessionSeen(0, HERE)]
    yield made
    made.close()


def news(session: Session, at_ns: int) -> list[tuple[SessionState, str]]:
    """What is told next, however long the bus takes."""
    return first_news(session, itertools.repeat(at_ns))


def first_news(session: Session, times: Iterator[int]) -> list[tuple[SessionState, str]]:
    found: list[Observation] = []

    def told() -> bool:
        found.extend(session.poll(next(times)))
        return bool(found)

    until(told)
    return [(each.state, each.detail) for each in found if isinstance(each, SessionSeen)]


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.005)


# ---- the login manager


def test_a_session_that_stays_as_it_is_is_reported_once(session: Session) -> None:
    assert session.poll(S) == []


def test_a_screen_lock_and_its_end_are_seen(session: Session, manager: FakeLogind) -> None:
    manager.locks(True)
    assert news(session, S) == [(LOCKED, "")]
    manager.locks(False)
    assert news(session, 2 * S) == [(HERE, "")]


def test_a_sleep_is_seen_even_when_it_is_over_by_the_time_we_run(session: Session, manager: FakeLogind) -> None:
    manager.sleeps(True)
    manager.sleeps(False)
    told = news(session, S)
    told += [] if len(told) > 1 else news(session, 2 * S)
    assert told == [(ASLEEP, ""), (HERE, "")]


def test_a_machine_that_shuts_down_is_as_good_as_asleep(session: Session, manager: FakeLogind) -> None:
    manager.shuts_down()
    assert news(session, S) == [(ASLEEP, "the machine is shutting down")]


@pytest.mark.parametrize(
    ("path", "kind", "detail"),
    [
        ("/", "", "a text console is shown"),
        (OTHER, "tty", "a text console is shown"),
        (OTHER, "wayland", "another session is shown"),
    ],
    ids=["console", "console with a login", "another user"],
)
def test_another_session_on_the_screen_is_being_away_once_it_has_lasted(
    session: Session, manager: FakeLogind, path: str, kind: str, detail: str
) -> None:
    manager.shows(path, kind=kind)
    times = itertools.count(S, S)
    assert first_news(session, times) == [(AWAY, detail)]
    manager.shows(OURS)
    assert first_news(session, times) == [(HERE, "")]


def test_a_login_screen_in_front_is_a_lock(session: Session, manager: FakeLogind) -> None:
    """Some lockers, and switching users, show that first: nobody can do anything there but come back."""
    manager.shows(OTHER, of="greeter")
    assert news(session, S) == [(LOCKED, "")]
    assert session.poll(9 * S) == []


def test_what_another_program_says_in_the_login_managers_place_is_not_believed(
    session: Session, manager: FakeLogind, bus: MessageBus
) -> None:
    forger = Service(bus.address)
    forger.start()
    try:
        to = manager.callers("GetSessionByPID")[-1]
        forger.emit("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep", "b", True, to=to)
    finally:
        forger.stop()
    manager.locks(True)
    assert news(session, S) == [(LOCKED, "")]


def test_a_login_manager_that_goes_is_a_failure_and_is_found_again(tmp_path: Path) -> None:
    watched = MessageBus(tmp_path)
    watched.start()
    try:
        first = FakeLogind(watched.address)
        first.start()
        session = Session(environment(watched), tmp_path)
        session.listen(lambda: None)
        assert session.poll(0) == [SessionSeen(0, HERE)]
        first.stop()
        until(lambda: _fails(session, S))
        again = FakeLogind(watched.address)
        again.start()
        again.locks(True)
        until(lambda: not _fails(session, 2 * S))
        assert session._seen == (LOCKED, "")
        session.close()
        again.stop()
    finally:
        watched.stop()


def _fails(session: Session, at_ns: int) -> bool:
    try:
        session.poll(at_ns)
    except LockdownError:
        return True
    return False


def test_news_of_the_login_manager_wakes_the_watch(manager: FakeLogind, bus: MessageBus, tmp_path: Path) -> None:
    seen: list[Observation] = []
    loop = WatchLoop([Session(environment(bus), tmp_path)], SystemClock(), seen.append, interval_s=3600)
    loop.start()
    try:
        until(lambda: len(seen) == 1)
        manager.locks(True)
        until(lambda: len(seen) == 2)
    finally:
        loop.stop()
    assert [one.state for one in seen if isinstance(one, SessionSeen)] == [HERE, LOCKED]
    assert loop.failures == {"session": 0}


def test_a_session_at_the_screen_comes_before_one_that_has_none(manager: FakeLogind, bus: MessageBus) -> None:
    """An exam started by a login over the network is still seen at the screen."""
    remote, user = "/org/freedesktop/login1/session/_33", "/org/freedesktop/login1/user/_0"
    root, prefix = "/org/freedesktop/login1", "org.freedesktop.login1"
    manager.properties[remote, f"{prefix}.Session"] = {"Active": ("b", (True,)), "Seat": ("(so)", (("", "/"),))}
    manager.properties[user, f"{prefix}.User"] = {"Display": ("(so)", (("2", OURS),))}
    usual = dict(manager.answers)
    manager.answers[root, f"{prefix}.Manager", "GetSessionByPID"] = ("o", (remote,))
    manager.answers[root, f"{prefix}.Manager", "GetUser"] = ("o", (user,))
    manager.locks(True)
    line = logind.Logind(environment(bus))
    try:
        line.connect()
        assert line.read().locked
    finally:
        line.close()
        manager.answers = usual


@pytest.mark.usefixtures("manager", "desktop")
def test_whether_there_is_a_login_manager_is_a_fact_of_the_machine(
    bus: MessageBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert logind.answers(environment(bus))
    assert not logind.answers(NO_BUS)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
    assert machine_facts().login_session


# ---- the desktop's locker


def test_a_desktops_own_locker_is_heard(session: Session, locker: Service) -> None:
    session.poll(S)
    locker.emit(GNOME_PATH, GNOME, "ActiveChanged", "b", True)
    assert news(session, 2 * S) == [(LOCKED, "")]
    locker.emit(GNOME_PATH, GNOME, "ActiveChanged", "b", False)
    assert news(session, 3 * S) == [(HERE, "")]


def test_a_screen_that_is_locked_already_is_seen_at_the_start(locker: Service, bus: MessageBus, tmp_path: Path) -> None:
    locker.answers[GNOME_PATH, GNOME, "GetActive"] = ("b", (True,))
    session = Session(NO_BUS | {"DBUS_SESSION_BUS_ADDRESS": bus.address}, tmp_path)
    try:
        assert session.poll(0) == [SessionSeen(0, LOCKED)]
    finally:
        session.close()


def test_a_locker_that_crashed_covers_nothing(session: Session, bus: MessageBus) -> None:
    crashing = Service(bus.address, "org.mate.ScreenSaver")
    crashing.start()
    crashing.emit("/org/mate/ScreenSaver", "org.mate.ScreenSaver", "ActiveChanged", "b", True)
    assert news(session, S) == [(LOCKED, "")]
    crashing.stop()
    assert news(session, 2 * S) == [(HERE, "")]


# ---- without a login manager


def test_without_a_login_manager_a_switch_to_another_console_is_seen(tmp_path: Path) -> None:
    active = tmp_path / "active"
    active.write_text("tty2\n")
    session = Session(NO_BUS | {"XDG_VTNR": "2"}, tmp_path)
    assert session.listen(lambda: None) is None
    assert session.poll(0) == [SessionSeen(0, HERE)]
    active.write_text("tty3\n")
    assert session.poll(S) == []
    assert session.poll(2 * S) == [SessionSeen(2 * S, AWAY, "another console is shown")]
    active.write_text("tty2\n")
    assert session.poll(3 * S) == [SessionSeen(3 * S, HERE)]
    session.close()


def test_an_exam_on_no_console_is_never_away(tmp_path: Path) -> None:
    (tmp_path / "active").write_text("tty3\n")
    session = Session(NO_BUS, tmp_path)
    session.listen(lambda: None)
    assert [session.poll(0), session.poll(9 * S)] == [[SessionSeen(0, HERE)], []]
    session.close()


@pytest.mark.usefixtures("desktop")
def test_the_x_servers_own_word_on_its_console_comes_first() -> None:
    assert consoles.ours({"XDG_VTNR": "5"}) == 5
    with x11.connection() as display:
        atom = display.intern_atom("XFree86_VT")
        display.screen().root.change_property(atom, Xatom.INTEGER, 32, [7])
    try:
        assert consoles.ours({"XDG_VTNR": "5"}) == 7
    finally:
        with x11.connection() as display:
            display.screen().root.delete_property(atom)


@pytest.mark.parametrize("text", ["", "ttyS0", "tty", "nonsense", "tty-1"])
def test_a_machine_without_consoles_has_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "active").write_text(text)
    assert consoles.shown(tmp_path) is None
    assert consoles.shown(tmp_path / "none") is None


# ---- what it adds up to

SHOWN = Login(shown=True, locked=False, away="", login_screen=False, sleeping=False, ending=False)


def test_sleep_outweighs_being_away_and_that_a_lock() -> None:
    states = SessionStates()
    states.read(SHOWN, 0)
    states.read(Login(shown=False, locked=True, away="x", login_screen=False, sleeping=True, ending=False), S)
    assert states.now(5 * S) == (ASLEEP, "")
    states.told(Told.AWAKE, 5 * S)
    assert states.now(5 * S) == (AWAY, "x")
    states.read(Login(shown=True, locked=True, away="", login_screen=False, sleeping=False, ending=False), 6 * S)
    assert states.now(6 * S) == (LOCKED, "")


def test_who_was_never_shown_is_not_away() -> None:
    states = SessionStates()
    states.read(Login(shown=False, locked=False, away="x", login_screen=False, sleeping=False, ending=False), 0)
    assert states.now(60 * S) == (HERE, "")


def test_a_wish_to_lock_that_no_locker_confirms_counts_for_a_minute() -> None:
    states = SessionStates()
    states.told(Told.LOCK, 0)
    assert states.now(59 * S) == (LOCKED, "")
    assert states.now(60 * S) == (HERE, "")


@pytest.mark.parametrize("by", ["unlock", "hint", "desktop"])
def test_a_wish_to_lock_ends_with_the_lock(by: str) -> None:
    states = SessionStates()
    states.told(Told.LOCK, 0)
    if by == "unlock":
        states.told(Told.UNLOCK, S)
    elif by == "hint":
        states.read(Login(shown=True, locked=True, away="", login_screen=False, sleeping=False, ending=False), S)
        states.read(SHOWN, 2 * S)
    else:
        states.desktop_locked(True)
        states.desktop_locked(False)
    assert states.now(2 * S) == (HERE, "")
