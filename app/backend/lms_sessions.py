"""Sessions that learning platforms open: one per exam, student and platform's own attempt id, however often it asks."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.backend.auth import hash_key
from app.backend.context import Context, new_id
from app.backend.errors import ApiError, Detail
from app.backend.key_store import newest_for
from app.backend.lms_auth import Platform
from app.backend.lms_models import LmsExam, LmsSession, LmsToken
from app.backend.lms_policy import Place, Wish, audience_of, digest_of, notes_of, session_policy
from app.backend.lms_running import handed_in, sessions_under_way, tell
from app.backend.models import ApiKey, Exam, StoredKey
from app.core.errors import BadInput
from app.core.ports import KeyDesk
from app.core.types import NS_PER_S

JsonObject = dict[str, Any]

LIFE_NS = 24 * 3600 * NS_PER_S
"""How long a session's token and key serve, from the platform's request on."""
DELIVERY_NS = 30 * 24 * 3600 * NS_PER_S
"""How much longer its client may deliver what it recorded."""
_LINK_KIND = "lms-session"
_ID_CHARS = 28
_RACES_MAX = 5


@dataclass(frozen=True, slots=True)
class Request:
    """``external_id`` is the platform's id of the attempt, empty where it has none. ``webhook`` is kept for later.

    ``settings_stay``: a session that is there already keeps the settings that it was opened with.
    """

    wish: Wish
    external_id: str = ""
    webhook: JsonObject | None = None
    settings_stay: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """``notes`` are sentences on what the client can't fulfil; ``waits`` when nobody said where the exam is."""

    id: str
    token: str
    expires_ns: int
    is_new: bool
    waits: bool
    notes: list[str]


def open_session(ctx: Context, platform: Platform, address: str, asked: Request) -> Opened:
    """Opens the session, or brings it up to date. Several requests at once for the same one give the same one.

    ApiError 400 for settings that make no policy, with a sentence; 501 when this backend can't issue keys.
    """
    for _ in range(_RACES_MAX):
        try:
            with ctx.database.writing() as session:
                return _open(session, ctx, platform, address, asked)
        except IntegrityError:
            continue  # another process entered the same exam or session just now: it is there now
    raise ApiError(500)


def exchanged(ctx: Context, token: str) -> str:
    """The config key of the session that the token opens. ApiError 404 with the reason when it opens none."""
    with ctx.database.writing() as session:
        row = session_of(session, ctx, token)
        return _brought_up_to_date(session, ctx, row)


def refresh_running(ctx: Context, exam_id: str) -> int:
    """After a new config key for the exam: its sessions that are under way get keys made of it. How many did.

    Each in a transaction of its own, so that nobody waits for all of them; one that the new key does not fit stays.
    """
    with ctx.database.reading() as session:
        found = sessions_under_way(session, exam_id)
    renewed = 0
    for session_id in found:
        with contextlib.suppress(ApiError), ctx.database.writing() as session:
            row = session.scalars(select(LmsSession).where(LmsSession.id == session_id).with_for_update()).one()
            before = row.serial
            _brought_up_to_date(session, ctx, row)
            renewed += row.serial > before
    return renewed


def session_of(session: Session, ctx: Context, token: str) -> LmsSession:
    """ApiError 404 for a token that was never issued, or not for this round; that ran out; or that was handed in."""
    row = session.scalars(select(LmsSession).where(LmsSession.id == token[:_ID_CHARS]).with_for_update()).first()
    if row is None or not ctx.links.opens(token[_ID_CHARS + 1 :], _LINK_KIND, f"{row.id}.{row.round}"):
        raise ApiError(404, message="This session is not known here; open the exam in your learning platform again")
    if row.expires_ns <= ctx.now_ns():
        raise ApiError(404, message="This session has run out; open the exam in your learning platform again")
    if handed_in(session, row):
        raise ApiError(404, message="This attempt has been handed in; ask your institution if you are to repeat it")
    return row


