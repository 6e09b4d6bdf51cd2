"""Which responses a rule may have, which are stricter than others, and who may let a held exam go on. Pure.

What a response means is in ``core.policy``. Closing needs a program to close. An exam is ended only by what was surely
seen and what a candidate did or left running: everything else may be nobody's fault, and a person has to decide.
"""

from __future__ import annotations

from typing import get_args

from app.core.machine import MAX_WEIGHT
from app.core.policy import Policy, Response, RuleSetting
from app.core.rule_table import (
    DEFAULTS,
    FOCUS_GAINED,
    FOREIGN_WINDOW,
    MACHINE_RULES,
    MONITORS,
    MONITORS_SUSPECTED,
    PROCESS,
    TAMPERING,
    VIRTUAL_MACHINE,
)

CLOSING = frozenset({PROCESS, FOREIGN_WINDOW})
"""Rules that know which program to close."""

ENDING = frozenset({MONITORS, PROCESS, FOREIGN_WINDOW, TAMPERING})
"""Rules that may end an exam. Not those that judge pictures, sound or the machine by signs, and none of a moment's
slip: a key pressed by mistake, a window of the system that takes the focus."""

NEVER_HOLDING = frozenset({FOCUS_GAINED, MONITORS_SUSPECTED})
"""A return to the exam is no reason to hold it, and a suspicion of this kind can't be cleared by anybody."""

HOLDING: frozenset[Response] = frozenset({"hold", "close"})
"""Responses that hold the exam, or may: a program that can't be closed does."""

STAYING = frozenset({VIRTUAL_MACHINE})
"""Rules whose cause a candidate can't remove while the exam waits."""

_STRICTNESS: dict[Response, int] = {response: at for at, response in enumerate(get_args(Response))}


def response_of(code: int, setting: RuleSetting | None) -> Response:
    """What follows a violation of this rule; "ignore" where it is switched off, "record" where there is no such rule."""
    if setting is not None and not setting.applied:
        return "ignore"
    if setting is not None and setting.response is not None:
        return setting.response
    return DEFAULTS[code].response if code in DEFAULTS else "record"


def is_stricter(one: Response, other: Response) -> bool:
    return _STRICTNESS[one] > _STRICTNESS[other]


def unfit(code: int, response: Response) -> str:
    """Why a rule can't have this response, as the end of a sentence about it; empty where it can."""
    if response == "close" and code not in CLOSING:
        return f"has nothing to close: only rules {_listed(CLOSING)} know of a program"
    if response == "end" and code not in ENDING:
        return f"may be nobody's fault: only rules {_listed(ENDING)} can end an exam, others hold it"
    if response == "hold" and code in NEVER_HOLDING:
        return "is too little to hold an exam: choose warn or record"
    return ""


def by_one_sign(code: int, response: Response, threshold: float | None) -> bool:
    """Whether a single sign of the machine could hold the exam: no group of signs weighs more than ``MAX_WEIGHT``."""
    return code in MACHINE_RULES and response in HOLDING and threshold is not None and threshold <= MAX_WEIGHT


def holding(policy: Policy) -> list[int]:
    """Codes of the rules that may hold this exam."""
    return sorted(
        code
        for code in {*DEFAULTS, *policy.detection.rules}
        if response_of(code, policy.detection.rules.get(code)) in HOLDING
    )


def somebody_releases(policy: Policy) -> bool:
    """Whether there is a password, or a line to a proctor, by which a held exam goes on."""
    return bool(policy.lockdown.unlock_password or policy.live.endpoint)


def stuck(policy: Policy) -> list[int]:
    """Codes of the rules that would hold this exam for good."""
    return [code for code in holding(policy) if has_no_release(code, policy)]


def has_no_release(code: int, policy: Policy) -> bool:
    """Whether nobody could let an exam go on that this rule holds, and the candidate can't help it either."""
    by_others_only = policy.lockdown.hold_release == "proctor" or code in STAYING
    return by_others_only and not somebody_releases(policy)


def _listed(codes: frozenset[int]) -> str:
    *first, last = (str(code) for code in sorted(codes))
    return f"{', '.join(first)} and {last}"
