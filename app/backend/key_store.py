"""Config keys in the database: which are kept, which is the newest, and whom it reaches."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from app.backend.context import new_id
from app.backend.errors import ApiError, Detail, invalid
from app.backend.models import Attempt, ControlMessage, RevocationList, StoredKey, Submission
from app.core.audience import Audience
from app.core.policy import Candidate
from app.core.ports import KeyFacts
from app.core.types import Json

KEY_MESSAGE = "key"
_COLUMN_MAX = 500
_BIGGEST = 2**63 - 1


def store(session: Session, facts: KeyFacts, now_ns: int) -> StoredKey:
    """The key as it is kept, entered when new.

    ApiError 409 unless its serial is above those of the keys that its issuer made for the same exam and audience.
    """
    same = select(StoredKey).where(StoredKey.kid == facts.kid, StoredKey.key_id == facts.key_id)
    found = session.scalars(same).first()
    if found is not None:
        return found
    audience = facts.audience
    upload_exam_id = _upload_exam(facts.policy)
    named = (facts.key_id, audience.exam, audience.group, audience.candidate, upload_exam_id)
    if max(len(text) for text in named) > _COLUMN_MAX or facts.serial > _BIGGEST:
        raise invalid("key", "The key's names or its serial are larger than this backend can keep")
    newest = session.scalar(select(func.max(StoredKey.serial)).where(*_series(facts.issuer_name, audience)))
    if newest is not None and facts.serial <= newest:
        issue = f"A key with serial {newest} is kept for this exam and audience; a newer key needs a higher one"
        raise ApiError(409, Detail("key", issue))
    made = StoredKey(
        id=new_id("key"),
        kid=facts.kid,
        key_id=facts.key_id,
        issuer_name=facts.issuer_name,
        exam_id=audience.exam,
        upload_exam_id=upload_exam_id,
        group=audience.group,
        candidate=audience.candidate,
        serial=facts.serial,
        token=facts.token,
        not_before_ns=facts.not_before_utc_ns,
        expires_ns=min(facts.expires_utc_ns, _BIGGEST),
        created_ns=now_ns,
        revoked_ns=None,
    )
    session.add(made)
    session.flush()
    return made


def newest_for(session: Session, exam_id: str, group: str, candidate: str, now_ns: int) -> StoredKey | None:
    """The newest key in force for somebody who takes the exam with that id in its policy.

    One for the candidate alone goes before one for the group, and that before one for everybody.
    """
    admitting = select(StoredKey).where(
        StoredKey.exam_id == exam_id,
        StoredKey.group.in_({"", group}),
        StoredKey.candidate.in_({"", candidate}),
        *_in_force(now_ns),
    )
    narrowest = admitting.order_by(StoredKey.candidate.desc(), StoredKey.group.desc(), StoredKey.serial.desc())
    return session.scalars(narrowest.limit(1)).first()


def newest_of_attempt(session: Session, attempt: Attempt, now_ns: int) -> StoredKey | None:
    """The newest key in force that reaches this attempt."""
    candidate = _candidate(attempt)
    reaching = [
        StoredKey.upload_exam_id == attempt.exam_id,
        StoredKey.group.in_({"", candidate.group}),
        StoredKey.candidate.in_({"", candidate.id}),
        *_in_force(now_ns),
    ]
    exam = _policy_exam(attempt)
    if exam:
        reaching.append(StoredKey.exam_id == exam)
    return session.scalars(select(StoredKey).where(*reaching).order_by(StoredKey.serial.desc()).limit(1)).first()


def is_superseded(session: Session, key: StoredKey, now_ns: int) -> bool:
    """Whether a newer key of the same issuer, exam and audience is in force."""
    newer = select(StoredKey.id).where(
        *_series(key.issuer_name, audience_of(key)), StoredKey.serial > key.serial, *_in_force(now_ns)
    )
    return session.scalar(newer.limit(1)) is not None


def push(session: Session, key: StoredKey, now_ns: int) -> list[str]:
    """Leaves a message with the key for each running attempt that it reaches and that has none; returns their ids.

    A running attempt is one that was announced and not submitted. A key that is not in force reaches nobody.
    """
    if key.revoked_ns is not None or not key.not_before_ns <= now_ns < key.expires_ns:
        return []
    told = exists().where(ControlMessage.attempt_id == Attempt.id, ControlMessage.stored_key_id == key.id)
    submitted = exists().where(Submission.attempt_id == Attempt.id)
    running = select(Attempt).where(Attempt.exam_id == key.upload_exam_id, ~told, ~submitted)
    audience = audience_of(key)
    reached = [
        one
        for one in session.scalars(running)
        if audience.refusal(_policy_exam(one) or audience.exam, _candidate(one)) is None
    ]
    last = _last_seqs(session, key.upload_exam_id)
    session.add_all(_message(one.id, last.get(one.id, 0) + 1, key, now_ns) for one in reached)
    session.flush()
    return [one.id for one in reached]


def late_key(session: Session, attempt: Attempt, running_serial: int, now_ns: int) -> StoredKey | None:
    """The newest key that reaches an attempt, where its client came with an older one and was not told of it yet."""
    newest = newest_of_attempt(session, attempt, now_ns)
    if newest is None or newest.serial <= running_serial or _told(session, attempt.id, newest):
        return None
    return newest


def leave(session: Session, attempt_id: str, key: StoredKey, now_ns: int) -> None:
    """Leaves a message with the key for one attempt, unless there is one."""
    if not _told(session, attempt_id, key):
        last = session.scalar(select(func.max(ControlMessage.seq)).where(ControlMessage.attempt_id == attempt_id))
        session.add(_message(attempt_id, (last or 0) + 1, key, now_ns))


def revocation_tokens(session: Session) -> list[str]:
    return list(session.scalars(select(RevocationList.token).order_by(RevocationList.kid)))


def audience_of(key: StoredKey) -> Audience:
    return Audience(key.exam_id, key.group, key.candidate)


def _told(session: Session, attempt_id: str, key: StoredKey) -> bool:
    told = select(ControlMessage.seq).where(
        ControlMessage.attempt_id == attempt_id, ControlMessage.stored_key_id == key.id
    )
    return session.scalar(told.limit(1)) is not None


def _message(attempt_id: str, seq: int, key: StoredKey, now_ns: int) -> ControlMessage:
    return ControlMessage(
        attempt_id=attempt_id,
        seq=seq,
        type=KEY_MESSAGE,
        body={},
        stored_key_id=key.id,
        created_ns=now_ns,
        acknowledged_ns=None,
        answer=None,
    )


def _last_seqs(session: Session, exam_id: str) -> dict[str, int]:
    of_exam = select(Attempt.id).where(Attempt.exam_id == exam_id)
    last = select(ControlMessage.attempt_id, func.max(ControlMessage.seq)).where(ControlMessage.attempt_id.in_(of_exam))
    return dict(session.execute(last.group_by(ControlMessage.attempt_id)).all())


def _series(issuer_name: str, audience: Audience) -> list[ColumnElement[bool]]:
    """The keys that replace each other."""
    return [
        StoredKey.issuer_name == issuer_name,
        StoredKey.exam_id == audience.exam,
        StoredKey.group == audience.group,
        StoredKey.candidate == audience.candidate,
    ]


def _in_force(now_ns: int) -> list[ColumnElement[bool]]:
    return [StoredKey.revoked_ns.is_(None), StoredKey.not_before_ns <= now_ns, StoredKey.expires_ns > now_ns]


def _candidate(attempt: Attempt) -> Candidate:
    group = attempt.candidate.get("group")
    return Candidate(id=attempt.user_id, group=group if isinstance(group, str) else "")


def _policy_exam(attempt: Attempt) -> str:
    """The exam's id in the policy, where the client said it; empty otherwise."""
    exam = attempt.client.get("exam")
    return exam if isinstance(exam, str) else ""


def _upload_exam(policy: Mapping[str, Json]) -> str:
    upload = policy.get("upload")
    exam_id = upload.get("exam_id") if isinstance(upload, dict) else ""
    return exam_id if isinstance(exam_id, str) else ""
