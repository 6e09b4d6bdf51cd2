"""Config keys of an institution that a backend under test trusts, and clients on that backend's control channel."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.sync.client import ClientConnection, connect

from app.backend.settings import BackendServices
from app.core.control import SUBPROTOCOL
from app.core.ports import Clock
from app.core.types import NS_PER_S, Instant, Json
from app.keys.issuers import Issuer, TrustedIssuers
from app.keys.tokens import issue
from app.runtime.clock import SystemClock
from app.runtime.key_desk import IssuingDesk
from tests.fakes.backend_server import RunningBackend
from tests.fakes.policies import small_policy

UNIVERSITY = Issuer.create("Example University")
BACKEND = Issuer.create("Example backend")


class LaterClock:
    """The system's clock, some time ahead."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self._system = SystemClock()

    def now(self) -> Instant:
        now = self._system.now()
        ahead_ns = round(self.ahead_s * NS_PER_S)
        return Instant(now.mono_ns + ahead_ns, now.utc_ns + ahead_ns, now.boot_id)


def key_services(clock: Clock | None = None, *trusted: Issuer) -> BackendServices:
    """Of a backend that trusts ``trusted``: the university, where nobody is named."""
    issuers = TrustedIssuers.of(one.public() for one in trusted or (UNIVERSITY,))
    return BackendServices(clock=clock or SystemClock(), keys=IssuingDesk(BACKEND, issuers))


def exam_key(
    serial: int = 1,
    *,
    issuer: Issuer = UNIVERSITY,
    upload_exam: str = "algebra-1",
    begins_in_h: float = 0,
    hours: float = 48,
    **fields: Json,
) -> str:
    """A key for the exam algebra-1: for everybody, unless ``candidate`` says otherwise."""
    now = datetime.now(UTC).replace(microsecond=0)
    begin = now + timedelta(hours=begins_in_h)
    policy = small_policy(**({"candidate": {}} | fields))
    upload = policy["upload"]
    assert isinstance(upload, dict)
    upload["exam_id"] = upload_exam
    end = begin + timedelta(hours=hours)
    return issue(policy, issuer, now=now, not_before=begin, expires=end, serial=serial, min_client="0.1.0")


def store(backend: RunningBackend, key: str, **wish: Any) -> dict[str, Any]:
    """The answer to a key that the backend is to keep."""
    answer = backend.ask("POST", "/v1/keys", json={"key": key} | wish)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def announce(backend: RunningBackend, exam_id: str, user_id: str = "s1234", **more: Any) -> str:
    """A running attempt; returns its id."""
    candidate = {"id": user_id, "name": "Sample Candidate"} | more.pop("candidate", {})
    body = {"attemptId": f"attempt-{user_id}-1", "candidate": candidate, "exam": "algebra-1"} | more
    answer = backend.ask("POST", f"/exams/{exam_id}/attempts", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["attemptId"])


class ControlClient:
    """One connection; every message as the channel has it."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line

    def say(self, **message: Json) -> None:
        self.line.send(json.dumps(message))

    def hello(self, after: int = 0, serial: int = 1) -> None:
        self.say(type="hello", after=after, client="0.1.0", key={"id": "k", "serial": serial})

    def hear(self, timeout_s: float = 10) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.line.recv(timeout=timeout_s))
        return message

    def ack(self, seq: int, status: str = "applied", **more: Any) -> None:
        answer: dict[str, Any] = {"type": "ack", "seq": seq, "status": status}
        self.say(**(answer | more))


@contextmanager
def control(backend: RunningBackend, attempt_id: str, token: str, **options: Any) -> Iterator[ControlClient]:
    """A client that has connected and not said hello. Raises what websockets raises when it is refused."""
    headers: Mapping[str, str] = options.pop("headers", {"Authorization": f"Bearer {token}"})
    url = backend.url.replace("http://", "ws://") + f"/v1/attempts/{attempt_id}/control"
    protocols = options.pop("subprotocols", [SUBPROTOCOL])
    with connect(url, additional_headers=headers, subprotocols=protocols, proxy=None, **options) as line:
        yield ControlClient(line)
