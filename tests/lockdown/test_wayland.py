"""What is protected and watched under a Wayland compositor, and which one is believed to be ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.core.lockdown import KEEP_AWAKE, KEYBOARD, KIOSK, MONITORS, MachineFacts, Plan, System, plan
from app.core.policy import Candidate, Exam, Lockdown, Policy, Upload
from app.core.types import DisplaysSeen
from app.lockdown.linux import drm, kiosk_compositor
from app.lockdown.linux.wayland import KeyboardOfCompositor, KioskWindowOperation, Monitors, display_problem
from app.lockdown.platform import machine_facts, operations_for, unsupported, watchers_for
from app.lockdown.setting import OperationSetting, WatchSetting
from tests.fakes.compositor import HeadlessCage, ScriptedCompositor, shared_cage

POLICY = Policy(
    exam=Exam(id="e", title="Exam", start_url="http://127.0.0.1/"),
    candidate=Candidate(id="c", name="C"),
    upload=Upload(endpoint="http://127.0.0.1/", token="t", exam_id="e"),
    lockdown=Lockdown(denied_processes=("anydesk",)),
)


class Window:
    """Keeps what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    def set_kiosk(self, on: bool) -> None:
        self.asked.append(on)

    def grab_keyboard(self, on: bool) -> bool:
        raise AssertionError("a compositor that shows one program leaves nothing to grab")

    def handle(self) -> int:
        return 0


