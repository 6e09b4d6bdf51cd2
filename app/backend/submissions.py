"""``POST /exams/{exam_id}/submit``: what a session says of itself, with report and sealed manifest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.backend.attempts import enter_attempt, note_session
from app.backend.auth import Caller, Key
from app.backend.context import Context, Ctx, new_id
from app.backend.errors import ApiError, Detail
from app.backend.exams import exam_or_404, joined
from app.backend.models import Attempt, Submission, Warned
from app.backend.recordings import Upload, store_recording
from app.backend.schemas import SubmitIn, SubmitOut
from app.backend.submit_forms import SUBMIT_SCHEMA, Submitted, read_submission

router = APIRouter()

_NOBODY = "unknown"
"""Whose the media is where a submission of the plain contract names no user."""


@router.post("/exams/{exam_id}/submit", summary="Submit exam session data", openapi_extra=SUBMIT_SCHEMA)
async def submit(exam_id: str, request: Request, ctx: Ctx, key: Key) -> SubmitOut:
    """Multipart or JSON with base64 media. Sending the same again gives the same submission."""
    key.must_deliver(exam_id)
    await run_in_threadpool(_must_exist, ctx, exam_id)
    async with read_submission(request, ctx) as sent:
        return await run_in_threadpool(_receive, request, ctx, key, exam_id, sent)


def _must_exist(ctx: Context, exam_id: str) -> None:
    with ctx.database.reading() as session:
        exam_or_404(session, exam_id)


def _receive(request: Request, ctx: Context, key: Caller, exam_id: str, sent: Submitted) -> SubmitOut:
    """The manifest is checked before the database is touched: that may take a while."""
    digest = _digest(exam_id, sent)
    verification = _verified(ctx, sent)
    report = _report(ctx, sent, verification)
    with ctx.database.writing() as session:
        attempt = _attempt(session, ctx, exam_id, sent.body)
        user_id = sent.body.userId or (attempt.user_id if attempt is not None else None) or _user_of(sent.body)
        key.must_deliver(exam_id, user_id)
        if attempt is not None and attempt.user_id != user_id:
            raise ApiError(400, Detail("userId", "The attempt belongs to another user"))
        if attempt is not None:
            note_session(session, attempt, key)
        same = select(Submission).where(Submission.exam_id == exam_id, Submission.digest == digest)
        row = session.scalars(same).first()
        if row is None:
            verification = _key_checked(verification, sent.body.seal, attempt)
            row = _store(session, ctx, exam_id, user_id, attempt, sent, digest, verification, report)
        url = None if attempt is None or row.report is None else ctx.report_url(request, attempt.id)
        return SubmitOut(
            success=True,
            examId=exam_id,
            submissionId=row.id,
            status="submitted",
            reportUrl=url,
            verification=row.verification,
        )


def _store(
    session: Session,
    ctx: Context,
    exam_id: str,
    user_id: str | None,
    attempt: Attempt | None,
    sent: Submitted,
    digest: str,
    verification: dict[str, Any] | None,
    report: dict[str, Any] | None,
) -> Submission:
    exam = exam_or_404(session, exam_id)
    if user_id is not None or sent.media:
        joined(session, ctx, exam, user_id or _NOBODY).status = "submitted"
    for name, part in sent.media.items():
        upload = Upload(
            exam_id,
            user_id or _NOBODY,
            name,
            attempt_id=attempt.id if attempt else None,
            duration_s=_duration_s(sent.body),
        )
        store_recording(session, ctx, upload, part)
    lines = None if sent.manifest is None else "".join(f"{line}\n" for line in sent.manifest)
    row = Submission(
        id=new_id("sub"),
        exam_id=exam_id,
        user_id=user_id,
        attempt_id=attempt.id if attempt else None,
        digest=digest,
        stats=sent.body.stats,
        report=report,
        seal=sent.body.seal,
        manifest_sha256=None if lines is None else ctx.files.put(lines.encode()).sha256,
        verification=verification,
        created_ns=ctx.now_ns(),
    )
    session.add(row)
    session.flush()
    session.add_all(_warned(row, one.model_dump(mode="json")) for one in sent.body.warnings)
    return row


def _warned(submission: Submission, body: dict[str, Any]) -> Warned:
    return Warned(
        submission_id=submission.id,
        exam_id=submission.exam_id,
        user_id=body.get("userId") or submission.user_id,
        timestamp=body["timestamp"],
        type=body["type"],
        details=body["details"],
        body=body,
    )


def _attempt(session: Session, ctx: Context, exam_id: str, body: SubmitIn) -> Attempt | None:
    """The attempt that was submitted; one that could not be announced before is entered now."""
    if body.attemptId is None:
        return None
    found = session.get(Attempt, body.attemptId)
    if found is not None and found.exam_id != exam_id:
        raise ApiError(400, Detail("attemptId", "The attempt belongs to another exam"))
    user_id = body.userId or _user_of(body)
    if found is not None or user_id is None:
        return found
    return enter_attempt(
        session, ctx, exam_or_404(session, exam_id), body.attemptId, {"id": user_id, "name": ""}, None, {}
    )


def _user_of(body: SubmitIn) -> str | None:
    """Clients of the plain contract have no field for the user; some put it into the statistics."""
    value = body.stats.get("userId")
    return value if isinstance(value, str) and 0 < len(value) <= 200 else None


def _duration_s(body: SubmitIn) -> float | None:
    value = body.stats.get("duration")
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def _verified(ctx: Context, sent: Submitted) -> dict[str, Any] | None:
    check = ctx.services.verify_manifest
    if check is None or sent.manifest is None:
        return None
    return dict(check(sent.manifest, sent.body.seal or {}))


def _report(ctx: Context, sent: Submitted, verification: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the manifest says goes before what the client says of it."""
    make = ctx.services.report_of_manifest
    submitted = sent.body.report
    if make is None or submitted is None or sent.manifest is None or not (verification or {}).get("verified"):
        return submitted
    return dict(make(sent.manifest, submitted))


def _key_checked(
    verification: dict[str, Any] | None, seal: dict[str, Any] | None, attempt: Attempt | None
) -> dict[str, Any] | None:
    """A manifest sealed with another key than the attempt announced is not that attempt's."""
    registered = attempt.public_key if attempt is not None else None
    if verification is None or registered is None:
        return verification
    if (seal or {}).get("public_key") == registered.get("key", registered):
        return verification
    return verification | {
        "verified": False,
        "problem": "The seal's key is not the one that the attempt was registered with.",
    }


def _digest(exam_id: str, sent: Submitted) -> str:
    body = sent.body.model_dump(mode="json", exclude={"webcam", "screen", "manifest"})
    media = {name: part.sha256 for name, part in sent.media.items()}
    text = json.dumps([exam_id, body, sent.manifest, media], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
