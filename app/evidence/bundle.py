"""Where a verifier reads evidence from: an attempt's folder, or an exported bundle, which nobody has to trust."""

from __future__ import annotations

import json
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote

from app.core.errors import BadInput, EvidenceError
from app.evidence.seal import MANIFEST_NAME, SEAL_NAME
from app.evidence.spool import as_evidence_error

MAX_LINE_BYTES = 1024 * 1024
MAX_ENTRIES = 1_000_000
MAX_MANIFEST_BYTES = 256 * 1024 * 1024
"""Twenty times a long exam's; a ZIP file of a few megabytes can unfold to anything."""
MAX_MEMBERS = 200_000
_BUNDLE_NAME = "bundle.json"
_FILES = "files/"


class EvidenceSource(Protocol):
    """Everything a verifier needs; reading is bounded and never writes."""

    def lines(self) -> Iterator[str]:
        """The manifest's lines without line ends. EvidenceError when it can't be read."""

    def seal_text(self) -> str | None: ...

    def media(self) -> Mapping[str, str]:
        """The files that are here: SHA-256 of the name -> name."""

    def open_media(self, name: str) -> IO[bytes]: ...

    def delivered(self) -> frozenset[str]:
        """Hashes of files whose local copy was deleted after the server acknowledged them, by this side's word."""

    def close(self) -> None: ...


def open_source(path: Path) -> EvidenceSource:
    """A folder or a bundle. Raises BadInput when there is no evidence at ``path``."""
    if path.is_dir():
        if not any((path / name).is_file() for name in (MANIFEST_NAME, SEAL_NAME, "journal.sqlite")):
            raise BadInput(
                f"There is no evidence in {path}; give the folder that holds manifest.jsonl or journal.sqlite."
            )
        return FolderSource(path)
    if path.is_file() and zipfile.is_zipfile(path):
        return BundleSource(path)
    raise BadInput(f"{path} is neither a folder nor a ZIP file with evidence.")


class FolderSource:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._journal = root / "journal.sqlite"

    def lines(self) -> Iterator[str]:
        manifest = self._root / MANIFEST_NAME
        if manifest.is_file():
            with as_evidence_error(f"{manifest} can't be read"), manifest.open("rb") as file:
                yield from _lines(file)
        elif (self._root / SEAL_NAME).is_file():
            raise EvidenceError(f"There is a seal in {self._root} but no {MANIFEST_NAME}.")
        else:
            yield from (row[0] for row in self._rows("SELECT line FROM entries ORDER BY seq"))

    def seal_text(self) -> str | None:
        seal = self._root / SEAL_NAME
        if not seal.is_file():
            return None
        with as_evidence_error(f"{seal} can't be read"), seal.open("rb") as file:
            return _text(file.read(MAX_LINE_BYTES)).removesuffix("\n")

    def media(self) -> Mapping[str, str]:
        folder = self._root / "files"
        names = [path.name for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
        return {name.split(".", 1)[0]: name for name in names}

    def open_media(self, name: str) -> IO[bytes]:
        return (self._root / "files" / name).open("rb")

    def delivered(self) -> frozenset[str]:
        if self._journal.is_file():
            return frozenset(row[0] for row in self._rows("SELECT sha256 FROM files WHERE state = 'delivered'"))
        bundle = self._root / _BUNDLE_NAME
        return _delivered(bundle.read_bytes()) if bundle.is_file() else frozenset()

    def close(self) -> None:
        """Nothing is held open."""

    def _rows(self, query: str) -> list[tuple[str]]:
        """Read only, so that neither a running client is disturbed nor a finished folder changed.

        SQLite makes files of its own beside a database that it reads, unless it is told that nobody writes there;
        a client that runs or was killed has left its write-ahead log.
        """
        in_use = self._journal.with_name("journal.sqlite-wal").exists()
        uri = f"file:{quote(str(self._journal.resolve()))}?{'mode=ro' if in_use else 'immutable=1'}"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=10)) as db:
                return db.execute(query).fetchmany(MAX_ENTRIES)
        except sqlite3.Error as error:
            raise EvidenceError(f"The evidence journal {self._journal} can't be read ({error}).") from error


