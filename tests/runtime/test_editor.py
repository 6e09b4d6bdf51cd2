"""The key editor's process, started as people start it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.keys.issuers import Issuer, save_issuer
from app.keys.protected import ACCEPTED_ITERATIONS
from app.keys.tries import Tries
from app.runtime.editor import EditorDesk
from app.runtime.virtual_desktop import VirtualDesktop
from app.ui.editor.desk import SignOrder
from tests.fakes.policies import small_policy

TITLE = "Invigil key editor"


def start(desktop: VirtualDesktop, home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app", "key", "edit", *arguments],
        env={**os.environ, **desktop.environment, "HOME": str(home), "XDG_DATA_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "algebra.json"
    path.write_text(json.dumps(small_policy()))
    return path


@pytest.fixture
def running(desktop: VirtualDesktop, policy: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The editor with a policy, once its window is there."""
    process = start(desktop, tmp_path, str(policy))
    wait_for_window(process)
    yield process
    process.kill()
    process.communicate()


def wait_for_window(process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while not window_named("algebra.json"):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no window came"
        time.sleep(0.1)


def window_named(words: str) -> bool:
    found = subprocess.run(["xdotool", "search", "--name", f"{words}.*{TITLE}"], capture_output=True, check=False)
    return bool(found.stdout.strip())


@pytest.mark.desktop
def test_the_editor_opens_a_policy_and_ends_by_ctrl_q(running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while running.poll() is None and time.monotonic() < deadline:
        find = ["xdotool", "search", "--onlyvisible", "--name", TITLE]
        subprocess.run([*find, "windowactivate"], capture_output=True, check=False)
        subprocess.run(["xdotool", "key", "--clearmodifiers", "ctrl+q"], check=True, timeout=10)
        time.sleep(0.3)
    out, error = running.communicate(timeout=5)
    assert (running.returncode, out, error) == (0, "", "")


@pytest.mark.desktop
def test_the_editor_ends_cleanly_when_it_is_terminated(running: subprocess.Popen[str]) -> None:
    running.send_signal(signal.SIGTERM)
    assert running.communicate(timeout=15) == ("", "")
    assert running.returncode == 0


@pytest.mark.parametrize(
    ("name", "content"), [("gone.json", None), ("bad.json", b"[]"), ("bad.invigil", b"nonsense"), ("empty.json", b"")]
)
def test_a_file_that_can_not_be_used_ends_it_with_a_sentence(
    desktop: VirtualDesktop, tmp_path: Path, name: str, content: bytes | None
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    process = start(desktop, tmp_path, str(path))
    out, error = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert error.startswith("invigil: ")
    assert error.count("\n") == 1


def test_without_a_display_it_says_so(desktop: VirtualDesktop, policy: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-m", "app", "key", "edit", str(policy)],
        env=environment | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert "display" in done.stderr


# ---- what its desk writes


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the folder's permissions hold")
def test_policies_and_keys_are_written_for_their_owner_alone(
    policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.keys.issuers.ITERATIONS", ACCEPTED_ITERATIONS[0])
    issuer, key = tmp_path / "issuer.key", tmp_path / "exam.invigil"
    save_issuer(issuer, Issuer.create("Example University"), "correct horse")
    now = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    desk = EditorDesk(Tries(tmp_path / "tries.json"), lambda: now)
    policy.chmod(0o644)
    desk.save(policy, small_policy())
    desk.sign(SignOrder(small_policy(), issuer, "correct horse", now, 24.0, 7, "candidate", "", key))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (policy, key)] == [0o600, 0o600]
