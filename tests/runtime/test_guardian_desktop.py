"""A locked desktop whose client is killed: the real operations, on a real X server, through the guardian."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.lockdown.journal import RestoreJournal
from app.lockdown.platform import all_operations
from app.runtime.guardian import Guardian

CLIENT = Path(__file__).resolve().parents[1] / "fakes" / "kiosk_client.py"


@pytest.mark.desktop
@pytest.mark.usefixtures("desktop")
def test_a_killed_client_leaves_no_trace_on_the_desktop_and_is_locked_again(tmp_path: Path) -> None:
    subprocess.run(["xset", "s", "432", "60"], check=True)
    journal = tmp_path / "restore.jsonl"
    said: list[str] = []
    guardian = Guardian([sys.executable, str(CLIENT), str(tmp_path)], journal, all_operations(), say=said.append)
    assert guardian.run() == 0
    assert (tmp_path / "seen").read_text().splitlines() == [
        "started 432", "locked 0",  # and killed
        "started 432", "locked 0", "released0 432",
    ]  # fmt: skip
    assert said == []
    assert RestoreJournal(journal).outstanding() == []
    shown = subprocess.run(["xset", "q"], capture_output=True, text=True, check=True).stdout
    assert "timeout:  432    cycle:  60" in shown
    subprocess.run(["xset", "s", "default"], check=True)
