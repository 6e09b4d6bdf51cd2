"""Build the one-folder application with PyInstaller and prove that it works: a system check and a headless demo.

Its build hash is written beside it (``dist/build.json``).

Both run in another folder than the one it was built in, with spaces in its path. The check has a virtual desktop with
sound, and the demo's film as the camera, so that it passes on a build machine without devices; the demo makes its own
desktop.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.runtime.virtual_desktop import VirtualDesktop
from build_scripts.frozen_files import may_be_stripped

ROOT = Path(__file__).resolve().parent.parent
CHECK_TIMEOUT_S, DEMO_TIMEOUT_S = 120, 300


class PackageError(Exception):
    """The application can't be built or doesn't work; the message is one sentence."""


def build(root: Path) -> Path:
    """Build into ``dist/invigil``; returns the program."""
    started_s = time.monotonic()
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", "installer.spec"]
    if subprocess.run(command, cwd=root, check=False).returncode != 0:
        raise PackageError("PyInstaller failed; its last lines above say why.")
    folder = root / "dist" / "invigil"
    strip_debug_information(folder / "_internal")
    print(f"built {folder} in {time.monotonic() - started_s:.0f} s, {size_bytes(folder) / 1e6:.0f} MB", flush=True)
    return folder / ("invigil.exe" if sys.platform == "win32" else "invigil")


def strip_debug_information(folder: Path) -> None:
    """On Linux, where binutils are there: some wheels, and many a self-built Python, carry tens of megabytes of it."""
    strip = shutil.which("strip") if sys.platform == "linux" else None
    files = [path for path in folder.rglob("*.so*") if path.is_file() and not path.is_symlink()]
    chosen = [str(path) for path in files if may_be_stripped(path.relative_to(folder).as_posix())]
    if strip is not None and chosen:
        subprocess.run([strip, "--strip-debug", *chosen], check=False)  # a file that can't be stripped stays as it is


def size_bytes(folder: Path) -> int:
    """The bytes of all files below, links not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_symlink())


def clean_environment() -> dict[str, str]:
    """The environment of somebody who has no Python: nothing of ours leads back to the source tree."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "PIP_"))}
    if sys.platform != "win32" and os.geteuid() == 0:
        kept["QTWEBENGINE_DISABLE_SANDBOX"] = "1"  # Chromium refuses its sandbox to root
    return kept


def run_json(
    program: Path, arguments: list[str], timeout_s: float, more_environment: Mapping[str, str]
) -> dict[str, object]:
    """Run the program away from the source tree and read the JSON it prints. PackageError when it fails."""
    title = f"invigil {' '.join(arguments)}"
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="invigil-package-") as elsewhere:
        try:
            done = subprocess.run(
                [str(program), *arguments],
                cwd=elsewhere,
                env={**clean_environment(), **more_environment},
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
                errors="replace",
            )
        except subprocess.TimeoutExpired as error:
            raise PackageError(f"{title} did not end within {timeout_s:.0f} s.") from error
    print(f"{title}: exit code {done.returncode} after {time.monotonic() - started_s:.0f} s", flush=True)
    print(done.stdout, flush=True)
    if done.returncode != 0:
        print(done.stderr[-4000:], file=sys.stderr)
        raise PackageError(f"{title} ended with exit code {done.returncode}; what it said stands above.")
    try:
        parsed = json.loads(done.stdout)
    except ValueError as error:
        raise PackageError(f"{title} printed something else than JSON.") from error
    if not isinstance(parsed, dict):
        raise PackageError(f"{title} printed something else than a JSON object.")
    return parsed


@contextmanager
def moved(folder: Path) -> Iterator[Path]:
    """The same application in another folder, with spaces in its name: hard links, so that it costs nothing."""
    with tempfile.TemporaryDirectory(prefix="an installed ", dir=folder.parent) as place:
        copy = Path(place) / "Invigil app"
        shutil.copytree(folder, copy, symlinks=True, copy_function=_link)
        yield copy


def _link(source: str, target: str) -> str:
    os.link(source, target, follow_symlinks=False)
    return target


def prove(program: Path) -> None:
    """Run the application's system check and headless demo. PackageError when one fails."""
    film = program.parent / "_internal" / "resources" / "media" / "demo_camera.webm"
    check = ["check", "--json", "--camera", f"file:{film}"]
    if sys.platform == "linux":
        with VirtualDesktop(sound=True) as desktop:
            run_json(program, check, CHECK_TIMEOUT_S, desktop.environment)
    else:
        run_json(program, check, CHECK_TIMEOUT_S, {})
    demo = run_json(program, ["demo", "--headless", "--json"], DEMO_TIMEOUT_S, {})
    if demo.get("verified") is not True:
        raise PackageError("The frozen demo's evidence did not verify.")


def write_identity(program: Path, file: Path) -> None:
    """What the application says of itself: version, build hash and kind. To be published with it."""
    identity = run_json(program, ["--version", "--json"], CHECK_TIMEOUT_S, {})
    if not identity.get("hash"):
        raise PackageError("The application can't read its own files, so it has no build hash.")
    file.write_text(json.dumps(identity) + "\n", encoding="utf-8")
    print(f"wrote {file}", flush=True)


def main() -> int:
    """Build and try; 1 and a sentence when something fails."""
    try:
        shutil.rmtree(ROOT / "dist" / "invigil", ignore_errors=True)
        program = build(ROOT)
        with moved(program.parent) as folder:
            prove(folder / program.name)
            write_identity(folder / program.name, program.parent.with_name("build.json"))
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
