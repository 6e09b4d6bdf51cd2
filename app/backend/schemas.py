"""The JSON that goes in and out, as in the ProctorAI contract; our extensions are marked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
JsonObject = dict[str, JsonValue]


class ErrorDetail(BaseModel):
    field: str
    issue: str


class ErrorContent(BaseModel):
    code: str
    message: str
    details: list[ErrorDetail]


class ErrorBody(BaseModel):
    error: ErrorContent


# ---- exams


class ExamIn(BaseModel):
    title: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    duration: Annotated[int, Field(gt=0, le=100_000, description="minutes")]
    settings: JsonObject = Field(default_factory=dict)


class ExamCreated(BaseModel):
    id: str
    title: str
    duration: int
    settings: JsonObject
    status: Literal["created", "in_progress", "completed"]
    createdAt: str
    accessUrl: str
    adminUrl: str


class ParticipantOut(BaseModel):
    """``attempts`` (extension) are ids, the oldest first."""

    id: str
    name: str
    status: Literal["active", "submitted"]
    joinedAt: str
    attempts: list[str]


class WarningOut(BaseModel):
    timestamp: str
    type: str
    userId: str | None
    details: str


class ExamOut(BaseModel):
    id: str
    title: str
    duration: int
    settings: JsonObject
    status: Literal["created", "in_progress", "completed"]
    createdAt: str
    startedAt: str | None
    participants: list[ParticipantOut]
    warnings: list[WarningOut]


class TokenIn(BaseModel):
    """Extension. ``userId`` binds the token to one user; ``validForHours`` empty means that it does not expire."""

    name: Annotated[str, StringConstraints(max_length=200)] = ""
    userId: Name | None = None
    validForHours: Annotated[float, Field(gt=0, le=100_000)] | None = None


class TokenOut(BaseModel):
    """``token`` can be seen this once; the backend keeps its hash."""

    token: str
    scope: Literal["exam"]
    examId: str
    userId: str | None
    expiresAt: str | None


# ---- attempts: our extension


class CandidateIn(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: Name
    name: Annotated[str, StringConstraints(max_length=300)] = ""


class AttemptIn(BaseModel):
    model_config = ConfigDict(extra="allow")
    attemptId: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{8,64}$")]
    candidate: CandidateIn
    publicKey: JsonObject | str | None = None
    client: JsonObject | str | None = None


class AttemptCreated(BaseModel):
    attemptId: str
    attemptNumber: int


class SubmissionOut(BaseModel):
    submissionId: str
    createdAt: str
    verification: JsonObject | None


class AttemptOut(BaseModel):
    attemptId: str
    attemptNumber: int
    examId: str
    candidate: JsonObject
    publicKey: JsonObject | str | None
    client: JsonObject
    createdAt: str
    status: Literal["active", "submitted"]
    submissions: list[SubmissionOut]
    recordings: list[RecordingOut]
    reportUrl: str | None


# ---- submit


class WarningIn(BaseModel):
    model_config = ConfigDict(extra="allow")
    timestamp: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    details: Annotated[str, StringConstraints(max_length=10_000)] = ""
    userId: Name | None = None


class MediaIn(BaseModel):
    """A base64 encoded video. ``filename`` and ``mimeType`` are taken for information only."""

    data: str
    filename: str = ""
    mimeType: str = ""


class SubmitIn(BaseModel):
    """The JSON form. ``report``, ``manifest``, ``seal``, ``userId`` and ``attemptId`` are extensions."""

    stats: JsonObject
    warnings: Annotated[list[WarningIn], Field(max_length=20_000)] = Field(default_factory=list)
    webcam: MediaIn | str | None = None
    screen: MediaIn | str | None = None
    userId: Name | None = None
    attemptId: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{8,64}$")] | None = None
    report: JsonObject | None = None
    manifest: list[str] | str | None = None
    seal: JsonObject | None = None


class SubmitOut(BaseModel):
    """``reportUrl`` and ``verification`` are extensions, null where there is no report or manifest."""

    success: Literal[True]
    examId: str
    submissionId: str
    status: Literal["submitted"]
    reportUrl: str | None
    verification: JsonObject | None


# ---- recordings


class FaceDetection(BaseModel):
    facePresent: float
    multipleFaces: float
    noFace: float


class SuspiciousActivity(BaseModel):
    phoneUsage: float
    lookingAway: float
    talking: float


class Analysis(BaseModel):
    """Shares (0..1) of the recording's time."""

    faceDetection: FaceDetection
    suspiciousActivity: SuspiciousActivity


class RecordingOut(BaseModel):
    """``duration`` in seconds, null if unknown. ``sha256`` and ``stream`` are extensions.

    ``processing``: the report that judges this recording has not been submitted yet. ``analysis`` is null until then,
    and for recordings that no report covers.
    """

    id: str
    examId: str
    userId: str
    type: str
    duration: float | None
    size: int
    format: str
    createdAt: str
    url: str
    status: Literal["processing", "processed"]
    analysis: Analysis | None
    sha256: str
    stream: str | None


# ---- identity


class VerifyIn(BaseModel):
    userId: Name
    referenceImage: str
    verificationImage: str


class VerifyOut(BaseModel):
    verified: bool
    confidence: float
    matchScore: float
    faceDetected: bool
    warnings: list[str]


class Health(BaseModel):
    status: Literal["ok"]
    time: str


AttemptOut.model_rebuild()
