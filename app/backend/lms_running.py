"""Sessions whose exam is under way: their clients are told of a new key over the control channel."""

from __future__ import annotations

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.backend.key_store import KEY_MESSAGE
from app.backend.lms_models import LmsAttempt, LmsExam, LmsSession
from app.backend.models import Attempt, ControlMessage, Submission


def tell(session: Session, row: LmsSession, key: str, now_ns: int) -> None:
    """Leaves the key for the round's attempts that were announced and not handed in; it is sent within a second."""
    submitted = exists().where(Submission.attempt_id == LmsAttempt.attempt_id)
    of_round = (LmsAttempt.session_id == row.id, LmsAttempt.round == row.round)
    for attempt_id in session.scalars(select(LmsAttempt.attempt_id).where(*of_round, ~submitted)).all():
        last = session.scalar(select(func.max(ControlMessage.seq)).where(ControlMessage.attempt_id == attempt_id))
        message = ControlMessage(
            attempt_id=attempt_id,
            seq=(last or 0) + 1,
            type=KEY_MESSAGE,
            body={"key": key},
            stored_key_id=None,
            created_ns=now_ns,
            acknowledged_ns=None,
            answer=None,
        )
        session.add(message)
        session.flush()


def sessions_under_way(session: Session, exam_id: str) -> list[str]:
    """The sessions of the exam with that id in its policy that have a running attempt."""
    submitted = exists().where(Submission.attempt_id == LmsAttempt.attempt_id)
    running = (
        select(LmsSession.id)
        .join(LmsExam, LmsExam.exam_id == LmsSession.exam_id)
        .join(LmsAttempt, (LmsAttempt.session_id == LmsSession.id) & (LmsAttempt.round == LmsSession.round))
        .where((LmsExam.external_id == exam_id) | (LmsSession.base_exam == exam_id), ~submitted)
        .distinct()
    )
    return list(session.scalars(running))


def handed_in(session: Session, row: LmsSession) -> bool:
    """Whether an attempt of the session's present round was submitted."""
    submitted = exists().where(Submission.attempt_id == LmsAttempt.attempt_id)
    of_round = select(LmsAttempt).where(LmsAttempt.session_id == row.id, LmsAttempt.round == row.round, submitted)
    return session.scalars(of_round.limit(1)).first() is not None


def attempts_of(session: Session, row: LmsSession) -> list[tuple[Attempt, bool]]:
    """The session's attempts of all rounds in order, each with whether it has a report."""
    made = select(Attempt).join(LmsAttempt, LmsAttempt.attempt_id == Attempt.id)
    attempts = session.scalars(made.where(LmsAttempt.session_id == row.id).order_by(Attempt.created_ns)).all()
    ids = [one.id for one in attempts]
    submissions = session.scalars(select(Submission).where(Submission.attempt_id.in_(ids)))
    with_report = {one.attempt_id for one in submissions if one.report is not None}
    return [(one, one.id in with_report) for one in attempts]
