"""What this machine is said to be, and what it gets."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.core.lockdown import CAN, OPERATIONS, MachineFacts, Plan, System, plan
from app.core.policy import Candidate, Exam, Lockdown, Policy, Upload
from app.lockdown.platform import all_operations, machine_facts, operations_for, unsupported, watchers_for
from app.lockdown.setting import OperationSetting, WatchSetting

POLICY = Policy(
    exam=Exam(id="e", title="Exam", start_url="http://127.0.0.1/"),
    candidate=Candidate(id="c", name="C"),
    upload=Upload(endpoint="http://127.0.0.1/", token="t", exam_id="e"),
    lockdown=Lockdown(denied_processes=("anydesk",)),
)


@pytest.mark.usefixtures("desktop")
def test_the_virtual_desktop_can_be_locked_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "disabled:")  # a login manager is the machine's, not the desktop's
    facts = machine_facts(os.environ)
    # its own keyboard never says anything, so injected keys can't be told from real ones
    assert facts == MachineFacts(
        System.LINUX_X11, window_manager=True, randr=True, screen_saver_control=True, clipboard_events=True
    )
    assert unsupported(os.environ) is None
    made = plan(POLICY, facts)
    assert tuple(o.name for o in operations_for(made, OperationSetting())) == made.operations
    watchers = watchers_for(made, WatchSetting(POLICY))
    assert tuple(w.name for w in watchers) == made.watchers


@pytest.mark.usefixtures("desktop")
def test_an_x_server_inside_a_wayland_session_is_known_whatever_the_environment_says() -> None:
    subprocess.run(["xrandr", "--setmonitor", "XWAYLAND0", "400/100x768/200+966+0", "none"], check=True)
    try:
        assert machine_facts(os.environ).system is System.LINUX_WAYLAND
    finally:
        subprocess.run(["xrandr", "--delmonitor", "XWAYLAND0"], check=True)
    assert machine_facts(os.environ).system is System.LINUX_X11


def test_only_what_the_plan_names_is_built() -> None:
    assert operations_for(Plan(), OperationSetting()) == ()
    assert watchers_for(Plan(), WatchSetting(POLICY)) == ()


def test_every_operation_can_be_restored_by_its_name() -> None:
    assert list(all_operations()) == [name for name in OPERATIONS if name in CAN[System.LINUX_X11]]


@pytest.mark.parametrize(
    ("environ", "system"),
    [
        ({}, System.LINUX_NO_DISPLAY),
        ({"DISPLAY": ":4711"}, System.LINUX_NO_DISPLAY),
        ({"WAYLAND_DISPLAY": "wayland-0"}, System.LINUX_WAYLAND),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, System.LINUX_WAYLAND),
        ({"XDG_SESSION_TYPE": "wayland", "DISPLAY": ":0"}, System.LINUX_WAYLAND),
    ],
)
def test_a_session_that_can_not_be_locked_is_named(
    environ: dict[str, str], system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    assert machine_facts(environ).system is system
    sentence = unsupported(environ)
    assert sentence is not None
    assert sentence.endswith(".")


def test_a_system_without_an_adapter_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "freebsd14")
    sentence = unsupported({"DISPLAY": ":0"})
    assert sentence is not None
    assert sentence.startswith("Locked exams are not supported on this operating system")
    assert all_operations() == {}
