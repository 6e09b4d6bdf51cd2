"""Run tests inside Windows' Python under Wine: ``python -m build_scripts.wine [arguments for pytest]``.

Needs Linux with the packages of the group ``wine``. What is made once stays in ``build/wine``: a Windows Python, and a
Wine prefix (the folder that is Windows' drive C) as a template. Each run has its own copy of the prefix, its own virtual
desktop and its own Wine server, all gone at its end; so runs do not see each other, nor what an earlier one left.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

from app.core.errors import InvigilError
from app.runtime.virtual_desktop import DIE_WITH_US, VirtualDesktop
from build_scripts import windows_python
from build_scripts.environment import ROOT, SetupError, say

BUILD = ROOT / "build" / "wine"
TESTS = ROOT / "tests" / "wine"
RUN_TIMEOUT_S = 420.0
PREFIX_TIMEOUT_S = 180.0
TIMED_OUT = 124
_AS_WINDOWS_10 = ("reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f")
_DLL_FOLDERS = (
    "/usr/lib/*/wine/x86_64-windows",
    "/usr/lib/wine/x86_64-windows",
    "/opt/wine-*/lib*/wine/x86_64-windows",
)


def main(arguments: Sequence[str]) -> int:
    """pytest's exit code, 124 when it took too long, 1 with a sentence when something it needs is missing."""
    try:
        _programs()
        python = windows_python.ensure(BUILD / "python")
        template = ensure_template(BUILD / "prefix")
        with tempfile.TemporaryDirectory(prefix="invigil-wine-") as scratch:
            prefix = Path(scratch) / "prefix"
            shutil.copytree(template, prefix, symlinks=True)
            with Wine(prefix) as wine:
                return wine.run([str(python), *_pytest(arguments)], RUN_TIMEOUT_S)
    except (SetupError, InvigilError) as error:
        print(error, file=sys.stderr)
        return 1


def _end(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def _pytest(arguments: Sequence[str]) -> list[str]:
    """The words after python.exe. Paths are as on Linux: Wine's current drive is the one with our root folder."""
    files = [word for word in arguments if not word.startswith("-") and (ROOT / word.split("::")[0]).exists()]
    where = [] if files else [str(TESTS.relative_to(ROOT))]
    return ["-m", "pytest", "-c", str((TESTS / "pytest.ini").relative_to(ROOT)), *arguments, *where]


def _programs() -> None:
    """Raises SetupError when Wine is not installed."""
    missing = [name for name in ("wine", "wineserver") if shutil.which(name) is None]
    if missing:
        raise SetupError(f"{' and '.join(missing)} can't be found; install Wine (Debian, Ubuntu: wine wine64).")


class Wine:
    """A Windows session of its own in a prefix: desktop and Wine server. A context manager; use from the main thread.

    However this process ends, nothing of it is left running.
    """

    def __init__(self, prefix: Path) -> None:
        self._prefix = prefix
        self._open = contextlib.ExitStack()
        self._environment: dict[str, str] = {}

    def __enter__(self) -> Wine:
        with contextlib.ExitStack() as opening:
            desktop = opening.enter_context(VirtualDesktop())
            self._environment = environment(os.environ, desktop.environment, self._prefix)
            opening.enter_context(self._server())
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @contextlib.contextmanager
    def _server(self) -> Iterator[None]:
        """The Wine server in the foreground. Told to by SIGINT, and by no other signal, it ends all that runs under it."""
        server = subprocess.Popen(
            ["setpriv", "--pdeathsig", "INT", "wineserver", "--foreground", "--persistent"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            server.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(timeout=30)
            server.kill()
            server.wait()

    def run(self, words: Sequence[str], timeout_s: float) -> int:
        """Runs a Windows program to its end with its output on ours; its exit code, or 124 after ``timeout_s``."""
        child = subprocess.Popen(
            [*DIE_WITH_US, "wine", *words],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # Windows' Python can't use a file or terminal of Linux as its output
            stderr=subprocess.STDOUT,
        )
        if child.stdout is None:
            raise RuntimeError("the child's output is not a pipe")
        shown = threading.Thread(target=_show, args=(child.stdout,), name="wine-output", daemon=True)
        shown.start()
        try:
            code = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            print(f"Wine was stopped: not ready after {timeout_s:.0f} seconds.", file=sys.stderr)
            code = TIMED_OUT
        finally:
            child.kill()
            child.wait()
            # Wine's own helpers hold the pipe too, and go with the server; a moment for the last lines is enough
            shown.join(2.0)
        return code


def _show(output: IO[bytes]) -> None:
    """Lines as they come, with line ends of this system."""
    for line in iter(output.readline, b""):
        sys.stdout.write(line.decode("utf-8", "replace").replace("\r\n", "\n"))
        sys.stdout.flush()


def environment(outer: Mapping[str, str], desktop: Mapping[str, str], prefix: Path) -> dict[str, str]:
    """What Wine and the Windows program get. Of ours only what finds programs: no session's bus, no home, no Python."""
    return {
        "PATH": outer.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(prefix.parent / "nobody"),  # Wine links Windows' personal folders to a home that exists
        **desktop,
        "WINEPREFIX": str(prefix),
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=;winemenubuilder.exe=d",  # no .NET, no browser engine, no menu entries
        "PYTHONPYCACHEPREFIX": str(BUILD / "pycache"),  # not beside the sources, where Linux's Python keeps its own
        "PYTHONUTF8": "1",
        "CI": outer.get("CI", ""),
        "INVIGIL_EXAMPLES": outer.get("INVIGIL_EXAMPLES", ""),
    }


def ensure_template(folder: Path) -> Path:
    """Makes the prefix in ``folder`` unless it is there from the same version of Wine; returns ``folder``."""
    version = subprocess.run(["wine", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    mark, made_by = folder / "made-by.txt", f"{version} {_AS_WINDOWS_10}"
    if mark.is_file() and mark.read_text(encoding="utf-8") == made_by:
        return folder
    say(f"making a prefix for {version}")
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="make-") as scratch:
        made = Path(scratch) / "prefix"
        made.mkdir()
        with Wine(made) as wine:
            code = wine.run(["wineboot", "--init"], PREFIX_TIMEOUT_S) or wine.run(_AS_WINDOWS_10, PREFIX_TIMEOUT_S)
        if code != 0:
            raise SetupError(f"Wine could not make a prefix (exit code {code}); run wineboot by hand to see why.")
        link_system_files(made)
        (made / mark.name).write_text(made_by, encoding="utf-8")
        made.rename(folder)
    return folder


def link_system_files(prefix: Path, folders: Sequence[Path] | None = None) -> int:
    """Replaces copies of Wine's own files by links to them, which makes 20 MB of 700; returns how many.

    Where Wine keeps them elsewhere the copies stay, and only room is lost.
    """
    found = folders if folders is not None else [path for glob in _DLL_FOLDERS for path in Path("/").glob(glob[1:])]
    linked = 0
    for copy in [path for path in prefix.rglob("*") if path.is_file() and not path.is_symlink()]:
        original = next((path for folder in found if (path := folder / copy.name).is_file()), None)
        if original is not None and original.read_bytes() == copy.read_bytes():
            copy.unlink()
            copy.symlink_to(original)
            linked += 1
    return linked


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    raise SystemExit(main(sys.argv[1:]))
