"""What the watchers see of the machine."""

from __future__ import annotations

import hashlib
import json
import os
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from Xlib.ext import randr
from Xlib.xobject.drawable import Window

from app.core.errors import BadInput, LockdownError
from app.core.lockdown import program_name
from app.core.types import DisplayChanged, DisplaysSeen, Observation, ProcessesSeen
from app.lockdown import watch
from app.lockdown.file_hashes import FileHashes
from app.lockdown.linux.x11_monitors import Monitors, layout_changes
from app.lockdown.processes import Processes, load_process_list, reasons
from app.lockdown.watch import WatchLoop
from app.runtime.clock import SystemClock
from app.runtime.resources import resources_dir

REMOTE = f"Remote{os.getpid()}"
"""A program's name that only this test process uses: what runs is seen by every test and demo on the machine."""
KNOWN_AS = REMOTE.lower()


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)


# ---- monitors


@contextmanager
def virtual_monitor(where: str = "400/100x768/200+966+0") -> Iterator[None]:
    subprocess.run(["xrandr", "--setmonitor", "second", where, "none"], check=True)
    try:
        yield
    finally:
        subprocess.run(["xrandr", "--delmonitor", "second"], check=True)


@pytest.fixture
def monitors(desktop: object) -> Iterator[Monitors]:
    made = Monitors()
    yield made
    made.close()


def test_the_one_monitor_is_reported_at_the_start_and_not_again(monitors: Monitors) -> None:
    assert [(seen.count, len(seen.names)) for seen in displays(monitors.poll(5))] == [(1, 1)]
    assert monitors.poll(6) == ()


def test_a_monitor_that_is_added_and_removed_is_seen(monitors: Monitors) -> None:
    monitors.poll(0)
    with virtual_monitor():
        (added,) = displays(monitors.poll(7))
        assert (added.at_ns, added.count) == (7, 2)
        assert "second" in added.names
    (removed,) = displays(monitors.poll(8))
    assert removed.count == 1


def test_a_monitor_that_shows_the_same_as_another_counts(monitors: Monitors) -> None:
    with virtual_monitor("1366/340x768/200+0+0"):
        (mirrored,) = displays(monitors.poll(0))
    assert mirrored.count == 2


def test_an_output_that_repeats_anothers_picture_counts(monkeypatch: pytest.MonkeyPatch, monitors: Monitors) -> None:
    """Two outputs of one monitor, as the X server says it of a splitter in the graphics card: Xvfb has one output only."""
    told = randr.get_monitors

    def doubled(root: Window) -> object:
        reply = told(root)
        for monitor in reply.monitors:
            monitor.crtcs = [*monitor.crtcs, 4711]
        return reply

    monkeypatch.setattr(randr, "get_monitors", doubled)
    (seen,) = displays(monitors.poll(0))
    assert seen.count == 2
    assert seen.names[1] == f"{seen.names[0]} mirror 1"


def test_each_change_of_the_monitors_says_which_and_how(monitors: Monitors) -> None:
    monitors.poll(0)
    with virtual_monitor():
        assert changes(monitors.poll(1)) == ["second was connected (400x768 at 966,0)"]
    assert changes(monitors.poll(2)) == ["second was removed"]


def test_it_is_woken_when_a_monitor_is_added_and_removed(monitors: Monitors) -> None:
    descriptor = monitors.listen(lambda: None)
    assert descriptor is not None
    monitors.poll(0)
    with virtual_monitor():
        assert select.select([descriptor], [], [], 10)[0]
        monitors.poll(1)
    assert select.select([descriptor], [], [], 10)[0]


def test_a_monitor_that_changes_its_size_or_place_is_no_other_monitor() -> None:
    before, now = {"A": "800x600 at 0,0", "B": "1x1 at 0,0"}, {"A": "1024x768 at 0,0", "B": "1x1 at 0,0"}
    assert layout_changes(before, now) == ("A changed from 800x600 at 0,0 to 1024x768 at 0,0",)


