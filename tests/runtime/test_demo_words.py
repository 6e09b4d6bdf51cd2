"""The demo's last words on the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.types import Json
from app.runtime.demo import DemoResult, serve_again, summary_table

REPORT: dict[str, Json] = {
    "violations": [{"code": 5001, "name": "no face", "start_ms": 19_700, "end_ms": 26_300, "severity": 0.51}],
    "trust": {"score": 96.8},
    "gaps": [],
    "verification": {"ok": True},
}


def result(url: str | None) -> DemoResult:
    root = Path("/demo folder/client/attempts/abc")
    return DemoResult("att_1", REPORT, root, root / "report.html", url, 5_000)


def test_the_table_says_what_was_seen_and_where_everything_is() -> None:
    table = summary_table(result("http://127.0.0.1:4711/attempts/att_1/report?token=t"))
    assert "5001  no face                         19.7s      6.6s      0.51" in table
    assert "Trust score     96.8 of 100" in table
    assert "verified: /demo folder/client/attempts/abc" in table
    assert "http://127.0.0.1:4711/attempts/att_1/report?token=t" in table


def test_an_undelivered_report_has_no_link() -> None:
    assert "not delivered yet" in summary_table(result(None))


def test_the_report_can_be_served_again_at_its_address() -> None:
    again = serve_again(result("http://127.0.0.1:4711/attempts/att_1/report?token=t"))
    assert again == "invigil serve --dir '/demo folder/backend' --port 4711"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_a_display_that_does_not_answer_is_none(tmp_path: Path) -> None:
    """As after a lost connection. The virtual one that the demo then wants can't be made here."""
    without = {name: value for name, value in os.environ.items() if name not in ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE")}
    done = subprocess.run(
        [sys.executable, "-m", "app", "demo", "--dir", str(tmp_path)],
        env=without | {"DISPLAY": ":9999", "PATH": "/nowhere"}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.startswith("There is no display here, so the demo runs headless")
    assert done.stderr.startswith("invigil: A virtual desktop needs setpriv")
