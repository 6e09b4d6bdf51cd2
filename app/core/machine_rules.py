"""What an observation of the machine says to each rule: displays, programs, windows, devices, the session. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from app.core import rule_table
from app.core.machine import Judgement, Suspicion, Verdict
from app.core.rule_table import EffectiveRule
from app.core.rule_track import Signal
from app.core.types import (
    ClipboardUsed,
    ClockSet,
    DevicesChanged,
    DisplayChanged,
    DisplaysSeen,
    InputInjected,
    KeyBlocked,
    MachineSeen,
    Observation,
    ProcessesSeen,
    TamperingSeen,
    WindowsSeen,
)

MACHINE_CODES = {
    Suspicion.VIRTUAL_MACHINE: rule_table.VIRTUAL_MACHINE,
    Suspicion.REMOTE_CONTROL: rule_table.REMOTE_CONTROL,
    Suspicion.VIRTUAL_CAMERA: rule_table.VIRTUAL_CAMERA,
}


def machine_signals(observation: Observation, settings: Mapping[int, EffectiveRule]) -> dict[int, Signal]:
    """Signals by code; empty for what is not of the machine."""
    match observation:
        case DisplaysSeen():
            return _displays(observation, settings)
        case ProcessesSeen():
            names = tuple(f"{name} ({why})" for name, why in observation.found)
            return {rule_table.PROCESS: Signal(bool(observation.found), details=names)}
        case WindowsSeen():
            seen = tuple(dict.fromkeys(f"{window.program} ({window.why})" for window in observation.found))
            return {rule_table.FOREIGN_WINDOW: Signal(bool(seen), details=seen)}
        case MachineSeen():
            return {MACHINE_CODES[one.about]: _judged(one, settings) for one in observation.judgements}
        case _:
            return _of_a_moment(observation)


def _of_a_moment(observation: Observation) -> dict[int, Signal]:
    match observation:
        case KeyBlocked():
            code = rule_table.CAPTURE_KEY if observation.capture else rule_table.BLOCKED_KEY
            return {code: _said(observation.keys)}
        case ClipboardUsed():
            return {rule_table.CLIPBOARD: _said(observation.program)}
        case InputInjected():
            return {rule_table.INJECTED_INPUT: _said(observation.source)}
        case DisplayChanged():
            return {rule_table.DISPLAY_CHANGED: _said(observation.detail)}
        case DevicesChanged():
            words = [f"{device.kind} plugged in: {device.name}" for device in observation.added]
            words += [f"{device.kind} unplugged: {device.name}" for device in observation.removed]
            return {rule_table.DEVICE: Signal(bool(words), details=tuple(words))}
        case ClockSet():
            return {rule_table.CLOCK: _said(f"by {observation.seconds:+d} s")}
        case TamperingSeen():
            return {rule_table.TAMPERING: _said(observation.what)}
        case _:
            return {}


def _displays(seen: DisplaysSeen, settings: Mapping[int, EffectiveRule]) -> dict[int, Signal]:
    rule = settings.get(rule_table.MONITORS)
    allowed = 1.0 if rule is None or rule.threshold is None else rule.threshold
    detail = ", ".join(seen.names) or f"{seen.count} monitors"
    return {
        rule_table.MONITORS: Signal(seen.count > allowed, details=(detail,)),
        rule_table.MONITORS_SUSPECTED: Signal(bool(seen.suspected), details=seen.suspected),
    }


def is_met(one: Judgement, settings: Mapping[int, EffectiveRule]) -> bool:
    """Whether it is a violation: by the rule's own threshold, otherwise by the verdict."""
    rule = settings.get(MACHINE_CODES[one.about])
    least = None if rule is None else rule.threshold
    return one.verdict is Verdict.LIKELY if least is None else one.score >= least


def _judged(one: Judgement, settings: Mapping[int, EffectiveRule]) -> Signal:
    return Signal(is_met(one, settings), one.score, tuple(signal.words for signal in one.signals))


def _said(detail: str) -> Signal:
    return Signal(True, details=(detail,) if detail else ())
