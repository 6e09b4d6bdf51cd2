"""A whole exam inside the kiosk compositor, as a candidate takes it: cage in a window of the virtual desktop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import psutil
import pytest

from app.core.types import Json
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend, Client, make_key, running, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

OTHER_WINDOW = """
from PySide6.QtWidgets import QApplication, QLabel
application = QApplication(["other"])
window = QLabel("other")
window.show()
application.focusWindowChanged.connect(lambda _: application.focusWindow() and print("shown", flush=True))
application.exec()
"""
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
    lockdown: dict[str, Json] = {"quit_always": False, "denied_processes": []}
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
        client.press("ctrl+p")
        until("the screen's recording", lambda: "screen" in client.indicators())
        client.await_fact("violation", 5121)
        with another_window(client):
            client.await_fact("violation", 5005)
        client.await_fact("violation", 5006)

        client.kill_inner()
        client.await_fact("session", 2)
        client.await_fact("command", "start_monitoring", 2)
        client.compositor().kill()
        client.await_fact("session", 3)
        client.await_fact("command", "start_monitoring", 3)

        client.finish()
        assert client.close() == 0
    assert client.verified().ok
    assert set(client.codes()) >= {5005, 5121}
    assert set(client.codes()).isdisjoint({5007, 5008, 5111, 5115}), "neither monitors nor programs nor captures"
    assert "The kiosk compositor is a window of another session" in told(client)
    assert screen_recordings(client)
    assert all(brightest(path) > 200 for path in screen_recordings(client))


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
