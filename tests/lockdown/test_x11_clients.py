"""Whose a process is: ours, a helper that root installed, or somebody's own making."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.lockdown.linux import x11_clients
from app.lockdown.linux.x11_clients import is_our_process, is_system_helper, program_names
from tests.fakes.other_program import until

SLEEP = Path(shutil.which("sleep") or "").resolve()
NOBODY = 65534


@contextmanager
def running(program: Path) -> Iterator[int]:
    process = subprocess.Popen([program, "60"])
    try:
        until(lambda: Path(f"/proc/{process.pid}/exe").resolve() == program.resolve())
        yield process.pid
    finally:
        process.kill()
        process.wait()


def copy_of_sleep(folder: Path, name: str) -> Path:
    """A program of that name that root did not install."""
    made = Path(shutil.copy(SLEEP, folder / name))
    if os.geteuid() == 0:
        os.chown(made, NOBODY, NOBODY)
    return made


def test_a_helper_that_root_installed_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(x11_clients, "_SYSTEM_PROGRAMS", frozenset({SLEEP.name}))
    with running(SLEEP) as pid:
        assert is_system_helper(pid)


@pytest.mark.parametrize("name", ["fcitx5", "i3lock"])
def test_a_program_of_the_candidates_own_under_a_helpers_name_is_not(name: str, tmp_path: Path) -> None:
    with running(copy_of_sleep(tmp_path, name)) as pid:
        assert not is_system_helper(pid)


def test_other_programs_of_the_system_are_no_helpers() -> None:
    with running(SLEEP) as pid:
        assert not is_system_helper(pid)


def test_of_the_processes_that_we_started_the_web_engines_alone_are_ours(tmp_path: Path) -> None:
    with running(copy_of_sleep(tmp_path, "QtWebEngineProcess")) as engine, running(SLEEP) as other:
        assert is_our_process(engine)
        assert not is_our_process(other)
        assert is_our_process(other, own_pids=[other])
    assert is_our_process(os.getpid())


def test_a_process_that_is_gone_is_nobodys() -> None:
    with running(SLEEP) as pid:
        pass
    assert program_names(pid) == frozenset()
    assert not is_our_process(pid)
    assert not is_system_helper(pid)
    assert not is_our_process(None)
