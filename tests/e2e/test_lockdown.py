"""A locked exam on a real display with a window manager, against everything that a person may try."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.core.types import Json
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend, Client, make_key, rows, running, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

OTHER_WINDOW = str(Path(__file__).resolve().parents[1] / "fakes" / "other_window.py")
SECOND_MONITOR = ("--setmonitor", "second", "683/180x768/200+683+0", "none")
DENIED = f"Denied{os.getpid()}"
"""A program that only this test run's exam does not allow: others on this machine look at the same processes."""
SAVER = ("s", "77", "33")
"""What this desktop's screen saver is set to before the exam: minutes that nobody else would choose."""
PAGE = """<!doctype html><title>Exam</title><h1>Exam</h1>
<a id=away href="http://localhost:9/away">leave</a> <input id=answer>
<script>document.getElementById('away').focus()</script>"""


@contextmanager
def other_program(desktop: VirtualDesktop) -> Iterator[str]:
    """A second process with a window; gives its id."""
    process = subprocess.Popen(
        [sys.executable, OTHER_WINDOW],
        env=os.environ | desktop.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


@contextmanager
def page_served(folder: Path) -> Iterator[str]:
    """The exam's page on a server of its own, whose address is given."""
    folder.mkdir()
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    words = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            port = server.stdout.readline().split(" port ")[1].split()[0]
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()


def output(desktop: VirtualDesktop, *words: str) -> str:
    done = subprocess.run(
        words, env=os.environ | desktop.environment, capture_output=True, text=True, check=False, timeout=20
    )
    return done.stdout.strip()


def saver(desktop: VirtualDesktop) -> str:
    """The X server's own words for when the screen is blanked."""
    lines = output(desktop, "xset", "q").splitlines()
    return next(line.strip() for line in lines if "timeout:" in line)


def active_window(desktop: VirtualDesktop) -> str:
    return output(desktop, "xdotool", "getactivewindow")


@dataclass(frozen=True)
class Tried:
    """One exam in which a person tried everything, and what was left of it."""

    report: Mapping[str, Json]
    exam_window: str
    after_alt_tab: str
    after_steal: str
    blocked_url: bool
    saver_before: str
    saver_locked: str
    saver_after: str
    window_after: str
    verified: bool

    def of(self, code: int) -> list[dict[str, Json]]:
        return [v for v in rows(self.report, "violations") if v["code"] == code]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory, backend: Backend) -> Iterator[Tried]:
    folder = tmp_path_factory.mktemp("lockdown")
    with VirtualDesktop() as desktop, page_served(folder / "page") as url, other_program(desktop) as other:
        yield _try_everything(desktop, backend, url, other, folder)


def _try_everything(desktop: VirtualDesktop, backend: Backend, url: str, other: str, folder: Path) -> Tried:
    key, trust = make_key(backend, folder, {"exam": {"start_url": url}, "lockdown": {"denied_processes": [DENIED]}})
    output(desktop, "xset", *SAVER)
    before = saver(desktop)
    with running(Client(desktop, folder / "run", key, trust)) as client:
        client.reach_exam()
        locked, window = saver(desktop), active_window(desktop)
        client.press("alt+Tab")
        client.await_fact("violation", 5121)
        after_alt_tab = active_window(desktop)
        client.press("Print")
        client.await_fact("violation", 5115)
        output(desktop, "xdotool", "windowactivate", other)
        client.await_fact("violation", 5005)
        client.await_fact("violation", 5006)
        after_steal = active_window(desktop)
        output(desktop, "xrandr", *SECOND_MONITOR)
        client.await_fact("violation", 5007)
        output(desktop, "xrandr", "--delmonitor", "second")
        _run_denied(folder, client)
        client.press("Return")
        until("the address to be refused", lambda: any("blocked_url" in fact for fact in client.read()))
        client.finish()
        saver_after = saver(desktop)
        assert client.close() == 0
    output(desktop, "xdotool", "windowactivate", "--sync", other)
    return Tried(
        report=client.report(),
        exam_window=window,
        after_alt_tab=after_alt_tab,
        after_steal=after_steal,
        blocked_url=any(e.body.get("event") == "url_blocked" for e in client.entries()),
        saver_before=before,
        saver_locked=locked,
        saver_after=saver_after,
        window_after=active_window(desktop),
        verified=client.verified().ok,
    )


