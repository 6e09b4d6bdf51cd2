"""The JSON of config keys and of the control channel: all of it our extension."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.backend.schemas import JsonObject

Token = Annotated[str, StringConstraints(min_length=1, max_length=1_500_000)]
_Path = Annotated[str, StringConstraints(max_length=300)]
_Serial = Annotated[int, Field(ge=0, lt=2**63)]
_Seq = Annotated[int, Field(ge=0, lt=2**31)]
_Status = Literal["applied", "partly", "refused"]


class KeyIn(BaseModel):
    """``validForHours`` is how long the key's short code shall work; 24 hours if it is not said."""

    key: Token
    validForHours: Annotated[float, Field(gt=0, le=100_000)] | None = None


class KeyOut(BaseModel):
    """``exam`` and ``audience`` are the key's own; ``keyExpiresAt`` is its end."""

    id: str
    keyId: str
    issuer: str
    exam: str
    serial: int
    audience: dict[str, str]
    notBefore: str
    keyExpiresAt: str
    createdAt: str
    revoked: bool


class KeyStored(KeyOut):
    """``expiresAt`` is when ``code`` and ``link`` stop to work; ``pushed`` running attempts are sent the key."""

    code: str
    link: str
    expiresAt: str
    pushed: int


class KeysOut(BaseModel):
    keys: list[KeyOut]


class DeliveryOut(BaseModel):
    """What an attempt's client made of the key: ``pending`` until it says."""

    attemptId: str
    userId: str
    seq: int
    createdAt: str
    acknowledgedAt: str | None
    status: Literal["pending", "applied", "partly", "refused"]
    applied: list[str]
    refused: list[RefusedField]
    reason: str


class KeyRead(KeyOut):
    """``code``, ``link`` and ``expiresAt`` are null where no code works now."""

    key: str
    code: str | None
    link: str | None
    expiresAt: str | None
    deliveries: list[DeliveryOut]


class KeyText(BaseModel):
    key: str


class RevocationsIn(BaseModel):
    list: Token


class RevocationsStored(BaseModel):
    """``revoked`` stored keys are not given out any more."""

    kid: str
    serial: int
    revoked: int


class RevocationsOut(BaseModel):
    lists: list[str]


class JwksOut(BaseModel):
    keys: list[JsonObject]


# ---- the control channel


class RefusedField(BaseModel):
    model_config = ConfigDict(strict=True)
    path: _Path
    reason: Annotated[str, StringConstraints(max_length=1000)]


class RunningKey(BaseModel):
    model_config = ConfigDict(strict=True)
    id: Annotated[str, StringConstraints(max_length=300)]
    serial: _Serial


class Hello(BaseModel):
    """The client's first message. ``after``: the last ``seq`` that it has handled."""

    model_config = ConfigDict(strict=True)
    type: Literal["hello"]
    after: _Seq
    client: Annotated[str, StringConstraints(max_length=100)] = ""
    key: RunningKey


class Ack(BaseModel):
    """The client's answer to one message."""

    model_config = ConfigDict(strict=True)
    type: Literal["ack"]
    seq: _Seq
    status: _Status
    applied: Annotated[list[_Path], Field(max_length=5000)] = Field(default_factory=list)
    refused: Annotated[list[RefusedField], Field(max_length=5000)] = Field(default_factory=list)
    reason: Annotated[str, StringConstraints(max_length=2000)] = ""


class Told(BaseModel):
    """The client's word on whether its exam is held, and why. It is not answered."""

    model_config = ConfigDict(strict=True)
    type: Literal["state"]
    held: bool
    reason: Annotated[str, StringConstraints(max_length=1000)] = ""
    by: Annotated[str, StringConstraints(max_length=20)] = ""


class HoldIn(BaseModel):
    """``reason`` is shown to the candidate and stands in the report."""

    reason: Annotated[str, StringConstraints(max_length=500)] = ""


class HoldMessageOut(BaseModel):
    """What a proctor asked of the client: ``pending`` until it answers."""

    seq: int
    type: Literal["lock", "unlock"]
    reason: str
    createdAt: str
    acknowledgedAt: str | None
    status: Literal["pending", "applied", "partly", "refused"]
    answer: str


class HoldOut(BaseModel):
    """Whether the attempt is held, as its client last said: ``by`` its rules (``rule``) or a proctor, since when."""

    attemptId: str
    held: bool
    reason: str
    by: str
    since: str | None
    messages: list[HoldMessageOut]


DeliveryOut.model_rebuild()
KeyRead.model_rebuild()
