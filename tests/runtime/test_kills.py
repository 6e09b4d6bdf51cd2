"""A machine that always comes back: kills without warning at fifty points of locking and unlocking, in three ways."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.runtime.virtual_desktop import VirtualDesktop

ROUNDS = Path(__file__).resolve().parents[1] / "fakes" / "kill_rounds.py"
KILLS = 50


@pytest.mark.desktop
@pytest.mark.parametrize("kind", ["client", "guardian", "both"])
def test_fifty_kills_anywhere_in_locking_and_unlocking_leave_the_machine_as_it_was(
    desktop: VirtualDesktop, tmp_path: Path, kind: str
) -> None:
    """Restored are the X server's screen saver and power settings, an autostart entry and files: by the guardian when the
    client was killed, by the client when the guardian was, by the next start when both were."""
    environ = os.environ | desktop.environment | {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    subprocess.run(["xset", "s", "432", "60"], check=True, env=environ)
    words = [sys.executable, str(ROUNDS), str(tmp_path), kind, str(KILLS), "20261120"]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["rounds"] == KILLS
    assert found["points"] > 10 * KILLS
    assert (found["left_changed"] > KILLS // 2) is (kind == "both")
    shown = subprocess.run(["xset", "q"], capture_output=True, text=True, check=True, env=environ).stdout
    assert "timeout:  432    cycle:  60" in shown
    subprocess.run(["xset", "s", "default"], check=True, env=environ)
