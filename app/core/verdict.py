"""What the system check makes of the machine's signals: a note, or an exam that does not start until someone lets it. Pure.

An exam is refused only where its policy would hold, close or end it for the same thing while it runs: ``response`` of
5110, 5112 or 5113, with the same threshold. The verdict screen shows every sign, what it weighs and what to do; the
supervisor's password lets the exam start all the same, with a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from app.core.checks import CheckResult
from app.core.machine import POSSIBLE_FROM, Judgement, Suspicion, Verdict, WeighedSignal
from app.core.machine_rules import MACHINE_CODES, is_met
from app.core.policy import Policy, Response
from app.core.responses import FOLLOWED
from app.core.rule_table import EffectiveRule, settings_for

LEAST_REASON_CHARS = 5
MOST_REASON_CHARS = 500
_MUCH = 0.6

_TITLES = {
    Suspicion.VIRTUAL_MACHINE: "Virtual machine",
    Suspicion.REMOTE_CONTROL: "Remote control",
    Suspicion.VIRTUAL_CAMERA: "Camera program",
}
_WHAT = {
    Suspicion.VIRTUAL_MACHINE: "that this is a virtual machine",
    Suspicion.REMOTE_CONTROL: "that this computer is seen or controlled from elsewhere",
    Suspicion.VIRTUAL_CAMERA: "that the camera's picture comes from a program",
}
_HOW = {Verdict.CLEAR: "Little speaks for it", Verdict.POSSIBLE: "It is possible", Verdict.LIKELY: "It is likely"}
NOTHING = "nothing speaks for a virtual machine, remote control or a camera program"


@dataclass(frozen=True, slots=True)
class Override:
    """Who may let a refused exam start did so, with a reason: what ``codes`` report is recorded from then on, no more."""

    codes: frozenset[int] = frozenset()
    reason: str = ""

    def response(self, code: int, response: Response) -> Response:
        """What follows a violation: nothing but a record where it was let pass."""
        return "record" if code in self.codes and response in FOLLOWED else response


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign for people. ``counts`` says what it weighs in words. ``advice`` is empty where a sign above has the same."""

    words: str
    counts: str
    advice: str


@dataclass(frozen=True, slots=True)
class VerdictPart:
    """One suspicion. ``points`` are of 100; ``refused``: the exam does not start because of it."""

    title: str
    words: str
    points: int
    refused: bool
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True)
class VerdictView:
    """The verdict screen, what refuses the exam first. ``password``: a supervisor may let the exam start; nothing can be entered for ``wait_s`` more
    seconds, and ``problem`` says what was wrong with the last try. ``let_pass``: the reason for which it was."""

    parts: tuple[VerdictPart, ...]
    refused: bool
    password: bool = False
    problem: str = ""
    wait_s: int = 0
    let_pass: str = ""


def machine_checks(judgements: Iterable[Judgement], policy: Policy | None) -> list[CheckResult]:
    """A line per suspicion that is more than clear, or one that says that there is none. ``policy`` None: no exam is known.

    What the policy does not ask about is nobody's business, and left out.
    """
    asked = [one for one in judgements if policy is None or _rule(one, policy) is not None]
    lines = [_line(one, policy) for one in asked if one.verdict is not Verdict.CLEAR or refuses(one, policy)]
    return lines or [CheckResult("machine", True, False, NOTHING)]


def refuses(one: Judgement, policy: Policy | None) -> bool:
    """Whether the exam may not start on this machine."""
    if policy is None:
        return False
    rule = _rule(one, policy)
    return rule is not None and rule.response in FOLLOWED and is_met(one, {rule.code: rule})


def _rule(one: Judgement, policy: Policy) -> EffectiveRule | None:
    return settings_for(policy.detection, policy.accessibility).get(MACHINE_CODES[one.about])


def refused_codes(results: Iterable[CheckResult]) -> frozenset[int]:
    return frozenset(MACHINE_CODES[r.judgement.about] for r in results if r.judgement is not None and r.required)


def with_override(results: Iterable[CheckResult], override: Override) -> list[CheckResult]:
    """The same lines; those that were let pass are notes."""
    return [_let_pass(result, override) for result in results]


def verdict_view(
    results: Collection[CheckResult], override: Override, *, password: bool, problem: str = "", wait_s: int = 0
) -> VerdictView:
    judged = [(result, result.judgement) for result in results if result.judgement is not None]
    judged.sort(key=lambda pair: not pair[0].required)
    refused = any(result.required for result, _ in judged)
    return VerdictView(
        parts=tuple(_part(one, refused=result.required) for result, one in judged),
        refused=refused,
        password=password and refused,
        problem=problem,
        wait_s=wait_s,
        let_pass=override.reason if any(MACHINE_CODES[one.about] in override.codes for _, one in judged) else "",
    )


def reason_problem(reason: str) -> str:
    """What is wrong with a reason for letting an exam start; empty for nothing."""
    if len(reason.strip()) < LEAST_REASON_CHARS:
        return f"Write down why, in at least {LEAST_REASON_CHARS} characters: it is kept with the exam."
    if len(reason.strip()) > MOST_REASON_CHARS:
        return f"The reason is longer than {MOST_REASON_CHARS} characters; shorten it."
    return ""


def _line(one: Judgement, policy: Policy | None) -> CheckResult:
    refused = refuses(one, policy)
    advice = "The exam does not start like this. See why, and what to do."
    if not refused:
        advice = (
            "You can go on; the people who give the exam are told." if policy is not None else "See the signs below."
        )
    detail = f"{_HOW[one.verdict]} {_WHAT[one.about]}: {_points(one)} of 100."
    facts = {"rule": MACHINE_CODES[one.about], "score": one.score, "verdict": one.verdict.value}
    return CheckResult(str(one.about).replace(" ", "_"), False, refused, detail, advice, None, facts, one)


def _let_pass(result: CheckResult, override: Override) -> CheckResult:
    if result.judgement is None or MACHINE_CODES[result.judgement.about] not in override.codes:
        return result
    return replace(result, required=False, advice=f"A supervisor let the exam start all the same: {override.reason}")


def _part(one: Judgement, *, refused: bool) -> VerdictPart:
    groups: set[str] = set()
    advice: set[str] = set()
    signs = []
    for signal in one.signals:
        said = "" if signal.advice in advice else signal.advice
        signs.append(Sign(signal.words, _counts(signal, known=signal.group in groups), said))
        groups.add(signal.group)
        advice.add(signal.advice)
    return VerdictPart(
        _TITLES[one.about], f"{_HOW[one.verdict]} {_WHAT[one.about]}.", _points(one), refused, tuple(signs)
    )


def _counts(signal: WeighedSignal, *, known: bool) -> str:
    if known:
        return "has the same cause as a sign above, and counts once with it"
    if signal.weight >= _MUCH:
        return "counts for much"
    return "counts for something" if signal.weight >= POSSIBLE_FROM else "counts for little"


def _points(one: Judgement) -> int:
    return round(one.score * 100)
