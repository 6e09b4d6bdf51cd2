"""What an institution's staff ask of their backend: to keep keys and revocations, and to say whom they reached."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

import requests

from app.core.errors import BackendError, BadInput
from app.core.types import Json
from app.transport.addresses import checked_endpoint, is_loopback
from app.transport.answers import json_object, no_answer, read_bounded
from app.transport.credentials import Bearer

_CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 60.0
_ANSWER_MAX_BYTES = 32 * 1024 * 1024
"""A key of many attempts has as many acknowledgements."""
_STORED = frozenset({"id", "serial", "exam", "code", "link", "expiresAt", "pushed"})
_PUBLISHED = frozenset({"kid", "serial", "revoked"})
_READ = frozenset({"deliveries"})
_REASON_MAX = 1000
_REFUSED = frozenset({400, 409})


class KeyAdmin:
    """Asks one backend with an admin key. Any thread; each call opens a connection of its own.

    Certificates are verified, redirects are not followed, plain http is for loopback only. ``ca_file``: certificates
    (PEM) to trust instead of the usual ones. Raises BackendError with a sentence when there is no good answer, BadInput
    when the address, the admin key or what was sent is refused.
    """

    def __init__(self, backend: str, admin_key: str, *, ca_file: Path | None = None) -> None:
        if not admin_key or not all("!" <= char <= "~" for char in admin_key):
            raise BadInput("The admin key can't be used; give the one that invigil serve printed at its first start.")
        self._base = checked_endpoint(backend)
        self._host = urlsplit(self._base).hostname or ""
        self._admin_key = admin_key
        self._ca_file = ca_file

    def store_key(self, token: str, valid_hours: float | None = None) -> dict[str, Json]:
        """Keeps a key and sends it to running attempts: its ``id``, ``code``, ``link``, ``expiresAt``, ``pushed``."""
        wish: dict[str, Json] = {"key": token}
        if valid_hours is not None:
            wish["validForHours"] = valid_hours
        return self._ask("POST", "/v1/keys", _STORED, wish)

    def store_revocations(self, text: str) -> dict[str, Json]:
        """Keeps a signed list: its ``kid`` and ``serial``, and how many kept keys it ``revoked``."""
        return self._ask("POST", "/v1/keys/revocations", _PUBLISHED, {"list": text})

    def key(self, stored_id: str) -> dict[str, Json]:
        """A kept key with its ``deliveries``."""
        return self._ask("GET", f"/v1/keys/{quote(stored_id, safe='')}", _READ)

    def _ask(
        self, method: str, path: str, fields: frozenset[str], body: Mapping[str, Json] | None = None
    ) -> dict[str, Json]:
        try:
            answer = self._exchange(method, path, body)
        except BackendError as error:
            if error.status == 401:
                raise BadInput(
                    f"The server {self._host} does not accept this admin key; check which one it is."
                ) from error
            raise
        if not fields <= set(answer):
            raise BackendError(f"The server {self._host} answered with something else than was asked; update it.")
        return answer

    def _exchange(self, method: str, path: str, body: Mapping[str, Json] | None) -> dict[str, Json]:
        headers = {"User-Agent": "Invigil", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with requests.Session() as session:
            session.trust_env = not is_loopback(self._host)
            if self._ca_file is not None:
                session.verify = str(self._ca_file)
            try:
                with session.request(
                    method,
                    self._base + path,
                    data=None if body is None else json.dumps(body),
                    headers=headers,
                    auth=Bearer(self._admin_key),
                    timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    if response.status_code in _REFUSED:
                        raise BadInput(self._refusal(read_bounded(response, self._host)))
                    return json_object(response, self._host, _ANSWER_MAX_BYTES)
            except (requests.RequestException, OSError) as error:
                raise BackendError(no_answer(error, self._host)) from error

    def _refusal(self, body: bytes) -> str:
        """The reason in the error's body, in one line."""
        try:
            issue = str(json.loads(body)["error"]["details"][0]["issue"])
        except (ValueError, LookupError, TypeError, RecursionError):
            issue = "it gives no reason"
        line = "".join(char if char.isprintable() else " " for char in issue)[:_REASON_MAX].rstrip(". ")
        return f"The server {self._host} refuses it: {line}."
