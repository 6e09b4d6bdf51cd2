"""The control channel: what a backend tells a running client, and what the client answers. Pure.

Messages are JSON objects in text frames. The client says hello first and names the last message that it has handled;
the backend sends what came after. Every message is answered, and answered again when it comes again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.core.errors import BadInput
from app.core.policy_change import Change
from app.core.types import Json

SUBPROTOCOL = "invigil.control.1"
MESSAGE_MAX_BYTES = 1_000_000
"""Room for the largest config key."""

LOCK: Literal["lock"] = "lock"
UNLOCK: Literal["unlock"] = "unlock"
"""A proctor holds the exam, or lets it go on; ``reason`` says why, in words for the candidate and the report."""
REASON_MAX = 500

Status = Literal["applied", "partly", "refused"]


@dataclass(frozen=True, slots=True)
class ControlMessage:
    """``seq`` rises with each message to an attempt. ``body`` is the whole object."""

    seq: int
    type: str
    body: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a message. ``applied`` are paths of fields; ``refused`` pairs of path and reason."""

    seq: int
    status: Status
    reason: str = ""
    applied: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def of_changes(cls, seq: int, changes: Sequence[Change]) -> Answer:
        """Nothing that differs counts as applied: what was asked for is so."""
        applied = tuple(change.path for change in changes if not change.refusal)
        refused = tuple((change.path, change.refusal) for change in changes if change.refusal)
        status: Status = "applied" if not refused else "partly" if applied else "refused"
        reason = "" if applied or not refused else "nothing of it may change while the exam runs"
        return cls(seq, status, reason, applied, refused)

    def to_json(self) -> dict[str, Json]:
        return {
            "type": "ack",
            "seq": self.seq,
            "status": self.status,
            "reason": self.reason,
            "applied": list(self.applied),
            "refused": [{"path": path, "reason": reason} for path, reason in self.refused],
        }


def hello(after: int, client_version: str, key_id: str, serial: int) -> dict[str, Json]:
    return {"type": "hello", "after": after, "client": client_version, "key": {"id": key_id, "serial": serial}}


def held_state(reason: str | None, by: str | None) -> dict[str, Json]:
    """What the client says when its exam is held or goes on, and after each hello. It is not answered."""
    return {"type": "state", "held": reason is not None, "reason": (reason or "")[:REASON_MAX], "by": by or ""}


def reason_of(message: ControlMessage) -> str:
    """The message's ``reason`` as one line without control characters, shortened; empty where there is none."""
    reason = message.body.get("reason")
    if not isinstance(reason, str):
        return ""
    line = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
    return line if len(line) <= REASON_MAX else line[: REASON_MAX - 1] + "…"


def read_message(text: str) -> ControlMessage:
    """Raises BadInput for what is no message; one of an unknown type is a message all the same."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput("The server sent something over the control channel that is not JSON.") from error
    if not isinstance(data, dict) or type(data.get("seq")) is not int or not isinstance(data.get("type"), str):
        raise BadInput("The server sent something over the control channel that has no type or number.")
    if not 0 < data["seq"] < 2**53:
        raise BadInput("The server sent something over the control channel with a number that none can have.")
    return ControlMessage(data["seq"], data["type"], data)


def update_refusal(
    *, running_exam: str, running_issuer: str, running_serial: int, exam: str, issuer: str, serial: int
) -> str | None:
    """Why a verified key is no update of the one that runs; None when it is one."""
    if issuer != running_issuer:
        return "it comes from another issuer than the running exam's key"
    if exam != running_exam:
        return "it is for another exam"
    if serial <= running_serial:
        return f"its serial number {serial} is not higher than {running_serial}, the running one"
    return None
