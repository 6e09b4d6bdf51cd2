"""The host of the kiosk compositor: how the client ends inside of it, and what it is started with."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.core.errors import BadInput
from app.lockdown.linux import kiosk_compositor as compositor
from app.runtime.guardian import GUARDIAN_PID
from app.runtime.kiosk_compositor import CRASHED, check_available, compositor_environment
from app.runtime.virtual_desktop import VirtualDesktop
from tests.fakes.compositor import AS_USER
from tests.fakes.guarded_client import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
INNER = """
import os, pathlib, sys
from app.runtime.guardian_watch import tell_stop
from app.runtime.kiosk_compositor import run_inner
journal = pathlib.Path(os.environ.get("JOURNAL", "/nonexistent"))
run_inner(int(sys.argv[1]), sys.argv[2:], lambda seconds: tell_stop(journal, seconds), thaw_after_s=0.1)
"""
HOST = """
import sys
from app.core.errors import LockdownError
from app.runtime.kiosk_compositor import run_host
python, inner, client = sys.executable, sys.argv[1], sys.argv[2]
try:
    sys.exit(run_host(lambda line: [python, "-c", inner, str(line), python, "-c", client]))
except LockdownError as error:
    sys.exit(str(error))
"""
WAITS = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
print(os.getpid(), os.environ.get("DISPLAY"), os.environ["QT_QPA_PLATFORM"], os.environ.get("QT_PLUGIN_PATH"), flush=True)
signal.pause()
"""


