"""A real WebSocket server that speaks the backend's side of the control channel."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from app.core.control import SUBPROTOCOL
from app.core.types import Json

WAIT_S = 20.0


@dataclass
class ControlServer:
    """``heard`` is every frame that clients sent, but what they told of holds: that is in ``states``. ``refusals`` answers so many handshakes with 503 first."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    heard: queue.Queue[dict[str, Json]] = field(default_factory=queue.Queue)
    states: list[dict[str, Json]] = field(default_factory=list)
    refusals: int = 0
    refused: int = 0
    connections: list[ServerConnection] = field(default_factory=list)

    def send(self, text: str | Mapping[str, Json]) -> None:
        self.until(lambda: self.connections, "a client")
        self.connections[-1].send(text if isinstance(text, str) else json.dumps(dict(text)))

    def next(self) -> dict[str, Json]:
        return self.heard.get(timeout=WAIT_S)

    def cut(self) -> None:
        """As a network does that goes away: without a word."""
        self.until(lambda: self.connections, "a client")
        self.connections.pop().socket.close()

    @staticmethod
    def until(reached: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not reached():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.01)

    def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        self.tokens.append(connection.request.headers["Authorization"])
        self.connections.append(connection)
        try:
            for text in connection:
                message = json.loads(text)
                if message.get("type") == "state":
                    self.states.append(message)
                else:
                    self.heard.put(message)
        except (ConnectionClosed, OSError):
            pass

    def look_at(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refused < self.refusals:
            self.refused += 1
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "later\n")
        return None


@contextmanager
def control_server(refusals: int = 0) -> Iterator[ControlServer]:
    told = ControlServer(refusals=refusals)
    protocols = [Subprotocol(SUBPROTOCOL)]
    with serve(told.handle, "127.0.0.1", 0, subprotocols=protocols, process_request=told.look_at) as server:
        told.url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        thread = threading.Thread(target=server.serve_forever, name="control server")
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
