"""Tables of what learning platforms may do here, and of the sessions that they opened."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.backend.models import Base


class Integration(Base):
    """The credentials of one learning platform, in the form that its vendor's API has.

    ``public_id`` is a public key or client id, ``secret`` what belongs to it, sealed by the vault; ``token_hash`` is
    the SHA-256 of a token that says it all. ``revoked_ns``: deleted, and the credentials with it.
    """

    __tablename__ = "integrations"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    public_id: Mapped[str | None] = mapped_column(String(200), unique=True)
    secret: Mapped[bytes | None]
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    legacy_signature: Mapped[bool]
    created_ns: Mapped[int] = mapped_column(BigInteger)
    revoked_ns: Mapped[int | None] = mapped_column(BigInteger)


class UsedSignature(Base):
    """A signature that was accepted, until its time is out of the window: it is accepted once."""

    __tablename__ = "used_signatures"
    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_ns: Mapped[int] = mapped_column(BigInteger, index=True)


class LmsExam(Base):
    """Which exam here is which assignment there. ``external_id`` is the platform's own id."""

    __tablename__ = "lms_exams"
    __table_args__ = (UniqueConstraint("integration_id", "external_id"),)
    exam_id: Mapped[str] = mapped_column(ForeignKey("exams.id"), primary_key=True)
    integration_id: Mapped[str] = mapped_column(ForeignKey("integrations.id"))
    external_id: Mapped[str] = mapped_column(String(200))


class LmsSession(Base):
    """One student's session of an exam, as the platform last described it. ``external_id`` is empty where it named none.

    ``wish`` is what the policy is made of; it and ``webhook`` are sealed, for addresses may carry a sign-in. ``address`` is this backend's own, as the platform
    reached it. ``round`` counts the times that the student may begin: it rises when the platform opens the session
    again after it was handed in or ran out. ``config_key`` (sealed) was issued with ``serial`` for what ``digest`` says;
    ``base_exam``: upon the config key of that exam, which was kept here; empty without.
    """

    __tablename__ = "lms_sessions"
    __table_args__ = (UniqueConstraint("exam_id", "student_id", "external_id"),)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    exam_id: Mapped[str] = mapped_column(ForeignKey("exams.id"))
    student_id: Mapped[str] = mapped_column(String(200))
    external_id: Mapped[str] = mapped_column(String(200))
    wish: Mapped[bytes]
    webhook: Mapped[bytes | None]
    address: Mapped[str] = mapped_column(String(500))
    round: Mapped[int]
    created_ns: Mapped[int] = mapped_column(BigInteger)
    expires_ns: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))
    serial: Mapped[int]
    base_exam: Mapped[str] = mapped_column(String(500), index=True)
    config_key: Mapped[bytes | None]
    key_expires_ns: Mapped[int] = mapped_column(BigInteger)


class LmsToken(Base):
    """The token with which a session's client delivers."""

    __tablename__ = "lms_tokens"
    hash: Mapped[str] = mapped_column(ForeignKey("api_keys.hash"), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("lms_sessions.id"), index=True)
    round: Mapped[int]


class LmsAttempt(Base):
    """Which attempt was made in which round of which session, told by the token that announced it."""

    __tablename__ = "lms_attempts"
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("lms_sessions.id"), index=True)
    round: Mapped[int]
