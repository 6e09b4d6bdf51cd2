"""The backend as a process: started, asked, stopped by a signal, and silent towards anybody else."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from sqlalchemy.exc import IntegrityError

from app.backend.application import create_app
from app.backend.auth import ensure_admin_key
from app.backend.database import Database
from app.backend.models import RevocationList
from app.backend.server import serve
from app.backend.settings import BackendServices, BackendSettings
from app.core.errors import BadInput
from app.runtime.clock import SystemClock
from tests.fakes.backend_server import RunningBackend

PROGRAM = """
import sys
from pathlib import Path
from app.backend.application import create_app
from app.backend.server import serve
from app.backend.settings import BackendServices, BackendSettings
from app.runtime.clock import SystemClock

app = create_app(BackendSettings(data_dir=Path(sys.argv[1])), BackendServices(clock=SystemClock()))
serve(app, "127.0.0.1", 0, lambda port: print(port, flush=True))
"""


@contextmanager
def process(data_dir: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(data_dir)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def test_it_tells_its_port_serves_and_ends_by_signal_without_a_word(tmp_path: Path) -> None:
    telemetry = {"FASTAPI_OTEL_AUTO_CONFIGURE": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with process(tmp_path, **telemetry) as running:
        assert running.stdout is not None
        port = int(running.stdout.readline())
        with requests.Session() as session:
            assert session.get(f"http://127.0.0.1:{port}/health?token=x", timeout=10).status_code == 200
        running.send_signal(signal.SIGTERM)
        words = running.communicate(timeout=20)
    assert words == ("", "")


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    settings, services = BackendSettings(data_dir=tmp_path), BackendServices(clock=SystemClock())
    with RunningBackend(tmp_path) as running, pytest.raises(BadInput, match=f"port {running.port}"):
        serve(create_app(settings, services), "127.0.0.1", running.port, print)


@pytest.mark.parametrize("url", ["sqlite:////proc/nowhere/x.sqlite3", "nonsense"])
def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path: Path, url: str) -> None:
    settings = BackendSettings(data_dir=tmp_path, database_url=url)
    services = BackendServices(clock=SystemClock())
    with pytest.raises(BadInput, match="database"):
        ensure_admin_key(settings, services)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    settings = BackendSettings(data_dir=tmp_path / "file" / "data")
    with pytest.raises(BadInput, match="folder"):
        ensure_admin_key(settings, BackendServices(clock=SystemClock()))


def test_a_new_folder_is_for_its_user_alone_and_a_secret_that_a_crash_cut_short_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    secret = folder / "link-secret"
    with RunningBackend(folder):
        assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(secret.stat().st_mode)) == (0o700, 0o600)
    before = secret.read_bytes()
    with RunningBackend(folder):
        assert secret.read_bytes() == before
    secret.write_bytes(b"")
    with RunningBackend(folder):
        assert len(secret.read_bytes()) == len(before) == 32


def test_what_is_kept_is_for_its_owner_alone_in_a_folder_that_everybody_may_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with RunningBackend(tmp_path) as backend:
        backend.new_exam()
        for path in tmp_path.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


def test_what_is_stored_is_never_part_of_a_logged_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'backend.sqlite3'}")
    database.start()

    def enter() -> None:
        with database.writing() as session:
            session.add(RevocationList(kid="one", serial=1, token="the secret text", received_ns=0))

    enter()
    with pytest.raises(IntegrityError) as failure:
        enter()
    database.stop()
    assert "the secret text" not in str(failure.value)


def test_a_database_of_another_layout_is_not_touched(tmp_path: Path) -> None:
    with RunningBackend(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "backend.sqlite3") as database:
        database.execute("UPDATE schema_version SET version = 99")
    database.close()
    settings, services = BackendSettings(data_dir=tmp_path), BackendServices(clock=SystemClock())
    with pytest.raises(BadInput, match="layout 99"):
        serve(create_app(settings, services), "127.0.0.1", 0, print)


def test_the_demo_page_is_served_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "index.html").write_text("<h1>Sample exam</h1>", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    with RunningBackend(tmp_path / "data", demo_dir=tmp_path / "demo") as backend:
        assert "Sample exam" in backend.ask("GET", "/demo/", key=None).text
        for path in ("/demo/../secret.txt", "/demo/%2e%2e/secret.txt", "/demo/missing.html"):
            answer = backend.ask("GET", path, key=None)
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "not_found"


def test_requests_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    with RunningBackend(tmp_path, requests_per_s=0) as backend:
        exam_id = backend.new_exam()

        def send(number: int) -> int:
            fields = {"examId": exam_id, "userId": f"u{number % 3}", "type": "webcam"}
            return backend.ask("POST", "/recordings", data=fields, files={"file": bytes([number % 4])}).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(send, range(32))) == {200}
        assert len(backend.ask("GET", f"/exams/{exam_id}").json()["participants"]) == 3
        assert len([p for p in (tmp_path / "files").rglob("*") if p.is_file()]) == 4


def test_clients_that_hang_do_not_keep_the_server_from_stopping(tmp_path: Path) -> None:
    with RunningBackend(tmp_path) as backend:
        line = socket.create_connection(("127.0.0.1", backend.port))
        line.sendall(b"POST /recordings HTTP/1.1\r\nHost: x\r\n")
    line.close()
