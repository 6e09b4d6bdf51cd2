"""How one signal over time becomes violations: the automaton behind every rule. Pure.

A *run* is activity whose pauses are shorter than the patience: ``release`` while a violation is open,
else at most ``FLICKER_NS``. A run opens a violation once its active time reached ``dwell``; the violation
starts at the run's first active moment and ends at the first inactive moment after its last active one.
A run that earns its dwell and began within ``merge`` of the end before continues that violation; so a
violation is reported closed only when ``merge`` has passed. For ``cooldown`` after an end no violation
opens; one that opens later starts no earlier than that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.core.rule_table import EffectiveRule
from app.core.types import NS_PER_S, Violation

FLICKER_NS = round(0.45 * NS_PER_S)
_MAX_DETAILS = 6
_FULL_LENGTH_NS = 60 * NS_PER_S
_LENGTH_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class ViolationOpened:
    """Its dwell was met. ``violation.end_ns`` is None, but for what has no duration."""

    violation: Violation


@dataclass(frozen=True, slots=True)
class ViolationClosed:
    """The same violation, by number, with its end, final severity, confidence and detail."""

    violation: Violation


RuleEvent = ViolationOpened | ViolationClosed


@dataclass(frozen=True, slots=True)
class Signal:
    """What one observation says to one rule."""

    active: bool
    score: float = 1.0
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """Scores and details of active observations."""

    total: float = 0.0
    count: int = 0
    details: tuple[str, ...] = ()

    def plus(self, other: Tally) -> Tally:
        details = self.details + tuple(d for d in other.details if d not in self.details)
        return Tally(self.total + other.total, self.count + other.count, details[:_MAX_DETAILS])

    @property
    def confidence(self) -> float:
        return round(min(1.0, max(0.0, self.total / max(1, self.count))), 4)


_NOTHING = Tally()


@dataclass(frozen=True, slots=True)
class Run:
    """Activity with short pauses. ``paused_ns`` is the first inactive moment after ``last_ns``, None while active."""

    start_ns: int
    last_ns: int
    active_ns: int
    paused_ns: int | None
    tally: Tally


@dataclass(frozen=True, slots=True)
class Opened:
    """A violation that was reported open.

    ``end_ns`` is None while the track's run belongs to it, and set while it waits for its merge time to pass.
    """

    number: int
    start_ns: int
    severity: float
    tally: Tally
    end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """The state of one rule."""

    run: Run | None = None
    opened: Opened | None = None
    seen_ns: int | None = None
    cool_until_ns: int | None = None


Step = tuple[Track, tuple[RuleEvent, ...]]


def sampled(track: Track, rule: EffectiveRule, at_ns: int, signal: Signal, number: int) -> Step:
    """Takes a measurement of what is measured again and again. One older than the last is ignored."""
    if track.seen_ns is not None and at_ns < track.seen_ns:
        return track, ()
    track, stale = unless_stale(track, rule, at_ns)
    if signal.active:
        track, events = _active(track, rule, at_ns, _tally(signal), number)
    else:
        track, events = _inactive(track, rule, at_ns)
    return replace(track, seen_ns=at_ns), stale + events


def held(track: Track, rule: EffectiveRule, at_ns: int, signal: Signal | None, number: int) -> Step:
    """Takes what stays true until it is contradicted. ``signal`` None only lets time pass."""
    events: tuple[RuleEvent, ...] = ()
    if track.run is not None and track.run.paused_ns is None:
        track, events = _active(track, rule, at_ns, _NOTHING, number)
    if signal is None:
        track, more = _settled(track, rule, at_ns)
    elif signal.active:
        track, more = _active(track, rule, at_ns, _tally(signal), number)
    else:
        track, more = _inactive(track, rule, at_ns)
    return track, events + more


def instant(track: Track, rule: EffectiveRule, at_ns: int, signal: Signal, number: int) -> Step:
    """Reports what has no duration, unless one was reported less than ``cooldown`` ago."""
    if track.cool_until_ns is not None and at_ns < track.cool_until_ns:
        return track, ()
    violation = _violation(rule.code, Opened(number, at_ns, rule.severity, _tally(signal), at_ns))
    return Track(cool_until_ns=at_ns + rule.cooldown_ns), (ViolationOpened(violation), ViolationClosed(violation))


def unless_stale(track: Track, rule: EffectiveRule, at_ns: int) -> Step:
    """Forgets a sampled signal that was not measured for longer than ``stale``."""
    if track.seen_ns is None or at_ns - track.seen_ns <= rule.stale_ns:
        return track, ()
    return forgotten(track, rule.code, rule.cooldown_ns)


def forgotten(track: Track, code: int, cooldown_ns: int = 0) -> Step:
    """From here on nothing is known: what is open ends where it was last known, what was pending is dropped."""
    track = _run_ended(track, cooldown_ns)
    events = () if track.opened is None else (ViolationClosed(_violation(code, track.opened)),)
    return Track(cool_until_ns=track.cool_until_ns), events


def _active(track: Track, rule: EffectiveRule, at_ns: int, tally: Tally, number: int) -> Step:
    track, closed = _settled(track, rule, at_ns)
    run, opened = _extended(track.run, at_ns, tally), track.opened
    track = replace(track, run=run)
    if opened is not None and opened.end_ns is None:
        return replace(track, opened=replace(opened, tally=opened.tally.plus(tally))), closed
    if run.active_ns < rule.dwell_ns:
        return track, closed
    if opened is not None:
        return replace(track, opened=replace(opened, tally=opened.tally.plus(run.tally), end_ns=None)), closed
    cool_ns = run.start_ns if track.cool_until_ns is None else track.cool_until_ns
    if at_ns < cool_ns:
        return track, closed
    opened = Opened(number, max(run.start_ns, cool_ns), rule.severity, run.tally)
    return replace(track, opened=opened), (*closed, ViolationOpened(_violation(rule.code, opened)))


def _inactive(track: Track, rule: EffectiveRule, at_ns: int) -> Step:
    run = track.run
    if run is not None and run.paused_ns is None:
        track = replace(track, run=replace(run, paused_ns=at_ns))
    return _settled(track, rule, at_ns)


def _settled(track: Track, rule: EffectiveRule, at_ns: int) -> Step:
    """Ends a run whose pause outlasted the patience, and reports closed what can no longer be continued."""
    if track.run is not None and track.run.paused_ns is not None:
        going = track.opened is not None and track.opened.end_ns is None
        patience_ns = rule.release_ns if going else min(FLICKER_NS, rule.release_ns)
        if at_ns - track.run.paused_ns >= patience_ns:
            track = _run_ended(track, rule.cooldown_ns)
    opened = track.opened
    if opened is None or opened.end_ns is None:
        return track, ()
    next_ns = at_ns if track.run is None else track.run.start_ns
    if rule.merge_ns > 0 and next_ns - opened.end_ns <= rule.merge_ns:
        return track, ()
    return replace(track, opened=None), (ViolationClosed(_violation(rule.code, opened)),)


def _run_ended(track: Track, cooldown_ns: int) -> Track:
    run, opened = track.run, track.opened
    if run is None or opened is None or opened.end_ns is not None:
        return replace(track, run=None)
    end_ns = run.last_ns if run.paused_ns is None else run.paused_ns
    cool_until_ns = end_ns + cooldown_ns if cooldown_ns else track.cool_until_ns
    return replace(track, run=None, opened=replace(opened, end_ns=end_ns), cool_until_ns=cool_until_ns)


def _extended(run: Run | None, at_ns: int, tally: Tally) -> Run:
    """Only time between two active moments in a row counts as active."""
    if run is None:
        return Run(at_ns, at_ns, 0, None, tally)
    gained_ns = at_ns - run.last_ns if run.paused_ns is None else 0
    return Run(run.start_ns, at_ns, run.active_ns + gained_ns, None, run.tally.plus(tally))


def _tally(signal: Signal) -> Tally:
    return Tally(signal.score, 1, signal.details)


def _violation(code: int, opened: Opened) -> Violation:
    """Severity grows by up to a quarter over the first minute."""
    length_ns = 0 if opened.end_ns is None else opened.end_ns - opened.start_ns
    grown = opened.severity * (1.0 + _LENGTH_SHARE * min(1.0, length_ns / _FULL_LENGTH_NS))
    return Violation(
        number=opened.number,
        code=code,
        start_ns=opened.start_ns,
        end_ns=opened.end_ns,
        severity=round(min(1.0, grown), 4),
        confidence=opened.tally.confidence,
        detail="; ".join(opened.tally.details),
    )