class BundleSource:
    """Members are read by names that we form; nothing is ever extracted to a path of the bundle's choice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise BadInput(f"{path} can't be read as a ZIP file ({error}).") from error
        self._names = [info.filename for info in self._zip.infolist()]
        if len(self._names) > MAX_MEMBERS or len(set(self._names)) != len(self._names):
            self._zip.close()
            raise BadInput(f"{path} holds too many files, or two of the same name.")
        if MANIFEST_NAME not in self._names:
            self._zip.close()
            raise BadInput(f"{path} holds no {MANIFEST_NAME}; it is not an evidence bundle.")

    def lines(self) -> Iterator[str]:
        try:
            with self._zip.open(MANIFEST_NAME) as file:
                yield from _lines(file)
        except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as error:
            raise EvidenceError(f"{MANIFEST_NAME} in {self._path} can't be read ({error}).") from error

    def seal_text(self) -> str | None:
        data = self._read(SEAL_NAME)
        return None if data is None else _text(data).removesuffix("\n")

    def media(self) -> Mapping[str, str]:
        inside = [name.removeprefix(_FILES) for name in self._names if name.startswith(_FILES)]
        return {name.split(".", 1)[0]: name for name in inside if name and "/" not in name}

    def open_media(self, name: str) -> IO[bytes]:
        return self._zip.open(_FILES + name)

    def delivered(self) -> frozenset[str]:
        data = self._read(_BUNDLE_NAME)
        return frozenset() if data is None else _delivered(data)

    def close(self) -> None:
        self._zip.close()

    def _read(self, name: str) -> bytes | None:
        if name not in self._names:
            return None
        try:
            with self._zip.open(name) as file:
                return file.read(64 * MAX_LINE_BYTES)
        except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as error:
            raise EvidenceError(f"{name} in {self._path} can't be read ({error}).") from error


def export_bundle(source: EvidenceSource, out: Path) -> int:
    """Writes manifest, seal and the media that is here as one ZIP, whole or not at all; returns the number of files."""
    part = out.with_name(out.name + ".part")
    with as_evidence_error(f"The bundle {out} can't be written"):
        try:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as bundle:
                bundle.writestr(_member(MANIFEST_NAME), "".join(line + "\n" for line in source.lines()))
                seal = source.seal_text()
                if seal is not None:
                    bundle.writestr(_member(SEAL_NAME), seal + "\n")
                about = {"format": 1, "delivered": sorted(source.delivered())}
                bundle.writestr(_member(_BUNDLE_NAME), json.dumps(about, indent=1) + "\n")
                names = sorted(source.media().values())
                for name in names:
                    with source.open_media(name) as media, bundle.open(_member(_FILES + name), "w") as member:
                        while chunk := media.read(MAX_LINE_BYTES):
                            member.write(chunk)
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
    return len(names)


def _member(name: str) -> zipfile.ZipInfo:
    """Without times and owners, so that the same evidence gives the same bundle."""
    return zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))


def _lines(file: IO[bytes]) -> Iterator[str]:
    left_bytes = MAX_MANIFEST_BYTES
    for _ in range(MAX_ENTRIES):
        line = file.readline(MAX_LINE_BYTES)
        if not line:
            return
        left_bytes -= len(line)
        if left_bytes < 0:
            raise EvidenceError(f"The manifest is larger than {MAX_MANIFEST_BYTES // 1024 // 1024} MB.")
        yield _text(line).removesuffix("\n")
    raise EvidenceError(f"The manifest has more than {MAX_ENTRIES} entries.")


def _text(data: bytes) -> str:
    """Bytes that are no UTF-8 become a character that no canonical line holds unharmed."""
    return data.decode("utf-8", errors="replace")


def _delivered(data: bytes) -> frozenset[str]:
    try:
        about = json.loads(data)
    except (ValueError, RecursionError):
        return frozenset()
    hashes = about.get("delivered") if isinstance(about, dict) else None
    return frozenset(one for one in hashes if isinstance(one, str)) if isinstance(hashes, list) else frozenset()
