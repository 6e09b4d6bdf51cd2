"""The selections of a real X server: emptied, kept empty, and watched, with other programs that use them."""

from __future__ import annotations

import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.types import ClipboardUsed
from app.lockdown.journal import RestoreJournal
from app.lockdown.linux import x11_clients
from app.lockdown.linux.x11_clipboard import ClipboardEmptied, ClipboardUse
from app.lockdown.sequence import perform_all
from tests.fakes.other_program import OtherProgram, OurWindow, other_program, until

pytestmark = [pytest.mark.desktop, pytest.mark.usefixtures("desktop")]
SELECTIONS = ["clipboard", "primary", "secondary"]


@contextmanager
def copied(selection: str, text: str) -> Iterator[None]:
    """Another program owns the selection."""
    command = ["xclip", "-selection", selection, "-quiet"]
    owner = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert owner.stdin is not None
    owner.stdin.write(text)
    owner.stdin.close()
    owner.stdin = None
    try:
        until(lambda: pasted(selection) == text)
        yield
    finally:
        owner.terminate()
        owner.communicate()


def pasted(selection: str) -> str:
    done = subprocess.run(
        ["xclip", "-selection", selection, "-o"], capture_output=True, text=True, check=False, timeout=10
    )
    return done.stdout


@pytest.fixture(scope="module")
def ours(desktop: object) -> Iterator[OurWindow]:
    window = OurWindow()
    yield window
    window.close()


@pytest.fixture(scope="module")
def shared(desktop: object) -> Iterator[OtherProgram]:
    """A second process that takes selections when it is told."""
    with other_program() as program:
        yield program


@pytest.fixture
def emptied(ours: OurWindow) -> Iterator[ClipboardEmptied]:
    made = ClipboardEmptied(ours)
    yield made
    made.revert({})


@pytest.mark.parametrize("selection", SELECTIONS)
def test_what_was_copied_before_can_not_be_pasted(emptied: ClipboardEmptied, selection: str) -> None:
    with copied(selection, "the answers"):
        emptied.perform()
        assert pasted(selection) == ""


def test_what_another_program_copies_meanwhile_can_not_be_pasted(emptied: ClipboardEmptied, ours: OurWindow) -> None:
    emptied.perform()
    empty_owner = ours.owner("CLIPBOARD")
    with other_program() as other:
        other.tell("copy CLIPBOARD")
        until(lambda: ours.owner("CLIPBOARD") == empty_owner)
    assert pasted("clipboard") == ""


def test_a_program_that_puts_its_entry_back_each_time_does_not_win(
    emptied: ClipboardEmptied, ours: OurWindow, shared: OtherProgram
) -> None:
    emptied.perform()
    empty_owner = ours.owner("CLIPBOARD")
    for _ in range(12):
        shared.tell("copy CLIPBOARD")
    until(lambda: ours.owner("CLIPBOARD") == empty_owner)


def test_what_the_exam_copied_stays_in_it(emptied: ClipboardEmptied, ours: OurWindow, shared: OtherProgram) -> None:
    emptied.perform()
    empty_owner = ours.owner("PRIMARY")
    ours.copy("CLIPBOARD")
    shared.tell("copy PRIMARY")  # told later, so the keeper has seen the other by then
    until(lambda: ours.owner("PRIMARY") == empty_owner)
    assert ours.owner("CLIPBOARD") == ours.handle()


def test_what_was_copied_in_the_exam_can_not_be_pasted_afterwards() -> None:
    with copied("clipboard", "the questions"):
        ClipboardEmptied().revert({})
        assert pasted("clipboard") == ""


def test_after_the_exam_other_programs_have_the_clipboard_back(emptied: ClipboardEmptied) -> None:
    emptied.perform()
    emptied.revert({})
    with copied("clipboard", "normal life"):
        assert pasted("clipboard") == "normal life"


def test_the_contents_never_reach_the_journal(emptied: ClipboardEmptied, tmp_path: Path) -> None:
    journal = RestoreJournal(tmp_path / "j")
    with copied("clipboard", "a private password"):
        perform_all([emptied], journal)
    assert b"private" not in journal.path.read_bytes()


# ---- watching


@pytest.fixture
def watcher(ours: OurWindow) -> Iterator[ClipboardUse]:
    made = ClipboardUse(ours)
    made.poll(0)
    yield made
    made.close()


def programs(watcher: ClipboardUse) -> list[str]:
    return [each.program for each in watcher.poll(1) if isinstance(each, ClipboardUsed)]


@pytest.mark.parametrize("selection", ["CLIPBOARD", "PRIMARY"])
def test_another_program_that_takes_it_is_reported(watcher: ClipboardUse, shared: OtherProgram, selection: str) -> None:
    shared.tell(f"copy {selection}")
    assert programs(watcher) == [x11_clients.process_name(shared.process.pid)]
    assert programs(watcher) == []


def test_it_is_woken_at_once(watcher: ClipboardUse, shared: OtherProgram) -> None:
    descriptor = watcher.listen(lambda: None)
    assert descriptor is not None
    assert not select.select([descriptor], [], [], 0)[0]
    shared.tell("copy CLIPBOARD")
    assert select.select([descriptor], [], [], 10)[0]


def test_what_we_copy_or_empty_is_not_reported(
    watcher: ClipboardUse, ours: OurWindow, emptied: ClipboardEmptied
) -> None:
    ours.copy("CLIPBOARD")
    emptied.perform()
    emptied.revert({})
    assert programs(watcher) == []


def test_an_assistive_programs_copies_are_neither_reported_nor_taken_away(
    ours: OurWindow, shared: OtherProgram
) -> None:
    watching = ClipboardUse(ours, assistive=x11_clients.program_names(shared.process.pid))
    watching.poll(0)
    shared.tell("copy CLIPBOARD")
    assert programs(watching) == []
    watching.close()


def test_a_clipboard_manager_is_named_as_one_and_told_once(
    watcher: ClipboardUse, shared: OtherProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = x11_clients.program_names(shared.process.pid)
    monkeypatch.setattr("app.lockdown.linux.x11_clipboard._MANAGERS", names)
    shared.tell("copy CLIPBOARD")
    shared.tell("copy CLIPBOARD")
    (told,) = programs(watcher)
    assert told.endswith(", a clipboard manager")


FLOOD = """
from Xlib import X
from Xlib.display import Display
display = Display()
window = display.screen().root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
while True:
    window.set_selection_owner(display.intern_atom("CLIPBOARD"), X.CurrentTime)
    display.sync()
"""


def test_a_program_that_takes_it_without_end_holds_nobody_up_and_is_told_once_per_look(watcher: ClipboardUse) -> None:
    with subprocess.Popen([sys.executable, "-c", FLOOD]) as flooding:
        try:
            until(lambda: bool(watcher.poll(1)))
            for at_ns in range(2, 12):
                assert len(watcher.poll(at_ns)) <= 1
            assert flooding.poll() is None
        finally:
            flooding.kill()
