"""The nouns of the product: time, media, observations, violations, evidence.

Everything here is immutable and free of I/O, Qt and native media. ``numpy`` is
named for type checkers only, so that the guardian and the OS adapters can
import this module without loading it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.machine import Judgement

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class Stream(StrEnum):
    """A source of media. Its value is used in file names, JSON and the upload."""

    CAMERA = "camera"
    MICROPHONE = "microphone"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class Instant:
    """A point in time: the only notion of time in ``core``.

    ``mono_ns`` orders and measures within one ``boot_id``; ``utc_ns`` (since the
    Unix epoch) is recorded beside it for people and for other machines, and may
    jump when the clock is set.
    """

    mono_ns: int
    utc_ns: int
    boot_id: str

    def at(self, mono_ns: int) -> Instant:
        """The instant at another monotonic reading of the same boot."""
        return Instant(mono_ns, self.utc_ns + (mono_ns - self.mono_ns), self.boot_id)


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture. ``pixels`` is height x width x 3, uint8, BGR, never written to."""

    stream: Stream
    seq: int
    at: Instant
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """Consecutive samples. ``samples`` is mono float32 in -1..1 at ``rate_hz``; ``at`` is its first sample."""

    stream: Stream
    seq: int
    at: Instant
    rate_hz: int
    samples: NDArray[np.float32]


# ---- observations: what a detector says of a time span, without judgement


@dataclass(frozen=True, slots=True)
class Face:
    """One face in a picture.

    ``box`` is x, y, width, height in pixels. Angles are degrees: yaw > 0 when the
    subject turns to the image's right, pitch > 0 up, roll > 0 clockwise in the image.
    ``on_screen`` says whether head and eyes together point at the screen.
    """

    box: tuple[float, float, float, float]
    score: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    gaze_yaw_deg: float
    gaze_pitch_deg: float
    on_screen: bool


@dataclass(frozen=True, slots=True)
class FacesSeen:
    at_ns: int
    faces: tuple[Face, ...]


@dataclass(frozen=True, slots=True)
class PersonCompared:
    """How alike the one face in the picture and the enrolled person are: 0..1, a cosine of face embeddings."""

    at_ns: int
    match_score: float


@dataclass(frozen=True, slots=True)
class SoundHeard:
    """``dbfs`` over the window that ends at ``at_ns``; ``background_dbfs`` is the measured floor, None until known."""

    at_ns: int
    dbfs: float
    background_dbfs: float | None
    speech: float


@dataclass(frozen=True, slots=True)
class FocusChanged:
    at_ns: int
    focused: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DisplaysSeen:
    """The displays that are connected now. ``suspected`` are sentences on what may be a further one (5008)."""

    at_ns: int
    count: int
    names: tuple[str, ...] = ()
    suspected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DisplayChanged:
    """A display was connected, removed or changed; ``detail`` says which and how."""

    at_ns: int
    detail: str


@dataclass(frozen=True, slots=True)
class ProcessesSeen:
    """The deny-listed processes that run now: name and why the list holds it. ``pids`` are all of theirs."""

    at_ns: int
    found: tuple[tuple[str, str], ...]
    pids: tuple[int, ...] = ()


class WindowIs(StrEnum):
    """Why a window of another program matters."""

    ABOVE = "above the exam window"
    HIDDEN_FROM_CAPTURE = "left out of screen captures"


@dataclass(frozen=True, slots=True)
class ForeignWindow:
    """A visible window that is neither ours nor allowed. ``handle`` is the system's number for it; never its title."""

    program: str
    why: WindowIs
    handle: int
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class WindowsSeen:
    """The foreign windows that are there now; empty when the last one is gone."""

    at_ns: int
    found: tuple[ForeignWindow, ...]


@dataclass(frozen=True, slots=True)
class KeyBlocked:
    """A key combination was pressed that the lockdown swallows. ``capture`` marks PrintScreen and its kin."""

    at_ns: int
    keys: str
    capture: bool


@dataclass(frozen=True, slots=True)
class InputInjected:
    """``count`` key presses or clicks since the last report were made by software. ``source`` names how, in words."""

    at_ns: int
    source: str
    count: int


