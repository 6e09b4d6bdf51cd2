"""What a backend is given: settings that a person chooses, and services that the composition root injects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.core.errors import BadInput
from app.core.ports import Clock, KeyDesk
from app.core.types import Json

MIB = 1024 * 1024
CODE_MISSES_PER_MIN = 10

VerifyFaces = Callable[[bytes, bytes], Mapping[str, Json]]
"""Reference and verification image -> verified, confidence, matchScore, faceDetected, warnings. ValueError: no image."""

RenderReport = Callable[[Mapping[str, Json], Callable[[str], str]], str]
"""Report JSON and a function from a file's SHA-256 to its address -> a self-contained HTML page."""

VerifyManifest = Callable[[Sequence[str], Mapping[str, Json]], Mapping[str, Json]]
"""Manifest lines and seal -> the result of the check; its ``verified`` is a boolean."""

ReportOfManifest = Callable[[Sequence[str], Mapping[str, Json]], Mapping[str, Json]]
"""A verified manifest's lines, and the report that came with them -> the report that the lines make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSettings:
    """Everything is kept under ``data_dir``; ``database_url`` empty means SQLite there.

    ``public_url`` is the address that people and clients use (no closing slash); empty means
    the address that each request came to. ``requests_per_s`` and ``burst`` are per API key;
    0 requests per second switches the limit off.

    ``code_misses_per_min``: how many wrong short codes a host may try, and ``all_code_misses_per_min`` all hosts
    together; 0 switches that limit off. Behind a proxy all clients are one host.

    ``known_builds``: the version of each build of the client that is known, by its hash; empty: none is told apart.
    """

    data_dir: Path
    database_url: str = ""
    public_url: str = ""
    demo_dir: Path | None = None
    max_file_bytes: int = 100 * MIB
    max_text_bytes: int = 32 * MIB
    max_image_bytes: int = 8 * MIB
    requests_per_s: float = 50.0
    burst: int = 200
    code_misses_per_min: int = CODE_MISSES_PER_MIN
    all_code_misses_per_min: int = 600
    known_builds: Mapping[str, str] = field(default_factory=dict)

    def make_data_dir(self) -> None:
        """For this user only, when it is new: candidates' data are in it. BadInput when it can't be made."""
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"The backend's folder {self.data_dir} can't be made ({error.strerror}); choose another one."
            ) from error

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{(self.data_dir / 'backend.sqlite3').as_posix()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendServices:
    """``None`` means that this backend can't do it, and says so where it is asked."""

    clock: Clock
    verify_faces: VerifyFaces | None = None
    render_report: RenderReport | None = None
    verify_manifest: VerifyManifest | None = None
    report_of_manifest: ReportOfManifest | None = None
    keys: KeyDesk | None = None
