"""A whole exam inside the kiosk compositor, as a candidate takes it: cage in a window of the virtual desktop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import psutil
import pytest

from app.core.types import Json
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend, Client, make_key, rows, running, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

OTHER_WINDOW = """
from PySide6.QtWidgets import QApplication, QLabel
application = QApplication(["other"])
window = QLabel("other")
window.show()
application.focusWindowChanged.connect(lambda _: application.focusWindow() and print("shown", flush=True))
application.exec()
"""
DENIED = f"Kiosk{os.getpid()}"
"""A program that only this test run's exam does not allow: others on this machine look at the same processes."""
AS_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000") if os.geteuid() == 0 else ()
"""cage refuses root, and an exam is taken by an ordinary user."""
ENVIRONMENT = {"WLR_RENDERER": "pixman", "WLR_BACKENDS": "headless", "XDG_SESSION_TYPE": "tty"}
"""No graphics card is needed. A backend that a candidate chose does not count: the window is there to be seen."""


@dataclass
class ClientInCompositor(Client):
    """``invigil take --kiosk-compositor``: guardian, host, compositor, its one program, client."""

    def compositor(self) -> psutil.Process:
        (found,) = (child for child in super().inner().children() if child.name() == "cage")
        return found

    def inner(self) -> psutil.Process:
        found = self.compositor()
        for _ in range(2):
            (found,) = (child for child in found.children() if child.name() != "Xwayland")
        return found


@pytest.fixture
def client(own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path) -> ClientInCompositor:
    lockdown: dict[str, Json] = {"quit_always": False, "denied_processes": [DENIED]}
    key, trust = make_key(backend, tmp_path, {"lockdown": lockdown, "evidence": {"mode": "continuous"}})
    return ClientInCompositor(
        own_desktop, tmp_path, key, trust, extra=("--kiosk-compositor",), environment=ENVIRONMENT, before=AS_USER
    )


def test_an_exam_in_the_kiosk_compositor_is_recorded_and_outlives_its_client_and_the_compositor(
    client: ClientInCompositor,
) -> None:
    with running(client):
        client.reach_exam()
        client.await_fact("page_ready", True)
        until("the screen's recording", lambda: "screen" in client.indicators())
        leave_keys_to_the_compositor(client)
        client.press("Print")
        client.await_fact("violation", 5115)
        client.press("alt+Tab")
        client.await_fact("violation", 5121)
        with denied_program(client):
            client.await_fact("violation", 5111)
        with another_window(client):
            client.await_fact("violation", 5005)
        client.await_fact("violation", 5006)
        press_until_told(client, "super", 5121, 2)
        stop_for_a_moment(client.inner())
        client.await_fact("violation", 5120)

        client.kill_inner()
        client.await_fact("session", 2)
        client.await_fact("command", "start_monitoring", 2)
        client.compositor().kill()
        client.await_fact("session", 3)
        client.await_fact("command", "start_monitoring", 3)

        client.finish()
        assert client.close() == 0
    assert client.verified().ok
    assert set(client.codes()) >= {5005, 5111, 5115, 5120, 5121}
    assert set(client.codes()).isdisjoint({5007, 5008}), "there is one monitor all the time"
    keys = [v["detail"] for v in rows(client.report(), "violations") if v["code"] == 5121]
    assert list(dict.fromkeys(keys)) == ["Alt+Tab", "Super"]
    assert "The kiosk compositor is a window of another session" in told(client)
    assert screen_recordings(client)
    assert all(brightest(path) > 200 for path in screen_recordings(client))


def leave_keys_to_the_compositor(client: ClientInCompositor) -> None:
    """The desktop's window manager goes, which keeps Alt+Tab and PrintScreen to itself: a console has none."""

    def said(*words: str) -> str:
        """Empty where the program failed."""
        environment = os.environ | client.desktop.environment
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=20)
        return "" if done.returncode else done.stdout.strip()

    compositor = said("xdotool", "getactivewindow")
    managers = said("xprop", "-root", "_NET_SUPPORTING_WM_CHECK").split()[-1]
    said("openbox", "--exit")
    until("the window manager to go", lambda: not said("xprop", "-id", managers, "WM_NAME"))
    said("xdotool", "windowfocus", compositor)
    until("the compositor to have the keys", lambda: said("xdotool", "getwindowfocus") == compositor)


def press_until_told(client: Client, keys: str, code: int, times: int) -> None:
    """As a person would: the first press may come before the compositor gives the keys back to us."""
    pressed_s = 0.0

    def told_again() -> bool:
        nonlocal pressed_s
        if time.monotonic() - pressed_s > 5:
            client.press(keys)
            pressed_s = time.monotonic()
        return client.count("violation", code) >= times

    until(f"{keys} to be told", told_again)


def stop_for_a_moment(process: psutil.Process) -> None:
    process.suspend()
    until("the client to stop", lambda: process.status() == psutil.STATUS_STOPPED)
    process.resume()


@contextmanager
def denied_program(client: ClientInCompositor) -> Iterator[None]:
    program = client.data.parent / DENIED
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([str(program), "60"]) as denied:
        yield
        denied.kill()


@contextmanager
def another_window(client: ClientInCompositor) -> Iterator[None]:
    """A program of the same user that found the compositor's socket, as from another console."""
    inside = client.inner().environ()
    environment = os.environ | {
        name: inside[name] for name in ("WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "QT_QPA_PLATFORM")
    }
    with subprocess.Popen([sys.executable, "-c", OTHER_WINDOW], env=environment, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"shown\n"
        yield
        other.terminate()


def told(client: Client) -> str:
    return json.dumps([dict(entry.body) for entry in client.entries()])


def screen_recordings(client: Client) -> list[Path]:
    kept = [entry.body for entry in client.entries() if entry.kind == "segment" and entry.body["stream"] == "screen"]
    return [client.attempt_root() / "files" / f"{body['sha256']}.webm" for body in kept]


def brightest(recording: Path) -> int:
    with av.open(str(recording)) as container:
        return max(int(frame.to_ndarray(format="gray").max()) for frame in container.decode(video=0))
