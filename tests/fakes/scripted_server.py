"""A small real HTTP server whose answers a test writes down beforehand."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(slots=True)
class Answer:
    """``body`` as JSON, or raw bytes. ``hang`` answers only when the server stops; ``cut`` closes without answering."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    cut: bool = False


@dataclass(slots=True)
class Heard:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class _Listener(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True


class ScriptedServer:
    """Gives the answers in their order, the last one for ever. ``heard`` are the requests.

    Paths in ``by_path``, which a test may change at any time, get that answer, outside of the order.
    """

    def __init__(
        self, *answers: Answer, tls: ssl.SSLContext | None = None, by_path: Mapping[str, Answer] | None = None
    ) -> None:
        self.answers = list(answers)
        self.by_path = dict(by_path or {})
        self.heard: list[Heard] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._server = _Listener(("127.0.0.1", 0), self._handler())
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="scripted-server")

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next_answer(self, heard: Heard) -> Answer:
        with self._lock:
            self.heard.append(heard)
            if heard.path in self.by_path:
                return self.by_path[heard.path]
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def do_CONNECT(self) -> None:
                self._answer()

            def log_message(self, *_args: Any, **_kwargs: Any) -> None:
                return

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                answer = script.next_answer(Heard(self.command, self.path, dict(self.headers.items()), body))
                if answer.hang:
                    script.stopping.wait(30)
                if answer.hang or answer.cut:
                    self.close_connection = True
                    return
                data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        return Handler
