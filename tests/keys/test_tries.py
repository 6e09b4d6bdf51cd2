"""Five wrong passwords, then a wait that starting again does not shorten."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.keys.tries import FORGOTTEN_AFTER, FREE_TRIES, LONGEST_WAIT, TooManyTries, Tries, wait_after

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "tries.json"


def fail(path: Path, times: int, subject: str = "key", now: datetime = NOW) -> None:
    for _ in range(times):
        Tries(path).failed(subject, now)


def wait(path: Path, now: datetime, subject: str = "key") -> timedelta | None:
    try:
        Tries(path).check(subject, now)
    except TooManyTries as error:
        return error.wait
    return None


@pytest.mark.skipif(os.name != "posix", reason="elsewhere folders have no such permissions")
def test_a_new_data_folder_is_the_users_alone(path: Path) -> None:
    fail(path, 1)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_five_tries_are_free(path: Path) -> None:
    for number in range(FREE_TRIES):
        assert Tries(path).left("key") == FREE_TRIES - number
        assert wait(path, NOW) is None
        fail(path, 1)
    assert Tries(path).left("key") == 0
    assert wait(path, NOW) == MINUTE


def test_the_wait_ends_by_itself(path: Path) -> None:
    fail(path, 5)
    assert wait(path, NOW + 59 * SECOND) == SECOND
    assert wait(path, NOW + MINUTE) is None


def test_each_further_wrong_password_doubles_the_wait_up_to_a_quarter_of_an_hour(path: Path) -> None:
    fail(path, 5)
    waits = []
    for _ in range(6):
        fail(path, 1)
        waits.append(wait(path, NOW))
    assert waits == [2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 15 * MINUTE, 15 * MINUTE, 15 * MINUTE]
    assert wait_after(10_000) == LONGEST_WAIT


def test_the_right_password_begins_anew(path: Path) -> None:
    fail(path, 4)
    Tries(path).succeeded("key")
    assert Tries(path).left("key") == FREE_TRIES


def test_each_key_has_tries_of_its_own(path: Path) -> None:
    fail(path, 5)
    assert wait(path, NOW, "another") is None


def test_the_message_says_how_long_to_wait(path: Path) -> None:
    fail(path, 6)
    with pytest.raises(TooManyTries, match=r"wait 1 min 30 s and try again\.$"):
        Tries(path).check("key", NOW + 30 * SECOND)
    with pytest.raises(TooManyTries, match=r"wait 1 s and"):
        Tries(path).check("key", NOW + 2 * MINUTE - timedelta(milliseconds=1))


def test_a_clock_set_back_begins_the_wait_again_and_no_longer_than_that(path: Path) -> None:
    fail(path, 5)
    earlier = NOW - timedelta(days=400)
    assert wait(path, earlier) == MINUTE
    assert wait(path, earlier + 30 * SECOND) == 30 * SECOND
    assert wait(path, earlier + MINUTE) is None


def test_wrong_passwords_of_long_ago_are_forgotten(path: Path) -> None:
    fail(path, 5)
    fail(path, 1, now=NOW + FORGOTTEN_AFTER)
    assert Tries(path).left("key") == FREE_TRIES - 1


@given(content=st.binary(max_size=100) | st.sampled_from([b"[]", b'{"key": 5}', b'{"key": [1e999, 0]}', b"[" * 9999]))
def test_a_damaged_file_counts_as_none(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("damaged") / "tries.json"
    path.write_bytes(content)
    assert wait(path, NOW) is None
    fail(path, 1)
    assert Tries(path).left("key") == FREE_TRIES - 1


def test_a_folder_that_can_not_be_written_still_counts_in_this_run(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    tries = Tries(blocked / "tries.json")
    for _ in range(5):
        tries.failed("key", NOW)
    with pytest.raises(TooManyTries):
        tries.check("key", NOW)


def test_the_file_does_not_grow_without_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.keys.tries.MAX_SUBJECTS", 20)
    tries = Tries(path)
    for number in range(25):
        tries.failed(f"key {number}", NOW)
    assert tries.left("key 0") == tries.left("key 4") == FREE_TRIES
    assert tries.left("key 5") == tries.left("key 24") == FREE_TRIES - 1
