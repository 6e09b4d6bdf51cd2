"""The control channel: a WebSocket on which a running attempt's client is told what changes, and says what it did.

Messages are kept in the database, so none is lost with a connection: a client says with its first message up to which
one it has handled, and is sent all after it. See docs/backend-api.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import NoReturn

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from pydantic import JsonValue, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from app.backend.attempts import attempt_or_404
from app.backend.auth import known
from app.backend.context import Context
from app.backend.control_hub import Line
from app.backend.control_messages import acknowledge, pending
from app.backend.errors import invalid
from app.backend.holds import note_told
from app.backend.json_body import has_broken_text
from app.backend.key_schemas import Ack, Hello, Told
from app.backend.key_store import late_key, leave
from app.core.control import SUBPROTOCOL

HELLO_S = 15.0
MESSAGE_MAX_BYTES = 256 * 1024
"""Of what a client sends; the server refuses more before it is read."""
REPLACED = 4001
router = APIRouter()


class _End(Exception):
    """The connection is closed with this code and reason (at most 123 bytes, RFC 6455)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@router.websocket("/v1/attempts/{attempt_id}/control")
async def control(websocket: WebSocket, attempt_id: str) -> None:
    """Refused with HTTP 400, 401, 404 or 429 before it opens, with a close code and a reason after."""
    ctx: Context = websocket.app.state.context
    await run_in_threadpool(_admit, ctx, websocket, attempt_id)
    await websocket.accept(subprotocol=SUBPROTOCOL)
    line = ctx.control.enter(attempt_id)
    try:
        await _talk(ctx, websocket, attempt_id, line)
    except _End as end:
        await _close(websocket, end)
    except WebSocketDisconnect:
        pass
    finally:
        ctx.control.leave(attempt_id, line)


def _admit(ctx: Context, websocket: WebSocket, attempt_id: str) -> None:
    """ApiError without a key that may deliver for the attempt."""
    scheme, _, key = websocket.headers.get("authorization", "").partition(" ")
    caller = known(ctx, websocket, key.strip() if scheme.lower() == "bearer" else "")
    if SUBPROTOCOL not in websocket.scope.get("subprotocols", []):
        raise invalid("Sec-WebSocket-Protocol", f"The subprotocol {SUBPROTOCOL} is needed")
    with ctx.database.reading() as session:
        attempt = attempt_or_404(session, attempt_id)
    caller.must_deliver(attempt.exam_id, attempt.user_id)


async def _talk(ctx: Context, websocket: WebSocket, attempt_id: str, line: Line) -> None:
    try:
        async with asyncio.timeout(HELLO_S):
            hello = _hello(await _received(ctx, websocket, attempt_id))
    except TimeoutError:
        raise _End(1008, "The client did not say hello in time") from None
    await run_in_threadpool(_join, ctx, attempt_id, hello)
    line.sent = hello.after
    tasks = {
        asyncio.create_task(_send(ctx, websocket, attempt_id, line)),
        asyncio.create_task(_listen(ctx, websocket, attempt_id)),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _send(ctx: Context, websocket: WebSocket, attempt_id: str, line: Line) -> NoReturn:
    """A few messages at a time, the next ones when these went out: a slow client holds up nobody else."""
    while True:
        line.news.clear()
        if line.replaced:
            raise _End(REPLACED, "Another connection of this attempt took over")
        while messages := await run_in_threadpool(pending, ctx.database, attempt_id, line.sent):
            for message in messages:
                await websocket.send_text(message.text)
                line.sent = message.seq
        await line.news.wait()


async def _listen(ctx: Context, websocket: WebSocket, attempt_id: str) -> NoReturn:
    while True:
        message = await _received(ctx, websocket, attempt_id)
        if message.get("type") == "ack":
            await run_in_threadpool(acknowledge, ctx.database, attempt_id, _ack(message), ctx.now_ns())
        elif message.get("type") == "state":
            await run_in_threadpool(note_told, ctx.database, attempt_id, _told(message), ctx.now_ns())


async def _received(ctx: Context, websocket: WebSocket, attempt_id: str) -> dict[str, JsonValue]:
    """The next message, an object with a type. _End for anything else, and for a client that sends too much.

    Counted by attempt, not by key: candidates may share an exam's token, and they all answer at once.
    """
    event = await websocket.receive()
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(event.get("code", 1005))
    if ctx.limiter.take(f"control {attempt_id}") is not None:
        raise _End(1008, "The client sends too many messages")
    text = event.get("text")
    if text is None:
        raise _End(1003, "Messages have to be texts")
    return _object(text)


def _object(text: str) -> dict[str, JsonValue]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise _End(1007, "The message is not JSON") from None
    if has_broken_text(text.encode()):
        raise _End(1007, "The message has characters that are not valid Unicode")
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise _End(1008, "The message is not an object with a type")
    return value


def _hello(message: dict[str, JsonValue]) -> Hello:
    try:
        return Hello.model_validate(message)
    except ValidationError:
        raise _End(1008, "The first message has to be a hello with after, client and key") from None


def _ack(message: dict[str, JsonValue]) -> Ack:
    try:
        return Ack.model_validate(message)
    except ValidationError:
        raise _End(1008, "The ack is not in its form: seq, status, applied, refused, reason") from None


def _told(message: dict[str, JsonValue]) -> Told:
    try:
        return Told.model_validate(message)
    except ValidationError:
        raise _End(1008, "The state is not in its form: held, reason, by") from None


def _join(ctx: Context, attempt_id: str, hello: Hello) -> None:
    """A client that begins with an older key than the newest, or comes back with one, is left a message."""
    with ctx.database.reading() as session:
        key = late_key(session, attempt_or_404(session, attempt_id), hello.key.serial, ctx.now_ns())
    if key is not None:
        with ctx.database.writing() as session:
            leave(session, attempt_id, key, ctx.now_ns())


async def _close(websocket: WebSocket, end: _End) -> None:
    with contextlib.suppress(WebSocketDisconnect, WebSocketDisconnected):
        await websocket.close(end.code, end.reason)
