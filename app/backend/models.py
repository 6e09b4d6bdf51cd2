"""The backend's tables. Times are UTC nanoseconds since the Unix epoch."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

JsonObject = dict[str, Any]


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {JsonObject: JSON}


class SchemaVersion(Base):
    """One row: the layout of this database."""

    __tablename__ = "schema_version"
    version: Mapped[int] = mapped_column(primary_key=True)


class ApiKey(Base):
    """``hash`` is the SHA-256 of the key; the key itself is never kept.

    ``scope`` is ``admin``, or ``exam``: may only deliver to ``exam_id``, and for ``user_id`` alone if that is set.
    """

    __tablename__ = "api_keys"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    scope: Mapped[str] = mapped_column(String(16))
    exam_id: Mapped[str | None] = mapped_column(ForeignKey("exams.id"))
    user_id: Mapped[str | None] = mapped_column(String(200))
    created_ns: Mapped[int] = mapped_column(BigInteger)
    expires_ns: Mapped[int | None] = mapped_column(BigInteger)


class Exam(Base):
    __tablename__ = "exams"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(500))
    duration_min: Mapped[int]
    settings: Mapped[JsonObject]
    created_ns: Mapped[int] = mapped_column(BigInteger)
    started_ns: Mapped[int | None] = mapped_column(BigInteger)


class Participant(Base):
    """``status`` is ``active`` until the user has submitted, then ``submitted``."""

    __tablename__ = "participants"
    exam_id: Mapped[str] = mapped_column(ForeignKey("exams.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(300))
    status: Mapped[str] = mapped_column(String(16))
    joined_ns: Mapped[int] = mapped_column(BigInteger)


class Attempt(Base):
    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("exam_id", "user_id", "number"),)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    exam_id: Mapped[str] = mapped_column(ForeignKey("exams.id"))
    user_id: Mapped[str] = mapped_column(String(200))
    number: Mapped[int]
    candidate: Mapped[JsonObject]
    public_key: Mapped[JsonObject | None]
    client: Mapped[JsonObject]
    created_ns: Mapped[int] = mapped_column(BigInteger)


class Submission(Base):
    """``digest`` is the SHA-256 over what was submitted: sending it again gives the same submission."""

    __tablename__ = "submissions"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    exam_id: Mapped[str] = mapped_column(ForeignKey("exams.id"), index=True)
    user_id: Mapped[str | None] = mapped_column(String(200))
    attempt_id: Mapped[str | None] = mapped_column(ForeignKey("attempts.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    stats: Mapped[JsonObject]
    report: Mapped[JsonObject | None]
    seal: Mapped[JsonObject | None]
    manifest_sha256: Mapped[str | None] = mapped_column(String(64))
    verification: Mapped[JsonObject | None]
    created_ns: Mapped[int] = mapped_column(BigInteger)


class Warned(Base):
    """One warning of a submission, in the order it was sent. ``body`` is all that the client said of it."""

    __tablename__ = "warnings"
    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"))
    exam_id: Mapped[str] = mapped_column(ForeignKey("exams.id"), index=True)
    user_id: Mapped[str | None] = mapped_column(String(200))
    timestamp: Mapped[str] = mapped_column(String(40))
    type: Mapped[str] = mapped_column(String(100))
    details: Mapped[str] = mapped_column(Text)
    body: Mapped[JsonObject]


class Recording(Base):
    __tablename__ = "recordings"
    __table_args__ = (
        UniqueConstraint("exam_id", "user_id", "type", "sha256"),
        Index("recordings_by_content", "exam_id", "user_id", "sha256"),
    )
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    exam_id: Mapped[str] = mapped_column(ForeignKey("exams.id"))
    user_id: Mapped[str] = mapped_column(String(200))
    type: Mapped[str] = mapped_column(String(40))
    stream: Mapped[str | None] = mapped_column(String(40))
    attempt_id: Mapped[str | None] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str] = mapped_column(String(16))
    mime: Mapped[str] = mapped_column(String(100))
    start_ns: Mapped[int | None] = mapped_column(BigInteger)
    end_ns: Mapped[int | None] = mapped_column(BigInteger)
    duration_s: Mapped[float | None]
    created_ns: Mapped[int] = mapped_column(BigInteger)


class StoredKey(Base):
    """A verified config key. ``exam_id`` is the policy's, ``upload_exam_id`` the exam here that its clients deliver to.

    ``group`` and ``candidate`` are the audience's, empty where it has none. ``revoked_ns`` is set by its issuer's list.
    """

    __tablename__ = "config_keys"
    __table_args__ = (
        UniqueConstraint("kid", "key_id"),
        Index("config_keys_by_audience", "exam_id", "group", "candidate", "serial"),
        Index("config_keys_by_upload", "upload_exam_id", "serial"),
    )
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kid: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[str] = mapped_column(String(200))
    issuer_name: Mapped[str] = mapped_column(String(200))
    exam_id: Mapped[str] = mapped_column(String(500))
    upload_exam_id: Mapped[str] = mapped_column(String(500))
    group: Mapped[str] = mapped_column(String(500))
    candidate: Mapped[str] = mapped_column(String(500))
    serial: Mapped[int] = mapped_column(BigInteger)
    token: Mapped[str] = mapped_column(Text, deferred=True)
    not_before_ns: Mapped[int] = mapped_column(BigInteger)
    expires_ns: Mapped[int] = mapped_column(BigInteger)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    revoked_ns: Mapped[int | None] = mapped_column(BigInteger)


class KeyCode(Base):
    """A short code that gives out a key. The code itself is not kept: the backend's secret makes it of ``number``."""

    __tablename__ = "key_codes"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    stored_key_id: Mapped[str] = mapped_column(ForeignKey("config_keys.id"), index=True)
    number: Mapped[int]
    expires_ns: Mapped[int] = mapped_column(BigInteger)


class RevocationList(Base):
    """The newest list that was signed with one issuer's key."""

    __tablename__ = "revocation_lists"
    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    serial: Mapped[int] = mapped_column(BigInteger)
    token: Mapped[str] = mapped_column(Text)
    received_ns: Mapped[int] = mapped_column(BigInteger)


class ControlMessage(Base):
    """What an attempt's client is told: ``body``, and the stored key if it is one.

    ``seq`` rises by one per attempt; ``answer`` is the client's acknowledgement.
    """

    __tablename__ = "control_messages"
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(40))
    body: Mapped[JsonObject]
    stored_key_id: Mapped[str | None] = mapped_column(ForeignKey("config_keys.id"), index=True)
    created_ns: Mapped[int] = mapped_column(BigInteger, index=True)
    acknowledged_ns: Mapped[int | None] = mapped_column(BigInteger)
    answer: Mapped[JsonObject | None]


class AttemptHold(Base):
    """There is one while an attempt is held, as its client last said. ``by`` is rule or proctor."""

    __tablename__ = "attempt_holds"
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(20))
    since_ns: Mapped[int] = mapped_column(BigInteger)
