"""What Windows tells by messages reaches the watchers: sessions, displays, devices; and what the machine is."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from ctypes import c_void_p
from ctypes.wintypes import BOOL, DWORD, HWND, LONG, LPARAM, UINT, WPARAM
from pathlib import Path

import pytest

from app.core import lockdown
from app.core.lockdown import System
from app.core.policy import Exam, Lockdown, Policy, Upload
from app.core.types import DisplaysSeen, Instant, Observation, SessionSeen, SessionState
from app.lockdown.machine_signs import load_signs
from app.lockdown.platform import active_window, closer, machine_facts, watchers_for
from app.lockdown.processes import load_process_list
from app.lockdown.setting import WatchSetting
from app.lockdown.watch import WatchLoop
from app.lockdown.win32 import user32_messages as messages
from app.lockdown.win32 import user32_placing, user32_windows, wtsapi32
from app.lockdown.win32.library import Library
from app.lockdown.win32.user32_input import WM_QUIT, post_to_thread
from app.lockdown.windows.devices import Devices
from app.lockdown.windows.displays import Displays
from app.lockdown.windows.listener import CLASS_NAMES, Listener, Notice, Topic
from app.lockdown.windows.machine import machine_signals
from app.lockdown.windows.session import Session
from tests.wine.helpers import until

LISTS = Path(__file__).resolve().parents[2] / "resources" / "lists"

_PostMessageW = Library("user32").function("PostMessageW", BOOL, HWND, UINT, WPARAM, LPARAM)
_ChangeDisplaySettingsW = Library("user32").function("ChangeDisplaySettingsW", LONG, c_void_p, DWORD)


def hidden_windows() -> list[int]:
    """The listeners' windows of this process."""
    ours = (w for w in user32_windows.top_level_windows() if user32_windows.process_of(w) == os.getpid())
    return [window for window in ours if user32_windows.class_name(window).startswith(CLASS_NAMES)]


def tell(message: int, value: int) -> None:
    """Posts what Windows would to the hidden window of this process."""
    (window,) = hidden_windows()
    assert _PostMessageW(window, message, value, 0)


@pytest.fixture
def listener() -> Listener:
    return Listener()


# ---- the listener


def test_a_notice_reaches_those_who_subscribed_to_its_topic_only(listener: Listener) -> None:
    woken = threading.Event()
    sessions = listener.subscribe(Topic.SESSION, woken.set)
    displays = listener.subscribe(Topic.DISPLAYS, lambda: None)
    tell(messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_SESSION_LOCK)
    assert woken.wait(10)
    assert sessions.take() == [Notice(messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_SESSION_LOCK)]
    assert (sessions.take(), displays.take()) == ([], [])
    listener.cancel(sessions)
    listener.cancel(displays)


def test_the_thread_and_the_window_end_with_the_last_subscription_and_come_again_with_the_next(
    listener: Listener,
) -> None:
    for _ in range(2):
        subscriptions = [listener.subscribe(topic, lambda: None) for topic in Topic]
        assert _threads() == 1
        for subscription in subscriptions:
            listener.cancel(subscription)
            listener.cancel(subscription)
        assert _threads() == 0
        assert hidden_windows() == []


def test_two_listeners_do_not_hear_for_each_other(listener: Listener) -> None:
    other = Listener()
    subscriptions = [(one, one.subscribe(Topic.SESSION, lambda: None)) for one in (listener, other)]
    first = hidden_windows()[0]
    assert len(hidden_windows()) == 2
    assert _PostMessageW(first, messages.WM_POWERBROADCAST, messages.PBT_APMSUSPEND, 0)
    until(lambda: sum(len(subscription.take()) for _, subscription in subscriptions) == 1)
    for one, subscription in subscriptions:
        one.cancel(subscription)


def test_no_other_program_can_silence_the_listener(listener: Listener) -> None:
    woken = threading.Event()
    subscription = listener.subscribe(Topic.SESSION, woken.set)
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "windows-messages")
    tell(messages.WM_CLOSE, 0)
    post_to_thread(thread.native_id or 0, WM_QUIT)
    tell(messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_SESSION_LOCK)
    assert woken.wait(10)
    listener.cancel(subscription)
    assert _threads() == 0


def _threads() -> int:
    return sum(thread.name == "windows-messages" for thread in threading.enumerate())


def test_of_a_flood_the_latest_256_are_kept(listener: Listener) -> None:
    count = []
    flooded = listener.subscribe(Topic.SESSION, lambda: count.append(1))
    for number in range(300):
        tell(messages.WM_POWERBROADCAST, 1000 + number)
    until(lambda: len(count) == 300)
    assert [notice.value for notice in flooded.take()] == list(range(1044, 1300))
    listener.cancel(flooded)


# ---- the session


