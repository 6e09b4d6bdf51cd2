"""Whom this machine trusts: what its files say, and what their backends publish, fetched anew when a key is opened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from app import __version__
from app.core.errors import BackendError, BadInput
from app.keys.issuers import machine_trust_paths, user_trust_paths
from app.keys.jwks import read_jwks
from app.keys.revocation import Revocations
from app.keys.tokens import ConfigKey, clock_sentence, read_key
from app.keys.trust import Trust, TrustedBackend, load_trust, normalised_url
from app.keys.trust_store import FirstUse, Known, TrustStore, first_use
from app.transport.addresses import is_loopback
from app.transport.key_service import KeyService

log = structlog.get_logger()

REFRESH_LIMIT_S = 6.0
"""For each of a backend's two answers: an exam must not wait long for a network that is not there."""
_AT_ONCE = 8
_CLOCKS_MAX = 3

MakeService = Callable[[str, str, float], KeyService]
"""Address, pinned certificate (SHA-256 in hex, or empty), seconds that a call may take."""


def make_service(url: str, certificate_sha256: str, limit_s: float) -> KeyService:
    return KeyService(url, certificate_sha256=certificate_sha256, limit_s=limit_s)


class MachineTrust:
    """``extra`` are lists from the command line, ``store`` a folder of the user's for what was fetched and confirmed.

    Any thread. Files are read anew by ``load``; before it nothing and nobody is trusted.
    """

    def __init__(self, extra: Sequence[Path], store: Path, make: MakeService = make_service) -> None:
        self._extra = tuple(extra)
        self._store = TrustStore(store)
        self._make = make
        self._trust = Trust()
        self._lock = threading.Lock()
        self._services: list[KeyService] = []
        self._closed = False
        self._ahead: timedelta | None = None

    @property
    def trust(self) -> Trust:
        return self._trust

    def load(self) -> Trust:
        """Raises BadInput when a file can't be used, or lists are given that IT does not allow."""
        self._trust = load_trust(machine_trust_paths(), user_trust_paths(), self._extra)
        for note in self._trust.notes:
            log.warning("a list of trusted issuers", note=note)
        return self._trust

    def known(self) -> Known:
        return self._store.known(self._trust)

    def refresh(self, now: datetime) -> None:
        """Asks all pinned backends at once. What can't be fetched stays as it was, which the log tells."""
        backends = self._trust.backends
        if backends:
            with ThreadPoolExecutor(_AT_ONCE, "trust-refresh") as pool:
                list(pool.map(lambda backend: self._refresh(backend, now), backends))

    def told_time(self, now: datetime) -> datetime | None:
        """The time by a pinned backend's clock, as ``refresh`` found it; None where none told."""
        return None if self._ahead is None else now + self._ahead

    def service(self, url: str, limit_s: float = 15.0) -> KeyService:
        """For one backend, with its pin where it has one. Raises BadInput for an address that can't be one."""
        pinned = self._trust.backend(url)
        service = self._make(normalised_url(url), pinned.certificate_sha256 if pinned else "", limit_s)
        with self._lock:
            self._services.append(service)
            if self._closed:
                service.close()
        return service

    def vouched(self, url: str) -> bool:
        """Whether a backend may be asked without the person's leave: it is pinned, or this very machine."""
        return self._trust.backend(url) is not None or is_loopback(urlsplit(normalised_url(url)).hostname or "")

    def stranger(self, token: str, backend: str) -> FirstUse | None:
        """Whom the person has to be asked about before this key is opened; None when its issuer is known.

        Raises BadInput, BackendError.
        """
        offered = read_jwks(self.service(backend).jwks(), f"The key set of {backend}")
        return first_use(token, offered, backend, self._trust, self.known())

    def remember(self, asked: FirstUse) -> None:
        self._store.remember(asked)

    def verify(self, token: str, now: datetime) -> ConfigKey:
        """Raises BadInput with a sentence."""
        known = self.known()
        return read_key(token, known.issuers, now, __version__, known.revoked)

    def verify_begun(self, token: str, now: datetime) -> ConfigKey:
        """The same for an attempt that has begun, for which it is enough that nothing known speaks against the key."""
        known = self.known()
        return read_key(token, known.issuers, now, __version__, Revocations(known.revoked.lists))

    def wrong_clock(self, backends: Sequence[str], now: datetime) -> str | None:
        """What to tell of this machine's clock by the first server that says its time; None when they agree."""
        for url in backends[:_CLOCKS_MAX]:
            told = self.service(url, REFRESH_LIMIT_S).server_time()
            if told is not None:
                return clock_sentence(now, told)
        return None

    def close(self) -> None:
        """Breaks off whatever waits for a server."""
        with self._lock:
            self._closed = True
            services, self._services = self._services, []
        for service in services:
            service.close()

    def _refresh(self, backend: TrustedBackend, now: datetime) -> None:
        service = self.service(backend.url, REFRESH_LIMIT_S)
        try:
            self._store.save_jwks(backend, service.jwks())
            if service.last_said is not None:
                self._ahead = service.last_said - now
            self._store.save_revocations(backend, service.revocations(), self._trust, now)
        except (BackendError, BadInput) as error:
            log.warning("a trusted backend could not be asked", backend=backend.url, error=str(error))
