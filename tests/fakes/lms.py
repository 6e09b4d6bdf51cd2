"""A backend that issues keys, and learning platforms that sign as their vendors' integrators do."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from app import __version__
from app.backend.settings import BackendServices
from app.core.types import NS_PER_S
from app.keys.issuers import Issuer, TrustedIssuers
from app.keys.tokens import ConfigKey, issue, read_key
from app.runtime.key_desk import IssuingDesk
from tests.fakes.backend_server import RunningBackend, accept_manifest
from tests.fakes.exam_keys import LaterClock
from tests.fakes.policies import small_policy


class LmsBackend(RunningBackend):
    """Trusts one issuer besides its own, as an institution's that uploads its exams' keys."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = LaterClock()
        self.issuer = Issuer.create("Example University")
        self.own = Issuer.create("Example backend")
        trusted = TrustedIssuers.of([self.issuer.public()])
        services = BackendServices(
            clock=self.clock, verify_manifest=accept_manifest, keys=IssuingDesk(self.own, trusted)
        )
        super().__init__(folder, services, **settings)

    def admit(self, kind: str, **fields: Any) -> dict[str, Any]:
        """A new integration, with its credentials."""
        answer = self.ask("POST", "/v1/integrations", json={"kind": kind, "name": f"{kind} here"} | fields)
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def exchange(self, token: str) -> requests.Response:
        return self.ask("POST", "/v1/sessions/exchange", key=None, json={"token": token})

    def key_of(self, token: str) -> ConfigKey:
        """The session's key, checked as a client does it."""
        answer = self.exchange(token)
        assert answer.status_code == 200, answer.text
        now = datetime.fromtimestamp(self.clock.now().utc_ns / NS_PER_S, UTC)
        return read_key(answer.json()["key"], TrustedIssuers.of([self.own.public()]), now, __version__)

    def store_key(self, exam: str, *, serial: int = 1, days: float = 7, **fields: Any) -> dict[str, Any]:
        """Uploads a key of the institution: for everybody who takes the exam, unless ``candidate`` says otherwise."""
        policy = small_policy(exam__id=exam, **({"candidate": {}} | fields))
        now = datetime.fromtimestamp(self.clock.now().utc_ns / NS_PER_S, UTC)
        token = issue(
            policy,
            self.issuer,
            now=now,
            not_before=now - timedelta(minutes=1),
            expires=now + timedelta(days=days),
            serial=serial,
            min_client="0.1.0",
        )
        answer = self.ask("POST", "/v1/keys", json={"key": token})
        assert answer.status_code == 200, answer.text
        stored: dict[str, Any] = answer.json()
        return stored | {"token": token}

    def hand_in(self, key: ConfigKey, attempt_id: str) -> None:
        """What a client does with the session's key: announce the attempt, and submit it."""
        upload, person = key.policy.upload, key.policy.candidate
        attempt = {"attemptId": attempt_id, "candidate": {"id": person.id, "name": person.name}}
        announced = self.ask("POST", f"/exams/{upload.exam_id}/attempts", upload.token, json=attempt)
        assert announced.status_code == 200, announced.text
        body = {"stats": {}, "attemptId": attempt_id, "userId": person.id, "report": {"violations": []}}
        sent = self.ask("POST", f"/exams/{upload.exam_id}/submit", upload.token, json=body)
        assert sent.status_code == 200, sent.text


def mettl_signed(body: Mapping[str, Any], private_key: str) -> dict[str, Any]:
    """Body and header as Mettl's integrators make them."""
    text = json.dumps(body)
    signature = hashlib.pbkdf2_hmac("sha1", text.encode(), private_key.encode(), 1001, 25).hex().upper()
    return {"data": text, "headers": {"Authorization": signature, "Content-Type": "application/json; utf-8"}}


def signed(
    method: str, path: str, body: Mapping[str, Any], pair: Mapping[str, Any], at_s: int, query: str = ""
) -> dict[str, Any]:
    """Body and headers of a request that is signed our way. ``query`` is given sorted and encoded."""
    text = json.dumps(body)
    lines = (method, path, query, hashlib.sha256(text.encode()).hexdigest(), str(at_s))
    signature = hmac.new(pair["privateKey"].encode(), "\n".join(lines).encode(), hashlib.sha256).hexdigest()
    headers = {
        "X-Invigil-Key": pair["publicKey"],
        "X-Invigil-Timestamp": str(at_s),
        "Authorization": f"HMAC-SHA256 {signature}",
        "Content-Type": "application/json",
    }
    return {"data": text, "headers": headers}
