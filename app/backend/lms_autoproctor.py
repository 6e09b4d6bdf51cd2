"""AutoProctor: ``POST /api/v2/test-attempts/`` opens the attempt that a ``testAttemptId`` and its HMAC name."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Request as HttpRequest
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from app.backend.context import Ctx
from app.backend.errors import unauthorized
from app.backend.lms_answers import (
    WAITING_NOTE,
    ExternalId,
    SessionAnswer,
    ShortText,
    answer,
    object_or_empty,
    own_address,
)
from app.backend.lms_auth import AskedNow, Platform, secret_for
from app.backend.lms_autoproctor_options import import_options
from app.backend.lms_policy import Wish, imported
from app.backend.lms_sessions import Request, open_session
from app.core.signatures import attempt_hash_fits

router = APIRouter(strict_content_type=False)

JsonObject = dict[str, Any]
_EXAM = "autoproctor"
_STAY_NOTE = (
    "The attempt is there already, and keeps the settings that it was opened with: testAttemptId and its hash are on "
    "the candidate's page, so they can't change them."
)
_HANDLED = {"clientId", "testAttemptId", "hashedTestAttemptId", "userDetails", "lookupKey", "external_url"}


class UserDetails(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: ShortText = ""
    email: ShortText = ""


class TestAttemptIn(BaseModel):
    """The credentials object of a page, its options, and ``external_url``, which is ours: where the exam is.

    ``lookupKey`` groups attempts: here it is the exam's id.
    """

    model_config = ConfigDict(extra="allow")
    clientId: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    testAttemptId: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")]
    hashedTestAttemptId: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    userDetails: Annotated[UserDetails, BeforeValidator(object_or_empty)] = UserDetails()
    lookupKey: ExternalId | None = None
    external_url: Annotated[str, StringConstraints(max_length=2000)] = ""


class TestAttemptOut(SessionAnswer):
    """``report_url`` is null where the attempt is resumed: the candidate can ask for that, and it is the staff's."""

    testAttemptId: str


def platform_of(ctx: Ctx, asked: AskedNow) -> Platform:
    """By ``clientId``, and the hash of ``testAttemptId`` that only its client secret makes."""
    body = asked.texts()
    platform, secret = secret_for(ctx, body.get("clientId", ""), "autoproctor")
    if not attempt_hash_fits(body.get("hashedTestAttemptId", ""), body.get("testAttemptId", ""), secret):
        raise unauthorized("The hashedTestAttemptId does not fit the testAttemptId")
    return platform


@router.post("/api/v2/test-attempts/", summary="AutoProctor: open an attempt, or resume it")
def open_autoproctor(
    body: TestAttemptIn, ctx: Ctx, platform: Annotated[Platform, Depends(platform_of)], request: HttpRequest
) -> TestAttemptOut:
    """What the first request says stays: whoever resumes an attempt can't loosen it."""
    address = own_address(ctx, request)
    options = body.model_dump(mode="json", exclude_unset=True, exclude=_HANDLED)
    result = import_options(options)
    all_settings, given = imported(result)
    wish = Wish(
        exam_id=body.lookupKey or _EXAM,
        title="",
        student_id=body.testAttemptId,
        name=body.userDetails.name.strip() or body.testAttemptId,
        email=body.userDetails.email,
        start_url=body.external_url,
        settings=all_settings,
        given=given,
    )
    opened = open_session(ctx, platform, address, Request(wish, body.testAttemptId, settings_stay=True))
    notes = [] if opened.is_new else [_STAY_NOTE]
    if opened.waits:
        notes.append(WAITING_NOTE.format(field="external_url"))
    made = answer(ctx, address, opened, body.testAttemptId, result["unmapped"], notes)
    said = made.model_dump() if opened.is_new else made.model_dump() | {"report_url": None}
    return TestAttemptOut(**said, testAttemptId=body.testAttemptId)
