"""What guardian and client tell each other, whatever stands in the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.runtime.run_book import LIMIT_BYTES, JournalAltered, Note, RunBook, Stopped


@pytest.fixture
def book(tmp_path: Path) -> RunBook:
    return RunBook(tmp_path / "restore.jsonl", 7)


def test_notes_are_taken_once_by_whoever_asks_first(book: RunBook) -> None:
    notes: list[Note] = [Stopped(12.5), JournalAltered(2), Stopped(None)]
    for note in notes:
        book.tell(note)
    assert book.take() == notes
    assert book.take() == []
    book.tell(Stopped(3))
    assert book.take() == [Stopped(3)]


def test_a_client_is_started_again_unless_it_said_otherwise(book: RunBook) -> None:
    assert book.restart_wanted()
    book.set_restart(wanted=False)
    assert not book.restart_wanted()
    book.set_restart(wanted=True)
    assert book.restart_wanted()


def test_a_client_with_an_exam_that_did_not_say_that_it_ends_was_cut_off(book: RunBook) -> None:
    book.start_client()
    assert not book.cut_off()
    book.set_restart(wanted=True)
    assert book.cut_off()
    book.end_client()
    assert not book.cut_off()
    book.set_restart(wanted=True)
    book.start_client()
    assert not book.cut_off(), "the one before it"


def test_a_note_after_one_that_was_cut_off_is_read(book: RunBook, tmp_path: Path) -> None:
    (tmp_path / "run-7.jsonl").write_bytes(b'{"note": "stop')
    book.tell(Stopped(1))
    assert book.unread() == [Stopped(1)]


def test_beginning_removes_what_runs_that_are_over_left_and_no_running_ones_book(book: RunBook, tmp_path: Path) -> None:
    running = tmp_path / f"run-{os.getpid()}.jsonl"
    for path in (running, tmp_path / "run-7.jsonl", tmp_path / "run-999999999.jsonl", tmp_path / "run-x.jsonl"):
        path.touch()
    book.begin()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([running.name, "run-x.jsonl"])


def test_whatever_stands_in_its_folder_a_book_begins_empty(book: RunBook, tmp_path: Path) -> None:
    book.tell(Stopped(1))  # of a guardian before this one, which had the same number
    (tmp_path / "run-999999999.jsonl").mkdir()
    (tmp_path / f"run-{10**30}.jsonl").touch()
    book.begin()
    assert book.unread() == []


def test_nobody_waits_for_a_pipe_in_a_books_place(book: RunBook, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run-7.jsonl")
    for use in (book.unread, book.restart_wanted, lambda: book.tell(Stopped(1))):
        with pytest.raises(OSError, match=r"not a file|No such device"):
            use()


@given(content=st.binary(max_size=200) | st.sampled_from([b'{"note":"stopped","seconds":-1}', b"[" * 9999, b"[]\n1"]))
def test_any_content_is_read_as_nothing(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("book")
    (folder / "run-7.jsonl").write_bytes(content)
    book = RunBook(folder / "restore.jsonl", 7)
    assert book.unread() == []
    assert book.restart_wanted()


def test_a_file_that_somebody_blew_up_is_not_read(book: RunBook, tmp_path: Path) -> None:
    book.tell(Stopped(1))
    with (tmp_path / "run-7.jsonl").open("ab") as file:
        file.write(b"\n" * LIMIT_BYTES)
    assert book.unread() == []
