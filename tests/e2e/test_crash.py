"""A killed client costs neither the exam nor the evidence, and the machine is given back."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.types import Json
from app.lockdown.journal import RestoreJournal
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend, Client, make_key, running, until

pytestmark = pytest.mark.e2e


def rows(report: dict[str, Json], name: str) -> list[dict[str, Json]]:
    found = report[name]
    assert isinstance(found, list)
    return [row for row in found if isinstance(row, dict)]


def test_a_killed_client_goes_on_as_session_two_with_the_gap_recorded(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path)
    with running(Client(own_desktop, tmp_path / "run", key, trust)) as client:
        client.reach_exam()
        until("something recorded", lambda: list(client.attempt_root().glob("files/*.webm")))
        client.kill_inner()
        client.await_fact("command", "start_monitoring", times=2)
        client.finish()
        assert client.close() == 0
    report = client.report()
    assert [s["session"] for s in rows(report, "sessions")] == [1, 2]
    down = {str(g["stream"]) for g in rows(report, "gaps") if g["cause"] == "client_down"}
    assert down == {"camera", "microphone", "screen"}
    assert client.verified().ok
    assert RestoreJournal(client.data / "restore.jsonl").outstanding() == []


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