def until(what: str, reached: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


@contextmanager
def hosted(client: str, environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A host whose client is this program. Its standard error is what a person would read."""
    words = [*AS_USER, sys.executable, "-c", HOST, INNER, client]
    environment = os.environ | {"WLR_RENDERER": "pixman"} | environ
    with subprocess.Popen(
        words, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as host:
        yield host
        host.kill()


def first_words(host: subprocess.Popen[str]) -> list[str]:
    assert host.stdout is not None
    return host.stdout.readline().split()


@pytest.mark.parametrize(("how", "code"), [("raise SystemExit(2)", 2), ("import os; os.kill(os.getpid(), 9)", CRASHED)])
def test_the_clients_end_is_passed_on_through_the_compositor(desktop: VirtualDesktop, how: str, code: int) -> None:
    with hosted(f"import sys; sys.stderr.write('said'); sys.stderr.flush(); {how}", desktop.environment) as host:
        _, errors = host.communicate(timeout=30)
    assert host.returncode == code
    assert errors.startswith("said"), "what the client says is read, what the compositor says is not"


def test_a_host_that_is_asked_to_end_asks_the_client(desktop: VirtualDesktop) -> None:
    with hosted(WAITS, desktop.environment | {"QT_PLUGIN_PATH": "/anybodys"}) as host:
        _pid, *found = first_words(host)
        assert found == ["None", "wayland", "None"], "no X server behind it, and none of a person's plug-ins"
        host.terminate()
        assert host.wait(20) == 3


def test_a_client_does_not_outlive_its_host(desktop: VirtualDesktop) -> None:
    with hosted(WAITS, desktop.environment) as host:
        client = psutil.Process(int(first_words(host)[0]))
        host.kill()
        until("the client's end", lambda: not client.is_running() or client.status() == psutil.STATUS_ZOMBIE)


def test_a_client_ends_with_its_compositor_and_is_to_be_started_again(desktop: VirtualDesktop) -> None:
    with hosted(WAITS, desktop.environment) as host:
        client = psutil.Process(int(first_words(host)[0]))
        (cage,) = (each for each in psutil.Process(host.pid).children() if each.name() == "cage")
        cage.send_signal(signal.SIGKILL)
        assert host.wait(20) == CRASHED
        assert not client.is_running()


def test_a_compositor_that_can_not_start_is_a_sentence_with_its_own_words() -> None:
    without = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "WLR_BACKENDS": "headless", "XDG_RUNTIME_DIR": "/nonexistent"}
    with hosted("raise SystemExit(0)", without) as host:
        _, errors = host.communicate(timeout=30)
    assert host.returncode == 1
    assert "The kiosk compositor did not start" in errors
    assert "text console" in errors


def test_a_stopped_client_is_let_go_on_and_told_of_its_stop_by_the_guardians_book(tmp_path: Path) -> None:
    for setting in SETTINGS:
        (tmp_path / setting).write_text("as it was")
    book = {"JOURNAL": str(tmp_path / "restore.jsonl"), GUARDIAN_PID: str(os.getpid())}
    client = [sys.executable, str(ROOT / "tests/fakes/guarded_client.py"), str(tmp_path), "freeze"]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        socket.send_fds(ours, [b"stderr"], [2])
        words = [sys.executable, "-c", INNER, str(theirs.fileno()), *client]
        subprocess.run(words, env=os.environ | book, cwd=ROOT, pass_fds=(theirs.fileno(),), check=True, timeout=30)
        assert ours.recv(1024) == b"started\nexit 0\n"
    assert (tmp_path / "notes").read_text().startswith("the exam client was stopped for ")


# ---- before it is started


def test_root_and_a_machine_without_a_compositor_or_a_session_are_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = {"XDG_RUNTIME_DIR": str(tmp_path)}
    check_available(is_root=False, environ=session)
    with pytest.raises(BadInput, match="ordinary user"):
        check_available(is_root=True, environ=session)
    with pytest.raises(BadInput, match="XDG_RUNTIME_DIR"):
        check_available(is_root=False, environ={})
    monkeypatch.setattr(compositor, "installed", lambda: None)
    with pytest.raises(BadInput, match="apt install cage"):
        check_available(is_root=False, environ=session)


def test_what_a_candidate_set_does_not_say_where_the_exam_is_shown(tmp_path: Path) -> None:
    theirs = {
        "WLR_BACKENDS": "headless",
        "WLR_HEADLESS_OUTPUTS": "2",
        "QT_QPA_PLATFORM": "xcb",
        "WLR_RENDERER": "pixman",
    }
    made = compositor_environment(theirs, tmp_path / "none")
    assert {"WLR_BACKENDS", "WLR_HEADLESS_OUTPUTS"}.isdisjoint(made)
    assert (made["QT_QPA_PLATFORM"], made["WLR_RENDERER"]) == ("wayland", "pixman")
    assert made[compositor.HOST] == str(os.getpid())


def test_the_keyboard_has_the_machines_layout_unless_another_was_chosen(tmp_path: Path) -> None:
    settings = tmp_path / "keyboard"
    settings.write_text('# KEYBOARD\nXKBMODEL="pc105"\nXKBLAYOUT=de\nXKBVARIANT=""\nBACKSPACE="guess"\n')
    made = compositor_environment({}, settings)
    assert (made["XKB_DEFAULT_MODEL"], made["XKB_DEFAULT_LAYOUT"]) == ("pc105", "de")
    assert "XKB_DEFAULT_VARIANT" not in made
    chosen = compositor_environment({"XKB_DEFAULT_LAYOUT": "fr"}, settings)
    assert chosen["XKB_DEFAULT_LAYOUT"] == "fr"
    assert "XKB_DEFAULT_MODEL" not in chosen
    settings.write_text('XKBLAYOUT="de')
    assert "XKB_DEFAULT_LAYOUT" not in compositor_environment({}, settings)


# ---- whether it is ours

ASKS = (
    "from app.lockdown.platform import machine_facts; print(machine_facts().system, machine_facts().nested, flush=True)"
)
BELOW_A_SHELL = """
import os, subprocess, sys
subprocess.run(["sh", "-c", '"$0" -c "$ASKS"; true', sys.executable])
"""


@pytest.mark.parametrize(
    ("client", "system"),
    [(ASKS, "linux_kiosk True"), (BELOW_A_SHELL, "linux_wayland False")],
    ids=["alone", "below a shell"],
)
def test_a_client_is_in_our_compositor_when_nothing_else_was_started_there(
    desktop: VirtualDesktop, client: str, system: str
) -> None:
    with hosted(client, desktop.environment | {"ASKS": ASKS}) as host:
        said, _ = host.communicate(timeout=30)
    assert said.strip() == system
