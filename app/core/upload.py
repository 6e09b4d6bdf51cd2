"""What to do after a delivery to the backend failed. Pure: time and chance are given.

Waits are "full jitter" (a random share of an exponentially growing ceiling), so that the
clients of an exam do not all return at once after an outage.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.types import NS_PER_S, Instant

BASE_S = 1.0
CEILING_S = 300.0
FLOOR_S = 0.2
"""No retry comes sooner, however the dice fall: it keeps a client from spinning."""
SLOW_S = 60.0
"""The least ceiling where only a person can help (a token, an address): asking often would not."""
RETRY_AFTER_MAX_S = 900.0
"""A server's wish is honoured up to here; a mistyped header must not strand the evidence."""
RECHECK_S = 7 * 24 * 3600.0
"""A refused file stays on the machine and is offered again after this, should the server's rules have changed."""
MISMATCHES_MAX = 5


class Problem(StrEnum):
    """How a delivery failed. ``ANSWER``: the server answered with an error status."""

    NO_ANSWER = "no_answer"
    ANSWER = "answer"
    HASH_MISMATCH = "hash_mismatch"
    FILE_UNREADABLE = "file_unreadable"


@dataclass(frozen=True, slots=True)
class Failure:
    """``status`` is the HTTP status when ``problem`` is ANSWER. ``retry_after_s`` is the server's wish, if it had one."""

    problem: Problem
    status: int = 0
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Try this file again at ``at_utc_ns``, in ``wait_s``.

    ``pauses_all``: no other file would fare better, so nothing is sent before.
    """

    at_utc_ns: int
    wait_s: float
    pauses_all: bool


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The server will not take this file as it is. It is kept on the machine and reported, with ``reason``.

    It may be offered again at ``recheck_utc_ns``.
    """

    reason: str
    recheck_utc_ns: int


Action = Retry | GiveUp

_REFUSALS: dict[int, str] = {
    400: "the server refused the file as invalid",
    413: "the file is larger than the server accepts",
    415: "the server does not accept this kind of file",
    422: "the server refused the file as invalid",
}
_NEEDS_A_PERSON = frozenset({401, 403, 404, 405, 501})
"""Redirects (3xx) too: the address in the key is wrong."""
_SERVER_IS_ILL = frozenset({408, 425, 429, 502, 503, 504})


def next_action(failure: Failure, tries: int, chance: float, now: Instant) -> Action:
    """What to do with a file after its delivery failed.

    ``tries`` counts the failures so far, this one included (at least 1); ``chance`` is uniform in 0..1.
    """
    status = failure.status if failure.problem is Problem.ANSWER else None
    if failure.problem is Problem.FILE_UNREADABLE:
        return _give_up("the file can't be read on this computer any more", now)
    if failure.problem is Problem.HASH_MISMATCH and tries >= MISMATCHES_MAX:
        return _give_up("what the server stored differed from the file every time", now)
    if status in _REFUSALS:
        return _give_up(_REFUSALS[status], now)
    person = status is not None and (status in _NEEDS_A_PERSON or status < 400)
    wait_s = max(backoff_s(tries, chance, SLOW_S if person else BASE_S), _wished_s(failure.retry_after_s, chance))
    everyone = person or failure.problem is Problem.NO_ANSWER or status in _SERVER_IS_ILL
    return Retry(now.utc_ns + round(wait_s * NS_PER_S), wait_s, everyone)


def backoff_s(tries: int, chance: float, least_s: float = BASE_S) -> float:
    """A random share of ``least_s`` doubled with each try, at most CEILING_S, at least FLOOR_S."""
    doublings = min(max(tries, 1) - 1, 30)
    return max(FLOOR_S, min(CEILING_S, least_s * 2.0**doublings) * chance)


def _wished_s(retry_after_s: float | None, chance: float) -> float:
    """The server's wish, never cut short, spread over a tenth more."""
    if retry_after_s is None or retry_after_s <= 0:
        return 0.0
    return min(RETRY_AFTER_MAX_S, retry_after_s) * (1.0 + chance / 10)


def _give_up(reason: str, now: Instant) -> GiveUp:
    return GiveUp(reason, now.utc_ns + round(RECHECK_S * NS_PER_S))
