"""Running programs: found by their name, by the name their maker gave them, by their file, and told by who signed them."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import LockdownError
from app.core.types import ProcessesSeen
from app.lockdown.processes import Processes, reasons
from app.lockdown.win32 import kernel32, user32_windows, wintrust
from app.lockdown.windows.closer import WindowsCloser
from app.lockdown.windows.programs import WindowsPrograms
from tests.wine.helpers import OtherProgram, until

SIGNER = "Python Software Foundation"
"""Of python.org's builds, which these tests run."""


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherProgram]:
    """A copy of python.exe that is called harmless.exe, running."""
    folder = tmp_path_factory.mktemp("renamed")
    for file in Path(sys.executable).parent.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    renamed = folder / "harmless.exe"
    (folder / "python.exe").rename(renamed)
    with OtherProgram(str(renamed)) as program:
        yield program


def watcher(*denied: str, allowed_signers: tuple[str, ...] = ()) -> Processes:
    return Processes(reasons(denied), {os.getpid()}, WindowsPrograms(), allowed_signers)


def seen(observations: object) -> list[tuple[tuple[tuple[str, str], ...], tuple[int, ...]]]:
    assert isinstance(observations, tuple)
    return [(one.found, one.pids) for one in observations if isinstance(one, ProcessesSeen)]


def test_a_denied_program_that_is_renamed_is_found_by_its_original_name(harmless: OtherProgram) -> None:
    assert seen(watcher("python").poll(0)) == [((("python", "not allowed in this exam"),), (harmless.pid,))]


def test_the_name_it_was_given_is_denied_as_well(harmless: OtherProgram) -> None:
    assert seen(watcher("Harmless.exe").poll(0)) == [((("harmless", "not allowed in this exam"),), (harmless.pid,))]


def test_a_program_is_found_by_the_hash_of_its_file(harmless: OtherProgram) -> None:
    digest = hashlib.sha256(Path(sys.executable).read_bytes()).hexdigest()
    assert seen(watcher(f"sha256:{digest.upper()}").poll(0)) == [
        ((("harmless", "its file is one that the exam does not allow, whatever it is called"),), (harmless.pid,))
    ]


def test_a_program_of_an_allowed_signer_is_not_reported(harmless: OtherProgram) -> None:
    assert harmless.process.poll() is None
    assert watcher("python", allowed_signers=(SIGNER,)).poll(0) == ()


def test_our_own_process_and_what_is_not_denied_are_not_reported() -> None:
    assert watcher("no such program").poll(0) == ()
    assert watcher("services").poll(0) != ()


def test_the_signer_of_a_whole_file_is_told() -> None:
    """Wine trusts the certificates of the system below it, so the package ca-certificates has to be there."""
    assert wintrust.signer(sys.executable) == SIGNER


def test_a_file_that_was_altered_or_never_signed_has_no_signer(tmp_path: Path) -> None:
    altered = tmp_path / "altered.exe"
    content = bytearray(Path(sys.executable).read_bytes())
    content[4096] ^= 0xFF
    altered.write_bytes(content)
    unsigned = tmp_path / "unsigned.exe"
    unsigned.write_bytes(b"MZ")
    assert [wintrust.signer(str(file)) for file in (altered, unsigned, tmp_path / "absent.exe")] == ["", "", ""]


def test_a_denied_program_that_starts_during_the_exam_is_found_and_its_end_too(harmless: OtherProgram) -> None:
    exam = watcher("python")
    exam.poll(0)
    with OtherProgram() as other:
        ((_, pids),) = seen(exam.poll(1))
        assert set(pids) == {harmless.pid, other.pid}
    ((_, pids),) = seen(exam.poll(2))
    assert pids == (harmless.pid,)


def test_a_program_is_asked_to_close_through_its_windows_and_ended_when_the_policy_says_so() -> None:
    closer = WindowsCloser()
    with OtherProgram() as other:
        window = other.window(0, 0, 50, 50)
        closer.ask_process(other.pid)
        until(lambda: window not in user32_windows.top_level_windows())
        assert other.process.poll() is None
        closer.end_process(other.pid)
        other.process.wait()
        closer.end_process(other.pid)
        closer.ask_window(window)
        closer.ask_process(other.pid)


def test_a_program_that_may_not_be_ended_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wine has no programs with more rights than ours: Windows' refusal is made here."""

    def refused(pid: int) -> None:
        raise PermissionError(f"Process {pid} can't be opened")

    monkeypatch.setattr(kernel32, "end_process", refused)
    with pytest.raises(LockdownError, match="close it yourself"):
        WindowsCloser().end_process(4)
