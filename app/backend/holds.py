"""``/v1/attempts/{id}/lock``, ``unlock`` and ``hold``: a proctor holds a running exam, lets it go on, and sees how it is."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.backend.attempts import attempt_or_404
from app.backend.auth import Caller, Key
from app.backend.context import Ctx, time_text
from app.backend.database import Database
from app.backend.errors import ApiError, Detail
from app.backend.key_schemas import HoldIn, HoldMessageOut, HoldOut, Told
from app.backend.models import Attempt, AttemptHold, ControlMessage, Submission
from app.core.control import LOCK, UNLOCK

router = APIRouter()
_SHOWN = 50
"""The newest messages that are shown."""


@router.post("/v1/attempts/{attempt_id}/lock", summary="Extension: hold a running exam")
def lock(attempt_id: str, body: HoldIn, ctx: Ctx, caller: Key) -> HoldMessageOut:
    """The client is told at once, or as soon as it is connected; its answer is in ``hold``. 409: it is submitted."""
    return _leave(ctx, caller, attempt_id, LOCK, body.reason)


@router.post("/v1/attempts/{attempt_id}/unlock", summary="Extension: let a held exam go on")
def unlock(attempt_id: str, body: HoldIn, ctx: Ctx, caller: Key) -> HoldMessageOut:
    """Ends a hold of the exam's rules as well as a proctor's."""
    return _leave(ctx, caller, attempt_id, UNLOCK, body.reason)


@router.get("/v1/attempts/{attempt_id}/hold", summary="Extension: whether an exam is held, why, and what was asked")
def read_hold(attempt_id: str, ctx: Ctx, caller: Key) -> HoldOut:
    with ctx.database.reading() as session:
        _manageable(session, caller, attempt_id)
        held = session.get(AttemptHold, attempt_id)
        newest = (
            select(ControlMessage)
            .where(ControlMessage.attempt_id == attempt_id, ControlMessage.type.in_((LOCK, UNLOCK)))
            .order_by(ControlMessage.seq.desc())
            .limit(_SHOWN)
        )
        messages = [_message_out(one) for one in session.scalars(newest)]
    return HoldOut(
        attemptId=attempt_id,
        held=held is not None,
        reason="" if held is None else held.reason,
        by="" if held is None else held.by,
        since=None if held is None else time_text(held.since_ns),
        messages=messages[::-1],
    )


def note_told(database: Database, attempt_id: str, told: Told, now_ns: int) -> None:
    """Keeps what a client said of its exam."""
    with database.reading() as session:
        known = session.get(AttemptHold, attempt_id)
    if not told.held and known is None:
        return
    with database.writing() as session:
        known = session.get(AttemptHold, attempt_id)
        if not told.held:
            if known is not None:
                session.delete(known)
        elif known is None:
            session.add(AttemptHold(attempt_id=attempt_id, reason=told.reason, by=told.by, since_ns=now_ns))
        elif (known.reason, known.by) != (told.reason, told.by):
            known.reason, known.by, known.since_ns = told.reason, told.by, now_ns


def _leave(ctx: Ctx, caller: Caller, attempt_id: str, kind: Literal["lock", "unlock"], reason: str) -> HoldMessageOut:
    with ctx.database.writing() as session:
        attempt = _manageable(session, caller, attempt_id)
        submitted = select(Submission.id).where(Submission.attempt_id == attempt.id).limit(1)
        if session.scalar(submitted) is not None:
            raise ApiError(409, Detail("attempt", "The exam is handed in"))
        last = session.scalar(select(func.max(ControlMessage.seq)).where(ControlMessage.attempt_id == attempt_id))
        message = ControlMessage(
            attempt_id=attempt_id,
            seq=(last or 0) + 1,
            type=kind,
            body={"reason": reason},
            stored_key_id=None,
            created_ns=ctx.now_ns(),
            acknowledged_ns=None,
            answer=None,
        )
        session.add(message)
        session.flush()
        made = _message_out(message)
    ctx.control.wake([attempt_id])
    return made


def _manageable(session: Session, caller: Caller, attempt_id: str) -> Attempt:
    caller.must_read()
    attempt = attempt_or_404(session, attempt_id)
    caller.must_manage(attempt.exam_id)
    return attempt


def _message_out(message: ControlMessage) -> HoldMessageOut:
    answer = message.answer or {"status": "pending", "reason": ""}
    acknowledged_ns = message.acknowledged_ns
    return HoldMessageOut(
        seq=message.seq,
        type="lock" if message.type == LOCK else "unlock",
        reason=str(message.body.get("reason", "")),
        createdAt=time_text(message.created_ns),
        acknowledgedAt=None if acknowledged_ns is None else time_text(acknowledged_ns),
        status=answer["status"],
        answer=str(answer["reason"]),
    )
