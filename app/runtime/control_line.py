"""The line to the backend while an exam runs: what comes over it is handled in turn with everything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from app.core.control import Answer, ControlMessage
from app.core.types import Json
from app.runtime.key_updates import KeyUpdates, Updated
from app.runtime.status import StatusFile
from app.transport.control import ControlChannel

Greet = Callable[[], list[Mapping[str, Json]]]
MakeChannel = Callable[[Greet, Callable[[ControlMessage], None]], ControlChannel | None]
"""From a greeting and a listener: the channel, or None where the policy names no address for it."""


class Proctored(Protocol):
    """What a proctor may do besides newer keys."""

    def handle(self, message: ControlMessage) -> Answer | None:
        """None for a message that it does not know. Session thread."""

    def told(self) -> list[Mapping[str, Json]]:
        """What is said at each connection, after the hello. Any thread."""


class ControlLine:
    """On the session thread, but for ``end``. ``later`` runs work there; ``on_updated`` hears what is in force."""

    def __init__(
        self,
        updates: KeyUpdates,
        make_channel: MakeChannel,
        later: Callable[[Callable[[], None]], None],
        on_updated: Callable[[Updated], None],
        status: StatusFile,
        proctored: Proctored,
    ) -> None:
        self._updates = updates
        self._make_channel = make_channel
        self._later = later
        self._on_updated = on_updated
        self._status = status
        self._proctored = proctored
        self._channel: ControlChannel | None = None

    def begin(self) -> None:
        """Safe to call twice."""
        if self._channel is None:
            self._channel = self._make_channel(
                self._greeting, lambda message: self._later(lambda: self._handle(message))
            )
            if self._channel is not None:
                self._channel.start()

    def end(self) -> None:
        """What comes later is not heard: the evidence is about to be sealed. Any thread; safe to call twice."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.stop()

    @property
    def is_down(self) -> bool:
        """Whether there is to be a connection and is none just now; it is tried again by itself."""
        return self._channel is not None and not self._channel.is_connected

    def say(self, body: Mapping[str, Json]) -> None:
        """To the backend, when there is a connection; without one it is in the next greeting."""
        if self._channel is not None:
            self._channel.answer(body)

    def _greeting(self) -> list[Mapping[str, Json]]:
        return [*self._updates.greeting(), *self._proctored.told()]

    def _handle(self, message: ControlMessage) -> None:
        channel = self._channel
        if channel is None:
            return
        answer, updated = self._updates.handle(message, self._proctored.handle)
        if updated is not None:
            self._on_updated(updated)
        self._status.write(control=message.type, answer=dict(answer))
        channel.answer(answer)
