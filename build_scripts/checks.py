"""Every check of the project, cheapest first; stops at the first that fails."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from build_scripts.environment import ROOT, venv_program

WORKERS = 2
"""For all but what is marked ``alone``: the demo counts every violation, and two clients at once are late on two cores."""
FAST_WORKERS = 3
"""For the tests that drive no client: a third of their time is spent waiting for servers to stop and windows to show."""
PYTEST = ("-q", "--durations=10")
BY_FILE = ("--dist", "loadfile")
"""A file's tests in one process, which then takes the exam once that several of them look at."""
CORE_COVERAGE = ("--cov=app.core", "--cov-branch", "--cov-report=term:skip-covered", "--cov-fail-under=98")
PROGRAM_RULES = "S101,S105,S106,SLF001,ARG001"
"""What tests may do and the program may not: assert, literal secrets, others' private names, unused arguments."""
LOCKDOWN = ("app/core", "app/lockdown", "app/runtime/guardian.py")
"""Where code depends on the platform, for the runs that check it as on Windows and macOS."""
LINUX_ONLY = "^app/lockdown/linux/"


@dataclass(frozen=True, slots=True)
class Check:
    """A program of the virtual environment and its arguments."""

    title: str
    program: str
    arguments: tuple[str, ...]


def checks(*, fast: bool, in_ci: bool) -> list[Check]:
    """What is checked, in order; ``fast`` leaves out the end-to-end tests and those under Wine."""
    colour = ("--color=no",) if in_ci else ()
    two = ("-n", str(WORKERS))
    found = [
        Check("lint", "ruff", ("check", ".")),
        Check("lint of the program", "ruff", ("check", "app", "build_scripts", "--extend-select", PROGRAM_RULES)),
        Check("format", "ruff", ("format", "--check", ".")),
        Check("types", "mypy", ()),
        _types_for("Windows", "win32", "tests/wine"),
        _types_for("macOS", "darwin"),
        Check("layers", "lint-imports", ()),
        Check("tests of the core", "pytest", (*PYTEST, *two, "tests/core", *CORE_COVERAGE, *colour)),
        Check("tests", "pytest", (*PYTEST, "-n", str(FAST_WORKERS), "-m", "not e2e", "--ignore=tests/core", *colour)),
    ]
    if not fast:
        found += [
            Check("tests under Wine", "python", ("-m", "build_scripts.wine", "-q", "--durations=5", *colour)),
            Check("end-to-end tests, alone", "pytest", (*PYTEST, "-n", "1", "-m", "e2e and alone", *colour)),
            Check("end-to-end tests", "pytest", (*PYTEST, *two, *BY_FILE, "-m", "e2e and not alone", *colour)),
        ]
    return found


def _types_for(name: str, platform: str, *more: str) -> Check:
    cache = f".mypy_cache/{platform}"  # of its own: mypy drops a cache that was made for another platform
    options = ("--platform", platform, "--cache-dir", cache, "--exclude", LINUX_ONLY)
    return Check(f"types for {name}", "mypy", (*options, *LOCKDOWN, *more))


def run_checks(todo: Sequence[Check], root: Path = ROOT) -> int:
    """Run them in order; returns the exit code of the first that fails, or 0."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else each of the many processes would compile program and tests
    if environment.get("CI"):
        environment |= {"NO_COLOR": "1", "TERM": "dumb"}
    for check in todo:
        print(f"\n=== {check.title}: {check.program} {' '.join(check.arguments)}", flush=True)
        started_s = time.monotonic()
        code = subprocess.run(
            [str(venv_program(check.program, root)), *check.arguments], cwd=root, env=environment, check=False
        ).returncode
        verdict = "ok" if code == 0 else f"FAILED with exit code {code}"
        print(f"=== {check.title}: {verdict}, {time.monotonic() - started_s:.1f} s", flush=True)
        if code != 0:
            return code
    return 0