def _brought_up_to_date(session: Session, ctx: Context, row: LmsSession) -> str:
    base = _base(session, ctx, _wish(ctx, row))
    if base is None and row.base_exam and row.config_key is not None:
        return ctx.vault.open(row.config_key, f"config key {row.id}")  # its base ran out: what was promised holds
    return _key(session, ctx, row, base)[0]


def _wish(ctx: Context, row: LmsSession) -> Wish:
    return Wish.from_json(json.loads(ctx.vault.open(row.wish, f"wish {row.id}")))


def _token(ctx: Context, row: LmsSession) -> str:
    """Made of the session and its round, so that nothing which opens it is stored, and asking again gives the same."""
    return f"{row.id}-{ctx.links.token(_LINK_KIND, f'{row.id}.{row.round}')}"


def _open(session: Session, ctx: Context, platform: Platform, address: str, asked: Request) -> Opened:
    now_ns = ctx.now_ns()
    row = _known(session, platform, asked) if asked.settings_stay else None
    made = row is None
    if row is None:
        row, made = _row(session, ctx, _exam(session, ctx, platform, asked.wish), asked)
    again = not made and (row.expires_ns <= now_ns or handed_in(session, row))
    if again:
        row.round += 1
    if made or again or row.expires_ns - now_ns < LIFE_NS // 2:
        row.expires_ns = now_ns + LIFE_NS
    if made or not asked.settings_stay:
        row.wish = ctx.vault.seal(json.dumps(asked.wish.to_json()), f"wish {row.id}")
        row.address = address
        row.webhook = None if asked.webhook is None else ctx.vault.seal(json.dumps(asked.webhook), f"webhook {row.id}")
    session.flush()
    _, policy = _key(session, ctx, row, _base(session, ctx, _wish(ctx, row)))
    waits = policy["exam"]["start_url"] == _place(ctx, row).waiting_page
    return Opened(row.id, _token(ctx, row), row.expires_ns, made, waits, notes_of(policy))


def _exam(session: Session, ctx: Context, platform: Platform, wish: Wish) -> Exam:
    """The exam here of the platform's one; its title is what the platform said last."""
    known = select(LmsExam).where(LmsExam.integration_id == platform.id, LmsExam.external_id == wish.exam_id)
    found = session.scalars(known).first()
    exam = None if found is None else session.get(Exam, found.exam_id)
    if exam is not None:
        exam.title = wish.title or exam.title
        return exam
    exam = Exam(
        id=new_id("exam"),
        title=wish.title or wish.exam_id,
        duration_min=0,
        settings={"platform": platform.name, "kind": platform.kind, "externalId": wish.exam_id},
        created_ns=ctx.now_ns(),
        started_ns=None,
    )
    session.add(exam)
    session.flush()
    session.add(LmsExam(exam_id=exam.id, integration_id=platform.id, external_id=wish.exam_id))
    session.flush()
    return exam


def _known(session: Session, platform: Platform, asked: Request) -> LmsSession | None:
    """The platform's session of that id, whatever exam and student are named this time."""
    of_platform = select(LmsSession).join(LmsExam, LmsExam.exam_id == LmsSession.exam_id)
    named = of_platform.where(
        LmsExam.integration_id == platform.id, LmsSession.external_id == asked.external_id
    ).with_for_update(of=LmsSession)
    return session.scalars(named).first()


def _row(session: Session, ctx: Context, exam: Exam, asked: Request) -> tuple[LmsSession, bool]:
    known = select(LmsSession).where(
        LmsSession.exam_id == exam.id,
        LmsSession.student_id == asked.wish.student_id,
        LmsSession.external_id == asked.external_id,
    )
    found = session.scalars(known.with_for_update()).first()
    if found is not None:
        return found, False
    made = LmsSession(
        id=new_id("ses"),
        exam_id=exam.id,
        student_id=asked.wish.student_id,
        external_id=asked.external_id,
        wish=b"",
        webhook=None,
        address="",
        round=1,
        created_ns=ctx.now_ns(),
        expires_ns=0,
        digest="",
        serial=0,
        base_exam="",
        config_key=None,
        key_expires_ns=0,
    )
    session.add(made)
    session.flush()
    return made, True


