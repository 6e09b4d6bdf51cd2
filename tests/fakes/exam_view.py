"""A real exam view on the virtual desktop, and a real web server with the pages that a test gives it.

A test module takes the fixtures by assigning them: ``site = exam_view.site``.
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pytestqt.qtbot import QtBot

from app.browser.environment import prepare_environment
from app.browser.exam_view import ExamView
from app.core.policy import Browser

RESOURCES = Path(__file__).parents[2] / "resources"
PAGE_SCRIPT = (RESOURCES / "sdk" / "page_api.js").read_text(encoding="utf-8")
MIME = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

# What QtWebEngine says of a machine without a graphics card.
NO_GPU = pytest.mark.qt_log_ignore("ulkan", "GPU vendor", "DRI3", "Sandboxing disabled", extend=True)

prepare_environment(os.environ, is_root=hasattr(os, "geteuid") and os.geteuid() == 0)


class Site:
    """A web server on loopback. ``pages`` maps a path to HTML, or to a status with headers; others are files.

    An answer in ``held`` waits for its event, 10 s at most.
    """

    def __init__(self) -> None:
        self.pages: dict[str, str | tuple[int, dict[str, str]]] = {}
        self.held: dict[str, threading.Event] = {}
        self.asked: list[str] = []
        self.user_agents: set[str] = set()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                site.user_agents.add(self.headers.get("User-Agent", ""))
                page = site.pages.get(self.path.partition("?")[0])
                if self.path in site.held:
                    site.held[self.path].wait(10)
                if isinstance(page, tuple):
                    self.send_response(page[0])
                    for name, value in page[1].items():
                        self.send_header(name, value)
                    self.end_headers()
                    return
                file = RESOURCES / self.path.lstrip("/")
                if page is None and (not file.is_file()):
                    self.send_error(404)
                    return
                body = file.read_bytes() if page is None else page.encode()
                self.send_response(200)
                self.send_header("Content-Type", MIME.get(file.suffix, "text/html") + "; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self.server.server_address[1]
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, name="site")

    def start(self) -> None:
        self._thread.start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def stop(self) -> None:
        if self._thread.is_alive():
            self.server.shutdown()
            self._thread.join()
            self.server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    site.start()
    yield site
    site.stop()


@contextmanager
def untrusted_server(folder: Path) -> Iterator[str]:
    """An https server on loopback with a certificate that it signed itself; gives its address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    site = Site()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    site.start()
    try:
        yield f"https://127.0.0.1:{site.port}/"
    finally:
        site.stop()


class Shown:
    """An exam view in a window, with what it reported."""

    def __init__(self, view: ExamView, qtbot: QtBot) -> None:
        self.view = view
        self._qtbot = qtbot
        self.reports: list[tuple[str, str]] = []
        self.ready = 0
        self._closed = False
        view.page_ready.connect(self._on_ready)
        for name, signal in (
            ("finished", view.finished_by_page),
            ("failed", view.load_failed),
            ("blocked", view.blocked),
        ):
            signal.connect(lambda text, name=name: self.reports.append((name, text)))
        view.renderer_crashed.connect(lambda: self.reports.append(("crashed", "")))

    def _on_ready(self) -> None:
        self.ready += 1

    def until(self, condition: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(condition, timeout=15_000)

    def load(self) -> None:
        before = self.ready
        self.view.load()
        self.until_ready_after(before)

    def until_ready_after(self, before: int) -> None:
        self.until(lambda: self.ready > before)

    def go(self, url: str) -> None:
        """Follows a link from the page and waits until the next page is ready."""
        before = self.ready
        self.js(f"location.href = {url!r}; 0")
        self.until_ready_after(before)

    def js(self, code: str) -> object:
        """The value of an expression in the page's own world; undefined and null are ''."""
        done: list[object] = []
        self.view._page.runJavaScript(code, done.append)
        self.until(lambda: bool(done))
        return done[0]

    def until_js(self, code: str, value: object = True) -> None:
        self.until(lambda: self.js(code) == value)

    def of(self, name: str) -> list[str]:
        return [text for kind, text in self.reports if kind == name]

    def close(self) -> None:
        """Returns when page and profile are gone; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        gone: list[bool] = []
        self.view.closed.connect(lambda: gone.append(True))
        already = self.view._closing
        self.view.close_browser()
        if not already:
            self.until(lambda: bool(gone))
        self.view.deleteLater()


Open = Callable[..., Shown]


@pytest.fixture
def open_view(qtbot: QtBot, site: Site) -> Iterator[Open]:
    """Shows the page at a path of the site with a policy; closes all views at the end."""
    shown: list[Shown] = []

    def open_(
        path: str = "/", policy: Browser | None = None, *, load: bool = True, storage_dir: Path | None = None
    ) -> Shown:
        one = Shown(ExamView(policy or Browser(), site.url(path), PAGE_SCRIPT, storage_dir=storage_dir), qtbot)
        shown.append(one)
        one.view.resize(1024, 600)
        one.view.show()
        qtbot.waitExposed(one.view)
        if load:
            one.load()
        return one

    yield open_
    for one in shown:
        one.close()
