"""Set up a fresh clone: system packages, virtual environment, pinned dependencies, models, the demo's media.

Each step leaves a mark in ``.venv`` with the hash of what it was made from, so that a second run only compares.
Standard library only: it runs before anything is installed. All messages go to stderr.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from build_scripts import system_packages

ROOT = Path(__file__).resolve().parent.parent
PIP_OPTIONS = ("--quiet", "--disable-pip-version-check", "--no-input")


class SetupError(Exception):
    """Set-up can't go on; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of set-up: done again when an input changed or an output is gone."""

    name: str
    title: str
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    commands: tuple[tuple[str, ...], ...]
    context: str = ""

    def key(self) -> str:
        """Hash of the inputs' contents, the commands and the context."""
        digest = hashlib.sha256(repr((self.commands, self.context)).encode())
        for path in self.inputs:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()


class Marks:
    """Which steps are done, in one small JSON file. A missing or broken file means none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_done(self, step: Step) -> bool:
        """Whether the step was finished with the same inputs and its outputs are all there."""
        return self._read().get(step.name) == step.key() and all(path.exists() for path in step.outputs)

    def set_done(self, step: Step) -> None:
        """Remember the step's present key."""
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps({**self._read(), step.name: step.key()}, indent=1), encoding="utf-8")
        part.replace(self._path)

    def _read(self) -> Mapping[str, str]:
        try:
            marks = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return marks if isinstance(marks, dict) else {}


def venv_program(name: str, root: Path = ROOT) -> Path:
    """The path of a program in the virtual environment, on this platform."""
    if sys.platform == "win32":
        return root / ".venv" / "Scripts" / f"{name}.exe"
    return root / ".venv" / "bin" / name


def steps(root: Path = ROOT) -> list[Step]:
    """What follows the virtual environment, in order."""
    python, scripts, resources = str(venv_program("python", root)), root / "build_scripts", root / "resources"
    lock = scripts / "requirements.lock"
    listed = [resources / entry["file"] for entry in json.loads((scripts / "models.json").read_text())["files"]]
    composing = [scripts / name for name in ("demo_media.py", "demo_layers.py", "demo_scenes.py", "portrait.py")]
    install = (python, "-m", "pip", "install", *PIP_OPTIONS)
    return [
        Step(
            name="packages",
            title="installing the pinned dependencies",
            inputs=(lock, root / "pyproject.toml"),
            outputs=(venv_program("invigil", root),),
            commands=(
                (*install, "--require-hashes", "--only-binary", ":all:", "-r", str(lock)),
                (*install, "--no-deps", "--no-build-isolation", "--editable", str(root)),
            ),
            context=f"{root} {sys.version_info[:2]}",
        ),
        Step(
            name="models",
            title="fetching the model files",
            inputs=(scripts / "models.json",),
            outputs=tuple(listed),
            commands=((python, "-m", "build_scripts.models"),),
        ),
        Step(
            name="media",
            title="composing the demo's camera film and speech",
            inputs=tuple(composing),
            outputs=tuple(resources / "media" / name for name in ("demo_camera.webm", "demo_camera.json")),
            commands=((python, "-m", "build_scripts.demo_media"),),
        ),
    ]


def set_up(
    *, needs_virtual_desktop: bool, needs_wine: bool = False, needs_wayland: bool = False, root: Path = ROOT
) -> None:
    """Do what is not done yet. Raises SetupError with one sentence.

    ``needs_virtual_desktop`` says whether Xvfb and its companions must be there; otherwise they are welcome.
    Wine is half a gigabyte, and a kiosk compositor is for tests: each comes only where it is needed.
    """
    more = [name for name, needed in (("wine", needs_wine), ("wayland", needs_wayland)) if needed]
    _system_packages(needs_virtual_desktop, more)
    _virtual_environment(root)
    marks = Marks(root / ".venv" / "invigil-setup.json")
    for step in steps(root):
        if marks.is_done(step):
            continue
        say(step.title)
        started_s = time.monotonic()
        for command in step.commands:
            run(command, root, step.title)
        marks.set_done(step)
        say(f"{step.title}: {time.monotonic() - started_s:.0f} s")


def _system_packages(needs_virtual_desktop: bool, more: Sequence[str]) -> None:
    if not system_packages.is_debian_like():
        return
    groups = system_packages.read_groups()
    required, optional = list(groups["runtime"]), list(groups["virtual_desktop"])
    if needs_virtual_desktop:
        required, optional = [*required, *optional], []
    for name in more:
        required += groups[name]
    if importlib.util.find_spec("ensurepip") is None:
        required += groups["venv"]
    try:
        system_packages.ensure(required, optional, say)
    except system_packages.MissingPackages as error:
        raise SetupError(str(error)) from error


def _virtual_environment(root: Path) -> None:
    """Make ``.venv`` with this Python, or again when it belongs to another version or is broken."""
    python = venv_program("python", root)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if python.exists() and f"version = {version}." in _venv_config(root):
        return
    say(f"making .venv with Python {version}")
    run((sys.executable, "-m", "venv", "--clear", str(root / ".venv")), root, "making .venv")


def _venv_config(root: Path) -> str:
    try:
        return (root / ".venv" / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return ""


def run(command: Sequence[str], root: Path, title: str) -> None:
    """Run one command of set-up, showing its output only when it fails; SetupError then."""
    environment = {**os.environ, "GLOG_minloglevel": "2"}
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise SetupError(f"{title} failed, {command[0]} can't be started: {error}.") from error
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise SetupError(f"{title} failed; the reason stands above, and set-up goes on from there when started again.")


def say(message: str) -> None:
    """One line of progress."""
    print(f"[setup] {message}", file=sys.stderr, flush=True)
