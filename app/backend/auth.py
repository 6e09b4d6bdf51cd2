"""API keys: who asks, and what they may do.

``admin`` may do everything. ``exam`` may only deliver to its exam (and for its user, if it names one) and
reads nothing back: it sits on candidates' machines. ``integration`` is a learning platform's own token: it may do
everything with the exams that the platform opened, and open more.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from app.backend.context import Context, Ctx
from app.backend.database import Database
from app.backend.errors import rate_limited, unauthorized
from app.backend.lms_models import Integration, LmsExam, LmsToken
from app.backend.models import ApiKey
from app.backend.settings import BackendServices, BackendSettings

_KEY_BYTES = 32
KEY_LENGTH_MIN = 20
_bearer = HTTPBearer(auto_error=False, description="An admin key, or an exam token from POST /exams/{exam_id}/tokens")
_NOT_ALLOWED = "This key does not have permission for the request"


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a valid key.

    ``integration_id`` and ``exam_ids`` are a learning platform's; ``lms_session`` is the session, and its round, that an
    exam token was issued for.
    """

    scope: str
    exam_id: str | None = None
    user_id: str | None = None
    integration_id: str | None = None
    exam_ids: frozenset[str] = frozenset()
    lms_session: tuple[str, int] | None = None

    def must_be_admin(self) -> None:
        if self.scope != "admin":
            raise unauthorized(_NOT_ALLOWED)

    def must_read(self) -> None:
        """401 for a key that reads nothing back."""
        if self.scope not in ("admin", "integration"):
            raise unauthorized(_NOT_ALLOWED)

    def must_manage(self, exam_id: str) -> None:
        """401 unless this key may read and change the exam."""
        if self.scope != "admin" and exam_id not in self.exam_ids:
            raise unauthorized(_NOT_ALLOWED)

    def must_deliver(self, exam_id: str, user_id: str | None = None) -> None:
        """401 unless this key may deliver to the exam, and for that user where one is named."""
        if self.scope == "admin" or exam_id in self.exam_ids:
            return
        if self.scope != "exam" or self.exam_id != exam_id:
            raise unauthorized(_NOT_ALLOWED)
        if self.user_id is not None and user_id is not None and self.user_id != user_id:
            raise unauthorized(_NOT_ALLOWED)


def caller(
    request: Request, ctx: Ctx, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """The caller of an endpoint that needs a key: 401 without a valid one, 429 when it asks too often.

    BlinkExam's integrators know their key as ``serviceAccessKey``: a header of that name serves as well.
    """
    key = request.headers.get("serviceAccessKey") if credentials is None else credentials.credentials
    return known(ctx, request, key or "")


def known(ctx: Context, connection: HTTPConnection, key: str) -> Caller:
    """The holder of the key that a request or a WebSocket came with; see caller."""
    if not key:
        take(ctx, host_of(connection))
        raise unauthorized("A Bearer API key is needed")
    found = find_key(ctx, key)
    take(ctx, host_of(connection) if found is None else hash_key(key))
    if found is None:
        raise unauthorized("The API key is not valid")
    return found


def visitor(
    request: Request, ctx: Ctx, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller | None:
    """For addresses that a link token may open instead of a key; None when there is no valid key."""
    take(ctx, host_of(request))
    return None if credentials is None else find_key(ctx, credentials.credentials)


Key = Annotated[Caller, Depends(caller)]
Visitor = Annotated[Caller | None, Depends(visitor)]


def must_open(ctx: Context, guest: Caller | None, token: str, kind: str, name: str) -> None:
    """401 unless an admin asks or the link's token fits."""
    if guest is not None and guest.scope == "admin":
        return
    if not token or not ctx.links.opens(token, kind, name):
        raise unauthorized("This address needs an admin key or its complete link")


def take(ctx: Context, who: str) -> None:
    wait_s = ctx.limiter.take(who)
    if wait_s is not None:
        raise rate_limited(wait_s)


def find_key(ctx: Context, key: str) -> Caller | None:
    with ctx.database.reading() as session:
        row = session.get(ApiKey, hash_key(key))
        if row is None:
            return _integration_of(session, key)
        if row.expires_ns is not None and row.expires_ns <= ctx.now_ns():
            return None
        opened = session.get(LmsToken, row.hash)
        return Caller(
            row.scope,
            row.exam_id,
            row.user_id,
            lms_session=None if opened is None else (opened.session_id, opened.round),
        )


def _integration_of(session: Session, key: str) -> Caller | None:
    """The learning platform whose token this is."""
    found = session.scalars(select(Integration.id).where(Integration.token_hash == hash_key(key))).first()
    if found is None:
        return None
    exam_ids = session.scalars(select(LmsExam.exam_id).where(LmsExam.integration_id == found))
    return Caller("integration", integration_id=found, exam_ids=frozenset(exam_ids))


def hash_key(key: str) -> str:
    """Keys are random and long, so a plain hash is enough to keep them from being read back."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_key() -> str:
    return f"inv_{secrets.token_urlsafe(_KEY_BYTES)}"


def ensure_admin_key(settings: BackendSettings, services: BackendServices, key: str = "") -> str | None:
    """Sees to it that the backend has an admin key; usable before and beside a running server.

    With ``key`` given (at least 20 characters), that one is admitted and returned. Otherwise one is made on the
    first start and returned, the only time that it can be seen; later None.
    """
    if key and len(key) < KEY_LENGTH_MIN:
        raise ValueError(f"an API key needs at least {KEY_LENGTH_MIN} characters")
    settings.make_data_dir()
    database = Database(settings.database)
    database.start()
    try:
        with database.writing() as session:
            if not key and session.scalar(select(ApiKey.hash).where(ApiKey.scope == "admin").limit(1)) is not None:
                return None
            made = key or new_key()
            if session.get(ApiKey, hash_key(made)) is None:
                now_ns = services.clock.now().utc_ns
                session.add(
                    ApiKey(
                        hash=hash_key(made),
                        name="first admin key",
                        scope="admin",
                        exam_id=None,
                        user_id=None,
                        created_ns=now_ns,
                        expires_ns=None,
                    )
                )
            return made
    finally:
        database.stop()


def host_of(connection: HTTPConnection) -> str:
    return f"host {connection.client.host}" if connection.client else "host unknown"
