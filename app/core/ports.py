"""Protocols that adapters implement. Nothing here knows Qt, an OS or a network.

Fakes in ``tests/fakes`` pass the same contract suites as the real adapters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.core.audience import Audience
from app.core.types import (
    AudioChunk,
    Entry,
    EntryKind,
    FacesSeen,
    Frame,
    Gap,
    Instant,
    Json,
    Observation,
    Segment,
    SoundHeard,
    Stream,
)


class Clock(Protocol):
    def now(self) -> Instant:
        """The present instant. Monotonic within one boot. Any thread."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What was opened: a name for people, and its facts (width, height, fps, rate_hz, driver, ...)."""

    stream: Stream
    name: str
    facts: Mapping[str, Json]


class FrameSource(Protocol):
    """A camera, screen or file that gives pictures. All calls from one thread."""

    @property
    def stream(self) -> Stream: ...

    def open(self) -> SourceInfo:
        """Raises SourceError with the code that its real cause has."""

    def read(self) -> Frame:
        """Blocks until the next picture is due and returns it. Raises SourceError when the device is gone."""

    def close(self) -> None:
        """Releases the device. Safe to call twice, and after a failed open."""


class AudioSource(Protocol):
    """A microphone or file that gives sound. All calls from one thread."""

    @property
    def stream(self) -> Stream: ...

    def open(self) -> SourceInfo: ...

    def read(self) -> AudioChunk:
        """Blocks until the next chunk is complete. Raises SourceError when the device is gone."""

    def close(self) -> None: ...


class Detector(Protocol):
    """Finds faces with their pose and gaze. One thread at a time."""

    def detect(self, frame: Frame) -> FacesSeen: ...

    def close(self) -> None: ...


class SoundDetector(Protocol):
    def feed(self, chunk: AudioChunk) -> Sequence[SoundHeard]:
        """Zero or more finished windows, in order of time."""


@dataclass(frozen=True, slots=True)
class UploadJob:
    """A file of the spool that the server has to have. ``kind`` is segment, clip or snapshot."""

    id: int
    kind: str
    stream: str
    path: Path
    sha256: str
    size_bytes: int
    mime: str
    start_utc_ns: int
    end_utc_ns: int
    tries: int


@dataclass(frozen=True, slots=True)
class UploadTotals:
    """Files and bytes that wait for the server, and those it acknowledged."""

    pending_files: int
    pending_bytes: int
    done_files: int
    done_bytes: int


class UploadQueue(Protocol):
    """The upload jobs of one attempt, kept on disk. Any thread."""

    def next_job(self, now_utc_ns: int) -> UploadJob | None:
        """The most urgent job whose time has come; None when there is none now."""

    def job_done(self, job_id: int, server_sha256: str) -> bool:
        """Records the acknowledgement; False (and the job stays) when the hash is not ours. Local copies go by policy."""

    def job_failed(self, job_id: int, error: str, retry_at_utc_ns: int) -> None: ...

    def totals(self) -> UploadTotals: ...


class EvidenceStore(Protocol):
    """The attempt's journal and spool. Every method is safe from any thread and durable when it returns."""

    def append(self, kind: EntryKind, body: Mapping[str, Json], at: Instant) -> Entry: ...

    def part_path(self, stream: Stream) -> Path:
        """A fresh ``.part`` path in the spool for an encoder to write to."""

    def finish_segment(
        self, part: Path, stream: Stream, start: Instant, end: Instant, mime: str, frames: int
    ) -> Segment:
        """fsync, hash, rename, then segment + manifest entry in one transaction. Upload is decided by keep()."""

    def add_file(
        self,
        kind: EntryKind,
        stream: Stream,
        data: bytes,
        suffix: str,
        mime: str,
        at: Instant,
        body: Mapping[str, Json],
    ) -> str:
        """Stores a snapshot and queues its upload; returns its SHA-256."""

    def add_gap(self, gap: Gap) -> Entry: ...

    def keep(self, start_utc_ns: int, end_utc_ns: int) -> None:
        """Segments that touch the span are kept and uploaded, those to come included."""

    def discard_unkept(self, before_utc_ns: int) -> int:
        """Deletes segments that end before the given time and that nothing keeps; returns how many. Journalled."""


@dataclass(frozen=True, slots=True)
class AttemptRegistration:
    attempt_id: str
    attempt_number: int


