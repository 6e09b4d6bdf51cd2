"""The control channel as a thread: a WebSocket to the backend that comes back by itself."""

from __future__ import annotations

import json
import queue
import ssl
import threading
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import certifi
import structlog
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.core.control import MESSAGE_MAX_BYTES, SUBPROTOCOL, ControlMessage, read_message
from app.core.errors import BadInput
from app.core.types import Json
from app.transport.addresses import checked_endpoint, is_loopback

log = structlog.get_logger()

OPEN_TIMEOUT_S = 10.0
LISTEN_S = 0.25
"""How long an answer may wait before it is sent."""
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
ANSWERS_MAX = 200
_SCHEMES = {"https": "wss", "http": "ws", "wss": "wss", "ws": "ws"}


class ControlChannel:
    """``start()`` connects; ``stop()`` at any time, from any thread. Nothing is lost by a cut: both sides say again.

    ``greet`` gives, at each connection, what is sent first: the hello and the answers that may not have arrived.
    ``on_message`` is called on the channel's thread and must not block. TLS certificates are verified; the token is
    in no log. Tries again after 1 s, doubled to a minute, each spread by ``random`` (0 to 1) so that a thousand clients
    do not return at once.
    """

    def __init__(
        self,
        endpoint: str,
        token: str,
        attempt_id: str,
        greet: Callable[[], list[Mapping[str, Json]]],
        on_message: Callable[[ControlMessage], None],
        random: Callable[[], float],
    ) -> None:
        self._url = control_url(endpoint, attempt_id)
        self._token = token
        self._greet = greet
        self._on_message = on_message
        self._random = random
        self._answers: queue.Queue[Mapping[str, Json]] = queue.Queue(ANSWERS_MAX)
        self._stopping = threading.Event()
        self._connected = threading.Event()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def answer(self, body: Mapping[str, Json]) -> None:
        """Sends it when there is a connection. What does not go out now is in a later greeting. Any thread."""
        try:
            self._answers.put_nowait(body)
        except queue.Full:
            log.warning("the control channel does not keep up: an answer waits for the next greeting")

    @property
    def is_connected(self) -> bool:
        """Whether the greeting went out and no cut was noticed since. Any thread."""
        return self._connected.is_set()

    def stop(self) -> None:
        """Returns within the time that opening a connection may take, mostly at once."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    # ---- the channel's thread

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stopping.is_set():
            try:
                with self._open() as connection:
                    wait_s = FIRST_WAIT_S
                    self._talk(connection)
            except InvalidStatus as error:
                log.info("the control channel was refused", status=error.response.status_code)
            except (OSError, InvalidHandshake, ConnectionClosed, TimeoutError) as error:
                log.info("the control channel is cut", error=type(error).__name__)
            except BadInput as error:
                log.error("the control channel", error=str(error))
            finally:
                self._connected.clear()
            self._stopping.wait(wait_s * (0.5 + self._random()))
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    def _open(self) -> ClientConnection:
        parts = urlsplit(self._url)
        return connect(
            self._url,
            ssl=_verified_tls() if parts.scheme == "wss" else None,
            additional_headers={"Authorization": f"Bearer {self._token}"},
            user_agent_header="Invigil",
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=1.0,
            max_size=MESSAGE_MAX_BYTES,
            max_queue=4,
            proxy=None if is_loopback(parts.hostname or "") else True,
        )

    def _talk(self, connection: ClientConnection) -> None:
        self._forget_answers()
        for body in self._greet():
            connection.send(json.dumps(dict(body)))
        self._connected.set()
        while not self._stopping.is_set():
            self._send_answers(connection)
            try:
                text = connection.recv(timeout=LISTEN_S)
            except TimeoutError:
                continue
            if not isinstance(text, str):
                raise BadInput("The server sent bytes over the control channel, which speaks text.")
            self._on_message(read_message(text))

    def _forget_answers(self) -> None:
        """The greeting holds them all."""
        while not self._answers.empty():
            self._answers.get_nowait()

    def _send_answers(self, connection: ClientConnection) -> None:
        while not self._answers.empty():
            connection.send(json.dumps(dict(self._answers.get_nowait())))


def control_url(endpoint: str, attempt_id: str) -> str:
    """The channel's address at a backend whose address is given with https, or http on this machine. BadInput."""
    scheme, rest = endpoint.partition("://")[::2]
    web = {"wss": "https", "ws": "http"}.get(scheme, scheme)
    parts = urlsplit(checked_endpoint(f"{web}://{rest}"))
    path = f"{parts.path.rstrip('/')}/v1/attempts/{quote(attempt_id, safe='')}/control"
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, "", ""))


def _verified_tls() -> ssl.SSLContext:
    """The system's authorities and the ones that uploads trust."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
