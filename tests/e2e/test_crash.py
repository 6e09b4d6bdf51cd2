"""A killed client costs neither the exam nor the evidence, and the machine is given back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from app.backend.plausibility import findings
from app.core.types import Json
from app.lockdown.journal import RestoreJournal
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend, Client, make_key, running, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def rows(report: dict[str, Json], name: str) -> list[dict[str, Json]]:
    found = report[name]
    assert isinstance(found, list)
    return [row for row in found if isinstance(row, dict)]


def test_a_killed_client_goes_on_as_session_two_with_the_gap_and_an_altered_journal_recorded(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path)
    with running(Client(own_desktop, tmp_path / "run", key, trust)) as client:
        client.reach_exam()
        until("something recorded", lambda: list(client.attempt_root().glob("files/*.webm")))
        journal = client.data / "restore.jsonl"
        journal.write_text(journal.read_text(encoding="utf-8").replace('"before": {}', '"before": {"other": 1}', 1))
        client.kill_inner()
        client.await_fact("command", "start_monitoring", times=2)
        client.await_fact("violation", 5120)  # the guardian found the line that was altered
        client.finish()
        assert client.close() == 0
    report = client.report()
    assert [s["session"] for s in rows(report, "sessions")] == [1, 2]
    down = {str(g["stream"]) for g in rows(report, "gaps") if g["cause"] == "client_down"}
    assert down == {"camera", "microphone", "screen"}
    assert client.verified().ok
    assert findings(list(client.entries()), {}) == []  # an interrupted exam looks plausible all the same
    assert RestoreJournal(journal).outstanding() == []


def test_a_machine_that_lost_guardian_and_client_continues_at_the_next_start(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path)
    with running(Client(own_desktop, tmp_path / "run", key, trust)) as client:
        client.reach_exam()
        client.kill_all()
        assert RestoreJournal(client.data / "restore.jsonl").outstanding() != []
        client.start()
        client.await_fact("command", "start_monitoring", times=2)
        client.finish()
        assert client.close() == 0
    assert [s["session"] for s in rows(client.report(), "sessions")] == [1, 2]
    assert client.verified().ok
    assert RestoreJournal(client.data / "restore.jsonl").outstanding() == []


HOSTILE = {
    "QTWEBENGINE_REMOTE_DEBUGGING": "127.0.0.1:9222",
    "QTWEBENGINE_CHROMIUM_FLAGS": "--remote-debugging-port=9223 --load-extension=/elsewhere",
    "QT_PLUGIN_PATH": "/elsewhere",
    "PYTHONSTARTUP": "/elsewhere.py",
    "LD_LIBRARY_PATH": "/elsewhere",
    "SSLKEYLOGFILE": "/elsewhere/keys",
}


def family(client: Client) -> Iterator[psutil.Process]:
    """The client and what it started, Chromium's processes among them."""
    inner = client.inner()
    yield inner
    yield from inner.children(recursive=True)


def test_no_hostile_variable_reaches_the_client_and_one_whose_guardian_was_killed_goes_on_and_tidies_up(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path)
    autostart = tmp_path / "config" / "autostart"
    environment = HOSTILE | {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    with running(Client(own_desktop, tmp_path / "run", key, trust, environment=environment)) as client:
        client.reach_exam()
        client.await_fact("page_ready", True)
        processes = list(family(client))
        assert any("QtWebEngineProcess" in process.name() for process in processes), [
            p.cmdline()[:3] for p in processes
        ]
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # Chromium's helpers come and go
                assert not HOSTILE.items() & process.environ().items()
                assert [c.laddr for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN] == []
        assert len(list(autostart.iterdir())) == 1
        assert client.process is not None
        client.process.kill()
        client.await_fact("violation", 5120)
        client.finish()
        assert len(list(autostart.iterdir())) == 0
        client.press("Return")
        until("the client to end", lambda: not psutil.pid_exists(processes[0].pid) or _is_zombie(processes[0]))
    assert 5120 in client.codes()
    names = [e.body["names"] for e in client.entries() if e.body.get("event") == "environment_scrubbed"]
    assert len(names) == 1
    assert isinstance(names[0], list)
    assert set(HOSTILE) <= {str(name) for name in names[0]}
    assert client.verified().ok
    assert RestoreJournal(client.data / "restore.jsonl").outstanding() == []


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