def _run_denied(folder: Path, client: Client) -> None:
    """A harmless program under a name that the exam does not allow."""
    program = folder / DENIED
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([str(program), "60"]) as denied:
        try:
            client.await_fact("violation", 5111)
        finally:
            denied.kill()


def test_alt_tab_does_not_leave_the_exam_and_is_recorded(tried: Tried) -> None:
    assert tried.after_alt_tab == tried.exam_window
    assert [v["detail"] for v in tried.of(5121)] == ["Alt+Tab"]


def test_print_screen_is_recorded_as_an_attempt_to_capture(tried: Tried) -> None:
    assert [v["detail"] for v in tried.of(5115)] == ["PrintScreen"]


def test_a_window_that_takes_the_focus_is_named_and_the_exam_comes_back(tried: Tried) -> None:
    assert tried.after_steal == tried.exam_window
    (lost,), (back,) = tried.of(5005), tried.of(5006)
    assert "OtherProgram" in str(lost["detail"])
    assert int(str(lost["end_ms"])) <= int(str(back["start_ms"])) + 1
    assert "secret" not in str(tried.report)


def test_a_monitor_that_is_added_is_recorded_with_its_name(tried: Tried) -> None:
    (added,) = tried.of(5007)
    assert "second" in str(added["detail"])


def test_a_program_that_the_exam_does_not_allow_is_named(tried: Tried) -> None:
    (found,) = tried.of(5111)
    assert DENIED.lower() in str(found["detail"]).lower()


def test_a_way_out_of_the_page_is_blocked_and_journalled(tried: Tried) -> None:
    assert tried.blocked_url


def test_nothing_else_is_said_of_the_candidate(tried: Tried) -> None:
    seen = {int(str(v["code"])) for v in rows(tried.report, "violations")}
    assert seen - {5001, 5002, 5004, 5101, 5106} == {5005, 5006, 5007, 5111, 5115, 5116, 5121}
    assert tried.verified


def test_the_screen_stays_on_during_the_exam_and_blanks_as_before_after_it(tried: Tried) -> None:
    assert tried.saver_locked != tried.saver_before
    assert tried.saver_after == tried.saver_before


def test_other_windows_can_be_used_again_after_the_exam(tried: Tried) -> None:
    assert tried.window_after not in ("", tried.exam_window)


def test_a_second_monitor_has_to_go_before_the_exam_and_a_dying_client_gives_the_screen_back(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path)
    output(own_desktop, "xset", *SAVER)
    before = saver(own_desktop)
    output(own_desktop, "xrandr", *SECOND_MONITOR)
    with running(Client(own_desktop, tmp_path / "run", key, trust)) as client:
        client.await_fact("checks", "failed")
        (monitors,) = (r for r in client.checks() if r["name"] == "monitors")
        assert (monitors["ok"], monitors["code"]) == (False, 4015)
        assert "Disconnect" in str(monitors["advice"])
        output(own_desktop, "xrandr", "--delmonitor", "second")
        client.press("Return")  # Check again has the focus
        client.reach_exam()
        assert saver(own_desktop) != before

        client.kill_inner()
        until("the guardian to restore", lambda: saver(own_desktop) == before)
        client.await_fact("command", "start_monitoring", times=2)
        assert saver(own_desktop) != before

        assert client.process is not None
        client.process.send_signal(signal.SIGTERM)
        assert client.wait() == 128 + signal.SIGTERM
        assert saver(own_desktop) == before
