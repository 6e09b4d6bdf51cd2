"""Whether this system lets Chromium put the exam's pages into its sandbox."""

from __future__ import annotations

import shutil
import subprocess
import sys

PROBE_TIMEOUT_S = 5.0


def sandbox_problem(*, is_root: bool) -> tuple[str, str] | None:
    """What weakens the sandbox here, and what to do; None where it is whole. Asks the system, never Chromium.

    Without user namespaces Chromium falls back, without a word, to its system-call filter alone.
    """
    if not sys.platform.startswith("linux"):
        return None
    if is_root:
        return "without its sandbox, because Invigil runs as root", "Start Invigil as an ordinary user."
    if _namespaces_allowed():
        return None
    return (
        "with half of its sandbox: this system forbids user namespaces",
        "Ask your IT to allow them (user.max_user_namespaces, or an AppArmor profile with userns for Invigil).",
    )


def _namespaces_allowed() -> bool:
    """Does what Chromium will do: a new user namespace with an identity mapped in it. True where none can tell."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return True
    command = [unshare, "--user", "--map-root-user", "true"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return True
    return done.returncode == 0
