"""A desktop of the exam's own. Wine makes desktops and starts programs on them, but shows one only: that Windows shows the
exam's is not tested here, only that it is asked to without an error.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.lockdown.journal import RestoreJournal
from app.lockdown.sequence import perform_all, revert_all
from app.lockdown.win32 import user32_desktops
from app.lockdown.windows.own_desktop import DesktopProcess, OwnDesktop, on_own_desktop, start_on
from tests.wine.helpers import until

SAYS_WHERE = (
    "import os, sys, pathlib\n"
    "from app.lockdown.windows.own_desktop import on_own_desktop\n"
    "pathlib.Path(os.environ['SAID']).write_text(f\"{on_own_desktop()} {os.environ['WORD']}\", 'utf-8')\n"
    "raise SystemExit(int(sys.argv[1]))\n"
)
WAITS = "import time; time.sleep(600)"


@pytest.fixture
def desktop() -> Iterator[OwnDesktop]:
    operation = OwnDesktop(lambda _: None)
    before = operation.before()
    operation.perform()
    yield operation
    operation.revert(before)


def test_a_client_on_it_knows_so_and_gets_its_arguments_and_environment(desktop: OwnDesktop, tmp_path: Path) -> None:
    said = tmp_path / "said"
    environ = {**os.environ, "SAID": str(said), "WORD": "grün = ü", "zz": "", "Aa": "="}
    child = start_on(desktop.desktop, [sys.executable, "-c", SAYS_WHERE, "7"], environ)
    assert child.wait(30) == 7
    assert child.poll() == 7
    assert said.read_text("utf-8") == "True grün = ü"
    assert not on_own_desktop()


def test_the_guardian_can_wait_for_a_client_there_and_end_it(desktop: OwnDesktop) -> None:
    child: DesktopProcess = start_on(desktop.desktop, [sys.executable, "-c", WAITS], os.environ)
    assert child.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.05)
    child.terminate()
    assert child.wait() == 1
    child.kill()


def test_a_program_that_is_not_there_is_an_error_of_the_system(desktop: OwnDesktop) -> None:
    with pytest.raises(FileNotFoundError):
        start_on(desktop.desktop, [r"C:\no such program.exe"], os.environ)


def test_it_is_there_from_the_lock_to_the_end_and_gone_afterwards(tmp_path: Path) -> None:
    journal, operation = RestoreJournal(tmp_path / "journal"), OwnDesktop()
    perform_all([operation], journal)
    assert operation.desktop in user32_desktops.desktop_names()
    assert journal.outstanding() == [("desktop", {"shown": "Default"})]
    assert revert_all(journal, {operation.name: operation}) == []
    until(lambda: operation.desktop not in user32_desktops.desktop_names())
    assert user32_desktops.input_desktop_name() == "Default"


def test_any_process_can_go_back_any_number_of_times_even_to_a_desktop_that_is_gone() -> None:
    for shown in ("Default", "Default", "a desktop that is gone"):
        OwnDesktop().revert({"shown": shown})
    assert user32_desktops.input_desktop_name() == "Default"


def test_while_windows_asks_for_a_password_it_is_tried_again_and_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: int) -> None:
        raise PermissionError("SwitchDesktop: access denied")

    pauses: list[float] = []
    with monkeypatch.context() as locked:
        locked.setattr(user32_desktops, "switch_desktop", refused)
        with pytest.raises(LockdownError, match="unlock the screen and start Invigil again"):
            OwnDesktop(pauses.append).revert({"shown": "Default"})
    assert 5 <= sum(pauses) <= 15
