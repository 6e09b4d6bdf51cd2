"""Which learning platform asks: by its token, by our signature over the whole request, or by Mettl's over the body."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.backend.auth import hash_key, host_of, take
from app.backend.context import Context, Ctx, time_text
from app.backend.errors import ApiError, invalid, unauthorized
from app.backend.integrations import shared_secret
from app.backend.lms_models import Integration, UsedSignature
from app.core.signatures import CLOCK_WINDOW_S, canonical_request, mettl_signature, request_signature, same
from app.core.types import NS_PER_S

SCHEME = "HMAC-SHA256"
KEY_HEADER = "X-Invigil-Key"
TIME_HEADER = "X-Invigil-Timestamp"
BODY_LIMIT_BYTES = 256 * 1024
_TIMESTAMP = re.compile(r"\d{1,12}")
_UNKNOWN = "The credentials are not those of an integration that may do this"


@dataclass(frozen=True, slots=True)
class Platform:
    """A learning platform that proved who it is."""

    id: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its exact body, as it has to be known to check a signature."""

    request: Request
    body: bytes

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")

    def texts(self) -> dict[str, str]:
        """The texts at the body's top, unproven. ApiError 400 when it is no JSON object."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise invalid("body", "The body is not valid JSON") from error
        if not isinstance(found, dict):
            raise invalid("body", "An object is needed")
        return {name: value for name, value in found.items() if isinstance(value, str)}

    def bearer(self) -> str:
        """The token behind ``Bearer``; empty where there is none."""
        scheme, _, token = self.header("Authorization").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


async def _asked(request: Request, ctx: Ctx) -> Asked:
    """Refuses what is too long before anybody hashes it."""
    take(ctx, host_of(request))
    body = await request.body()
    if len(body) > BODY_LIMIT_BYTES:
        raise ApiError(400, message=f"A session's description may have {BODY_LIMIT_BYTES // 1024} kB")
    return Asked(request, body)


AskedNow = Annotated[Asked, Depends(_asked)]


def by_token(ctx: Context, token: str, kinds: Collection[str]) -> Platform:
    """401 unless the token is one of an integration of these kinds."""
    with ctx.database.reading() as session:
        row = session.scalars(select(Integration).where(Integration.token_hash == hash_key(token))).first()
    if not token or row is None or row.kind not in kinds:
        raise unauthorized(_UNKNOWN)
    return Platform(row.id, row.kind, row.name)


def is_signed(asked: Asked) -> bool:
    return asked.header("Authorization").startswith(f"{SCHEME} ")


def by_signature(ctx: Context, asked: Asked, kinds: Collection[str]) -> Platform:
    """Our signature: HMAC-SHA256 over method, path, parameters, body and time. 401 with the reason otherwise.

    Each is accepted once, and only while its time is within five minutes of this server's.
    """
    row, secret = _secret(ctx, asked.header(KEY_HEADER), kinds)
    timestamp = asked.header(TIME_HEADER)
    if not _TIMESTAMP.fullmatch(timestamp):
        raise unauthorized(f"A signed request needs its time, in seconds since 1970, in {TIME_HEADER}")
    url = asked.request.scope
    path = (url.get("raw_path") or url["path"].encode()).decode("latin-1").partition("?")[0]
    query = url["query_string"].decode("latin-1")
    try:
        canonical = canonical_request(asked.request.method, path, query, asked.body, int(timestamp))
    except ValueError as error:
        raise unauthorized("The parameters of the address can't be read, so the signature can't be checked") from error
    given = asked.header("Authorization").removeprefix(f"{SCHEME} ").strip().lower()
    if not same(given, request_signature(canonical, secret)):
        raise unauthorized("The signature does not fit the request; see docs/lms.md for what is signed")
    _in_time(ctx, int(timestamp))
    _first_use(ctx, row, given, int(timestamp))
    return Platform(row.id, row.kind, row.name)


def by_mettl_signature(ctx: Context, asked: Asked, public_key: str) -> Platform:
    """Mettl's own: PBKDF2 over the exact body, which carries no time. Only where the integration allows it."""
    row, secret = _secret(ctx, public_key, ("mettl",))
    if not row.legacy_signature:
        raise unauthorized(f"This integration has to sign with {SCHEME}; see docs/lms.md")
    if not same(asked.header("Authorization").strip().upper(), mettl_signature(asked.body, secret)):
        raise unauthorized("The signature does not fit the body")
    return Platform(row.id, row.kind, row.name)


def secret_for(ctx: Context, public_id: str, kind: str) -> tuple[Platform, str]:
    """A platform that is named, but not proven, and its secret. 401 when there is none of that name."""
    row, secret = _secret(ctx, public_id, (kind,))
    return Platform(row.id, row.kind, row.name), secret


def _secret(ctx: Context, public_id: str, kinds: Collection[str]) -> tuple[Integration, str]:
    with ctx.database.reading() as session:
        row = session.scalars(select(Integration).where(Integration.public_id == public_id)).first()
    if not public_id or row is None or row.kind not in kinds:
        raise unauthorized(_UNKNOWN)
    return row, shared_secret(ctx, row)


def _in_time(ctx: Context, timestamp_s: int) -> None:
    now_ns = ctx.now_ns()
    if abs(now_ns // NS_PER_S - timestamp_s) > CLOCK_WINDOW_S:
        raise unauthorized(
            f"The request's time is more than {CLOCK_WINDOW_S // 60} minutes from this server's, {time_text(now_ns)}; "
            "set the clock and sign again"
        )


def _first_use(ctx: Context, row: Integration, signature: str, timestamp_s: int) -> None:
    """Remembered in the database until the time is out of the window, so by every process of this backend."""
    digest = hashlib.sha256(f"{row.id}\0{signature}".encode()).hexdigest()
    expires_ns = (timestamp_s + 2 * CLOCK_WINDOW_S) * NS_PER_S
    try:
        with ctx.database.writing() as session:
            session.execute(delete(UsedSignature).where(UsedSignature.expires_ns < ctx.now_ns()))
            session.add(UsedSignature(hash=digest, expires_ns=expires_ns))
    except IntegrityError as error:
        raise unauthorized("This very request was made before; sign each with its own time or a parameter") from error
