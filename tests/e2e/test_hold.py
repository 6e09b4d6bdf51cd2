"""A held exam on a real desktop, from the program that held it to the evidence."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from app.core.types import Json
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import WAIT_S, Backend, Client, make_key, rows, running, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

DENIED = f"Held{os.getpid()}"
"""A program that only this test run's exam does not allow: others on this machine look at the same processes."""
POLICY: dict[str, dict[str, Json]] = {
    "lockdown": {"denied_processes": [DENIED]},
    "detection": {"rules": {"5111": {"response": "hold"}}},
}


def nothing_is_open(client: Client) -> bool:
    lists = [fact["still_open"] for fact in client.read() if "still_open" in fact]
    return bool(lists) and lists[-1] == []


def test_a_denied_program_holds_the_exam_until_the_candidate_has_it_closed_and_continues(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path, POLICY)
    program = tmp_path / DENIED
    shutil.copy("/bin/sleep", program)
    with running(Client(own_desktop, tmp_path / "run", key, trust)) as client:
        client.reach_exam()
        with subprocess.Popen([str(program), "120"]) as denied:
            client.await_page("hold")
            assert not nothing_is_open(client)
            client.press("Return")  # there is no Continue yet
            client.press("Tab", "Tab", "Return")
            assert denied.wait(WAIT_S) == -signal.SIGTERM
        until("the list on the lock screen to be empty", lambda: nothing_is_open(client))
        assert client.page() == "hold"
        client.press("Return")
        client.await_page("exam")
        client.finish()
        assert client.close() == 0
    assert client.verified().ok
    log = rows(client.report(), "events")
    assert [e.get("by") for e in log if e["event"] == "phase" and e.get("by")] == ["rule", "candidate"]
    assert [(e["program"], e["by"]) for e in log if e["event"] == "asked_to_close"] == [(DENIED.lower(), "candidate")]
    assert DENIED.lower() in next(str(e["reason"]).lower() for e in log if e.get("phase") == "held")
    assert 5111 in client.codes()
