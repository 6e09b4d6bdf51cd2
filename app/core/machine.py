"""What named signals of this machine add up to: a virtual machine, remote control, a virtual camera. Pure.

Adapters say which signals they found; the table here says what each weighs, what it means to
a person, and which signals say the same thing. Guarantees, each held by a test:

- No single group of signals ever makes ``LIKELY``, however strong: that takes two that are independent.
- A further signal never lowers a score; the order of signals changes nothing.
- What is not in the table weighs nothing and is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Suspicion(StrEnum):
    """What is asked of a machine."""

    VIRTUAL_MACHINE = "virtual machine"
    REMOTE_CONTROL = "remote control"
    VIRTUAL_CAMERA = "virtual camera"


class Verdict(StrEnum):
    CLEAR = "clear"
    POSSIBLE = "possible"
    LIKELY = "likely"


@dataclass(frozen=True, slots=True)
class KnownSignal:
    """``weight`` is the probability-like worth in 0..0.8. Signals of one ``group`` have one cause: the strongest counts.

    ``words`` say what was seen, ``advice`` what an honest person with such a machine can do.
    """

    name: str
    about: Suspicion
    group: str
    weight: float
    words: str
    advice: str


@dataclass(frozen=True, slots=True)
class FoundSignal:
    """A signal that an adapter found; ``detail`` names the thing (a product, a program), never more."""

    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WeighedSignal:
    """One line of the verdict, for people. ``group`` tells which lines have one cause and so count once."""

    name: str
    group: str
    weight: float
    words: str
    advice: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """``score`` in 0..1, and the signals that made it, the weightiest first."""

    about: Suspicion
    score: float
    verdict: Verdict
    signals: tuple[WeighedSignal, ...]


POSSIBLE_FROM = 0.4
LIKELY_FROM = 0.85
MAX_WEIGHT = 0.8
LEAST_GROUPS = 2


def judge(found: Iterable[FoundSignal], known: Collection[KnownSignal]) -> tuple[Judgement, ...]:
    """One judgement per suspicion, in the order of ``Suspicion``. Independent groups add up as 1 - (1 - w1)(1 - w2)..."""
    table = {signal.name: signal for signal in known}
    details: dict[str, str] = {}
    for signal in found:
        if signal.name in table:
            details[signal.name] = max(details.get(signal.name, ""), signal.detail)
    return tuple(_judged(about, [table[n] for n in sorted(details)], details) for about in Suspicion)


def _judged(about: Suspicion, signals: list[KnownSignal], details: dict[str, str]) -> Judgement:
    mine = [signal for signal in signals if signal.about is about]
    strongest: dict[str, float] = {}
    for signal in mine:
        weight = min(MAX_WEIGHT, max(0.0, signal.weight))
        strongest[signal.group] = max(strongest.get(signal.group, 0.0), weight)
    doubt = 1.0
    for group in sorted(strongest):
        doubt *= 1.0 - strongest[group]
    score = round(1.0 - doubt, 3)
    weighed = [
        WeighedSignal(signal.name, signal.group, signal.weight, _words(signal, details[signal.name]), signal.advice)
        for signal in mine
    ]
    weighed.sort(key=lambda one: (-one.weight, one.name))
    return Judgement(about, score, _verdict(score, len(strongest)), tuple(weighed))


def _verdict(score: float, groups: int) -> Verdict:
    if score >= LIKELY_FROM and groups >= LEAST_GROUPS:
        return Verdict.LIKELY
    return Verdict.POSSIBLE if score >= POSSIBLE_FROM else Verdict.CLEAR


def _words(signal: KnownSignal, detail: str) -> str:
    return f"{signal.words} ({detail})" if detail else signal.words
