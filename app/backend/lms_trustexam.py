"""TrustExam's API: ``POST /api/external-session/assignment.json``. Existing integrations only change its address."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi import Request as HttpRequest
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from app.backend.context import Ctx
from app.backend.errors import invalid, unauthorized
from app.backend.lms_answers import (
    WAITING_NOTE,
    ExternalId,
    SessionAnswer,
    ShortText,
    answer,
    import_settings,
    is_safe,
    object_or_empty,
    own_address,
)
from app.backend.lms_auth import AskedNow, Platform, by_signature, by_token, is_signed
from app.backend.lms_policy import Wish, imported, with_query
from app.backend.lms_sessions import Request, open_session

router = APIRouter(strict_content_type=False)

JsonObject = dict[str, Any]
KINDS = ("trustexam", "blinkexam", "invigil")
WEBHOOK_NOTE = "assignment.settings.webhook is kept with the session; this backend does not call webhooks yet."
_HANDLED = ("assignment.settings.webhook.", "session_data.", "student.user.password")


def _text(value: object) -> object:
    return str(value) if isinstance(value, int | float | bool) else value


PhpObject = Annotated[JsonObject, BeforeValidator(object_or_empty)]
QueryText = Annotated[str, StringConstraints(max_length=2000), BeforeValidator(_text)]
Query = Annotated[dict[str, QueryText], BeforeValidator(object_or_empty)]


class _Open(BaseModel):
    """Further fields are allowed: the importer takes them, or the answer says that they have no meaning here."""

    model_config = ConfigDict(extra="allow")


class User(_Open):
    firstname: ShortText = ""
    lastname: ShortText = ""
    email: ShortText = ""


class Student(_Open):
    external_id: ExternalId
    name: ShortText = ""
    firstname: ShortText = ""
    lastname: ShortText = ""
    email: ShortText = ""
    user: Annotated[User | None, BeforeValidator(lambda value: None if value == [] else value)] = None


class Assignment(_Open):
    external_id: ExternalId
    name: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    external_url: Annotated[str, StringConstraints(max_length=2000)] = ""
    settings: PhpObject = {}


class SessionData(_Open):
    external_id: ExternalId | None = None
    query: Query = {}


class Group(_Open):
    external_id: ExternalId


class TrustExamIn(_Open):
    """The vendor's published payload, and what its own plug-in for Moodle sends besides."""

    assignment: Assignment
    student: Student
    application: Literal["browser", "tray", "desktop"] = "browser"
    group: Annotated[Group | None, BeforeValidator(lambda value: None if value == [] else value)] = None
    session_data: Annotated[SessionData, BeforeValidator(object_or_empty)] = SessionData()


def platform_of(ctx: Ctx, asked: AskedNow) -> Platform:
    """By ``api_token``, ``X-Authorization``, a Bearer token or ``serviceAccessKey``, or by our signature."""
    if is_signed(asked):
        return by_signature(ctx, asked, KINDS)
    given = (
        asked.request.query_params.get("api_token", ""),
        asked.header("X-Authorization"),
        asked.bearer(),
        asked.header("serviceAccessKey"),
    )
    token = next((one for one in given if one), "")
    if not token:
        raise unauthorized("An api_token is needed, in the address or as X-Authorization")
    return by_token(ctx, token, KINDS)


KnownPlatform = Annotated[Platform, Depends(platform_of)]


@router.post("/api/external-session/assignment.json", summary="TrustExam: open a student's session, or update it")
def open_trustexam(body: TrustExamIn, ctx: Ctx, platform: KnownPlatform, request: HttpRequest) -> SessionAnswer:
    """The same external ids give the same exam and session, with the settings of the last request."""
    address = own_address(ctx, request)
    assignment, settings = body.assignment, dict(body.assignment.settings)
    webhook = _webhook(settings)
    payload = body.model_dump(mode="json", exclude_unset=True)
    result = import_settings(ctx, "trustexam", payload)
    all_settings, given = imported(result)
    external_id = body.session_data.external_id or ""
    wish = Wish(
        exam_id=assignment.external_id,
        title=assignment.name,
        student_id=body.student.external_id,
        name=_name(body.student),
        email=body.student.email or (body.student.user.email if body.student.user else ""),
        group="" if body.group is None else body.group.external_id,
        start_url=with_query(assignment.external_url, body.session_data.query) if assignment.external_url else "",
        settings=all_settings,
        given=given,
    )
    opened = open_session(ctx, platform, address, Request(wish, external_id, webhook))
    notes = [WEBHOOK_NOTE] if webhook else []
    if opened.waits:
        notes.append(WAITING_NOTE.format(field="assignment.external_url"))
    unmapped = [line for line in result["unmapped"] if not line["source"].startswith(_HANDLED)]
    return answer(ctx, address, opened, external_id, unmapped, notes)


def _name(student: Student) -> str:
    user = student.user or User()
    parts = (student.firstname or user.firstname, student.lastname or user.lastname)
    name = student.name or " ".join(part for part in parts if part)
    if not name.strip():
        raise invalid("student.name", "Field required")
    return name.strip()


def _webhook(settings: JsonObject) -> JsonObject | None:
    """What is to be called when the exam starts and ends. ApiError 400 for addresses that are none."""
    hook = settings.get("webhook")
    if not hook:
        return None
    if not isinstance(hook, dict):
        raise invalid("assignment.settings.webhook", "An object is needed")
    for name in ("start_url", "finish_url"):
        address = hook.get(name)
        if address and not (isinstance(address, str) and is_safe(address)):
            raise invalid(f"assignment.settings.webhook.{name}", "An address that begins with https:// is needed")
    return hook
