"""What a process learns of itself on Windows."""

from __future__ import annotations

import time

from app.lockdown.win32 import kernel32_self


def test_the_time_awake_goes_on_as_the_clock_does() -> None:
    before_ns, clock_ns = kernel32_self.awake_ns(), time.monotonic_ns()
    while time.monotonic_ns() - clock_ns < 200_000_000:
        time.sleep(0.01)
    assert 100_000_000 < kernel32_self.awake_ns() - before_ns < 60_000_000_000


def test_no_debugger_is_attached_to_a_process_that_has_none() -> None:
    assert kernel32_self.debugged() is False
