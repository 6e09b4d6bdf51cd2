"""``/v1/integrations``: the credentials of learning platforms, each in the form that its vendor's API has."""

from __future__ import annotations

import secrets
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response

from app.backend.auth import KEY_LENGTH_MIN, Key, hash_key, new_key
from app.backend.context import Context, Ctx, new_id, time_text
from app.backend.errors import ApiError, invalid
from app.backend.lms_models import Integration
from app.backend.schemas import Name

router = APIRouter(prefix="/v1/integrations")

SECRET_LENGTH_MIN = 12
_SECRET_BYTES = 32

CREDENTIALS: dict[str, tuple[str, ...]] = {
    "trustexam": ("api_token",),
    "blinkexam": ("serviceAccessKey",),
    "mettl": ("publicKey", "privateKey"),
    "autoproctor": ("clientId", "clientSecret"),
    "invigil": ("publicKey", "privateKey"),
}
"""What each vendor calls them: a token that says it all, or a public id and the secret that belongs to it."""

_Own = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]


class _Credentials(BaseModel):
    api_token: _Own | None = None
    serviceAccessKey: _Own | None = None
    publicKey: _Own | None = None
    privateKey: _Own | None = None
    clientId: _Own | None = None
    clientSecret: _Own | None = None


class IntegrationIn(_Credentials):
    """With credentials given, those of an existing configuration are admitted; otherwise new ones are made.

    ``legacySignature``: Mettl's own signature (PBKDF2) is accepted besides HMAC-SHA256; only for the kind mettl.
    """

    kind: Literal["trustexam", "mettl", "autoproctor", "blinkexam", "invigil"]
    name: Name
    legacySignature: Annotated[bool, Field(strict=True)] | None = None


class IntegrationOut(BaseModel):
    """``publicId`` is the public key or client id, null where the credential is a token alone."""

    id: str
    kind: str
    name: str
    publicId: str | None
    legacySignature: bool
    createdAt: str


class IntegrationMade(_Credentials, IntegrationOut):
    """The credentials can be seen this once."""


class IntegrationList(BaseModel):
    integrations: list[IntegrationOut]


@router.post(
    "", summary="Extension: admit a learning platform and make its credentials", response_model_exclude_none=True
)
def create_integration(body: IntegrationIn, ctx: Ctx, key: Key) -> IntegrationMade:
    key.must_be_admin()
    chosen = _chosen(body)
    row = Integration(
        id=new_id("int"),
        kind=body.kind,
        name=body.name,
        public_id=None,
        secret=None,
        token_hash=None,
        legacy_signature=body.kind == "mettl" if body.legacySignature is None else body.legacySignature,
        created_ns=ctx.now_ns(),
        revoked_ns=None,
    )
    _lock_away(ctx, row, list(chosen.values()))
    try:
        with ctx.database.writing() as session:
            session.add(row)
    except IntegrityError as error:
        raise invalid(next(iter(chosen)), "Another integration has this one; choose another, or delete that") from error
    return IntegrationMade.model_validate(_out(row).model_dump() | chosen)


@router.get("", summary="Extension: the learning platforms, without their secrets")
def list_integrations(ctx: Ctx, key: Key) -> IntegrationList:
    key.must_be_admin()
    with ctx.database.reading() as session:
        rows = session.scalars(
            select(Integration).where(Integration.revoked_ns.is_(None)).order_by(Integration.created_ns)
        )
        return IntegrationList(integrations=[_out(row) for row in rows])


@router.delete(
    "/{integration_id}",
    summary="Extension: withdraw a platform's credentials",
    status_code=204,
    response_class=Response,
)
def delete_integration(integration_id: str, ctx: Ctx, key: Key) -> Response:
    """They are erased at once. Its exams, sessions and reports stay, and students who have a session finish it."""
    key.must_be_admin()
    with ctx.database.writing() as session:
        row = session.get(Integration, integration_id)
        if row is None or row.revoked_ns is not None:
            raise ApiError(404)
        row.revoked_ns = ctx.now_ns()
        row.public_id = row.secret = row.token_hash = None
    return Response(status_code=204)


def shared_secret(ctx: Context, row: Integration) -> str:
    """The private key or client secret of an integration that has one; empty for the others."""
    return "" if row.secret is None else ctx.vault.open(row.secret, f"integration {row.id}")


def _chosen(body: IntegrationIn) -> dict[str, str]:
    """The credentials by their names: the given ones, else new ones. ApiError 400 for what does not go together."""
    given = {name: value for name in _Credentials.model_fields if (value := getattr(body, name)) is not None}
    names = CREDENTIALS[body.kind]
    for name in given:
        if name not in names:
            raise invalid(name, f"An integration of kind {body.kind} has no such field; it has {' and '.join(names)}")
    if body.legacySignature and body.kind != "mettl":
        raise invalid("legacySignature", "Only an integration of kind mettl has the older signature")
    if not given:
        return _new(names)
    for name in names:
        if name not in given:
            raise invalid(name, f"Bring {' and '.join(names)} together, or neither")
    least = KEY_LENGTH_MIN if len(names) == 1 else SECRET_LENGTH_MIN
    if len(given[names[-1]]) < least:
        raise invalid(names[-1], f"A secret needs at least {least} characters")
    return {name: given[name] for name in names}


def _new(names: tuple[str, ...]) -> dict[str, str]:
    if len(names) == 1:
        return {names[0]: new_key()}
    return {names[0]: f"pk_{secrets.token_hex(12)}", names[1]: f"sk_{secrets.token_urlsafe(_SECRET_BYTES)}"}


def _lock_away(ctx: Context, row: Integration, values: list[str]) -> None:
    if len(values) == 1:
        row.token_hash = hash_key(values[0])
    else:
        row.public_id, row.secret = values[0], ctx.vault.seal(values[1], f"integration {row.id}")


def _out(row: Integration) -> IntegrationOut:
    return IntegrationOut(
        id=row.id,
        kind=row.kind,
        name=row.name,
        publicId=row.public_id,
        legacySignature=row.legacy_signature,
        createdAt=time_text(row.created_ns),
    )
