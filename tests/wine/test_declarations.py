"""The declared functions are Windows' own: they load, and answer with what this desktop is."""

from __future__ import annotations

import platform

import pytest

from app.lockdown.win32 import user32
from app.lockdown.win32.library import Library


def test_these_tests_run_in_windows_python() -> None:
    assert (platform.system(), platform.release()) == ("Windows", "10")


def test_the_desktop_has_the_size_of_its_screen() -> None:
    assert (user32.system_metric(user32.SM_CXSCREEN), user32.system_metric(user32.SM_CYSCREEN)) == (1366, 768)


def test_a_function_that_this_windows_lacks_is_named() -> None:
    absent = Library("user32").function("NoSuchFunction", None)
    with pytest.raises(OSError, match=r"no NoSuchFunction in user32\.dll"):
        absent()
