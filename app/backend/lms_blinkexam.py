"""BlinkExam: ``POST /api/external-session/blinkexam.json`` takes the object that pages give to ``setConfig``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi import Request as HttpRequest
from pydantic import BaseModel, ConfigDict, StringConstraints

from app.backend.context import Ctx
from app.backend.errors import invalid, unauthorized
from app.backend.lms_answers import (
    WAITING_NOTE,
    ExternalId,
    SessionAnswer,
    ShortText,
    answer,
    import_settings,
    own_address,
)
from app.backend.lms_auth import Asked, AskedNow, Platform, by_token
from app.backend.lms_policy import Wish, imported
from app.backend.lms_sessions import Request, open_session

router = APIRouter(strict_content_type=False)

_KEY = "serviceAccessKey"
_OURS = {"external_url", "candidateName", "candidateEmail"}


class BlinkExamIn(BaseModel):
    """The vendor's configuration object; ``external_url`` and the candidate's name and e-mail address are ours."""

    model_config = ConfigDict(extra="allow")
    testId: ExternalId
    candidateId: ExternalId
    attemptNumber: ExternalId
    external_url: Annotated[str, StringConstraints(max_length=2000)] = ""
    candidateName: ShortText = ""
    candidateEmail: ShortText = ""


def platform_of(ctx: Ctx, asked: AskedNow) -> Platform:
    """By the ``serviceAccessKey`` as a Bearer token or header of that name, or in the object itself."""
    key = _key_of(asked)
    if not key:
        raise unauthorized(f"A {_KEY} is needed")
    return by_token(ctx, key, ("blinkexam",))


@router.post("/api/external-session/blinkexam.json", summary="BlinkExam: open a candidate's session, or update it")
def open_blinkexam(
    body: BlinkExamIn,
    ctx: Ctx,
    platform: Annotated[Platform, Depends(platform_of)],
    asked: AskedNow,
    request: HttpRequest,
) -> SessionAnswer:
    """The same test, candidate and attempt number give the same session. The key is never part of a policy."""
    address = own_address(ctx, request)
    key = _key_of(asked)
    if (body.model_extra or {}).get(_KEY, key) != key:
        raise invalid(_KEY, "The request came with another one, in a header")
    if key in body.external_url:
        raise invalid("external_url", f"It contains the {_KEY}, which candidates could read; leave it out")
    settings = body.model_dump(mode="json", exclude_unset=True, exclude=_OURS)
    result = import_settings(ctx, "blinkexam", settings | {_KEY: key})
    all_settings, given = imported(result)
    wish = Wish(
        exam_id=body.testId,
        title="",
        student_id=body.candidateId,
        name=body.candidateName.strip() or body.candidateId,
        email=body.candidateEmail,
        start_url=body.external_url,
        settings=all_settings,
        given=given,
    )
    opened = open_session(ctx, platform, address, Request(wish, body.attemptNumber))
    notes = [WAITING_NOTE.format(field="external_url")] if opened.waits else []
    return answer(ctx, address, opened, body.attemptNumber, result["unmapped"], notes)


def _key_of(asked: Asked) -> str:
    return asked.bearer() or asked.header(_KEY) or asked.texts().get(_KEY, "")
