"""The project's door for developers: ``python3 build_scripts/dev.py setup | demo | test | package | screenshots``.

Every command sets up first what is missing. Needs Python 3.11 or newer and nothing else; says so on an older one,
which is why this file itself uses nothing newer and imports the rest late.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

MINIMUM = (3, 11)
USAGE = """usage: python3 build_scripts/dev.py COMMAND

  setup             virtual environment, pinned dependencies, models, the demo's media
  demo [ARGS...]    set up and run `invigil demo ARGS...` (for example --headless --json)
  test [--fast]     set up and run every check; --fast leaves out the end-to-end tests and those under Wine
  package           set up, build the one-folder application and try it
  screenshots       set up and make the pictures in docs/images anew, from a headless demo
"""


def main(arguments: list[str]) -> int:
    """Run one command; its exit code, 1 with a sentence when set-up fails, 2 for bad usage."""
    if tuple(sys.version_info) < MINIMUM:
        print(f"Invigil needs Python 3.11 or newer, this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    known = {"setup": [], "demo": None, "test": ["--fast"], "package": [], "screenshots": []}
    allowed = known.get(command, [])
    if command in {"-h", "--help"}:
        print(USAGE, end="")
        return 0
    if command not in known or (allowed is not None and any(word not in allowed for word in rest)):
        print(USAGE, end="", file=sys.stderr)
        return 2
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from build_scripts import checks, environment

    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    virtual = command != "demo" or not has_display or "--headless" in rest
    try:
        environment.set_up(
            needs_virtual_desktop=virtual,
            needs_wine=command == "test" and "--fast" not in rest,
            needs_wayland=command == "test",
        )
    except environment.SetupError as error:
        print(error, file=sys.stderr)
        return 1
    if command == "test":
        return checks.run_checks(checks.checks(fast="--fast" in rest, in_ci=bool(os.environ.get("CI"))))
    if command == "setup":
        return 0
    module = ["app", "demo", *rest] if command == "demo" else [f"build_scripts.{command}"]
    return _hand_over([str(environment.venv_program("python")), "-m", *module], environment.ROOT)


def _hand_over(command: list[str], root: Path) -> int:
    """Run the command to its end, passing termination on; Ctrl-C reaches it from the terminal."""
    process = subprocess.Popen(command, cwd=root)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
