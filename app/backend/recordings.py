"""``/recordings``: deliver, describe, play."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.responses import FileResponse

from app.backend.auth import Caller, Key
from app.backend.context import Context, Ctx, new_id, time_text
from app.backend.errors import ApiError, Detail, invalid
from app.backend.exams import exam_or_404, joined
from app.backend.files import PartFile
from app.backend.models import Recording, Submission
from app.backend.multipart import Form, read_form
from app.backend.review import analysis_of
from app.backend.schemas import RecordingOut
from app.core.types import NS_PER_S

router = APIRouter()

_FILE_FIELDS = frozenset({"file"})
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)(?:\s*,.*)?", re.ASCII)
_UPLOAD_FIELDS = {
    "examId": "The exam (also exam_id)",
    "userId": "The user (also user_id)",
    "type": "webcam or screen; extensions: microphone, clip, snapshot and other names",
    "sha256": "Extension: SHA-256 of the file in hex; an upload that differs is refused",
    "attemptId": "Extension: the attempt that the file belongs to",
    "stream": "Extension: camera, screen or microphone",
    "startUtcNs": "Extension: start of the recording, UTC nanoseconds",
    "endUtcNs": "Extension: end of the recording, UTC nanoseconds",
}
_UPLOAD_SCHEMA: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["examId", "userId", "type", "file"],
                    "properties": {
                        name: {"type": "string", "description": text} for name, text in _UPLOAD_FIELDS.items()
                    }
                    | {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


@dataclass(frozen=True, slots=True)
class Upload:
    """The fields beside the file, checked."""

    exam_id: str
    user_id: str
    type: str
    stream: str | None = None
    attempt_id: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    duration_s: float | None = None


@router.post("/recordings", summary="Upload exam recordings", openapi_extra=_UPLOAD_SCHEMA)
async def upload(request: Request, ctx: Ctx, key: Key) -> RecordingOut:
    """The same file for the same exam, user and type is kept once: sending it again gives the same recording."""
    limits = ctx.settings
    async with read_form(request, ctx.files, _FILE_FIELDS, limits.max_file_bytes, limits.max_text_bytes) as form:
        return await run_in_threadpool(_receive, request, ctx, key, form)


@router.get("/recordings/{recording_id}", summary="Retrieve a specific recording")
def read_recording(recording_id: str, ctx: Ctx, key: Key, request: Request) -> RecordingOut:
    key.must_read()
    with ctx.database.reading() as session:
        recording = _recording_or_404(session, recording_id)
        key.must_manage(recording.exam_id)
        return recording_out(ctx, request, session, recording)


@router.get(
    "/recordings/{recording_id}/download",
    summary="The recording's file; ranges are supported",
    response_class=FileResponse,
    responses={206: {"description": "The range of the file that was asked for"}},
)
def download(recording_id: str, ctx: Ctx, key: Key, request: Request) -> FileResponse:
    key.must_read()
    with ctx.database.reading() as session:
        recording = _recording_or_404(session, recording_id)
    key.must_manage(recording.exam_id)
    name = f"{recording.id}.{recording.format}"
    return media_response(ctx, request, recording, {"Content-Disposition": f'attachment; filename="{name}"'})


def media_response(ctx: Context, request: Request, recording: Recording, headers: dict[str, str]) -> FileResponse:
    """The file, its type told from its content; a range outside of it is refused in our error format."""
    path: Path = ctx.files.path(recording.sha256)
    if not path.is_file():
        raise ApiError(404)
    wanted = request.headers.get("range")
    if wanted is not None and wanted.startswith("bytes="):
        _check_range(wanted, recording.size_bytes)
    return FileResponse(path, media_type=recording.mime, headers=headers)


def store_recording(session: Session, ctx: Context, wish: Upload, part: PartFile) -> Recording:
    """The recording's row, the existing one when this very file is there already."""
    exam = exam_or_404(session, wish.exam_id)
    joined(session, ctx, exam, wish.user_id)
    same = select(Recording).where(
        Recording.exam_id == wish.exam_id,
        Recording.user_id == wish.user_id,
        Recording.type == wish.type,
        Recording.sha256 == part.sha256,
    )
    found = session.scalar(same)
    if found is not None:
        return found
    file = part.keep()
    duration_s = wish.duration_s
    if wish.start_ns is not None and wish.end_ns is not None:
        duration_s = max(0, wish.end_ns - wish.start_ns) / NS_PER_S
    made = Recording(
        id=new_id("rec"),
        exam_id=wish.exam_id,
        user_id=wish.user_id,
        type=wish.type,
        stream=wish.stream,
        attempt_id=wish.attempt_id,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        format=file.format,
        mime=file.mime,
        start_ns=wish.start_ns,
        end_ns=wish.end_ns,
        duration_s=duration_s,
        created_ns=ctx.now_ns(),
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:  # another request stored it between the look and the write
        return session.scalars(same).one()
    return made


def recording_out(ctx: Context, request: Request, session: Session, recording: Recording) -> RecordingOut:
    waits, report = _report_for(session, recording)
    return RecordingOut(
        id=recording.id,
        examId=recording.exam_id,
        userId=recording.user_id,
        type=recording.type,
        duration=recording.duration_s,
        size=recording.size_bytes,
        format=recording.format,
        createdAt=time_text(recording.created_ns),
        url=f"{ctx.address(request)}/recordings/{recording.id}/download",
        status="processing" if waits else "processed",
        analysis=None if report is None else analysis_of(report, recording.start_ns, recording.end_ns),
        sha256=recording.sha256,
        stream=recording.stream,
    )


def _report_for(session: Session, recording: Recording) -> tuple[bool, dict[str, Any] | None]:
    """Whether the recording still waits for its attempt's report, and that report."""
    if recording.attempt_id is None:
        return False, None
    latest = (
        select(Submission).where(Submission.attempt_id == recording.attempt_id).order_by(Submission.created_ns.desc())
    )
    submission = session.scalars(latest.limit(1)).first()
    return submission is None, None if submission is None else submission.report


def _receive(request: Request, ctx: Context, key: Caller, form: Form) -> RecordingOut:
    wish = _checked(form)
    key.must_deliver(wish.exam_id, wish.user_id)
    file = form.files["file"]
    claimed = form.text("sha256")
    if claimed is not None and claimed.lower() != file.sha256:
        raise invalid("sha256", "The file that arrived is not the one with this hash")
    with ctx.database.writing() as session:
        return recording_out(ctx, request, session, store_recording(session, ctx, wish, file))


def _checked(form: Form) -> Upload:
    exam_id, user_id = form.text("examId", "exam_id"), form.text("userId", "user_id")
    kind, claimed = form.text("type"), form.text("sha256")
    missing = [
        Detail(name, "Field required")
        for name, value in (("examId", exam_id), ("userId", user_id), ("type", kind))
        if not value
    ]
    if "file" not in form.files:
        missing.append(Detail("file", "Field required"))
    if missing or exam_id is None or user_id is None or kind is None:
        raise ApiError(400, *missing)
    for name, value, most in (("examId", exam_id, 64), ("userId", user_id, 200), ("type", kind, 40)):
        if len(value) > most:
            raise invalid(name, f"The text is longer than {most} characters")
    if claimed is not None and not _SHA256.fullmatch(claimed):
        raise invalid("sha256", "64 hexadecimal digits are needed")
    return Upload(
        exam_id,
        user_id,
        kind,
        (form.text("stream") or "")[:40] or None,
        (form.text("attemptId", "attempt_id") or "")[:64] or None,
        _whole_number(form, "startUtcNs", "start_utc_ns"),
        _whole_number(form, "endUtcNs", "end_utc_ns"),
    )


def _whole_number(form: Form, *names: str) -> int | None:
    text = form.text(*names)
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,18}|[1-8]\d{18}", text, re.ASCII):
        raise invalid(names[0], "A whole number of nanoseconds is needed")
    return int(text)


def _recording_or_404(session: Session, recording_id: str) -> Recording:
    found = session.get(Recording, recording_id)
    if found is None:
        raise ApiError(404)
    return found


def _check_range(wanted: str, size_bytes: int) -> None:
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or not (found[1] or found[2]):
        raise ApiError(400, Detail("Range", "The range is malformed"))
    if (found[1] and int(found[1]) >= size_bytes) or size_bytes == 0:
        raise ApiError(416, headers={"Content-Range": f"bytes */{size_bytes}"})
