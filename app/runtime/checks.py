"""The system check: is this machine ready for the exam, and what to do where it is not."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import structlog

from app.browser.sandbox import sandbox_problem
from app.core import codes
from app.core.abilities import stopping, unmet
from app.core.errors import BackendError, LockdownError
from app.core.lockdown import plan
from app.core.policy import Candidate, Exam, Policy, Upload
from app.core.ports import Clock, ExamBackend
from app.core.types import CheckResult, DisplaysSeen, Json, Observation, ProcessesSeen, Stream
from app.lockdown.platform import machine_facts, unsupported, watchers_for
from app.lockdown.setting import WatchSetting
from app.runtime.preview import Preview
from app.runtime.resources import model_path

DEVICE_WAIT_S = 8.0
MIN_FREE_BYTES = 500_000_000
MIN_MEMORY_BYTES = 1_000_000_000
CLOCK_TOLERANCE_S = 120.0
MOST_UNMET_NAMED = 4
MODELS = ("face_landmarker.task",)
EVERYTHING = Policy(
    exam=Exam(id="check", title="System check", start_url=""),
    candidate=Candidate(id="check", name=""),
    upload=Upload(endpoint="", token="", exam_id=""),
)
"""Stands for any exam where none is known: the defaults ask for every protection."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What the checks look at. ``policy`` None checks everything that any exam may ask for."""

    policy: Policy | None
    data_dir: Path
    preview: Preview
    streams: Sequence[Stream]
    backend: ExamBackend | None
    clock: Clock


def run_checks(context: CheckContext) -> list[CheckResult]:
    """All checks, in the order in which they are shown. Takes up to some seconds; never raises."""
    results = [_system(context), *_asked(context)]
    results += [_device(context, stream) for stream in context.streams]
    results += _machine(context)
    results += [_browser(), _disk(context), _memory(), _models(context)]
    if context.backend is not None:
        results += _backend(context.backend)
    return results


def required_failed(results: Sequence[CheckResult]) -> bool:
    return any(r.required and not r.ok for r in results)


def result_json(result: CheckResult) -> dict[str, Json]:
    return {
        "name": result.name,
        "ok": result.ok,
        "required": result.required,
        "detail": result.detail,
        "advice": result.advice,
        "code": result.code,
        "facts": dict(result.facts),
    }


def _system(context: CheckContext) -> CheckResult:
    facts: dict[str, Json] = {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cpus": psutil.cpu_count() or 0,
    }
    name = _system_name()
    needed = context.policy is not None and context.policy.lockdown.kiosk and not context.policy.exam.allow_fallback
    problem = unsupported()
    if problem is None:
        return CheckResult("system", True, needed, name, facts=facts)
    return CheckResult("system", False, needed, name, problem, 4001, facts)


def _asked(context: CheckContext) -> list[CheckResult]:
    """What the policy asks and this client does not do yet; nothing when it does all."""
    missing = unmet(context.policy) if context.policy is not None else []
    if context.policy is None or not missing:
        return []
    words = list(dict.fromkeys(words for _, words in missing))
    listed = ", ".join(words[:MOST_UNMET_NAMED])
    if len(words) > MOST_UNMET_NAMED:
        listed += f", and {len(words) - MOST_UNMET_NAMED} more"
    stops = bool(stopping(context.policy))
    advice = (
        "The exam begins all the same; you can go on."
        if not stops
        else "Tell the people who invited you: a newer client may do it, or they give you another key."
    )
    facts: dict[str, Json] = {"unmet": [{"path": path, "words": words} for path, words in missing]}
    return [CheckResult("what_this_exam_asks", False, stops, f"This client {listed}.", advice, 4017, facts)]


def _system_name() -> str:
    """The name that people know the system by."""
    if platform.system() == "Linux":
        try:
            return platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            pass
    return f"{platform.system()} {platform.release()}"


def _device(context: CheckContext, stream: Stream) -> CheckResult:
    wait_s = DEVICE_WAIT_S if context.policy is None else context.policy.capture.start_timeout_s
    probed = context.preview.wait(stream, wait_s)
    if probed.ok:
        return CheckResult(stream.value, True, True, probed.name, facts=probed.facts)
    what, _, advice = probed.sentence.rstrip(".").partition("; ")
    if advice:
        advice = f"{advice[0].upper()}{advice[1:]}."
    elif probed.code:
        advice = codes.code(probed.code).sentence
    return CheckResult(stream.value, False, True, f"{what}.", advice, probed.code, probed.facts)