@pytest.fixture
def wayland(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """This process is a client of a compositor that it did not start through us; returns its environment."""
    for name in ("DISPLAY", "QT_QPA_PLATFORM", kiosk_compositor.HOST):
        monkeypatch.delenv(name, raising=False)
    for name, value in shared_cage().environment.items():
        monkeypatch.setenv(name, value)
    return dict(os.environ)


# ---- which system it is


def test_a_compositor_that_we_did_not_start_is_a_session_that_can_not_be_locked(wayland: dict[str, str]) -> None:
    assert machine_facts(wayland) == MachineFacts(System.LINUX_WAYLAND, kiosk_compositor=True)
    sentence = unsupported(wayland)
    assert sentence is not None
    assert "take --kiosk-compositor" in sentence


def test_a_kiosk_compositor_is_not_ours_because_the_environment_says_so(wayland: dict[str, str]) -> None:
    """A candidate may start cage with another program beside the exam, and set what we set."""
    mark = {kiosk_compositor.HOST: str(os.getpid())}
    assert machine_facts(wayland | mark).system is System.LINUX_WAYLAND
    assert not kiosk_compositor.is_ours(shared_cage().pid, mark)


def test_only_the_systems_own_compositor_is_used(tmp_path: Path) -> None:
    assert kiosk_compositor.installed((tmp_path,)) is None
    own = tmp_path / "cage"
    own.touch(mode=0o755)
    assert kiosk_compositor.installed((tmp_path / "none", tmp_path)) == own


def test_a_compositor_that_can_not_be_asked_counts_as_a_window_of_another_session() -> None:
    assert kiosk_compositor.is_nested(2**22 + 1)
    assert not kiosk_compositor.is_nested(shared_cage().pid)


@pytest.mark.parametrize(
    ("environ", "nested"),
    [({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "wayland-0"}, True), ({"TERM": "linux"}, False)],
)
def test_a_compositor_is_a_window_where_there_is_a_display_already(environ: dict[str, str], nested: bool) -> None:
    assert kiosk_compositor.shown_by_another(environ) is nested


# ---- what the plan gives


def test_a_kiosk_compositor_gives_what_an_exam_needs_and_says_what_it_does_not() -> None:
    made = plan(POLICY, MachineFacts(System.LINUX_KIOSK, login_session=True))
    assert made.operations == (KIOSK, KEYBOARD)
    assert MONITORS in made.watchers
    assert made.missing == ("On Linux in a kiosk compositor keys and clicks that a program makes are not noticed.",)


def test_a_kiosk_compositor_in_a_window_says_so() -> None:
    made = plan(POLICY, MachineFacts(System.LINUX_KIOSK, nested=True, login_session=True))
    assert any("is a window of another session" in sentence for sentence in made.missing)


def test_a_wayland_session_promises_no_lock_and_no_wakefulness() -> None:
    made = plan(POLICY, MachineFacts(System.LINUX_WAYLAND, login_session=True))
    assert not {KIOSK, KEYBOARD, KEEP_AWAKE} & set(made.operations)
    assert "On Linux with Wayland the screen saver and power saving are not held off." in made.missing


@pytest.mark.usefixtures("wayland")
def test_under_wayland_the_plans_operations_and_monitors_are_waylands() -> None:
    window = Window()
    operations = operations_for(Plan(operations=(KIOSK, KEYBOARD)), OperationSetting(window))
    assert [type(operation) for operation in operations] == [KioskWindowOperation, KeyboardOfCompositor]
    (monitors,) = watchers_for(Plan(watchers=(MONITORS,)), WatchSetting(POLICY))
    assert isinstance(monitors, Monitors)


# ---- operations


def test_the_kiosk_covers_the_screen_and_gives_it_back(wayland: dict[str, str]) -> None:
    window = Window()
    kiosk = KioskWindowOperation(window, wayland)
    assert kiosk.check() is None
    kiosk.perform()
    kiosk.revert(kiosk.before())
    assert window.asked == [True, False]


def test_the_guardian_has_nothing_to_undo_of_a_compositor_that_ended(wayland: dict[str, str]) -> None:
    kiosk = KioskWindowOperation(None, wayland)
    kiosk.revert({})
    KeyboardOfCompositor(wayland).revert({})
    with pytest.raises(LockdownError, match="invigil take"):
        kiosk.perform()


def test_keys_are_not_said_to_be_safe_outside_of_our_compositor(wayland: dict[str, str]) -> None:
    keyboard = KeyboardOfCompositor(wayland)
    sentence = keyboard.check()
    assert sentence is not None
    assert "can't be locked" in sentence
    with pytest.raises(LockdownError, match="can't be locked"):
        keyboard.perform()
    assert keyboard.before() == {}


def test_a_display_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    sentence = display_problem({"XDG_RUNTIME_DIR": str(tmp_path), "WAYLAND_DISPLAY": "wayland-0"})
    assert sentence is not None
    assert "does not answer" in sentence


def test_a_display_that_talks_nonsense_is_a_sentence(tmp_path: Path) -> None:
    with ScriptedCompositor(tmp_path, garbage=True) as compositor:
        sentence = display_problem(compositor.environment)
    assert sentence is not None
    assert "no event" in sentence


# ---- monitors


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[ScriptedCompositor]:
    with ScriptedCompositor(tmp_path) as compositor:
        yield compositor


def connector(root: Path, name: str, status: str, enabled: str = "enabled") -> None:
    (root / name).mkdir()
    (root / name / "status").write_text(f"{status}\n")
    (root / name / "enabled").write_text(f"{enabled}\n")


def seen(monitors: Monitors, now_ns: int = 7) -> list[tuple[int, tuple[str, ...]]]:
    found = monitors.poll(now_ns)
    assert all(isinstance(each, DisplaysSeen) and each.at_ns == now_ns for each in found)
    return [(each.count, each.names) for each in found if isinstance(each, DisplaysSeen)]


def test_the_real_compositors_output_is_reported_at_the_start_and_not_again(tmp_path: Path) -> None:
    monitors = Monitors(shared_cage().environment, tmp_path)
    assert seen(monitors) == [(1, ("HEADLESS-1",))]
    assert seen(monitors) == []
    monitors.close()
    monitors.close()


def test_outputs_that_come_and_go_are_told_by_the_compositor(scripted: ScriptedCompositor, tmp_path: Path) -> None:
    monitors = Monitors(scripted.environment, tmp_path / "drm")
    assert monitors.listen(lambda: None) is not None
    assert seen(monitors) == [(1, ("TEST-1",))]
    scripted.plug(12, "TEST-2", 640)
    assert seen(monitors) == [(2, ("TEST-1", "TEST-2"))]
    scripted.unplug(10)
    assert seen(monitors) == [(1, ("TEST-2",))]
    monitors.close()


def test_outputs_of_an_older_compositor_are_counted_without_their_names(tmp_path: Path) -> None:
    with ScriptedCompositor(tmp_path, output_version=2) as compositor:
        monitors = Monitors(compositor.environment, tmp_path / "drm")
        assert seen(monitors) == [(1, ("screen 10",))]
        monitors.close()


def test_a_monitor_that_only_the_kernel_sees_counts(scripted: ScriptedCompositor, tmp_path: Path) -> None:
    connector(tmp_path, "card0-eDP-1", "connected")
    monitors = Monitors(scripted.environment, tmp_path)
    assert seen(monitors) == [(1, ("TEST-1",))]
    connector(tmp_path, "card0-HDMI-A-1", "connected")
    assert seen(monitors) == [(2, ("HDMI-A-1", "eDP-1"))]
    monitors.close()


def test_connectors_without_a_picture_are_no_monitors(tmp_path: Path) -> None:
    connector(tmp_path, "card0-eDP-1", "connected", "disabled")
    connector(tmp_path, "card0-DP-1", "disconnected", "disabled")
    connector(tmp_path, "card0-Writeback-1", "unknown")
    connector(tmp_path, "card1-DP-2", "connected")
    (tmp_path / "card0-DP-9").mkdir()
    (tmp_path / "renderD128").mkdir()
    assert drm.connected(tmp_path) == ("DP-2",)
    assert drm.connected(tmp_path / "none") == ()


def test_a_compositor_that_dies_is_an_error_and_no_missing_monitor(tmp_path: Path) -> None:
    cage = HeadlessCage()
    cage.start()
    monitors = Monitors(cage.environment, tmp_path)
    assert seen(monitors) == [(1, ("HEADLESS-1",))]
    cage.stop()
    for _ in range(2):
        with pytest.raises(LockdownError, match="does not answer"):
            monitors.poll(8)
