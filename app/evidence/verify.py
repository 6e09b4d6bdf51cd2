"""Offline verification of an attempt's evidence: chain, seal, signature, media."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.core.errors import EvidenceError
from app.core.manifest import ChainVerdict, Seal, entry_from_json, seal_from_json, verify_chain
from app.core.types import NS_PER_S, Entry, EntryKind, Json
from app.evidence.bundle import EvidenceSource, open_source
from app.evidence.seal import signature_ok

_MEDIA_KINDS = frozenset({EntryKind.SEGMENT, EntryKind.SNAPSHOT, EntryKind.CLIP})
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """``seq`` is the entry's number, None when the evidence as a whole is meant; ``entry`` describes it for people."""

    seq: int | None
    what: str
    entry: str = ""

    def __str__(self) -> str:
        if self.seq is None:
            return self.what
        described = f" ({self.entry})" if self.entry else ""
        return f"Entry {self.seq}{described}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verification:
    """``media_missing`` counts media that is rightly not here: the server has it. ``signature_ok`` is None unsealed."""

    ok: bool
    entries: int
    problems: tuple[Problem, ...]
    sealed: bool
    signature_ok: bool | None
    media_checked: int
    media_missing: int
    head: str
    public_key: str | None = None


def verify(path: Path, public_key: str | None = None) -> Verification:
    """Reads a folder or bundle and nothing else. BadInput when there is no evidence; anything wrong is a Problem.

    ``public_key`` (hex) is the key that the institution knows for the attempt: with it, unsealed evidence and
    evidence that is sealed with another key are problems. Without it the key in the seal is taken at its word.
    """
    source = open_source(path)
    try:
        return _Verifier(source, public_key).run()
    finally:
        source.close()


def read_entries(source: EvidenceSource) -> Iterator[Entry]:
    """The entries, each read strictly. Raises EvidenceError at the first that is none, naming its number."""
    for number, line in enumerate(source.lines(), start=1):
        try:
            yield entry_from_json(line)
        except EvidenceError as error:
            raise EvidenceError(f"Entry {number} can't be read: {error}") from error


def describe(entry: Entry) -> str:
    """What a person calls the entry: kind, stream, UTC time of day."""
    stream = entry.body.get("stream")
    words = f"{entry.kind.value} {stream}" if isinstance(stream, str) else entry.kind.value
    return f"{words}, {_time_of_day(_start_utc_ns(entry))}"


