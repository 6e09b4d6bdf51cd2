"""A machine that the check refuses, from its signs to the supervisor's reason in the evidence, by keyboard alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from app.core import unlock
from app.core.types import Json
from app.runtime.virtual_desktop import VirtualDesktop
from tests.e2e.harness import Backend, Client, make_key, rows, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

REASON = "She helps with the screen reader"
POLICY: dict[str, dict[str, Json]] = {
    "lockdown": {"unlock_password": unlock.make("go on", b"sixteen bytes at least"), "denied_processes": []},
    "detection": {"rules": {"5112": {"response": "hold"}, "5113": {"enabled": False}}},
}


def test_a_desktop_that_is_seen_from_elsewhere_is_refused_until_a_supervisor_lets_it_pass(
    own_desktop: VirtualDesktop, backend: Backend, tmp_path: Path
) -> None:
    key, trust = make_key(backend, tmp_path, POLICY)
    program = tmp_path / "x11vnc"
    shutil.copy("/bin/sleep", program)
    seen = Client(own_desktop, tmp_path / "run", key, trust, environment={"XRDP_SESSION": "1"})
    with subprocess.Popen([str(program), "120"]) as server, running(seen) as client:
        client.await_fact("checks", "failed")
        refused = next(row for row in client.checks() if row["name"] == "remote_control")
        assert (refused["ok"], refused["required"]) == (False, True)
        client.press("shift+Tab", "Return")
        client.await_fact("verdict", "refused")
        client.await_page("verdict")
        client.press(
            "shift+Tab", "shift+Tab", "shift+Tab"
        )  # from Check again past Back to the password, and the reason
        client.type(REASON)
        client.type("wrong")
        client.await_fact("problem", "That password is wrong.")
        client.type("go on")
        client.reach_exam()
        client.finish()
        assert client.close() == 0
        server.kill()
    assert client.verified().ok
    (override,) = [event for event in rows(client.report(), "events") if event["event"] == "override"]
    assert (override["of"], override["reason"], override["by"]) == ([5112], REASON, "supervisor")
    assert 5112 in client.codes()