def _key(session: Session, ctx: Context, row: LmsSession, base: Mapping[str, Any] | None) -> tuple[str, JsonObject]:
    """The session's config key and its policy; another key, with a higher serial, only when what it says has changed."""
    policy = session_policy(_wish(ctx, row), base, _place(ctx, row))
    digest = digest_of(policy)
    if row.config_key is not None and row.digest == digest and row.key_expires_ns >= row.expires_ns:
        return ctx.vault.open(row.config_key, f"config key {row.id}"), policy
    now_ns = ctx.now_ns()
    try:
        key = desk_of(ctx).issue(
            policy,
            audience_of(policy),
            now_utc_ns=now_ns,
            not_before_utc_ns=now_ns,
            expires_utc_ns=row.expires_ns,
            serial=row.serial + 1,
        )
    except BadInput as error:
        raise ApiError(400, Detail("settings", str(error)), message="These settings make no policy") from error
    _admit(session, ctx, row, policy["upload"]["token"])
    row.config_key = ctx.vault.seal(key, f"config key {row.id}")
    row.digest, row.key_expires_ns = digest, row.expires_ns
    row.base_exam = "" if base is None else base["exam"]["id"]
    row.serial += 1
    exam = session.get(Exam, row.exam_id)
    if exam is not None:
        exam.duration_min = policy["exam"].get("duration_min") or 0
    tell(session, row, key, now_ns)
    return key, policy


def _admit(session: Session, ctx: Context, row: LmsSession, token: str) -> None:
    """Lets the session's client deliver: to its exam and for its student only."""
    expires_ns = row.expires_ns + DELIVERY_NS
    known = session.get(ApiKey, hash_key(token))
    if known is not None:
        known.expires_ns = expires_ns
        return
    made = ApiKey(
        hash=hash_key(token),
        name=f"session {row.id}",
        scope="exam",
        exam_id=row.exam_id,
        user_id=row.student_id,
        created_ns=ctx.now_ns(),
        expires_ns=expires_ns,
    )
    session.add(made)
    session.flush()
    session.add(LmsToken(hash=made.hash, session_id=row.id, round=row.round))


def _place(ctx: Context, row: LmsSession) -> Place:
    return Place(
        address=row.address,
        exam_id=row.exam_id,
        token=f"inv_{ctx.links.token('lms-delivery', f'{row.id}.{row.round}')}",
        waiting_page=f"{row.address}/v1/sessions/waiting",
    )


def _base(session: Session, ctx: Context, wish: Wish) -> Mapping[str, Any] | None:
    """The policy of the student's newest config key for the exam that is kept here, or of the named one."""
    now_ns = ctx.now_ns()
    named = session.get(StoredKey, wish.base_id) if wish.base_id else None
    exam_id = wish.exam_id if named is None else named.exam_id
    stored = newest_for(session, exam_id, wish.group, wish.student_id, now_ns) or named
    if stored is None:
        return None
    if stored.revoked_ns is not None:
        raise ApiError(
            400, Detail("key", "It was revoked by its issuer"), message="The exam's config key can't be used"
        )
    try:
        return desk_of(ctx).read(stored.token, now_ns).policy
    except BadInput as error:
        issue = f"The exam's config key, serial {stored.serial}, can't be used: {error}"
        raise ApiError(400, Detail("key", issue), message="The exam's config key can't be used") from error


def desk_of(ctx: Context) -> KeyDesk:
    if ctx.services.keys is None:
        raise ApiError(501, message="This backend has no issuer, so it can't open sessions")
    return ctx.services.keys
