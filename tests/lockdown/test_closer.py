"""Programs are asked to close before they are ended; what is gone is no error."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from app.core.errors import LockdownError
from app.lockdown.processes import ProcessCloser

STUBBORN = (
    "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); sys.stdin.read()"
)
WILLING = "import sys; print('up', flush=True); sys.stdin.read()"


@contextmanager
def program(text: str) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "up\n"
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def test_a_program_that_is_asked_closes() -> None:
    with program(WILLING) as asked:
        ProcessCloser().ask_process(asked.pid)
        assert asked.wait(20) != 0


def test_a_program_that_does_not_listen_is_ended() -> None:
    with program(STUBBORN) as stubborn:
        ProcessCloser().ask_process(stubborn.pid)
        assert stubborn.poll() is None
        ProcessCloser().end_process(stubborn.pid)
        assert stubborn.wait(20) != 0


def test_a_program_that_is_gone_is_no_error() -> None:
    with program(WILLING) as gone:
        pass
    ProcessCloser().ask_process(gone.pid)
    ProcessCloser().end_process(gone.pid)


def test_a_program_of_somebody_else_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(process: psutil.Process) -> None:
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, "terminate", denied)
    with (
        program(WILLING) as other,
        pytest.raises(LockdownError, match=r"may not close .* ask whoever runs the machine"),
    ):
        ProcessCloser().ask_process(other.pid)
