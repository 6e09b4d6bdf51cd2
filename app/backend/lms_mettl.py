"""Mettl SecureProctor's API: ``POST /v1/init``. Existing integrations only change its address."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Request as HttpRequest
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints
from sqlalchemy import select

from app.backend.auth import host_of
from app.backend.codes import key_of_guess
from app.backend.context import Context, Ctx
from app.backend.errors import invalid, unauthorized
from app.backend.lms_answers import (
    WAITING_NOTE,
    ExternalId,
    ShortText,
    answer,
    import_settings,
    object_or_empty,
    own_address,
)
from app.backend.lms_auth import AskedNow, Platform, by_mettl_signature, by_signature, is_signed
from app.backend.lms_policy import Wish, imported
from app.backend.lms_sessions import Request, desk_of, open_session
from app.backend.models import StoredKey
from app.core.errors import BadInput
from app.core.short_codes import looks_like_code, normalised

router = APIRouter(strict_content_type=False)

JsonObject = dict[str, Any]
KINDS = ("mettl", "invigil")
_LINK = "external_url"
_MSB_KEY = "msbKey"
MSB_KEY_MAX = 240_000
"""Leaves the rest of a request 22 kB of ``BODY_LIMIT_BYTES``; longer keys are named by id or code."""


class Person(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: ShortText = ""
    email: ShortText = ""


class InitIn(BaseModel):
    """Mettl's body, its demonstration's settings by name, and ``external_url``, which is ours: where the exam is."""

    model_config = ConfigDict(extra="allow")
    publicKey: Annotated[str, StringConstraints(max_length=200)] = ""
    userId: ExternalId
    groupName: ExternalId
    proctoringSettings: Annotated[JsonObject, BeforeValidator(object_or_empty)] = {}
    userMetaData: Annotated[Person, BeforeValidator(object_or_empty)] = Person()
    msbKey: Annotated[str, StringConstraints(max_length=MSB_KEY_MAX)] = ""
    external_url: Annotated[str, StringConstraints(max_length=2000)] = ""


class InitOut(BaseModel):
    """``data`` is JSON in a text, as Mettl's integrators read it: ``token`` and the rest of a session's answer."""

    data: str


def platform_of(ctx: Ctx, asked: AskedNow) -> Platform:
    """By our signature, or by Mettl's own over the body."""
    if is_signed(asked):
        return by_signature(ctx, asked, KINDS)
    public_key = asked.texts().get("publicKey", "")
    if not public_key or not asked.header("Authorization"):
        raise unauthorized("A publicKey in the body and a signature in Authorization are needed")
    return by_mettl_signature(ctx, asked, public_key)


@router.post("/v1/init", summary="Mettl: register a candidate, and open their session")
def init(body: InitIn, ctx: Ctx, platform: Annotated[Platform, Depends(platform_of)], request: HttpRequest) -> InitOut:
    """The same group and user give the same session, with the settings of the last request."""
    address = own_address(ctx, request)
    settings = body.model_dump(mode="json", exclude_unset=True, exclude={_LINK, _MSB_KEY})
    msb_key = body.msbKey or str(settings.get("proctoringSettings", {}).pop(_MSB_KEY, ""))
    base_id = _stored_key(ctx, host_of(request), msb_key) if msb_key else ""
    result = import_settings(ctx, "mettl", settings)
    all_settings, given = imported(result)
    wish = Wish(
        exam_id=body.groupName,
        title="" if base_id else body.groupName,
        student_id=body.userId,
        name=body.userMetaData.name.strip() or _extra(body, "userName") or body.userId,
        email=body.userMetaData.email or _extra(body, "userEmail"),
        group=body.groupName,
        start_url=body.external_url,
        base_id=base_id,
        settings=all_settings,
        given=given,
    )
    opened = open_session(ctx, platform, address, Request(wish))
    notes = [WAITING_NOTE.format(field=f"{_LINK} or {_MSB_KEY}")] if opened.waits else []
    made = answer(ctx, address, opened, "", result["unmapped"], notes)
    return InitOut(data=json.dumps({"token": opened.token, **made.model_dump()}))


def _extra(body: InitIn, name: str) -> str:
    value = (body.model_extra or {}).get(name)
    return value.strip()[:300] if isinstance(value, str) else ""


def _stored_key(ctx: Context, host: str, reference: str) -> str:
    """The id of the config key that an MSB key names: by its id here, its short code, or its own text."""
    try:
        with ctx.database.reading() as session:
            found = session.get(StoredKey, reference[:64])
            if found is None and looks_like_code(reference):
                found = key_of_guess(ctx, host, normalised(reference))
            if found is None and reference.count(".") == 2:
                facts = desk_of(ctx).read(reference, ctx.now_ns())
                of_token = select(StoredKey).where(StoredKey.kid == facts.kid, StoredKey.key_id == facts.key_id)
                found = session.scalars(of_token).first()
    except BadInput as error:
        raise invalid(_MSB_KEY, str(error)) from error
    if found is None:
        raise invalid(_MSB_KEY, "No config key is kept here by this id, code or text; upload it first")
    return found.id
