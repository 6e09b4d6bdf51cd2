"""The two forms of a submission, multipart and JSON, read into one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi.concurrency import run_in_threadpool
from pydantic import JsonValue, ValidationError
from starlette.requests import Request

from app.backend.context import Context
from app.backend.errors import ApiError, Detail, invalid
from app.backend.files import PartFile
from app.backend.json_body import JsonReader, fill, object_of, parsed
from app.backend.multipart import Form, base64_size, read_form
from app.backend.schemas import MediaIn, SubmitIn

MEDIA = ("webcam", "screen")
_JSON_FIELDS = ("stats", "warnings", "report", "seal")
_TEXT_FIELDS = (("userId", "user_id"), ("attemptId", "attempt_id"))
_TEXT = {"type": "string"}
_FILE = {"type": "string", "format": "binary"}
SUBMIT_SCHEMA: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["stats"],
                    "properties": {
                        "stats": _TEXT | {"description": "JSON: session data"},
                        "warnings": _TEXT | {"description": "JSON: array of activity logs"},
                        "webcam": _FILE,
                        "screen": _FILE,
                        "userId": _TEXT | {"description": "Extension"},
                        "attemptId": _TEXT | {"description": "Extension"},
                        "report": _TEXT | {"description": "Extension, JSON: the attempt's report"},
                        "manifest": _TEXT
                        | {"description": "Extension: the evidence manifest's lines, or a JSON array of them"},
                        "seal": _TEXT | {"description": "Extension, JSON: the manifest's seal"},
                    },
                }
            },
            "application/json": {"schema": SubmitIn.model_json_schema(ref_template="#/components/schemas/{model}")},
        },
    }
}
_definitions = SUBMIT_SCHEMA["requestBody"]["content"]["application/json"]["schema"].pop("$defs")
SUBMIT_DEFINITIONS: dict[str, Any] = _definitions
"""Schemas that SUBMIT_SCHEMA refers to, for the OpenAPI document's components."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """``manifest`` are its lines. ``media`` is received, and kept only if it says so."""

    body: SubmitIn
    manifest: tuple[str, ...] | None
    media: dict[str, PartFile]


@asynccontextmanager
async def read_submission(request: Request, ctx: Context) -> AsyncIterator[Submitted]:
    """Either form. ApiError 400 when it is neither, malformed or too large. Media not kept inside is gone after."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    limits = ctx.settings
    if kind == "multipart/form-data":
        names = frozenset(MEDIA)
        async with read_form(request, ctx.files, names, limits.max_file_bytes, limits.max_text_bytes) as form:
            yield await run_in_threadpool(_from_form, form)
    elif kind == "application/json":
        spill = max(base64_size(limits.max_file_bytes), limits.max_text_bytes)
        reader = JsonReader(ctx.files, limits.max_text_bytes, spill)
        try:
            value = await fill(request, reader, len(MEDIA), limits.max_file_bytes, limits.max_text_bytes)
            yield await run_in_threadpool(_from_json, reader, object_of(value, "body"), limits.max_file_bytes)
        finally:
            reader.close()
    else:
        raise invalid("Content-Type", "multipart/form-data or application/json is needed")


def _from_form(form: Form) -> Submitted:
    values: dict[str, JsonValue] = {}
    for name in _JSON_FIELDS:
        text = form.text(name)
        if text is not None:
            values[name] = parsed(text, name)
    for names in _TEXT_FIELDS:
        values[names[0]] = form.text(*names)
    manifest = form.text("manifest")
    if manifest is not None:
        values["manifest"] = parsed(manifest, "manifest") if manifest.startswith("[") else manifest
    body = _validated(values)
    return Submitted(body, _lines(body.manifest), form.files)


def _from_json(reader: JsonReader, value: dict[str, JsonValue], max_file_bytes: int) -> Submitted:
    sent = {name: value.pop(name) for name in MEDIA if value.get(name) is not None}
    restored = object_of(reader.restored(dict(value)), "body")
    for wide, narrow in _TEXT_FIELDS:
        if narrow in restored:
            restored.setdefault(wide, restored[narrow])
    body = _validated(restored | sent)
    media = {name: reader.file(_text_of(getattr(body, name)), name, max_file_bytes) for name in sent}
    return Submitted(body, _lines(body.manifest), media)


def _text_of(media: MediaIn | str) -> str:
    return media if isinstance(media, str) else media.data


def _validated(values: dict[str, JsonValue]) -> SubmitIn:
    try:
        return SubmitIn.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        details = [Detail(".".join(str(part) for part in one["loc"]) or "body", one["msg"]) for one in error.errors()]
        raise ApiError(400, *details) from error


def _lines(manifest: list[str] | str | None) -> tuple[str, ...] | None:
    if manifest is None:
        return None
    lines = manifest.split("\n") if isinstance(manifest, str) else manifest
    return tuple(line for line in lines if line)
