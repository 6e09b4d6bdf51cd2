"""What the lockdown's own watchers see right now, for the system check: monitors, programs, and signs of the machine."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from app.core import codes
from app.core.checks import CheckResult
from app.core.errors import LockdownError
from app.core.lockdown import MONITORS, plan, wanted_watchers
from app.core.policy import Candidate, Exam, Policy, Upload
from app.core.ports import Clock
from app.core.types import DisplaysSeen, MachineSeen, Observation, ProcessesSeen
from app.core.verdict import machine_checks
from app.lockdown.platform import machine_facts, watchers_for
from app.lockdown.setting import WatchSetting
from app.runtime.lists import Lists

LOOKED_AT = (DisplaysSeen, ProcessesSeen, MachineSeen)
EVERYTHING = Policy(
    exam=Exam(id="check", title="System check", start_url=""),
    candidate=Candidate(id="check", name=""),
    upload=Upload(endpoint="", token="", exam_id=""),
)
"""Stands for any exam where none is known: the defaults ask for every protection."""
SUSPECTED = "Unplug it, docking stations and adapters included: the exam writes down what may be a second monitor."

log = structlog.get_logger()


def machine_rows(policy: Policy | None, clock: Clock, lists: Lists) -> list[CheckResult]:
    """Takes up to a second; never raises."""
    asked = policy or EVERYTHING
    seen = _seen(asked, clock, lists)
    displays = next((one for one in seen if isinstance(one, DisplaysSeen)), None)
    processes = next((one for one in seen if isinstance(one, ProcessesSeen)), None)
    machine = next((one for one in seen if isinstance(one, MachineSeen)), None)
    return [
        *([_monitors(policy, displays)] if MONITORS in wanted_watchers(asked) else []),
        *_processes(policy, processes),
        *([] if machine is None else machine_checks(machine.judgements, policy)),
        *_lists(lists),
    ]


def _seen(policy: Policy, clock: Clock, lists: Lists) -> Sequence[Observation]:
    seen: list[Observation] = []
    setting = WatchSetting(policy, lists.programs, signs=lists.signs)
    for watcher in watchers_for(plan(policy, machine_facts()), setting):
        try:
            seen += watcher.poll(clock.now().mono_ns)
        except LockdownError as error:
            log.warning("watcher", name=watcher.name, error=str(error))
        finally:
            watcher.close()
    return seen


def _monitors(policy: Policy | None, seen: DisplaysSeen | None) -> CheckResult:
    required = policy is not None and policy.lockdown.single_monitor
    if seen is None:
        advice = "The monitors can't be counted on this system."
        return CheckResult("monitors", False, False, "unknown", advice)
    names = ", ".join(seen.names)
    if seen.count <= 1 and seen.suspected:
        return CheckResult(
            "monitors", False, False, f"{'; '.join(seen.suspected)}.", SUSPECTED, facts={"count": seen.count}
        )
    if seen.count <= 1:
        return CheckResult("monitors", True, required, names or "one monitor", facts={"count": seen.count})
    detail = f"{seen.count} monitors: {names}"
    return CheckResult("monitors", False, required, detail, codes.code(4015).sentence, 4015, {"count": seen.count})


def _processes(policy: Policy | None, seen: ProcessesSeen | None) -> list[CheckResult]:
    """Required whatever follows it in the exam: closing a program is up to the candidate, and done in a moment."""
    if policy is None or not policy.lockdown.denied_processes:
        return []
    if seen is None or not seen.found:
        return [CheckResult("programs", True, True, "none that the exam does not allow")]
    names = ", ".join(name for name, _ in seen.found)
    return [CheckResult("programs", False, True, names, _how_to_close(seen.found))]


def _how_to_close(found: Sequence[tuple[str, str]]) -> str:
    each = " ".join(f"{name}: {why}." for name, why in found)
    them = "it" if len(found) == 1 else "them"
    return (
        f"The exam does not allow {them}. {each} Save your work, quit {them} from the program's own menu, and from its icon "
        "beside the clock if it has one; what stays can be ended in the system's task manager. Then check again."
    )


def _lists(lists: Lists) -> list[CheckResult]:
    """A broken file of IT's: the exam may begin without it."""
    if not lists.problems:
        return []
    advice = "The exam can begin without it. Whoever looks after this computer corrects the file."
    return [CheckResult("lists", False, False, " ".join(lists.problems), advice)]
