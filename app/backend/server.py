"""Runs an ASGI application with uvicorn in the calling thread."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from app.backend.control import MESSAGE_MAX_BYTES
from app.core.errors import BadInput

_GRACE_S = 3
_PING_S = 20.0
"""A WebSocket's client that does not answer a ping for so long is gone."""


class Server:
    """run() serves until stop(), which any thread may call, or until SIGINT or SIGTERM when run in the main thread.

    Quiet: only what goes wrong is logged, to the ``uvicorn.error`` logger. Requests are not logged, as links carry tokens.
    """

    def __init__(self, app: FastAPI, host: str, port: int, on_ready: Callable[[int], None]) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._on_ready = on_ready
        self._server: _Announcing | None = None
        self._stopped = False

    def run(self) -> None:
        """Calls ``on_ready`` with the real port (``port`` may be 0) once requests are answered.

        BadInput when the address can't be used, or when the application refuses to start.
        """
        listener = _listen(self._host, self._port)
        config = uvicorn.Config(
            self._app,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_S,
            lifespan="on",
            ws="websockets-sansio",
            ws_max_size=MESSAGE_MAX_BYTES,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=_PING_S,
            ws_per_message_deflate=False,
        )
        self._server = _Announcing(config, lambda: self._on_ready(listener.getsockname()[1]))
        self._server.should_exit = self._stopped
        try:
            asyncio.run(self._server.serve(sockets=[listener]))
        except SystemExit as failure:  # uvicorn's way to say that the application did not start
            raise self._app.state.start_failure or BadInput(
                "The backend did not start; see the log for why."
            ) from failure
        finally:
            listener.close()

    def stop(self) -> None:
        """Lets requests under way end for up to 3 s. Safe before run() and more than once."""
        self._stopped = True
        if self._server is not None:
            self._server.should_exit = True


def serve(app: FastAPI, host: str, port: int, on_ready: Callable[[int], None]) -> None:
    """Serves until SIGINT or SIGTERM; see Server.run."""
    Server(app, host, port, on_ready).run()


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._announce()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=256
        )
    except (OSError, OverflowError) as error:
        raise BadInput(
            f"The backend can't listen on {host} port {port} ({error}); choose another address or port."
        ) from error
