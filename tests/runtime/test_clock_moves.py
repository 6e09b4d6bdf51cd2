"""A clock that was set: by whom is asked before anybody is accused."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.types import NS_PER_S
from app.lockdown.linux import kernel_clock
from app.runtime.clock_moves import ClockMoves, Moved

HOUR_S = 3600


class Rig:
    def __init__(self) -> None:
        self.kept_right = False
        self.asleep_s = 0.0
        self.now_s = 100.0
        self.moves = ClockMoves(lambda: self.kept_right, lambda: round(self.asleep_s * NS_PER_S))
        self.look()

    def look(self, moved_s: float = 0) -> Moved | None:
        return self.moves.look(round(moved_s * NS_PER_S), round(self.now_s * NS_PER_S))

    def told(self, *moved_s: float) -> Moved | None:
        for one in moved_s:
            assert self.look(one) is None
            self.now_s += 1
        self.now_s += 10
        found = self.look()
        assert self.look() is None
        return found


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_clock_that_nothing_explains_is_told_once_with_all_of_its_move(rig: Rig) -> None:
    assert rig.told(HOUR_S, 30) == Moved(HOUR_S + 30)
    assert rig.told(-HOUR_S) == Moved(-HOUR_S)
    assert rig.told() is None


def test_a_time_service_that_says_so_explains_any_move_even_if_it_says_so_late(rig: Rig) -> None:
    assert rig.look(HOUR_S) is None
    rig.kept_right = True
    assert rig.told() == Moved(HOUR_S, "by the system's time service")


@pytest.mark.parametrize("seconds", [3, -59])
def test_a_little_is_nobodys_doing(rig: Rig, seconds: int) -> None:
    assert rig.told(seconds) == Moved(seconds, "by little")


def test_after_sleep_a_clock_is_put_right_and_long_after_it_is_not(rig: Rig) -> None:
    rig.asleep_s += 1800
    assert rig.told(HOUR_S) == Moved(HOUR_S, "after sleep")
    rig.now_s += 3600
    assert rig.told(HOUR_S) == Moved(HOUR_S)


@pytest.mark.parametrize(
    ("answer", "status", "kept"), [(0, 0x2001, True), (5, 0x41, False), (-1, 0, False)], ids=["kept", "set", "refused"]
)
def test_the_kernels_own_word_is_taken(
    monkeypatch: pytest.MonkeyPatch, answer: int, status: int, *, kept: bool
) -> None:
    class Kernel:
        def adjtimex(self, state: Any) -> int:
            assert state._obj.modes == 0, "nothing is changed"
            state._obj.status = status
            return answer

    assert isinstance(kernel_clock.is_kept_right(), bool)
    monkeypatch.setattr(kernel_clock, "_library", Kernel)
    assert kernel_clock.is_kept_right() is kept