def _machine(context: CheckContext) -> list[CheckResult]:
    """What the lockdown's own watchers see right now."""
    seen: list[Observation] = []
    wanted = plan(context.policy or EVERYTHING, machine_facts())
    for watcher in watchers_for(wanted, WatchSetting(context.policy or EVERYTHING)):
        try:
            seen += watcher.poll(context.clock.now().mono_ns)
        except LockdownError as error:
            log.warning("watcher", name=watcher.name, error=str(error))
        finally:
            watcher.close()
    displays = next((o for o in seen if isinstance(o, DisplaysSeen)), None)
    processes = next((o for o in seen if isinstance(o, ProcessesSeen)), None)
    return [_monitors(context, displays), *_processes(context, processes)]


def _monitors(context: CheckContext, seen: DisplaysSeen | None) -> CheckResult:
    required = context.policy is not None and context.policy.lockdown.single_monitor
    if seen is None:
        advice = "The monitors can't be counted on this system."
        return CheckResult("monitors", False, False, "unknown", advice)
    names = ", ".join(seen.names)
    if seen.count <= 1:
        return CheckResult("monitors", True, required, names or "one monitor", facts={"count": seen.count})
    detail = f"{seen.count} monitors: {names}"
    return CheckResult("monitors", False, required, detail, codes.code(4015).sentence, 4015, {"count": seen.count})


def _processes(context: CheckContext, seen: ProcessesSeen | None) -> list[CheckResult]:
    if context.policy is None or not context.policy.lockdown.denied_processes:
        return []
    if seen is None or not seen.found:
        return [CheckResult("programs", True, True, "none that the exam does not allow")]
    names = ", ".join(name for name, _ in seen.found)
    return [CheckResult("programs", False, True, names, f"Close {names}; the exam does not allow it.")]


def _browser() -> CheckResult:
    problem = sandbox_problem(is_root=hasattr(os, "geteuid") and os.geteuid() == 0)
    if problem is None:
        return CheckResult("browser", True, False, "the exam's pages are kept in a sandbox")
    detail, advice = problem
    return CheckResult("browser", False, False, detail, advice)


def _disk(context: CheckContext) -> CheckResult:
    folder = context.data_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return CheckResult("disk", False, True, str(error), "Choose another folder for the exam's data.")
    detail = f"{free / 1e9:.1f} GB free"
    if free >= MIN_FREE_BYTES:
        return CheckResult("disk", True, True, detail, facts={"free_bytes": free})
    advice = f"Free at least {MIN_FREE_BYTES // 1_000_000} MB on the disk that holds {context.data_dir}."
    return CheckResult("disk", False, True, detail, advice, facts={"free_bytes": free})


def _memory() -> CheckResult:
    free = psutil.virtual_memory().available
    ok = free >= MIN_MEMORY_BYTES
    advice = "" if ok else "Close programs that you don't need."
    return CheckResult("memory", ok, False, f"{free / 1e9:.1f} GB available", advice, facts={"free_bytes": free})


def _models(context: CheckContext) -> CheckResult:
    wanted, policy = True, context.policy
    if policy is not None:
        wanted = policy.detection.enabled and policy.capture.camera and not policy.exam.allow_fallback
    missing = [name for name in MODELS if not model_path(name).is_file()]
    if not missing:
        return CheckResult("detection", True, wanted, "models are there")
    advice = "Install the application again, or run 'python3 build_scripts/dev.py setup' in a source tree."
    return CheckResult("detection", False, wanted, f"missing: {', '.join(missing)}", advice, 4017)


def _backend(backend: ExamBackend) -> list[CheckResult]:
    try:
        backend.reachable()
    except BackendError as error:
        advice = "Check the internet connection; the exam can start, and what is recorded is delivered later."
        return [CheckResult("server", False, False, str(error), advice)]
    results = [CheckResult("server", True, False, "reachable")]
    offset: Callable[[], float | None] | None = getattr(backend, "server_time_offset_s", None)
    seconds = offset() if offset else None
    if seconds is not None:
        ok = abs(seconds) <= CLOCK_TOLERANCE_S
        detail = "right" if ok else f"{abs(seconds):.0f} seconds {'behind' if seconds > 0 else 'ahead'}"
        advice = "" if ok else "Set the machine's clock, then check again; the difference is recorded with the exam."
        results.append(CheckResult("clock", ok, False, detail, advice, facts={"offset_s": round(seconds, 3)}))
    return results
