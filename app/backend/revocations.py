"""Whom this backend trusts, and which keys their issuers took back: for clients to fetch and rely on for a while."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from app.backend.auth import Key, host_of, take
from app.backend.context import Context, Ctx
from app.backend.errors import ApiError, Detail, invalid
from app.backend.key_schemas import JwksOut, RevocationsIn, RevocationsOut, RevocationsStored
from app.backend.key_store import revocation_tokens
from app.backend.keys import desk_of
from app.backend.models import RevocationList, StoredKey
from app.backend.schemas import ErrorBody
from app.core.errors import BadInput
from app.core.ports import RevocationFacts

router = APIRouter()
_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "A newer list of the same issuer is kept"}
}


@router.get("/.well-known/jwks.json", summary="Extension: the public keys of the issuers trusted here (RFC 7517)")
def jwks(ctx: Ctx, request: Request) -> JwksOut:
    """Needs no API key. Each key has its issuer's ``name``."""
    take(ctx, host_of(request))
    return JwksOut.model_validate(desk_of(ctx).jwks())


@router.get("/v1/keys/revocations", summary="Extension: the newest revocation list of each issuer")
def read_revocations(ctx: Ctx, request: Request) -> RevocationsOut:
    """Needs no API key: the lists are signed."""
    take(ctx, host_of(request))
    with ctx.database.reading() as session:
        return RevocationsOut(lists=revocation_tokens(session))


@router.post("/v1/keys/revocations", summary="Extension: keep a newer revocation list", responses=_CONFLICT)
def store_revocations(body: RevocationsIn, ctx: Ctx, caller: Key) -> RevocationsStored:
    """Keys that it revokes are not given out any more. Sending the same list again changes nothing."""
    caller.must_be_admin()
    try:
        facts = desk_of(ctx).read_revocations(body.list, ctx.now_ns())
    except BadInput as refusal:
        raise invalid("list", str(refusal)) from refusal
    with ctx.database.writing() as session:
        _keep(session, facts, ctx.now_ns())
        revoked = _withdraw(session, ctx, revocation_tokens(session))
    return RevocationsStored(kid=facts.kid, serial=facts.serial, revoked=revoked)


def _keep(session: Session, facts: RevocationFacts, now_ns: int) -> None:
    """ApiError 409 for a list that is older than the kept one, or another of the same serial."""
    known = session.get(RevocationList, facts.kid)
    if known is None:
        session.add(RevocationList(kid=facts.kid, serial=facts.serial, token=facts.token, received_ns=now_ns))
    elif facts.serial > known.serial:
        known.serial, known.token, known.received_ns = facts.serial, facts.token, now_ns
    elif facts.token != known.token:
        issue = f"A list of this issuer with serial {known.serial} is kept; a newer one needs a higher serial"
        raise ApiError(409, Detail("list", issue))
    session.flush()


def _withdraw(session: Session, ctx: Context, lists: list[str]) -> int:
    """Marks the kept keys that are refused now, and counts them."""
    desk, now_ns = desk_of(ctx), ctx.now_ns()
    marked = 0
    in_use = select(StoredKey).where(StoredKey.revoked_ns.is_(None), StoredKey.expires_ns > now_ns)
    for key in session.scalars(in_use.options(undefer(StoredKey.token))):
        try:
            desk.read(key.token, now_ns, lists)
        except BadInput:
            key.revoked_ns = now_ns
            marked += 1
    return marked
