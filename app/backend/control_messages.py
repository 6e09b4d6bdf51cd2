"""Messages to attempts' clients as the database has them: what is to be sent, and what was answered."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.backend.context import time_text
from app.backend.database import Database
from app.backend.key_schemas import Ack, DeliveryOut, RefusedField
from app.backend.models import Attempt, ControlMessage, StoredKey

_AT_ONCE = 4
"""Keys can be 400 kB long."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    seq: int
    text: str


def pending(database: Database, attempt_id: str, after: int) -> list[Outgoing]:
    """The next messages after the one with that ``seq``, acknowledged or not: a client asks for what it lost."""
    following = (
        select(ControlMessage, StoredKey.token)
        .outerjoin(StoredKey, StoredKey.id == ControlMessage.stored_key_id)
        .where(ControlMessage.attempt_id == attempt_id, ControlMessage.seq > after)
        .order_by(ControlMessage.seq)
        .limit(_AT_ONCE)
    )
    with database.reading() as session:
        return [_outgoing(message, token) for message, token in session.execute(following)]


def acknowledge(database: Database, attempt_id: str, ack: Ack, now_ns: int) -> None:
    """Keeps the first answer to a message; a repeated one, or one to a message that never was, changes nothing."""
    with database.reading() as session:
        message = session.get(ControlMessage, (attempt_id, ack.seq))
    if message is None or message.acknowledged_ns is not None:
        return
    with database.writing() as session:
        message = session.get(ControlMessage, (attempt_id, ack.seq))
        if message is not None and message.acknowledged_ns is None:
            message.acknowledged_ns = now_ns
            message.answer = ack.model_dump(mode="json", exclude={"type", "seq"})


def deliveries(session: Session, key: StoredKey) -> list[DeliveryOut]:
    """To which attempts the key was sent, and what their clients made of it."""
    sent = (
        select(ControlMessage, Attempt.user_id)
        .join(Attempt, Attempt.id == ControlMessage.attempt_id)
        .where(ControlMessage.stored_key_id == key.id)
        .order_by(ControlMessage.created_ns, ControlMessage.attempt_id)
    )
    return [_delivery(message, user_id) for message, user_id in session.execute(sent)]


def _outgoing(message: ControlMessage, token: str | None) -> Outgoing:
    body = message.body | {"type": message.type, "seq": message.seq}
    return Outgoing(message.seq, json.dumps(body if token is None else body | {"key": token}))


def _delivery(message: ControlMessage, user_id: str) -> DeliveryOut:
    answer = message.answer or {"status": "pending", "applied": [], "refused": [], "reason": ""}
    acknowledged_ns = message.acknowledged_ns
    return DeliveryOut(
        attemptId=message.attempt_id,
        userId=user_id,
        seq=message.seq,
        createdAt=time_text(message.created_ns),
        acknowledgedAt=None if acknowledged_ns is None else time_text(acknowledged_ns),
        status=answer["status"],
        applied=answer["applied"],
        refused=[RefusedField(**one) for one in answer["refused"]],
        reason=answer["reason"],
    )
