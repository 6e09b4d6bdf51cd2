"""The real backend on a loopback port, in a thread of this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from app.backend.application import create_app
from app.backend.auth import ensure_admin_key
from app.backend.server import Server
from app.backend.settings import BackendServices, BackendSettings
from app.core.types import Json
from app.runtime.clock import SystemClock

ADMIN_KEY = "admin-key-of-the-tests-0123456789"
WEBM = b"\x1aE\xdf\xa3" + bytes(range(256)) * 40


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def accept_manifest(lines: Sequence[str], seal: Mapping[str, Json]) -> Mapping[str, Json]:
    """Stands in for the evidence package's check: content with anything that has a seal."""
    return {"verified": bool(seal), "entries": len(lines)}


class RunningBackend:
    """Started and stopped by ``with``; the same folder may be used again, as after a crash."""

    def __init__(self, data_dir: Path, services: BackendServices | None = None, port: int = 0, **settings: Any) -> None:
        self.settings = BackendSettings(data_dir=data_dir, **settings)
        self._services = services or BackendServices(clock=SystemClock(), verify_manifest=accept_manifest)
        self._ready = threading.Event()
        self.port = port
        self._server = Server(create_app(self.settings, self._services), "127.0.0.1", port, self._on_ready)
        self._thread = threading.Thread(target=self._server.run, name="backend-under-test")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        ensure_admin_key(self.settings, self._services, ADMIN_KEY)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._thread.join(10)

    def ask(self, method: str, path: str, key: str | None = ADMIN_KEY, **options: Any) -> requests.Response:
        """One request on a connection of its own; ``path`` may be a whole address."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        headers |= options.pop("headers", {})
        url = path if path.startswith("http") else self.url + path
        with requests.Session() as session:
            return session.request(method, url, headers=headers, timeout=10, **options)

    def new_exam(self) -> str:
        answer = self.ask("POST", "/exams", json={"title": "Algebra", "duration": 60, "settings": {"webcam": True}})
        return str(answer.json()["id"])

    def new_token(self, exam_id: str, **wish: Any) -> str:
        return str(self.ask("POST", f"/exams/{exam_id}/tokens", json=wish).json()["token"])

    def _on_ready(self, port: int) -> None:
        self.port = port
        self._ready.set()


def until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    """Polls until the condition is true; fails at the deadline."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)
