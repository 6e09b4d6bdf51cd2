"""What the editor asks of the world outside its window: files, keys, issuers and other programs' settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from app.core.errors import BadInput
from app.core.types import Json
from app.keys.imported import Imported

AudienceKind = Literal["exam", "group", "candidate"]
SEB = "seb"
"""The name of Safe Exam Browser's files among the vendors."""


class PasswordWanted(BadInput):
    """The file opens with a password, and none or a wrong one was given; the message says which."""


@dataclass(frozen=True, slots=True)
class Opened:
    """``path`` is where the policy would be saved again; None for a key, whose own word the policy is."""

    document: Json
    name: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class SignOrder:
    """What becomes of a policy. The passwords are used once and kept nowhere."""

    document: dict[str, Json]
    issuer: Path
    issuer_password: str
    not_before: datetime
    hours: float
    serial: int
    audience: AudienceKind
    key_password: str
    out: Path


@dataclass(frozen=True, slots=True)
class Signed:
    """A key that was written. ``qr_png`` is a picture of ``link``; None when the key is too large for one."""

    path: Path
    size_bytes: int
    issuer: str
    audience: str
    not_before: datetime
    expires: datetime
    link: str
    qr_png: bytes | None


class Desk(Protocol):
    """Every call may take its time and is made beside the UI thread, one at a time. Each raises InvigilError."""

    def now(self) -> datetime: ...

    def open(self, argument: str, password: str = "") -> Opened:
        """A policy file, or a key in any of its forms, unverified. Raises PasswordWanted for a protected key."""
        ...

    def save(self, path: Path, document: dict[str, Json]) -> None:
        """Writes the policy, all or nothing; a file that is there is replaced."""
        ...

    def sign(self, order: SignOrder) -> Signed: ...

    def vendors(self) -> Mapping[str, str]:
        """Whose settings can be imported: names for people by the names for ``import_settings``."""
        ...

    def import_settings(self, vendor: str, path: Path, password: str = "") -> Imported:
        """Raises PasswordWanted for a file that opens with one."""
        ...
