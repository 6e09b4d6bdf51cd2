"""Short codes: a person types one, and the client is given the config key that it stands for.

A code is derived from the backend's secret, the key and a number, and only a keyed hash of it is stored: neither the
database nor a backup of it gives codes away. They are about 2^39, so what keeps them from being guessed is the limit
on misses: per host, and for all hosts together.
"""

from __future__ import annotations

import hashlib
import ipaddress
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from sqlalchemy import func, select
from sqlalchemy.orm import Session, undefer

from app.backend.auth import host_of, take
from app.backend.context import Context, Ctx
from app.backend.errors import ApiError, invalid, rate_limited
from app.backend.key_schemas import KeyText
from app.backend.models import KeyCode, StoredKey
from app.core.errors import BadInput
from app.core.short_codes import new_code, normalised, shown
from app.core.types import NS_PER_S

LIFE_NS = 24 * 3600 * NS_PER_S
"""How long a code works if nobody says otherwise."""
_EVERYBODY = "everybody"
_UNKNOWN = "No key is kept under this code any more, or it was never given out; check it, or ask for a new one"
router = APIRouter()


@router.get("/v1/keys/codes/{code}", summary="Extension: the config key that a short code stands for")
def resolve(code: str, ctx: Ctx, request: Request) -> KeyText:
    """Needs no API key. Codes that are unknown, expired or of a revoked key are all 404, and count as misses."""
    host = host_of(request)
    take(ctx, host)
    try:
        typed = normalised(code)
    except BadInput as refusal:
        raise invalid("code", str(refusal)) from refusal
    key = key_of_guess(ctx, host, typed)
    if key is None:
        raise ApiError(404, message=_UNKNOWN)
    return KeyText(key=key.token)


def key_of_guess(ctx: Context, host: str, code: str) -> StoredKey | None:
    """The key of a code that somebody sent, who may be guessing: misses count. ApiError 429 after too many.

    One at a time, so that neither can guesses slip through at once nor right codes be taken for misses meanwhile.
    """
    network = _network(host)
    with ctx.code_turn:
        _take_miss(ctx, network)
        with ctx.database.reading() as session:
            key = _key_of_code(session, ctx, code)
        if key is not None:
            _give_back_miss(ctx, network)
    return key


def _key_of_code(session: Session, ctx: Context, code: str) -> StoredKey | None:
    """The key that a code in its normal form gives out now."""
    now_ns = ctx.now_ns()
    found = session.get(KeyCode, _hash(ctx, code))
    if found is None or found.expires_ns <= now_ns:
        return None
    key = session.get(StoredKey, found.stored_key_id, options=[undefer(StoredKey.token)])
    return None if key is None or key.revoked_ns is not None or key.expires_ns <= now_ns else key


def code_for(session: Session, ctx: Context, key: StoredKey, life_ns: int | None) -> tuple[str, int]:
    """A code that works now, and its end: the one that works already, or a new one.

    ``life_ns`` from now on, which the key's end may shorten; None leaves a code's life as it is.
    """
    now_ns = ctx.now_ns()
    ends_ns = min(key.expires_ns, now_ns + (LIFE_NS if life_ns is None else life_ns))
    row = _working(session, key, now_ns)
    if row is None:
        row = _new_code(session, ctx, key, ends_ns)
    elif life_ns is not None:
        row.expires_ns = ends_ns
    return _derived(ctx, key.id, row.number), row.expires_ns


def working_code(session: Session, ctx: Context, key: StoredKey) -> tuple[str, int] | None:
    """The code that works now, and its end."""
    row = _working(session, key, ctx.now_ns())
    return None if row is None or key.revoked_ns is not None else (_derived(ctx, key.id, row.number), row.expires_ns)


def link_of(code: str, address: str) -> str:
    """What a client opens: ``invigil://code/ABCD-EFGH-J?backend=...``."""
    return f"invigil://code/{shown(code)}?{urlencode({'backend': address})}"


def _working(session: Session, key: StoredKey, now_ns: int) -> KeyCode | None:
    of_key = select(KeyCode).where(KeyCode.stored_key_id == key.id, KeyCode.expires_ns > now_ns)
    return session.scalars(of_key.order_by(KeyCode.number.desc()).limit(1)).first()


def _new_code(session: Session, ctx: Context, key: StoredKey, expires_ns: int) -> KeyCode:
    """Tries the next numbers until one gives a code that nobody has: the first, but for once in 2^39."""
    last = session.scalar(select(func.max(KeyCode.number)).where(KeyCode.stored_key_id == key.id)) or 0
    number = last + 1
    while session.get(KeyCode, _hash(ctx, _derived(ctx, key.id, number))) is not None:
        number += 1
    row = KeyCode(
        hash=_hash(ctx, _derived(ctx, key.id, number)), stored_key_id=key.id, number=number, expires_ns=expires_ns
    )
    session.add(row)
    session.flush()
    return row


def _derived(ctx: Context, key_id: str, number: int) -> str:
    digest = hashlib.sha256(ctx.links.token("code", f"{key_id}/{number}").encode()).digest()
    return new_code(lambda below: int.from_bytes(digest) % below)


def _hash(ctx: Context, code: str) -> str:
    return ctx.links.token("code hash", code)


def _take_miss(ctx: Context, network: str) -> None:
    """Counts a request as a miss first; a hit is given back, before the next one's turn."""
    for limiter, who in ((ctx.code_misses, network), (ctx.all_code_misses, _EVERYBODY)):
        wait_s = limiter.take(who)
        if wait_s is not None:
            raise rate_limited(wait_s)


def _give_back_miss(ctx: Context, network: str) -> None:
    ctx.code_misses.give_back(network)
    ctx.all_code_misses.give_back(_EVERYBODY)


def _network(host: str) -> str:
    """An IPv6 host has a /64 of addresses to itself, so that is what is counted."""
    try:
        address = ipaddress.ip_address(host.removeprefix("host "))
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