@dataclass(frozen=True, slots=True)
class ClipboardUsed:
    """Another program put something into the clipboard, or it left the exam. Contents are never read."""

    at_ns: int
    program: str


class DeviceKind(StrEnum):
    CAMERA = "camera"
    SOUND = "sound device"
    DISPLAY = "display"
    STORAGE = "storage"
    KEYBOARD = "keyboard or mouse"
    OTHER = "device"


@dataclass(frozen=True, slots=True)
class Device:
    """``name`` as the system gives it, without serial numbers."""

    kind: DeviceKind
    name: str


@dataclass(frozen=True, slots=True)
class DevicesChanged:
    at_ns: int
    added: tuple[Device, ...] = ()
    removed: tuple[Device, ...] = ()


class SessionState(StrEnum):
    """What the person's login session is doing. All but ``AWAY`` are normal life and never a violation."""

    HERE = "here"
    LOCKED = "locked"
    ASLEEP = "asleep"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """``LOCKED``: the system's own lock screen; ``AWAY``: another user's session or a text console is shown."""

    at_ns: int
    state: SessionState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MachineSeen:
    """What signals of a virtual machine, remote control or virtual camera add up to; see ``core.machine``."""

    at_ns: int
    judgements: tuple[Judgement, ...]


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The machine's clock was moved by ``seconds`` against its steady one."""

    at_ns: int
    seconds: int


@dataclass(frozen=True, slots=True)
class TamperingSeen:
    """The client or its guardian was stopped, or what they rely on was altered. ``what`` says it in words."""

    at_ns: int
    what: str


@dataclass(frozen=True, slots=True)
class StreamLost:
    """``stream`` gives nothing from ``at_ns`` on, because of ``cause``."""

    at_ns: int
    stream: Stream
    cause: str


@dataclass(frozen=True, slots=True)
class StreamBack:
    at_ns: int
    stream: Stream


Observation = (
    FacesSeen
    | PersonCompared
    | SoundHeard
    | FocusChanged
    | DisplaysSeen
    | DisplayChanged
    | ProcessesSeen
    | WindowsSeen
    | KeyBlocked
    | InputInjected
    | ClipboardUsed
    | DevicesChanged
    | SessionSeen
    | MachineSeen
    | ClockSet
    | TamperingSeen
    | StreamLost
    | StreamBack
)


# ---- judgements


@dataclass(frozen=True, slots=True)
class Violation:
    """What a rule judged over observations. ``severity`` and ``confidence`` are 0..1.

    ``number`` counts from 1 within one session and names the violation there.
    ``end_ns`` is None while it is still going on.
    """

    number: int
    code: int
    start_ns: int
    end_ns: int | None
    severity: float
    confidence: float
    detail: str = ""


class GapCause(StrEnum):
    """Why a span of a stream is missing."""

    DEVICE_LOST = "device_lost"
    DEVICE_MISSING = "device_missing"
    STALLED = "stalled"
    DROPPED = "dropped"
    CLIENT_DOWN = "client_down"
    DISK = "disk"
    DAMAGED = "damaged"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of a stream that was not captured or kept. ``count`` is the frames or chunks lost, 0 if unknown."""

    stream: Stream
    start: Instant
    end: Instant
    cause: GapCause
    count: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """One finished media file of one stream, named by its content's SHA-256."""

    stream: Stream
    start: Instant
    end: Instant
    sha256: str
    size_bytes: int
    mime: str
    frames: int


class EntryKind(StrEnum):
    """Kinds of manifest entries."""

    ATTEMPT = "attempt"
    SESSION = "session"
    EVENT = "event"
    SEGMENT = "segment"
    SNAPSHOT = "snapshot"
    CLIP = "clip"
    VIOLATION = "violation"
    GAP = "gap"
    DISCARD = "discard"
    SEAL = "seal"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the hash-chained manifest.

    ``hash`` is the SHA-256 (hex) of the RFC 8785 form of the entry without ``hash``;
    ``prev`` is the hash of the entry before, 64 zeros for the first.
    """

    seq: int
    kind: EntryKind
    at: Instant
    body: Mapping[str, Json]
    prev: str
    hash: str