def test_an_x_server_that_is_gone_is_an_error_and_its_return_is_seen(
    monitors: Monitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("DISPLAY", ":4711")
        with pytest.raises(LockdownError):
            monitors.poll(0)
    assert len(monitors.poll(1)) == 1


def changes(observations: Sequence[Observation]) -> list[str]:
    return [o.detail for o in observations if isinstance(o, DisplayChanged)]


def displays(observations: Sequence[Observation]) -> list[DisplaysSeen]:
    return [o for o in observations if isinstance(o, DisplaysSeen)]


# ---- processes


@contextmanager
def running(program: Path) -> Iterator[int]:
    """A real process of that name."""
    process = subprocess.Popen([program, "60"])
    try:
        until(lambda: Path(f"/proc/{process.pid}/exe").resolve() == program.resolve())
        yield process.pid
    finally:
        process.kill()
        process.wait()


def found(observations: Sequence[Observation]) -> list[tuple[tuple[str, str], ...]]:
    return [o.found for o in observations if isinstance(o, ProcessesSeen)]


@pytest.fixture
def remote_control(tmp_path: Path) -> Path:
    """A program file with the name of a remote control."""
    return Path(shutil.copy(shutil.which("sleep") or "", tmp_path / REMOTE))


def test_nothing_is_reported_where_nothing_denied_runs() -> None:
    assert Processes(reasons(["no such program"])).poll(0) == ()


def test_a_denied_program_is_reported_when_it_starts_and_when_it_ends(remote_control: Path) -> None:
    watcher = Processes({KNOWN_AS: "remote control"})
    watcher.poll(0)
    with running(remote_control):
        assert found(watcher.poll(1)) == [((KNOWN_AS, "remote control"),)]
        assert watcher.poll(2) == ()
    assert found(watcher.poll(3)) == [()]


def test_a_program_that_ran_before_the_exam_is_reported(remote_control: Path) -> None:
    with running(remote_control):
        assert found(Processes({KNOWN_AS: "why"}).poll(0)) == [((KNOWN_AS, "why"),)]


def test_a_long_name_that_the_kernel_cuts_is_found_by_its_file(tmp_path: Path) -> None:
    program = Path(shutil.copy(shutil.which("sleep") or "", tmp_path / "chrome-remote-desktop-host"))
    with running(program):
        assert found(Processes({"chrome-remote-desktop-host": "why"}).poll(0)) != []


def test_a_process_that_becomes_a_denied_program_is_found(remote_control: Path) -> None:
    """It is known for long under another name; at the latest the tenth poll sees the new one."""
    shell = subprocess.Popen(["sh", "-c", f"read line; exec {remote_control} 60"], stdin=subprocess.PIPE)
    assert shell.stdin is not None
    try:
        watcher = Processes({KNOWN_AS: "why"})
        for poll in range(5):
            assert watcher.poll(poll) == ()
        shell.stdin.write(b"\n")
        shell.stdin.flush()
        until(lambda: Path(f"/proc/{shell.pid}/exe").resolve() == remote_control)
        assert [hit for poll in range(10) for hit in found(watcher.poll(poll))] == [((KNOWN_AS, "why"),)]
    finally:
        shell.kill()
        shell.communicate()


def test_a_renamed_program_is_found_by_its_hash_though_it_ran_before(tmp_path: Path) -> None:
    renamed = tmp_path / "homework"
    content = Path(shutil.which("sleep") or "").read_bytes() + REMOTE.encode()  # others on this machine sleep too
    renamed.write_bytes(content)
    renamed.chmod(0o700)
    name = f"sha256:{hashlib.sha256(content).hexdigest()}"
    watcher = Processes(reasons([name]))
    with running(renamed):
        told = "homework", "its file is one that the exam does not allow, whatever it is called"
        until(lambda: found(watcher.poll(0)) == [(told,)])  # each poll reads some files


def test_a_program_that_has_ended_but_was_not_reaped_is_not_running(remote_control: Path) -> None:
    watcher = Processes({KNOWN_AS: "why"})
    process = subprocess.Popen([remote_control, "60"])
    try:
        until(lambda: found(watcher.poll(0)) != [])
        process.kill()
        until(lambda: found(watcher.poll(0)) == [()])
    finally:
        process.wait()


def test_our_own_processes_are_never_reported(remote_control: Path) -> None:
    with running(remote_control) as pid:
        assert Processes({KNOWN_AS: "why"}, own_pids=(pid, os.getpid())).poll(0) == ()


@pytest.mark.parametrize("name", ["AnyDesk", "anydesk.exe", " ANYDESK.EXE ", r"C:\Tools\AnyDesk.exe", "/opt/AnyDesk"])
def test_names_are_compared_without_case_folder_and_exe(name: str) -> None:
    assert program_name(name) == "anydesk"


@given(st.text(max_size=30))
def test_a_normalised_name_stays_as_it_is(name: str) -> None:
    once = program_name(name)
    assert program_name(once) in (once, once.removesuffix(".exe"), program_name(once.strip()))


def test_the_reason_comes_from_the_list_and_otherwise_from_the_exam(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text('[{"name": "AnyDesk", "kind": "remote control", "why": "lets someone else in"}]')
    assert reasons(["anydesk.exe", "Foo", ""], load_process_list(path)) == {
        "anydesk": "remote control: lets someone else in",
        "foo": "not allowed in this exam",
    }


def test_the_list_that_ships_is_whole_and_names_nothing_twice() -> None:
    entries = load_process_list(resources_dir() / "lists" / "processes.json")
    names = [program_name(entry.name) for entry in entries]
    assert len(set(names)) == len(names) >= 150
    assert {entry.kind for entry in entries} == {
        "remote control", "remote desktop viewer", "screen sharing or recording", "virtual camera", "messenger",
        "AI assistant", "virtual machine", "virtual machine guest tools", "debugger", "network analysis", "macro tool",
        "phone mirroring", "shared keyboard and mouse",
    }  # fmt: skip


@pytest.mark.parametrize(
    "content", ["", "{}", '["anydesk"]', '[{"name": "", "kind": "k", "why": "w"}]', '[{"name": 1}]']
)
def test_a_broken_list_is_told_in_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(content)
    with pytest.raises(BadInput, match="process list"):
        load_process_list(path)


# ---- the loop


class CountingWatcher:
    """Reports its polls; raises instead where told."""

    def __init__(self, name: str, *, broken: bool = False) -> None:
        self.name = name
        self.broken = broken
        self.closed = 0
        self.descriptor: int | None = None
        self.wake: Callable[[], None] = lambda: None

    def poll(self, now_ns: int) -> Sequence[Observation]:
        if self.broken:
            raise LockdownError("The X server does not answer.")
        return (DisplaysSeen(now_ns, 1, (self.name,)),)

    def listen(self, wake: Callable[[], None]) -> int | None:
        self.wake = wake
        return self.descriptor

    def close(self) -> None:
        self.closed += 1


def test_a_broken_watcher_is_counted_and_holds_up_nobody() -> None:
    seen: list[Observation] = []
    broken, sound = CountingWatcher("broken", broken=True), CountingWatcher("sound")
    loop = WatchLoop([broken, sound], SystemClock(), seen.append, interval_s=0.001)
    loop.start()
    until(lambda: len(seen) >= 3)
    loop.stop()
    assert loop.failures["broken"] >= 3
    assert loop.failures["sound"] == 0
    assert {o.names for o in displays(seen)} == {("sound",)}


def test_a_watcher_that_recovers_is_heard_again() -> None:
    seen: list[Observation] = []
    watcher = CountingWatcher("flaky", broken=True)
    loop = WatchLoop([watcher], SystemClock(), seen.append, interval_s=0.001)
    loop.start()
    until(lambda: loop.failures["flaky"] > 0)
    watcher.broken = False
    until(lambda: bool(seen))
    loop.stop()


def test_a_watcher_that_has_something_to_tell_is_polled_at_once() -> None:
    watcher, other = CountingWatcher("woken"), CountingWatcher("other")
    seen: list[Observation] = []
    loop = WatchLoop([watcher, other], SystemClock(), seen.append, interval_s=3600)
    loop.start()
    until(lambda: len(seen) == 2)
    watcher.wake()
    until(lambda: len(seen) == 3)
    loop.stop()
    assert [o.names for o in displays(seen)] == [("woken",), ("other",), ("woken",)]


def test_a_descriptor_that_is_readable_for_ever_does_not_spin_the_loop() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    watcher, other = CountingWatcher("cut off", broken=True), CountingWatcher("other")
    watcher.descriptor = ours.fileno()
    loop = WatchLoop([watcher, other], SystemClock(), lambda _: None, interval_s=3600)

    def polled(times: int) -> bool:
        return loop.polls["other"] >= times

    with ours:
        loop.start()
        for polls in range(1, 6):
            until(partial(polled, polls))
            other.wake()
        loop.stop()
    assert loop.polls["cut off"] == 1


def test_stopping_ends_the_thread_at_once_and_closes_the_watchers() -> None:
    watcher = CountingWatcher("slow")
    seen: list[Observation] = []
    loop = WatchLoop([watcher], SystemClock(), seen.append, interval_s=3600)
    loop.start()
    until(lambda: bool(seen))
    assert "lockdown-watch" in {thread.name for thread in threading.enumerate()}
    loop.stop()
    loop.stop()
    assert watcher.closed == 1
    assert "lockdown-watch" not in {thread.name for thread in threading.enumerate()}


def test_a_watcher_that_waits_for_ever_keeps_no_machine_and_says_nothing_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "STOP_WAIT_S", 0.0)
    asked, let_go = threading.Event(), threading.Event()
    seen: list[Observation] = []

    class Waiting(CountingWatcher):
        def poll(self, now_ns: int) -> Sequence[Observation]:
            asked.set()
            let_go.wait(20)
            return super().poll(now_ns)

    watcher = Waiting("waiting")
    loop = WatchLoop([watcher], SystemClock(), seen.append)
    loop.start()
    assert asked.wait(20)
    loop.stop()
    let_go.set()
    until(lambda: watcher.closed == 1)
    assert seen == []


def test_a_pipe_in_a_programs_place_is_no_program(tmp_path: Path) -> None:
    pipe = tmp_path / "program"
    os.mkfifo(pipe)
    hashes = FileHashes()
    hashes.begin()
    assert hashes.get(str(pipe)) == ""


def test_a_watcher_that_can_not_be_closed_keeps_no_other_open(caplog: pytest.LogCaptureFixture) -> None:
    class Clinging(CountingWatcher):
        def close(self) -> None:
            raise LockdownError("The X server does not answer.")

    last = CountingWatcher("last")
    loop = WatchLoop([Clinging("first"), last], SystemClock(), lambda _: None)
    loop.start()
    loop.stop()
    assert last.closed == 1
    assert "first can't be closed" in caplog.text


def test_the_shipped_list_is_plain_json() -> None:
    json.loads((resources_dir() / "lists" / "processes.json").read_text(encoding="utf-8"))
