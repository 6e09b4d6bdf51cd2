"""What every endpoint needs, gathered once per application."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from app.backend.control_hub import ControlHub
from app.backend.database import Database
from app.backend.files import FileStore
from app.backend.limits import RateLimiter
from app.backend.settings import BackendServices, BackendSettings
from app.backend.vault import Vault, secret_of
from app.core.ports import Clock
from app.core.types import NS_PER_S

_SECRET_BYTES = 32


class Links:
    """Unguessable tokens for addresses that a person opens in a browser, derived from one secret.

    Nothing that opens a link is stored, and a token opens the one thing it was made for.
    """

    def __init__(self, secret_file: Path) -> None:
        self._secret_file = secret_file
        self._secret = b""

    def start(self) -> None:
        """Makes the secret on the first start; only the owner can read it."""
        self._secret = secret_of(self._secret_file, _SECRET_BYTES)

    def token(self, kind: str, name: str) -> str:
        digest = hmac.new(self._secret, f"{kind}\0{name}".encode(), hashlib.sha256).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def opens(self, token: str, kind: str, name: str) -> bool:
        return hmac.compare_digest(token.encode(), self.token(kind, name).encode())


class Context:
    """Constructed by create_app, started and stopped with the server."""

    def __init__(self, settings: BackendSettings, services: BackendServices) -> None:
        self.settings = settings
        self.services = services
        self.database = Database(settings.database)
        self.files = FileStore(settings.data_dir)
        self.links = Links(settings.data_dir / "link-secret")
        self.vault = Vault(settings.data_dir / "vault-key")
        self.limiter = RateLimiter(settings.requests_per_s, settings.burst, services.clock)
        self.code_misses = _per_minute(settings.code_misses_per_min, services.clock)
        self.code_turn = threading.Lock()
        self.all_code_misses = _per_minute(settings.all_code_misses_per_min, services.clock)
        self.control = ControlHub(self.database, services.clock)

    def start(self) -> None:
        self.settings.make_data_dir()
        self.files.start(self.now_ns())
        self.links.start()
        self.vault.start()
        self.database.start()

    def stop(self) -> None:
        self.database.stop()

    def now_ns(self) -> int:
        return self.services.clock.now().utc_ns

    def address(self, request: Request) -> str:
        """The backend's own address as clients see it, without a closing slash."""
        return self.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")

    def report_url(self, request: Request, attempt_id: str) -> str:
        return f"{self.address(request)}/attempts/{attempt_id}/report?token={self.links.token('report', attempt_id)}"


def _per_minute(count: int, clock: Clock) -> RateLimiter:
    return RateLimiter(count / 60, count, clock)


def context_of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Ctx = Annotated[Context, Depends(context_of)]


def new_id(prefix: str) -> str:
    """Not guessable, 96 bits."""
    return f"{prefix}_{secrets.token_hex(12)}"


def time_text(utc_ns: int) -> str:
    """ISO 8601 in UTC with a Z, to the second: ``2025-03-26T14:30:00Z``."""
    return datetime.fromtimestamp(utc_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
