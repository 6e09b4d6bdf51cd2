"""HTTP connections that another thread can break off, so that a thread waiting for a dead server can be stopped."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError


class Interrupts:
    """The sockets that each thread waits for. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: dict[int, list[socket.socket]] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Sockets that this thread opens inside can be broken off until the end."""
        thread = threading.get_ident()
        try:
            yield
        finally:
            with self._lock:
                self._sockets.pop(thread, None)

    def add(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.setdefault(threading.get_ident(), []).append(sock)

    def interrupt(self, thread: int) -> None:
        """Breaks off what the thread with this ident waits for; it gets a connection error."""
        with self._lock:
            _break_off(self._sockets.get(thread, ()))

    def interrupt_all(self) -> None:
        with self._lock:
            for sockets in self._sockets.values():
                _break_off(sockets)


def _break_off(sockets: Iterable[socket.socket]) -> None:
    for sock in sockets:
        with contextlib.suppress(OSError):  # it is closed already, which is what we want
            sock.shutdown(socket.SHUT_RDWR)


class InterruptibleAdapter(HTTPAdapter):
    """Connects within ``connect_timeout_s``; each write afterwards has ``write_timeout_s``."""

    def __init__(self, interrupts: Interrupts, connect_timeout_s: float, write_timeout_s: float) -> None:
        self._classes = _pool_classes(interrupts, connect_timeout_s, write_timeout_s)
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = self._classes

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = self._classes
        return manager


def _pool_classes(interrupts: Interrupts, connect_timeout_s: float, write_timeout_s: float) -> dict[str, Any]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(self, interrupts, connect_timeout_s, write_timeout_s)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connected(self, interrupts, connect_timeout_s, write_timeout_s)

        def connect(self) -> None:
            super().connect()
            if self.sock is not None:
                interrupts.add(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _connected(
    connection: HTTPConnection, interrupts: Interrupts, connect_timeout_s: float, write_timeout_s: float
) -> socket.socket:
    """A TCP connection that was interruptible from before its first packet. Errors as urllib3's own connections raise."""
    host = connection.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NameResolutionError(host, connection, socket.gaierror(str(error))) from error
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        interrupts.add(sock)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(connect_timeout_s)
            sock.connect(address)
        except OSError as error:
            failure = error
            sock.close()
        else:
            sock.settimeout(write_timeout_s)
            return sock
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, f"no connection within {connect_timeout_s:.0f} s") from failure
    raise NewConnectionError(connection, str(failure)) from failure
