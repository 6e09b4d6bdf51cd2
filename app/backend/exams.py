"""``/exams``: create, read, and hand out tokens for one."""

from __future__ import annotations

import html

from fastapi import APIRouter, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from app.backend.auth import Key, Visitor, hash_key, must_open, new_key
from app.backend.context import Context, Ctx, new_id, time_text
from app.backend.errors import ApiError
from app.backend.lms_models import LmsExam
from app.backend.models import ApiKey, Attempt, Exam, Participant, Warned
from app.backend.pages import page
from app.backend.schemas import ExamCreated, ExamIn, ExamOut, ParticipantOut, TokenIn, TokenOut, WarningOut
from app.core.types import NS_PER_S

router = APIRouter()


@router.post("/exams", summary="Create a new exam session")
def create_exam(body: ExamIn, ctx: Ctx, key: Key, request: Request) -> ExamCreated:
    key.must_read()
    exam = Exam(
        id=new_id("exam"),
        title=body.title,
        duration_min=body.duration,
        settings=body.settings,
        created_ns=ctx.now_ns(),
        started_ns=None,
    )
    with ctx.database.writing() as session:
        session.add(exam)
        if key.integration_id is not None:
            session.flush()
            session.add(LmsExam(exam_id=exam.id, integration_id=key.integration_id, external_id=exam.id))
    address = ctx.address(request)
    return ExamCreated(
        id=exam.id,
        title=exam.title,
        duration=exam.duration_min,
        settings=exam.settings,
        status="created",
        createdAt=time_text(exam.created_ns),
        accessUrl=f"{address}/exam/{exam.id}",
        adminUrl=f"{address}/admin/exam/{exam.id}?token={ctx.links.token('exam', exam.id)}",
    )


@router.get("/exams/{exam_id}", summary="Retrieve an exam session by ID")
def read_exam(exam_id: str, ctx: Ctx, key: Key) -> ExamOut:
    key.must_manage(exam_id)
    with ctx.database.reading() as session:
        exam = exam_or_404(session, exam_id)
        people = session.scalars(
            select(Participant).where(Participant.exam_id == exam_id).order_by(Participant.joined_ns)
        ).all()
        warned = session.scalars(
            select(Warned).where(Warned.exam_id == exam_id).order_by(Warned.timestamp, Warned.id)
        ).all()
        begun = _attempts_by_user(session, exam_id)
        done = bool(people) and all(one.status == "submitted" for one in people)
        return ExamOut(
            id=exam.id,
            title=exam.title,
            duration=exam.duration_min,
            settings=exam.settings,
            status="completed" if done else "created" if exam.started_ns is None else "in_progress",
            createdAt=time_text(exam.created_ns),
            startedAt=None if exam.started_ns is None else time_text(exam.started_ns),
            participants=[
                ParticipantOut(
                    id=one.user_id,
                    name=one.name,
                    status="submitted" if one.status == "submitted" else "active",
                    joinedAt=time_text(one.joined_ns),
                    attempts=begun.get(one.user_id, []),
                )
                for one in people
            ],
            warnings=[
                WarningOut(timestamp=one.timestamp, type=one.type, userId=one.user_id, details=one.details)
                for one in warned
            ],
        )


@router.post("/exams/{exam_id}/tokens", summary="Extension: issue a token that may only deliver to this exam")
def issue_token(exam_id: str, ctx: Ctx, key: Key, body: TokenIn | None = None) -> TokenOut:
    key.must_manage(exam_id)
    wish = body or TokenIn()
    token = new_key()
    now_ns = ctx.now_ns()
    hours = wish.validForHours
    expires_ns = None if hours is None else now_ns + round(hours * 3600 * NS_PER_S)
    with ctx.database.writing() as session:
        exam_or_404(session, exam_id)
        session.add(
            ApiKey(
                hash=hash_key(token),
                name=wish.name,
                scope="exam",
                exam_id=exam_id,
                user_id=wish.userId,
                created_ns=now_ns,
                expires_ns=expires_ns,
            )
        )
    return TokenOut(
        token=token,
        scope="exam",
        examId=exam_id,
        userId=wish.userId,
        expiresAt=None if expires_ns is None else time_text(expires_ns),
    )


@router.get("/exam/{exam_id}", summary="Extension: the access page, for people", response_class=HTMLResponse)
def access_page(exam_id: str, ctx: Ctx, guest: Visitor) -> HTMLResponse:
    del guest  # only counted against the rate limit
    with ctx.database.reading() as session:
        title = exam_or_404(session, exam_id).title
    text = "Open this exam with Invigil and the key file that you were sent. It can't be taken in a browser."
    return HTMLResponse(page(title, f"<p>{html.escape(text)}</p>"))


@router.get("/admin/exam/{exam_id}", summary="Extension: the attempts of an exam, for people")
def admin_page(exam_id: str, ctx: Ctx, guest: Visitor, request: Request, token: str = "") -> HTMLResponse:
    must_open(ctx, guest, token, "exam", exam_id)
    with ctx.database.reading() as session:
        title = exam_or_404(session, exam_id).title
        attempts = session.scalars(select(Attempt).where(Attempt.exam_id == exam_id).order_by(Attempt.created_ns)).all()
        rows = "".join(_attempt_row(ctx, request, one) for one in attempts)
    head = "<tr><th>Candidate</th><th>Attempt</th><th>Started</th><th>Report</th></tr>"
    table = f"<table>{head}{rows}</table>" if rows else "<p>Nobody has started yet.</p>"
    return HTMLResponse(page(title, table))


def _attempts_by_user(session: Session, exam_id: str) -> dict[str, list[str]]:
    asked = select(Attempt.user_id, Attempt.id).where(Attempt.exam_id == exam_id).order_by(Attempt.created_ns)
    found: dict[str, list[str]] = {}
    for user_id, attempt_id in session.execute(asked):
        found.setdefault(user_id, []).append(attempt_id)
    return found


def exam_or_404(session: Session, exam_id: str) -> Exam:
    exam = session.get(Exam, exam_id)
    if exam is None:
        raise ApiError(404)
    return exam


def joined(session: Session, ctx: Context, exam: Exam, user_id: str, name: str = "") -> Participant:
    """The participant, entered when new; the first one starts the exam."""
    one = session.get(Participant, (exam.id, user_id))
    if one is None:
        one = Participant(
            exam_id=exam.id, user_id=user_id, name=name or user_id, status="active", joined_ns=ctx.now_ns()
        )
        session.add(one)
    elif name:
        one.name = name
    if exam.started_ns is None:
        exam.started_ns = one.joined_ns
    return one


def _attempt_row(ctx: Context, request: Request, attempt: Attempt) -> str:
    name = str(attempt.candidate.get("name") or attempt.user_id)
    link = html.escape(ctx.report_url(request, attempt.id), quote=True)
    cells = (html.escape(name), str(attempt.number), time_text(attempt.created_ns), f'<a href="{link}">report</a>')
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
