"""The guardian's child on Windows is the client itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.runtime.child import past_launcher, start_process
from app.runtime.guardian import Guardian

SAYS = "import os, sys; print(os.getpid(), sys.executable, sys.prefix, sep='|')"

_THIS_PROCESS = -1
CREATE_NEW_PROCESS_GROUP = 0x200
ENDED_AS_BY_THE_TASK_MANAGER = f"""
import os, pathlib, sys
from app.lockdown.win32.kernel32_processes import terminate_process
from app.runtime.run_book import RunBook
journal = pathlib.Path(sys.argv[1])
book = RunBook(journal, int(os.environ["INVIGIL_GUARDIAN_PID"]))
book.set_restart(wanted=True)
if "--resume" not in sys.argv:
    terminate_process({_THIS_PROCESS}, 1)
journal.with_name("resumed").touch()
book.end_client()
"""


@pytest.fixture
def virtual(tmp_path: Path) -> str:
    """The python.exe of a virtual environment; its launcher is not there, as the Windows Python of these tests has none."""
    (tmp_path / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n", "utf-8")
    return str(tmp_path / "Scripts" / "python.exe")


def test_of_a_virtual_environment_the_installed_python_is_started_and_belongs_to_it(virtual: str) -> None:
    command, environ = past_launcher([virtual, "-c", SAYS], os.environ, virtual, sys.executable)
    child = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    said, _ = child.communicate(timeout=30)
    assert said.strip().split("|") == [str(child.pid), virtual, str(Path(virtual).parents[1])]


def test_an_installed_program_is_started_as_it_is() -> None:
    for command in ([r"C:\Invigil\invigil.exe", "client"], [sys.executable, "-m", "app", "client"]):
        assert past_launcher(command, {"A": "1"}) == (tuple(command), {"A": "1"})


def test_an_exam_that_the_task_manager_ends_is_started_again_though_the_exit_code_is_that_of_an_end(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "restore.jsonl"
    command = [sys.executable, "-c", ENDED_AS_BY_THE_TASK_MANAGER, str(journal)]
    assert Guardian(command, journal, {}).run() == 0
    assert (tmp_path / "resumed").exists()


def test_the_child_is_in_a_process_group_of_its_own_where_our_ctrl_c_is_not_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only asked for: Wine gives these tests no console, without which there is no Ctrl+C."""
    asked: list[int] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *_, creationflags, **__: asked.append(creationflags))
    start_process([sys.executable], os.environ)
    assert asked == [CREATE_NEW_PROCESS_GROUP]
