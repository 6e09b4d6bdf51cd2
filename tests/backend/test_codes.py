"""Short codes: they give out one key, for a while, and can't be guessed or read from the disk."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.core.short_codes import ALPHABET, new_code, normalised
from tests.fakes.backend_server import RunningBackend
from tests.fakes.exam_keys import LaterClock, exam_key, key_services, store


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture
def backend(tmp_path: Path, clock: LaterClock) -> Iterator[RunningBackend]:
    with RunningBackend(tmp_path / "data", key_services(clock)) as running:
        yield running


def resolve(backend: RunningBackend, code: str) -> tuple[int, str]:
    """The status, and the key that the code gives out or the error's message. No credential is sent."""
    answer = backend.ask("GET", f"/v1/keys/codes/{code}", key=None)
    body = answer.json()
    return answer.status_code, str(body["key"] if answer.status_code == 200 else body["error"]["message"])


def unused(code: str) -> str:
    made = new_code(secrets.randbelow)
    return made if made != normalised(code) else unused(code)


def test_a_code_gives_out_its_key_to_anybody_however_it_is_typed(backend: RunningBackend) -> None:
    key = exam_key()
    code = str(store(backend, key)["code"])
    for typed in (code, code.lower(), code.replace("-", ""), f"%20{code.replace('-', '%20')}"):
        assert resolve(backend, typed) == (200, key)


def test_a_mistyped_code_is_told_so_and_an_unknown_one_is_not_found(backend: RunningBackend) -> None:
    code = str(store(backend, exam_key())["code"])
    wrong = code[:-1] + next(letter for letter in ALPHABET if letter != code[-1])
    answer = backend.ask("GET", f"/v1/keys/codes/{wrong}", key=None)
    assert answer.status_code == 400
    assert "mistyped" in answer.json()["error"]["details"][0]["issue"]
    status, message = resolve(backend, unused(code))
    assert status == 404
    assert "ask for a new one" in message


def test_a_code_works_for_a_day_and_the_next_one_is_another(backend: RunningBackend, clock: LaterClock) -> None:
    key = exam_key(hours=100)
    first = str(store(backend, key)["code"])
    clock.ahead_s = 24 * 3600 - 60
    assert resolve(backend, first)[0] == 200
    clock.ahead_s = 24 * 3600 + 60
    assert resolve(backend, first)[0] == 404
    second = str(store(backend, key)["code"])
    assert second != first
    assert resolve(backend, second) == (200, key)
    assert resolve(backend, first)[0] == 404


def test_a_codes_life_is_what_was_asked_for_up_to_the_keys_end(backend: RunningBackend, clock: LaterClock) -> None:
    key = exam_key(hours=100)
    code = str(store(backend, key, validForHours=1000)["code"])
    clock.ahead_s = 99 * 3600
    assert resolve(backend, code) == (200, key)
    assert store(backend, key, validForHours=0.5)["code"] == code
    clock.ahead_s += 0.6 * 3600
    assert resolve(backend, code)[0] == 404


def test_each_key_has_a_code_of_its_own(backend: RunningBackend) -> None:
    keys = [exam_key(serial) for serial in range(1, 6)]
    codes = [str(store(backend, key)["code"]) for key in keys]
    assert len(set(codes)) == 5
    assert [resolve(backend, code)[1] for code in codes] == keys


def test_no_code_can_be_read_from_the_database(backend: RunningBackend) -> None:
    code = str(store(backend, exam_key())["code"])
    everything = b"".join(p.read_bytes() for p in backend.settings.data_dir.rglob("*") if p.is_file())
    assert code.encode() not in everything
    assert normalised(code).encode() not in everything


def test_codes_outlive_a_restart(tmp_path: Path) -> None:
    key = exam_key()
    with RunningBackend(tmp_path, key_services()) as backend:
        code = str(store(backend, key)["code"])
    with RunningBackend(tmp_path, key_services()) as backend:
        assert resolve(backend, code) == (200, key)
        assert store(backend, key)["code"] == code


def test_who_tries_codes_has_to_wait_and_even_a_right_one_tells_nothing_then(
    backend: RunningBackend, clock: LaterClock
) -> None:
    key = exam_key()
    code = str(store(backend, key)["code"])
    statuses = [resolve(backend, unused(code))[0] for _ in range(11)]
    assert statuses == [404] * 10 + [429]
    answer = backend.ask("GET", f"/v1/keys/codes/{code}", key=None)
    assert answer.status_code == 429
    clock.ahead_s = int(answer.headers["Retry-After"])
    assert resolve(backend, code) == (200, key)


def test_a_hall_full_of_candidates_behind_one_address_is_not_kept_waiting(backend: RunningBackend) -> None:
    key = exam_key()
    code = str(store(backend, key)["code"])
    assert [resolve(backend, code) for _ in range(30)] == [(200, key)] * 30


def test_all_hosts_together_have_a_limit_as_well(tmp_path: Path) -> None:
    limits = {"code_misses_per_min": 0, "all_code_misses_per_min": 3}
    with RunningBackend(tmp_path, key_services(), **limits) as backend:
        code = str(store(backend, exam_key())["code"])
        assert [resolve(backend, unused(code))[0] for _ in range(4)] == [404] * 3 + [429]


def test_a_code_is_no_api_key(backend: RunningBackend) -> None:
    code = str(store(backend, exam_key())["code"])
    assert backend.ask("GET", "/v1/keys", code).status_code == 401


def test_a_whole_hall_behind_one_address_may_use_its_code_at_once(backend: RunningBackend) -> None:
    code = str(store(backend, exam_key())["code"])
    with ThreadPoolExecutor(40) as hall:
        statuses = list(hall.map(lambda _: resolve(backend, code)[0], range(120)))
    assert statuses == [200] * 120
