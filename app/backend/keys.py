"""``/v1/keys``: config keys that the backend keeps, gives out by short code, and sends to running attempts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import select

from app.backend.auth import Key
from app.backend.codes import code_for, link_of, working_code
from app.backend.context import Context, Ctx, time_text
from app.backend.control_messages import deliveries
from app.backend.errors import ApiError, invalid
from app.backend.key_schemas import KeyIn, KeyOut, KeyRead, KeysOut, KeyStored
from app.backend.key_store import audience_of, is_superseded, push, revocation_tokens, store
from app.backend.lms_sessions import refresh_running
from app.backend.models import StoredKey
from app.backend.schemas import ErrorBody
from app.core.errors import BadInput
from app.core.ports import KeyDesk, KeyFacts
from app.core.short_codes import shown
from app.core.types import NS_PER_S

router = APIRouter()
_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "The key's serial is not above that of the newest key"}
}


@router.post("/v1/keys", summary="Extension: keep a config key and send it to running attempts", responses=_CONFLICT)
def store_key(body: KeyIn, ctx: Ctx, caller: Key, request: Request) -> KeyStored:
    """Sending the same key again gives the same key and, while it works, the same code.

    It reaches the attempts that came since, unless a newer key has taken its place.
    """
    caller.must_be_admin()
    facts = _read(ctx, body.key)
    life_ns = None if body.validForHours is None else round(body.validForHours * 3600 * NS_PER_S)
    with ctx.database.writing() as session:
        key = store(session, facts, ctx.now_ns())
        is_newest = not is_superseded(session, key, ctx.now_ns())
        reached = push(session, key, ctx.now_ns()) if is_newest else []
        code, expires_ns = code_for(session, ctx, key, life_ns)
    ctx.control.wake(reached)
    sessions = refresh_running(ctx, key.exam_id) if is_newest else 0
    return KeyStored(
        **_key_out(key).model_dump(),
        code=shown(code),
        link=link_of(code, ctx.address(request)),
        expiresAt=time_text(expires_ns),
        pushed=len(reached) + sessions,
    )


@router.get("/v1/keys", summary="Extension: the config keys that are kept, of one exam or all")
def list_keys(ctx: Ctx, caller: Key, exam: str = "") -> KeysOut:
    """Newest first. ``exam`` is the exam's id in the policy."""
    caller.must_be_admin()
    chosen = select(StoredKey).order_by(StoredKey.created_ns.desc(), StoredKey.serial.desc())
    if exam:
        chosen = chosen.where(StoredKey.exam_id == exam)
    with ctx.database.reading() as session:
        return KeysOut(keys=[_key_out(key) for key in session.scalars(chosen)])


@router.get("/v1/keys/{stored_id}", summary="Extension: a kept config key, its code, and whom it reached")
def read_key(stored_id: str, ctx: Ctx, caller: Key, request: Request) -> KeyRead:
    caller.must_be_admin()
    with ctx.database.reading() as session:
        key = session.get(StoredKey, stored_id)
        if key is None:
            raise ApiError(404)
        code, expires_ns = working_code(session, ctx, key) or ("", 0)
        return KeyRead(
            **_key_out(key).model_dump(),
            key=key.token,
            code=shown(code) if code else None,
            link=link_of(code, ctx.address(request)) if code else None,
            expiresAt=time_text(expires_ns) if code else None,
            deliveries=deliveries(session, key),
        )


def desk_of(ctx: Context) -> KeyDesk:
    if ctx.services.keys is None:
        raise ApiError(501, message="This backend is not configured to read config keys")
    return ctx.services.keys


def _read(ctx: Context, token: str) -> KeyFacts:
    """The verified key. ApiError 400 with the desk's sentence."""
    desk = desk_of(ctx)
    with ctx.database.reading() as session:
        revoked = revocation_tokens(session)
    try:
        return desk.read(token, ctx.now_ns(), revoked)
    except BadInput as refusal:
        raise invalid("key", str(refusal)) from refusal


def _key_out(key: StoredKey) -> KeyOut:
    return KeyOut(
        id=key.id,
        keyId=key.key_id,
        issuer=key.issuer_name,
        exam=key.exam_id,
        serial=key.serial,
        audience={name: str(value) for name, value in audience_of(key).to_json().items()},
        notBefore=time_text(key.not_before_ns),
        keyExpiresAt=time_text(key.expires_ns),
        createdAt=time_text(key.created_ns),
        revoked=key.revoked_ns is not None,
    )
