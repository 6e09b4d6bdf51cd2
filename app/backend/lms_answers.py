"""What the platforms' APIs have in common: reading settings, the answer, and the pages that it links to."""

from __future__ import annotations

import html
import ipaddress
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from pydantic import BaseModel, BeforeValidator, StringConstraints
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.backend.auth import Visitor, must_open
from app.backend.context import Context, Ctx, time_text
from app.backend.errors import ApiError, Detail
from app.backend.lms_models import LmsSession
from app.backend.lms_running import attempts_of
from app.backend.lms_sessions import Opened, desk_of, exchanged, session_of
from app.backend.models import Attempt, Exam
from app.backend.pages import page
from app.core.errors import BadInput

router = APIRouter()

WAITING_NOTE = (
    "Nobody said where the exam is: give {field}, or upload a config key for this exam; until then students see a page "
    "that says so."
)
_REPORT = "lms-report"


def _id_text(value: object) -> object:
    """Platforms send their ids as texts or as numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def object_or_empty(value: object) -> object:
    """PHP writes an empty object as an empty list."""
    return {} if value in ([], None) else value


ExternalId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$"),
    BeforeValidator(_id_text),
]
ShortText = Annotated[str, StringConstraints(max_length=300)]


class Unused(BaseModel):
    """A setting that became no part of the policy, and why."""

    source: str
    reason: str


class ExternalSession(BaseModel):
    id: str
    token: str
    status: str
    expires_at: str
    external_id: str


class SessionAnswer(BaseModel):
    """``session_url`` opens the client, ``report_url`` the report (null where who asks may be the candidate).

    ``access_token`` is the token once more.

    ``unmapped``: settings that have no meaning here. ``notes``: what the client can't fulfil, in sentences.
    """

    external_session: ExternalSession
    access_token: str
    session_url: str
    report_url: str | None
    unmapped: list[Unused]
    notes: list[str]


def own_address(ctx: Context, request: HttpRequest) -> str:
    """This backend's address, for links and keys. ApiError 501 when it is one that no client would accept."""
    address = ctx.address(request)
    if not is_safe(address):
        raise ApiError(501, message="Sessions need https: this backend has to be told its public https address")
    return address


def is_safe(address: str) -> bool:
    """Whether it is an https address, or an http one of this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)))


def import_settings(ctx: Context, vendor: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """``policy``, ``mapped`` and ``unmapped``. ApiError 400 with a sentence that names each wrong setting."""
    try:
        return desk_of(ctx).import_settings(vendor, settings)
    except BadInput as error:
        raise ApiError(400, Detail("settings", str(error)), message="The settings can't be used") from error


def answer(
    ctx: Context, address: str, opened: Opened, external_id: str, unmapped: list[dict[str, str]], notes: list[str]
) -> SessionAnswer:
    return SessionAnswer(
        external_session=ExternalSession(
            id=opened.id,
            token=opened.token,
            status="created",
            expires_at=time_text(opened.expires_ns),
            external_id=external_id,
        ),
        access_token=opened.token,
        session_url=f"{address}/launch/{opened.token}",
        report_url=f"{address}/v1/sessions/{opened.id}/report?token={ctx.links.token(_REPORT, opened.id)}",
        unmapped=[Unused(**one) for one in unmapped],
        notes=[*notes, *opened.notes],
    )


class ExchangeIn(BaseModel):
    token: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ExchangeOut(BaseModel):
    key: str


@router.post("/v1/sessions/exchange", summary="Extension: the config key of a session, for its client")
def exchange(body: ExchangeIn, ctx: Ctx, guest: Visitor) -> ExchangeOut:
    """No credential but the token. The same key each time, until the platform changes the session."""
    del guest  # only counted against the rate limit
    return ExchangeOut(key=exchanged(ctx, body.token))


@router.get("/launch/{token}", summary="Extension: opens the client, for people", response_class=HTMLResponse)
def launch(token: str, ctx: Ctx, guest: Visitor) -> HTMLResponse:
    del guest
    with ctx.database.reading() as session:
        row = session_of(session, ctx, token)
        title = _title(session, row)
    link = f"invigil://session/{token}?backend={quote(row.address, safe='')}"
    button = f'<p><a class="button" href="{html.escape(link, quote=True)}">Open the exam in Invigil</a></p>'
    text = (
        "<p>If nothing happens, Invigil is not installed on this computer: get it from your institution, then come "
        f"back to this page. It works until {html.escape(time_text(row.expires_ns))}.</p>"
    )
    return HTMLResponse(page(title, button + text))


@router.get(
    "/v1/sessions/waiting", summary="Extension: shown where an exam has no address", response_class=HTMLResponse
)
def waiting(guest: Visitor) -> HTMLResponse:
    del guest
    text = (
        "<p>Your learning platform opened this exam without saying where its questions are. Tell your institution: it "
        "has to give the exam's address (external_url), or a config key for this exam.</p>"
    )
    return HTMLResponse(page("This exam has no address yet", text))


@router.get(
    "/v1/sessions/{session_id}/report", summary="Extension: a session's report, for people", response_class=HTMLResponse
)
def report(session_id: str, ctx: Ctx, guest: Visitor, request: HttpRequest, token: str = "") -> Response:
    """Leads to the report of the only attempt, lists several, or says that there is none yet."""
    must_open(ctx, guest, token, _REPORT, session_id)
    with ctx.database.reading() as session:
        row = session.get(LmsSession, session_id)
        if row is None:
            raise ApiError(404)
        title = _title(session, row)
        attempts = attempts_of(session, row)
    reports = [one.id for one, submitted in attempts if submitted]
    if len(attempts) == 1 and reports:
        return RedirectResponse(ctx.report_url(request, reports[0]), status_code=303)
    if not attempts:
        return HTMLResponse(page(title, "<p>The exam has not been started yet.</p>"))
    rows = "".join(_attempt_row(ctx, request, one, submitted) for one, submitted in attempts)
    return HTMLResponse(page(title, f"<table><tr><th>Attempt</th><th>Started</th><th>Report</th></tr>{rows}</table>"))


def _title(session: Session, row: LmsSession) -> str:
    exam = session.get(Exam, row.exam_id)
    return "" if exam is None else exam.title


def _attempt_row(ctx: Context, request: HttpRequest, attempt: Attempt, submitted: bool) -> str:
    link = html.escape(ctx.report_url(request, attempt.id), quote=True)
    cell = f'<a href="{link}">report</a>' if submitted else "under way"
    return f"<tr><td>{attempt.number}</td><td>{time_text(attempt.created_ns)}</td><td>{cell}</td></tr>"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
