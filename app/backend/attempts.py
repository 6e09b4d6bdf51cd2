"""Attempts (our extension): announced by the client, read by proctors, reported to people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from starlette.responses import FileResponse, HTMLResponse

from app.backend.auth import Caller, Key, Visitor, must_open
from app.backend.context import Context, Ctx, time_text
from app.backend.errors import ApiError, invalid
from app.backend.exams import exam_or_404, joined
from app.backend.lms_models import LmsAttempt
from app.backend.models import Attempt, Exam, Recording, Submission
from app.backend.page_policy import report_policy
from app.backend.recordings import media_response, recording_out
from app.backend.schemas import AttemptCreated, AttemptIn, AttemptOut, JsonObject, SubmissionOut

router = APIRouter()

NOT_CHECKED = "This backend could not check the report: it came without a manifest, or no check is set up."


@router.post("/exams/{exam_id}/attempts", summary="Extension: announce an attempt and its public key")
def register_attempt(exam_id: str, body: AttemptIn, ctx: Ctx, key: Key) -> AttemptCreated:
    """Announcing the same attempt again, after a restart for instance, gives the same answer."""
    key.must_deliver(exam_id, body.candidate.id)
    with ctx.database.writing() as session:
        exam = exam_or_404(session, exam_id)
        candidate = body.candidate.model_dump(mode="json")
        public_key = _as_object(body.publicKey)
        client = _as_object(body.client) or {}
        attempt = enter_attempt(
            session, ctx, exam, body.attemptId, candidate, public_key, client | (body.model_extra or {})
        )
        note_session(session, attempt, key)
        return AttemptCreated(attemptId=attempt.id, attemptNumber=attempt.number)


@router.get("/attempts/{attempt_id}", summary="Extension: an attempt with its submissions and recordings")
def read_attempt(attempt_id: str, ctx: Ctx, key: Key, request: Request) -> AttemptOut:
    key.must_read()
    with ctx.database.reading() as session:
        attempt = attempt_or_404(session, attempt_id)
        key.must_manage(attempt.exam_id)
        submissions = _submissions(session, attempt_id)
        recordings = session.scalars(
            select(Recording).where(Recording.attempt_id == attempt_id).order_by(Recording.created_ns)
        ).all()
        key_out = attempt.public_key
        return AttemptOut(
            attemptId=attempt.id,
            attemptNumber=attempt.number,
            examId=attempt.exam_id,
            candidate=attempt.candidate,
            publicKey=None if key_out is None else key_out.get("key", key_out),
            client=attempt.client,
            createdAt=time_text(attempt.created_ns),
            status="submitted" if submissions else "active",
            submissions=[
                SubmissionOut(submissionId=one.id, createdAt=time_text(one.created_ns), verification=one.verification)
                for one in submissions
            ],
            recordings=[recording_out(ctx, request, session, one) for one in recordings],
            reportUrl=ctx.report_url(request, attempt_id) if any(one.report for one in submissions) else None,
        )


@router.get("/attempts/{attempt_id}/report", summary="Extension: the report, for people", response_class=HTMLResponse)
def report_page(attempt_id: str, ctx: Ctx, guest: Visitor, request: Request, token: str = "") -> HTMLResponse:
    """Opened by an admin key, or by the token of the link that submit answered with."""
    must_open(ctx, guest, token, "report", attempt_id)
    report = _report(ctx, attempt_id)
    render = ctx.services.render_report
    if render is None:
        raise ApiError(501, message="This backend is not configured to render reports")
    link_token = ctx.links.token("report", attempt_id)
    base = f"{ctx.address(request)}/attempts/{attempt_id}/media"
    page = render(report, lambda sha256: f"{base}/{sha256}?token={link_token}")
    return HTMLResponse(page, headers={"Content-Security-Policy": report_policy(page)})


@router.get("/attempts/{attempt_id}/report.json", summary="Extension: the report as data")
def report_json(attempt_id: str, ctx: Ctx, guest: Visitor, token: str = "") -> JsonObject:
    must_open(ctx, guest, token, "report", attempt_id)
    return _report(ctx, attempt_id)


@router.get(
    "/attempts/{attempt_id}/media/{sha256}",
    summary="Extension: a file that the report shows; ranges are supported",
    response_class=FileResponse,
    responses={206: {"description": "The range of the file that was asked for"}},
)
def media(attempt_id: str, sha256: str, ctx: Ctx, guest: Visitor, request: Request, token: str = "") -> FileResponse:
    must_open(ctx, guest, token, "report", attempt_id)
    with ctx.database.reading() as session:
        attempt = attempt_or_404(session, attempt_id)
        of_candidate = select(Recording).where(
            Recording.exam_id == attempt.exam_id,
            Recording.user_id == attempt.user_id,
            Recording.sha256 == sha256.lower(),
        )
        recording = session.scalars(of_candidate.limit(1)).first()
    if recording is None:
        raise ApiError(404)
    return media_response(ctx, request, recording, {"Cache-Control": "private, max-age=86400, immutable"})


def attempt_or_404(session: Session, attempt_id: str) -> Attempt:
    found = session.get(Attempt, attempt_id)
    if found is None:
        raise ApiError(404)
    return found


def enter_attempt(
    session: Session,
    ctx: Context,
    exam: Exam,
    attempt_id: str,
    candidate: dict[str, Any],
    public_key: dict[str, Any] | None,
    client: dict[str, Any],
) -> Attempt:
    """The attempt, entered when new. ApiError 400 when the id is taken by another candidate, exam or key."""
    user_id = str(candidate["id"])
    _adopt(session, exam.id, user_id, attempt_id)
    participant = joined(session, ctx, exam, user_id, str(candidate.get("name") or ""))
    found = session.get(Attempt, attempt_id)
    if found is not None:
        _must_match(found, exam.id, user_id, public_key)
        if found.public_key is None:
            found.public_key, found.candidate, found.client = public_key, candidate, client
        return found
    before = select(func.max(Attempt.number)).where(Attempt.exam_id == exam.id, Attempt.user_id == user_id)
    made = Attempt(
        id=attempt_id,
        exam_id=exam.id,
        user_id=user_id,
        number=(session.scalar(before) or 0) + 1,
        candidate=candidate,
        public_key=public_key,
        client=client,
        created_ns=ctx.now_ns(),
    )
    participant.status = "active"
    session.add(made)
    session.flush()
    return made


def note_session(session: Session, attempt: Attempt, key: Caller) -> None:
    """Which session of a learning platform the attempt was made in, where its token says so."""
    if key.lms_session is not None and session.get(LmsAttempt, attempt.id) is None:
        session_id, of_round = key.lms_session
        session.add(LmsAttempt(attempt_id=attempt.id, session_id=session_id, round=of_round))


def _adopt(session: Session, exam_id: str, user_id: str, attempt_id: str) -> None:
    """Recordings that arrived before the attempt could be announced belong to it."""
    orphans = (Recording.exam_id == exam_id, Recording.user_id == user_id, Recording.attempt_id.is_(None))
    session.execute(update(Recording).where(*orphans).values(attempt_id=attempt_id))


def _must_match(found: Attempt, exam_id: str, user_id: str, public_key: dict[str, Any] | None) -> None:
    if found.exam_id != exam_id or found.user_id != user_id:
        raise invalid("attemptId", "The id is taken by another attempt")
    if found.public_key is not None and public_key != found.public_key:
        raise invalid("publicKey", "The attempt was announced with another key")


def _as_object(value: dict[str, Any] | str | None) -> dict[str, Any] | None:
    """A key may be given as text (hexadecimal, PEM) or as a JWK."""
    return {"key": value} if isinstance(value, str) else value


def _submissions(session: Session, attempt_id: str) -> list[Submission]:
    of_attempt = select(Submission).where(Submission.attempt_id == attempt_id).order_by(Submission.created_ns)
    return list(session.scalars(of_attempt))


def _report(ctx: Context, attempt_id: str) -> dict[str, Any]:
    """The latest report whose manifest was verified here; where there is none, the latest. Its verdict is ours.

    Whoever holds the exam's token can submit again: what nobody could verify never stands in for what was, and what
    a client says of its own verification is never shown.
    """
    with ctx.database.reading() as session:
        attempt_or_404(session, attempt_id)
        reported = [one for one in _submissions(session, attempt_id) if one.report is not None]
    verified = [one for one in reported if (one.verification or {}).get("verified") is True]
    last = next(reversed(verified or reported), None)
    if last is None or last.report is None:
        raise ApiError(404, message="No report has been submitted for this attempt yet")
    return dict(last.report) | {"verification": _in_report(last)}


def _in_report(submission: Submission) -> JsonObject:
    """Our verdict beside the names that reports use for it."""
    verdict, seal = submission.verification or {"problem": NOT_CHECKED}, submission.seal or {}
    verified, problem = verdict.get("verified") is True, verdict.get("problem")
    return verdict | {
        "ok": verified,
        "problems": [] if problem is None else [problem],
        "sealed": bool(seal),
        "signature_ok": verified,
        "head": seal.get("head", ""),
    }
