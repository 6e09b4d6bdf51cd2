"""The system check: is this machine ready for the exam, and what to do where it is not."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from app.browser.sandbox import sandbox_problem
from app.core import codes
from app.core.abilities import stopping, unmet
from app.core.checks import CheckResult
from app.core.errors import BackendError
from app.core.policy import Policy
from app.core.ports import Clock, ExamBackend
from app.core.types import Json, Stream
from app.lockdown.platform import unsupported
from app.runtime.checks_machine import machine_rows
from app.runtime.lists import Lists
from app.runtime.preview import Preview
from app.runtime.resources import model_path

DEVICE_WAIT_S = 8.0
MIN_FREE_BYTES = 500_000_000
MIN_MEMORY_BYTES = 1_000_000_000
CLOCK_TOLERANCE_S = 120.0
MOST_UNMET_NAMED = 4
MODELS = ("face_landmarker.task",)


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What the checks look at. ``policy`` None checks everything that any exam may ask for.

    ``lists`` are the programs and signs by which machines are judged.
    """

    policy: Policy | None
    data_dir: Path
    preview: Preview
    streams: Sequence[Stream]
    backend: ExamBackend | None
    clock: Clock
    lists: Lists = field(default_factory=Lists)


def run_checks(context: CheckContext) -> list[CheckResult]:
    """All checks, in the order in which they are shown. Takes up to some seconds; never raises."""
    results = [_system(context), *_asked(context)]
    results += [_device(context, stream) for stream in context.streams]
    results += machine_rows(context.policy, context.clock, context.lists)
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
        "facts": dict(result.facts) | _signs(result),
    }


def _signs(result: CheckResult) -> dict[str, Json]:
    """The signs that a line was judged by: words, weight, and what to do."""
    if result.judgement is None:
        return {}
    return {
        "signs": [
            {"name": one.name, "words": one.words, "weight": one.weight, "advice": one.advice}
            for one in result.judgement.signals
        ]
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