class ExamBackend(Protocol):
    """An institution's backend. Blocking calls; raise BackendError. Any thread."""

    def register_attempt(self, exam_id: str, attempt: Mapping[str, Json]) -> AttemptRegistration | None:
        """Announces the attempt and its public key; None when the backend keeps no attempts."""

    def upload_recording(self, exam_id: str, user_id: str, job: UploadJob, progress: Callable[[int], None]) -> str:
        """Delivers one file and returns the SHA-256 that the server computed over what it stored."""

    def submit(self, exam_id: str, payload: Mapping[str, Json], files: Mapping[str, Path]) -> Mapping[str, Json]:
        """Submits stats, warnings, report and manifest; returns the answer (``reportUrl`` if the backend has one)."""

    def reachable(self) -> None:
        """Returns when the backend answers; raises BackendError otherwise."""


class KioskWindow(Protocol):
    """What lockdown asks of our own window. UI thread is the implementation's concern: any thread may call."""

    def set_kiosk(self, on: bool) -> None: ...

    def grab_keyboard(self, on: bool) -> bool:
        """True when the grab is held."""

    def handle(self) -> int:
        """The window system's number of our window: X11 window, HWND, NSView pointer; 0 where there is none (Wayland)."""


class LockdownOperation(Protocol):
    """One protection. ``name`` is stable: it is the key in the restore journal."""

    @property
    def name(self) -> str: ...

    def check(self) -> str | None:
        """None when it can be performed here, otherwise a sentence why not."""

    def before(self) -> dict[str, Json]:
        """What has to be known to undo it, read before anything is changed. Written to the journal first."""

    def perform(self) -> None: ...

    def revert(self, before: Mapping[str, Json]) -> None:
        """Undoes it from ``before`` alone, in any process, any number of times."""


class Watcher(Protocol):
    """Looks at the machine and reports changes; never acts. All calls from one thread, but for ``wake``."""

    @property
    def name(self) -> str: ...

    def poll(self, now_ns: int) -> Sequence[Observation]:
        """What changed since the poll before; everything that holds, at the first. Does not wait."""

    def listen(self, wake: Callable[[], None]) -> int | None:
        """Called once before the first poll. A file descriptor that becomes readable when there is something to poll,
        or None for a watcher that calls ``wake`` from a thread of its own, or that is only polled at the interval."""

    def close(self) -> None:
        """Gives back what is held. Safe to call twice."""


class Closer(Protocol):
    """Closes other programs where the policy says so. Any thread; never raises for what is gone already."""

    def ask_window(self, handle: int) -> None:
        """Asks a window to close, as its own close button would."""

    def ask_process(self, pid: int) -> None:
        """Asks a process to end. Raises LockdownError with a sentence when the system does not let us."""

    def end_process(self, pid: int) -> None:
        """Ends it without asking. Raises LockdownError as above."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A verified config key as the backend keeps it."""

    token: str
    key_id: str
    kid: str
    issuer_name: str
    serial: int
    audience: Audience
    not_before_utc_ns: int
    expires_utc_ns: int
    policy: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class RevocationFacts:
    """A verified revocation list: of which issuer, and which of its successive lists."""

    token: str
    kid: str
    serial: int


class KeyDesk(Protocol):
    """What a backend needs of config keys. Any thread. Raises BadInput with a sentence."""

    def read(self, token: str, now_utc_ns: int, revoked: Sequence[str] = ()) -> KeyFacts:
        """A key of an issuer that this backend trusts, itself included; its policy as JSON, all fields.

        A key that begins later is read as it will be then. ``revoked``: lists that ``read_revocations`` accepted.
        """

    def issue(
        self,
        policy: Mapping[str, Json],
        audience: Audience,
        *,
        now_utc_ns: int,
        not_before_utc_ns: int,
        expires_utc_ns: int,
        serial: int,
    ) -> str:
        """A key signed by the backend's own issuer. The policy is checked."""

    def jwks(self) -> Mapping[str, Json]:
        """The public keys of all issuers that this backend trusts (RFC 7517), each with its ``name``."""

    def read_revocations(self, token: str, now_utc_ns: int) -> RevocationFacts: ...

    def import_settings(self, vendor: str, settings: Mapping[str, Json]) -> Mapping[str, Json]:
        """``policy``, ``mapped`` and ``unmapped`` of ``keys.imported`` for blinkexam, proctorai, trustexam or mettl."""
