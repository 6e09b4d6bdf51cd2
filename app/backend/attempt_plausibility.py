"""``/v1/attempts/{id}/plausibility``: what a proctor may want to look at in an attempt's manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select

from app.backend.attempts import attempt_or_404
from app.backend.auth import Key
from app.backend.context import Ctx
from app.backend.errors import ApiError
from app.backend.models import Submission
from app.backend.plausibility import findings, sessions_of
from app.core.errors import EvidenceError
from app.core.manifest import instant_from_json
from app.core.types import Entry, EntryKind, Json

router = APIRouter()

NO_PROOF = (
    "These are hints for a person, and prove nothing: the client is open source and runs on the candidate's computer, so "
    "one that was changed can write whatever an unchanged one would. Each hint has innocent explanations."
)


class FindingOut(BaseModel):
    """``weight`` 0..1: how rarely an unchanged client on a usual computer leaves this."""

    what: str
    sentence: str
    innocent: str
    weight: float
    entries: list[int]


class BuildOut(BaseModel):
    """``known`` is null where this backend knows no builds."""

    session: int
    version: str
    hash: str
    kind: str
    known: bool | None


class PlausibilityOut(BaseModel):
    attemptId: str
    submissionId: str
    note: str
    builds: list[BuildOut]
    findings: list[FindingOut]


@router.get("/v1/attempts/{attempt_id}/plausibility", summary="Extension: what in an attempt's manifest is unusual")
def read_plausibility(attempt_id: str, ctx: Ctx, caller: Key) -> PlausibilityOut:
    """Of the last submission whose manifest was verified; 404 while there is none. Judged anew each time."""
    caller.must_read()
    with ctx.database.reading() as session:
        caller.must_manage(attempt_or_404(session, attempt_id).exam_id)
        of_attempt = select(Submission).where(Submission.attempt_id == attempt_id).order_by(Submission.created_ns)
        verified = [one for one in session.scalars(of_attempt) if (one.verification or {}).get("verified") is True]
        last = next((one for one in reversed(verified) if one.manifest_sha256 is not None), None)
        if last is None or last.manifest_sha256 is None:
            raise ApiError(404, message="No manifest that could be verified has been submitted for this attempt yet")
        submission_id, path = last.id, ctx.files.path(last.manifest_sha256)
    entries = list(_entries(path))
    known = ctx.settings.known_builds
    return PlausibilityOut(
        attemptId=attempt_id,
        submissionId=submission_id,
        note=NO_PROOF,
        builds=[_build_out(one.number, one.build, known) for one in sessions_of(entries)],
        findings=[
            FindingOut(
                what=one.what,
                sentence=one.sentence,
                innocent=one.innocent,
                weight=one.weight,
                entries=list(one.entries),
            )
            for one in findings(entries, known)
        ],
    )


def _build_out(number: int, build: Mapping[str, Json], known: Mapping[str, str]) -> BuildOut:
    version, digest, kind = (str(build.get(name) or "") for name in ("version", "hash", "kind"))
    return BuildOut(session=number, version=version, hash=digest, kind=kind, known=digest in known if known else None)


def _entries(path: Path) -> Iterator[Entry]:
    """What was verified when it came is not hashed again. A line that is no entry is passed over."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                told = json.loads(line)
                at, body = instant_from_json(told["at"]), told["body"]
                entry = Entry(int(told["seq"]), EntryKind(told["kind"]), at, body, "", "")
            except (EvidenceError, ValueError, KeyError, TypeError):
                continue
            if isinstance(body, dict):
                yield entry
