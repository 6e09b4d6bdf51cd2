"""The system libraries and programs that Invigil needs from Debian or Ubuntu: which are missing, and how they come.

``system_packages.json`` holds the names; ``a | b`` stands for one package that releases call differently.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

LIST = Path(__file__).resolve().parent / "system_packages.json"
APT = ("apt-get", "-o", "DPkg::Lock::Timeout=120")


class MissingPackages(Exception):
    """Packages are missing and can't be installed from here; the message is one sentence."""


def read_groups(path: Path = LIST) -> dict[str, list[str]]:
    """Group name -> entries: ``runtime`` for every use, ``virtual_desktop`` for headless runs and tests, ``wine``, ``wayland``, ``venv``."""
    groups: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return groups


def alternatives(entry: str) -> list[str]:
    """``"a | b"`` -> ``["a", "b"]``."""
    return [name.strip() for name in entry.split("|")]


def missing(entries: Iterable[str], installed: Collection[str]) -> list[str]:
    """The entries of which no alternative is installed, in order."""
    return [entry for entry in entries if not any(name in installed for name in alternatives(entry))]


def choose(entries: Iterable[str], is_known: Callable[[str], bool]) -> list[str]:
    """One name per entry: the first that this release knows, else the last, so that apt says what is wrong."""
    chosen = []
    for entry in entries:
        names = alternatives(entry)
        chosen.append(next((name for name in names if is_known(name)), names[-1]))
    return chosen


def is_debian_like() -> bool:
    """Whether packages come by apt here."""
    return sys.platform == "linux" and shutil.which("apt-get") is not None and shutil.which("dpkg-query") is not None


def installed_packages(entries: Iterable[str]) -> set[str]:
    """Which of the names are installed, by dpkg-query."""
    names = [name for entry in entries for name in alternatives(entry)]
    command = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    pairs = [line.split() for line in done.stdout.splitlines()]
    return {pair[0] for pair in pairs if pair[1:] == ["installed"]}


def ensure(required: Sequence[str], optional: Sequence[str], say: Callable[[str], None]) -> None:
    """Install what is missing where that is possible without a question.

    Raises MissingPackages with one sentence when a required package is missing and can't be installed; an optional one
    is then left out silently.
    """
    absent = missing([*required, *optional], installed_packages([*required, *optional]))
    if not absent:
        return
    prefix = _root_prefix()
    if prefix is None:
        needed = choose([entry for entry in absent if entry in required], _is_known)
        if needed:
            raise MissingPackages(
                f"System packages are missing and neither root nor passwordless sudo is here: "
                f"run  sudo apt-get install -y {' '.join(needed)}  and start again."
            )
        return
    say(f"installing system packages: {', '.join(alternatives(entry)[0] for entry in absent)}")
    subprocess.run([*prefix, *APT, "update"], capture_output=True, check=False)  # install says what is still unknown
    _install([*prefix, *APT, "install", "-y", "--no-install-recommends"], choose(absent, _is_known))


def _root_prefix() -> list[str] | None:
    """What to put before a command to run it as root; None when that would need a password."""
    if os.geteuid() == 0:
        return ["env", "DEBIAN_FRONTEND=noninteractive"]
    sudo = shutil.which("sudo")
    if sudo is not None and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    return None


def _is_known(name: str) -> bool:
    """Whether this release's package lists have the name to install."""
    done = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True, check=False)
    return "Candidate:" in done.stdout and "Candidate: (none)" not in done.stdout


def _install(command: list[str], names: list[str]) -> None:
    done = subprocess.run([*command, *names], capture_output=True, text=True, check=False, errors="replace")
    if done.returncode != 0:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        raise MissingPackages(
            f"apt could not install system packages ({' '.join(reasons) or f'exit code {done.returncode}'}): "
            f"run  sudo apt-get install -y {' '.join(names)}  and start again."
        )