@pytest.fixture
def session(listener: Listener) -> Iterator[Session]:
    made = Session(listener)
    yield made
    made.close()


def test_a_lock_sleep_and_another_users_session_are_told_apart(session: Session) -> None:
    """Wine has one session that is never locked; the messages are posted as Windows does."""
    count: list[int] = []
    session.listen(lambda: count.append(1))
    assert session.poll(0) == [SessionSeen(0, SessionState.HERE)]
    told = [
        (messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_SESSION_LOCK),
        (messages.WM_POWERBROADCAST, messages.PBT_APMSUSPEND),
        (messages.WM_POWERBROADCAST, messages.PBT_APMRESUMEAUTOMATIC),
        (messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_SESSION_UNLOCK),
        (messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_CONSOLE_DISCONNECT),
        (messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_CONSOLE_CONNECT),
    ]
    for message, value in told:
        tell(message, value)
    until(lambda: len(count) == len(told))
    states = [one.state for one in session.poll(1) if isinstance(one, SessionSeen)]
    assert states == [
        SessionState.LOCKED,
        SessionState.ASLEEP,
        SessionState.LOCKED,
        SessionState.HERE,
        SessionState.AWAY,
        SessionState.HERE,
    ]


# ---- displays and devices


def test_the_one_monitor_is_reported_with_its_connector_at_the_first_poll_and_not_again(listener: Listener) -> None:
    """Wine calls every monitor's connector DisplayPort."""
    displays = Displays(listener)
    assert displays.poll(0) == (DisplaysSeen(0, 1, ("Display1 (DisplayPort)",)),)
    assert displays.poll(1) == ()


def test_a_change_of_the_screen_is_told_at_once(listener: Listener) -> None:
    """The screen is set to what it is already, which Windows tells every window all the same."""
    woken = threading.Event()
    displays = Displays(listener)
    displays.listen(woken.set)
    assert _ChangeDisplaySettingsW(None, 0) == 0
    assert woken.wait(10)
    displays.close()


def test_devices_that_are_there_at_the_start_are_no_change(listener: Listener) -> None:
    devices = Devices(listener)
    assert devices.poll(0) == ()
    assert devices.poll(20_000_000_000) == ()


# ---- all together


class _Clock:
    def now(self) -> Instant:
        return Instant(time.monotonic_ns(), time.time_ns(), "wine")


def test_the_watchers_of_windows_run_together_and_one_that_is_told_is_polled_at_once() -> None:
    policy = Policy(
        exam=Exam(id="algebra-1", title="Algebra I", start_url="https://exams.example.org/algebra"),
        upload=Upload(endpoint="https://proctoring.example.org", token="t0ken", exam_id="algebra-1"),
        lockdown=Lockdown(denied_processes=("anydesk",)),
    )
    plan = lockdown.Plan(watchers=lockdown.WATCHERS)
    watchers = watchers_for(plan, WatchSetting(policy))
    assert [watcher.name for watcher in watchers] == list(plan.watchers)
    seen: list[Observation] = []
    loop = WatchLoop(watchers, _Clock(), seen.append, interval_s=3600)
    loop.start()
    try:
        until(lambda: all(loop.polls.values()))
        tell(messages.WM_WTSSESSION_CHANGE, wtsapi32.WTS_SESSION_LOCK)
        until(lambda: any(isinstance(one, SessionSeen) and one.state is SessionState.LOCKED for one in seen))
    finally:
        loop.stop()
    assert not any(loop.failures.values())
    assert _threads() == 0


def test_this_is_windows_with_a_window_system_that_tells_of_everything() -> None:
    facts = machine_facts({})
    assert (facts.system, facts.login_session, facts.clipboard_events) == (System.WINDOWS, True, True)
    assert closer() is not None


def test_wine_says_that_it_is_wine_and_nobody_is_accused_of_remote_control_or_a_false_camera() -> None:
    """Wine passes on the firmware's and the graphics card's names of the machine below it, which may be a virtual one."""
    known = load_process_list(LISTS / "processes.json")
    found = {one.name: one.detail for one in machine_signals(load_signs(LISTS / "machine_signs.json"), known)}
    assert found["wine"].startswith("Wine ")
    assert found.keys().isdisjoint(
        {"remote_session", "virtual_camera_name", "vm_service", "remote_control_program", "vnc_connected"}
    )


def test_the_active_window_is_told_by_its_kind_and_program() -> None:
    window = user32_placing.create_window(
        "STATIC", user32_placing.WS_OVERLAPPEDWINDOW | user32_placing.WS_VISIBLE, (0, 0, 300, 200)
    )
    user32_placing.set_foreground_window(window)
    until(lambda: active_window() == "Static (python.exe)")
    user32_placing.destroy_window(window)