class _Verifier:
    def __init__(self, source: EvidenceSource, public_key: str | None) -> None:
        self._source = source
        self._public_key = public_key.lower() if public_key is not None else None
        self._problems: list[Problem] = []
        self._checked = 0
        self._missing = 0

    def run(self) -> Verification:
        entries, whole = self._read()
        seal = self._seal()
        head = seal.head if seal is not None and whole else None
        verdict = verify_chain(entries, head)
        self._note_chain(verdict, entries)
        signed = None if seal is None else self._check_seal(seal, entries)
        if seal is None:
            self._check_unsealed(entries)
        self._check_media(entries, complete=whole and verdict.ok)
        problems = tuple(sorted(self._problems, key=lambda one: (one.seq is None, one.seq or 0)))
        return Verification(
            ok=not problems,
            entries=len(entries),
            problems=problems,
            sealed=seal is not None,
            signature_ok=signed,
            media_checked=self._checked,
            media_missing=self._missing,
            head=verdict.head,
            public_key=seal.public_key if seal is not None else None,
        )

    def _read(self) -> tuple[list[Entry], bool]:
        """The entries up to the first line that is none, and whether all could be read."""
        entries: list[Entry] = []
        try:
            for line in self._source.lines():
                entry = entry_from_json(line)
                entries.append(entry)
        except EvidenceError as error:
            self._problems.append(Problem(len(entries) + 1, f"it can't be read: {error}"))
            return entries, False
        return entries, True

    def _seal(self) -> Seal | None:
        try:
            text = self._source.seal_text()
            return None if text is None else seal_from_json(text)
        except EvidenceError as error:
            self._problems.append(Problem(None, f"The seal can't be read: {error}"))
            return None

    def _note_chain(self, verdict: ChainVerdict, entries: list[Entry]) -> None:
        if verdict.first_bad_seq is None:
            return
        bad = verdict.first_bad_seq
        entry = describe(entries[bad - 1]) if bad <= len(entries) else ""
        self._problems.append(Problem(bad, verdict.reason, entry))

    def _check_seal(self, seal: Seal, entries: list[Entry]) -> bool:
        last = entries[-1] if entries else None
        if last is None or last.kind is not EntryKind.SEAL:
            self._problems.append(Problem(None, "There is a signature, but the manifest does not end with a seal."))
        elif last.body.get("public_key") != seal.public_key:
            self._problems.append(Problem(last.seq, "the seal was signed with another key", describe(last)))
        if self._public_key is not None and seal.public_key != self._public_key:
            self._problems.append(Problem(None, "The evidence is sealed with a key that is not the attempt's."))
        good = signature_ok(seal)
        if not good:
            self._problems.append(Problem(None, "The seal's signature is not valid."))
        return good

    def _check_unsealed(self, entries: list[Entry]) -> None:
        if entries and entries[-1].kind is EntryKind.SEAL and not self._problems:
            self._problems.append(Problem(entries[-1].seq, "its signature is missing", describe(entries[-1])))
        elif self._public_key is not None:
            self._problems.append(Problem(None, "The evidence is not sealed, so no key can vouch for it."))

    def _check_media(self, entries: list[Entry], *, complete: bool) -> None:
        """In a broken chain a file's absence means nothing: the entry that explains it may be the one that is gone."""
        here, delivered = self._source.media(), self._source.delivered()
        discarded = self._discarded(entries)
        for entry in entries:
            if entry.kind not in _MEDIA_KINDS:
                continue
            sha256, size_bytes = entry.body.get("sha256"), entry.body.get("size_bytes")
            if not isinstance(sha256, str) or not isinstance(size_bytes, int):
                self._note(entry, "it does not name its file")
            elif sha256 in here:
                self._check_file(entry, here[sha256], sha256, size_bytes)
            elif sha256 in delivered:
                self._missing += 1
            elif complete and sha256 not in discarded:
                self._note(entry, f"file {sha256} is missing")

    def _discarded(self, entries: list[Entry]) -> set[Json]:
        """Hashes of what the chain says was dropped; each has to be a segment of the chain."""
        recorded = {entry.body.get("sha256") for entry in entries if entry.kind is EntryKind.SEGMENT}
        dropped = set()
        for entry in entries:
            if entry.kind is EntryKind.DISCARD:
                dropped.add(entry.body.get("sha256"))
                if entry.body.get("sha256") not in recorded:
                    self._note(entry, "it drops a segment that was never recorded")
        return dropped

    def _check_file(self, entry: Entry, name: str, sha256: str, size_bytes: int) -> None:
        """Reads no more than the recorded size and one byte, whatever the file claims to be."""
        digest, left = hashlib.sha256(), size_bytes + 1
        try:
            with self._source.open_media(name) as file:
                while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
                    digest.update(chunk)
                    left -= len(chunk)
        except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError):
            self._note(entry, f"file {name} can't be read or does not have the recorded SHA-256")
            return
        self._checked += 1
        if left != 1 or digest.hexdigest() != sha256:
            self._note(entry, f"file {name} does not have the recorded SHA-256")

    def _note(self, entry: Entry, what: str) -> None:
        self._problems.append(Problem(entry.seq, what, describe(entry)))


def _start_utc_ns(entry: Entry) -> int:
    start = entry.body.get("start")
    utc = start.get("utc_ns") if isinstance(start, dict) else None
    if isinstance(utc, str) and utc.isascii() and utc.isdigit() and len(utc) <= 30:
        return int(utc)
    return entry.at.utc_ns


def _time_of_day(utc_ns: int) -> str:
    try:
        return datetime.fromtimestamp(utc_ns // NS_PER_S, UTC).strftime("%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "time unknown"
