"""What a backend tells a client before there is an attempt: keys for codes and sessions, issuers, revocations, time."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import requests
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from app.core.errors import BackendError, BadInput
from app.core.types import Json
from app.transport.addresses import checked_endpoint, is_loopback
from app.transport.answers import http_date, json_object, no_answer
from app.transport.interrupts import InterruptibleAdapter, Interrupts

LIMIT_S = 15.0
_CONNECT_TIMEOUT_S = 4.0
_READ_TIMEOUT_S = 10.0
_LISTS_MAX = 1000
_UNTIMELY = ("certificate has expired", "certificate is not yet valid")
"""OpenSSL's words for X509_V_ERR_CERT_HAS_EXPIRED and _NOT_YET_VALID."""
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python has no name for."""
_Answer = TypeVar("_Answer")


class UntimelyCertificate(BackendError):
    """The server's certificate is not valid at this machine's time: either of the two is wrong."""


class KeyService:
    """Asks one backend, without credentials. Any thread; each call opens a connection of its own.

    No call takes longer than ``limit_s``. Certificates are verified, redirects are not followed, answers are bounded.
    ``certificate_sha256`` (hex), where given, has to be the fingerprint of the server's own certificate besides.
    Plain http is for loopback only. ``ca_file``: certificates (PEM) to trust instead of the usual ones.
    Raises BackendError with a sentence when there is no good answer, BadInput for an address that can't be one.
    """

    def __init__(
        self, backend: str, *, certificate_sha256: str = "", ca_file: Path | None = None, limit_s: float = LIMIT_S
    ) -> None:
        self._base = checked_endpoint(backend)
        self._host = urlsplit(self._base).hostname or ""
        self._fingerprint = certificate_sha256
        self._ca_file = ca_file
        self._limit_s = limit_s
        self._interrupts = Interrupts()
        self._closed = False
        self.last_said: datetime | None = None
        """The backend's clock at its last answer, where that told it."""

    def key_for_code(self, code: str) -> str:
        """The key that a short code (in its normal form) stands for. BadInput when the backend knows no such code."""
        unknown = f"The exam server {self._host} does not know this code, or not any more; ask for a new one."
        return self._key("GET", f"/v1/keys/codes/{quote(code, safe='')}", None, unknown)

    def key_for_session(self, token: str) -> str:
        """The key of a learning platform's session. BadInput when the backend knows no such session."""
        unknown = (
            f"The exam server {self._host} does not know this session, or not any more; "
            "start the exam again from the page that you came from."
        )
        return self._key("POST", "/v1/sessions/exchange", {"token": token}, unknown)

    def jwks(self) -> bytes:
        """The backend's issuers (RFC 7517); nothing of them is checked yet but that they are a JSON object."""
        return json.dumps(self._ask("GET", "/.well-known/jwks.json")).encode()

    def revocations(self) -> list[str]:
        """The signed lists of revoked keys; nothing of them is checked yet."""
        lists = self._ask("GET", "/v1/keys/revocations").get("lists")
        if not isinstance(lists, list) or len(lists) > _LISTS_MAX:
            raise BackendError(f"The exam server {self._host} answered with something that is no list of revoked keys.")
        return [entry for entry in lists if isinstance(entry, str)]

    def server_time(self) -> datetime | None:
        """The backend's clock, to the second; None when it can't be told.

        A certificate out of its time is accepted here, as it is what a wrong clock makes of a good one: the answer
        is only for telling the person.
        """
        context = create_urllib3_context()
        context.verify_flags |= _NO_CHECK_TIME
        with suppress(BackendError):
            return http_date(self._exchange("GET", "/health", None, lambda r: r.headers.get("Date", ""), context))
        return None

    def close(self) -> None:
        """Breaks off all calls, and lets none begin any more; they raise BackendError. Any thread."""
        self._closed = True
        self._interrupts.interrupt_all()

    def _key(self, method: str, path: str, body: Mapping[str, Json] | None, unknown: str) -> str:
        try:
            key = self._ask(method, path, body).get("key")
        except BackendError as error:
            if error.status == 404:
                raise BadInput(unknown) from error
            if error.status == 429:
                wait_s = round(error.retry_after_s or 60)
                raise BackendError(
                    f"The exam server {self._host} is asked too often; wait {wait_s} seconds, then try again.", 429
                ) from error
            raise
        if not isinstance(key, str):
            raise BackendError(f"The exam server {self._host} answered with something that is no key.")
        return key

    def _ask(self, method: str, path: str, body: Mapping[str, Json] | None = None) -> dict[str, Json]:
        def read(response: requests.Response) -> dict[str, Json]:
            self.last_said = http_date(response.headers.get("Date", ""))
            return json_object(response, self._host)

        return self._exchange(method, path, body, read)

    def _exchange(
        self,
        method: str,
        path: str,
        body: Mapping[str, Json] | None,
        read: Callable[[requests.Response], _Answer],
        context: ssl.SSLContext | None = None,
    ) -> _Answer:
        if self._closed:
            raise BackendError(f"The exam server {self._host} was not asked, since the program is closing.")
        headers = {"User-Agent": "Invigil", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        limit = threading.Timer(self._limit_s, self._interrupts.interrupt, [threading.get_ident()])
        limit.name = "key-service-limit"
        try:
            with self._interrupts.watching(), self._session(context) as session:
                limit.start()
                response = session.request(
                    method,
                    self._base + path,
                    data=None if body is None else json.dumps(body),
                    headers=headers,
                    auth=_no_credentials,
                    timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S),
                    allow_redirects=False,
                    stream=True,
                )
                with response:
                    return read(response)
        except (requests.RequestException, HTTPError, OSError) as error:
            sentence = no_answer(requests.Timeout() if limit.finished.is_set() else error, self._host)
            if any(words in str(error) for words in _UNTIMELY):
                raise UntimelyCertificate(sentence) from error
            raise BackendError(sentence) from error
        finally:
            limit.cancel()

    def _session(self, context: ssl.SSLContext | None) -> requests.Session:
        session = requests.Session()
        session.trust_env = not is_loopback(self._host)
        if self._ca_file is not None:
            session.verify = str(self._ca_file)
        session.mount("https://", _PinnedAdapter(self._interrupts, self._fingerprint, context))
        session.mount("http://", InterruptibleAdapter(self._interrupts, _CONNECT_TIMEOUT_S, _READ_TIMEOUT_S))
        return session


class _PinnedAdapter(InterruptibleAdapter):
    """With a fingerprint, the certificate has to be that very one; the chain is verified all the same."""

    def __init__(self, interrupts: Interrupts, fingerprint: str, context: ssl.SSLContext | None) -> None:
        self._tls: dict[str, Any] = {"assert_fingerprint": fingerprint} if fingerprint else {}
        if context is not None:
            self._tls["ssl_context"] = context
        super().__init__(interrupts, _CONNECT_TIMEOUT_S, _READ_TIMEOUT_S)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs, **self._tls)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **proxy_kwargs, **self._tls)


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Set as ``auth`` so that no entry of the user's .netrc goes to a server that a link named."""
    return request
