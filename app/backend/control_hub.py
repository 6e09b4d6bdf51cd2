"""Which attempts are connected to this process, and who wakes them when there is a message."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app.backend.database import Database
from app.backend.models import ControlMessage
from app.core.ports import Clock
from app.core.types import NS_PER_S

POLL_S = 1.0
"""What another process stored is found after this time at the latest."""
_OVERLAP_NS = 120 * NS_PER_S
"""How far back each look goes: transactions of other processes may be late, and their clocks."""
log = logging.getLogger(__name__)


class Line:
    """One connection of an attempt's client. ``sent`` is the last message that went out on it. Event loop only."""

    def __init__(self) -> None:
        self.sent = 0
        self.replaced = False
        self.news = asyncio.Event()


class ControlHub:
    """One per process. start() and stop() in the event loop that serves; wake() from any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lines: dict[str, Line] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._poll: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._poll = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._poll is not None:
            self._poll.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poll
        self._loop = self._poll = None

    def enter(self, attempt_id: str) -> Line:
        """A line for the attempt; an earlier one is told that it was replaced. Event loop only."""
        earlier = self._lines.get(attempt_id)
        if earlier is not None:
            earlier.replaced = True
            earlier.news.set()
        line = self._lines[attempt_id] = Line()
        return line

    def leave(self, attempt_id: str, line: Line) -> None:
        if self._lines.get(attempt_id) is line:
            del self._lines[attempt_id]

    def wake(self, attempt_ids: Iterable[str]) -> None:
        """Has these attempts' clients, where they are connected here, look for messages at once."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake, list(attempt_ids))

    def _wake(self, attempt_ids: list[str]) -> None:
        for attempt_id in attempt_ids:
            if attempt_id in self._lines:
                self._lines[attempt_id].news.set()

    async def _watch(self) -> None:
        """One query a second while anybody is connected. A database that fails for a while is asked again."""
        since_ns = self._clock.now().utc_ns
        while True:
            await asyncio.sleep(POLL_S)
            now_ns = self._clock.now().utc_ns
            if self._lines:
                try:
                    found = await run_in_threadpool(self._newest, since_ns - _OVERLAP_NS)
                except SQLAlchemyError:
                    log.warning("The database can't be asked for messages to clients; it is tried again.")
                    continue
                self._wake([attempt_id for attempt_id, seq in found.items() if self._waits(attempt_id, seq)])
            since_ns = now_ns

    def _waits(self, attempt_id: str, seq: int) -> bool:
        line = self._lines.get(attempt_id)
        return line is not None and line.sent < seq

    def _newest(self, since_ns: int) -> dict[str, int]:
        """The last message's ``seq`` of each attempt that was left one since then."""
        last = select(ControlMessage.attempt_id, func.max(ControlMessage.seq)).group_by(ControlMessage.attempt_id)
        with self._database.reading() as session:
            return dict(session.execute(last.where(ControlMessage.created_ns >= since_ns)).all())
