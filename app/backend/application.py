"""The reference backend as an ASGI application: the ProctorAI contract and our extensions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.backend import (
    attempt_plausibility,
    attempts,
    codes,
    control,
    exams,
    holds,
    identity,
    integrations,
    keys,
    lms_answers,
    lms_autoproctor,
    lms_blinkexam,
    lms_mettl,
    lms_trustexam,
    recordings,
    revocations,
    submissions,
)
from app.backend.context import Context, Ctx, time_text
from app.backend.errors import ApiError, add_error_handlers, bad_text, error_response, invalid, too_large
from app.backend.json_body import DEPTH_MAX, has_broken_text, is_deep
from app.backend.schemas import ErrorBody, Health
from app.backend.settings import MIB, BackendServices, BackendSettings
from app.backend.submit_forms import SUBMIT_DEFINITIONS
from app.core.errors import BadInput

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": text}
    for status, text in (
        (400, "The request was invalid"),
        (401, "Authentication failed or the key does not have permission"),
        (404, "The requested resource could not be found"),
        (429, "Rate limit exceeded"),
        (500, "Something went wrong on our end"),
    )
}
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_BIG_BODIES = ("/recordings", "/submit")
_PICTURES = "/verify/user"
_BODY_MAX_BYTES = 2 * MIB
"""Bodies are read before anybody knows who sends them, and while they are read nobody else is served."""
_COMMAS_MAX = 1000
_health = APIRouter()


class BackendApp(FastAPI):
    """Its OpenAPI document says what is true here: invalid requests are 400 with our error body, never 422."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is not None:
            return self.openapi_schema
        schema = super().openapi()
        for methods in schema["paths"].values():
            for operation in methods.values():
                operation.get("responses", {}).pop("422", None)
        components = schema["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            components.pop(name, None)
        components.update(SUBMIT_DEFINITIONS)
        return schema


@cache
def _interface() -> APIRouter:
    """All routes, the same ones for each application of this process: FastAPI takes a tenth of a second to work them out."""
    whole = APIRouter(responses=_ERRORS)
    for router in (_health, exams.router, attempts.router, submissions.router, recordings.router, identity.router):
        whole.include_router(router)
    for router in (revocations.router, codes.router, keys.router, control.router, holds.router):
        whole.include_router(router)
    whole.include_router(attempt_plausibility.router)
    for module in (integrations, lms_trustexam, lms_mettl, lms_autoproctor, lms_blinkexam, lms_answers):
        whole.include_router(module.router)
    return whole


def create_app(settings: BackendSettings, services: BackendServices) -> FastAPI:
    """Nothing is opened before the server starts it; everything is closed when it stops.

    No documentation pages (they would load scripts from elsewhere) and no telemetry, whatever the environment says;
    ``/openapi.json`` describes the interface.
    """
    context = Context(settings, services)

    @asynccontextmanager
    async def lifespan(started: FastAPI) -> AsyncIterator[None]:
        try:
            context.start()
        except BadInput as failure:
            started.state.start_failure = failure
            raise
        context.control.start()
        yield
        await context.control.stop()
        context.stop()

    app = BackendApp(
        title="Invigil reference backend",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.context = context
    app.state.start_failure = None
    add_error_handlers(app)
    app.router.routes.extend(_interface().routes)
    if settings.demo_dir is not None:
        app.mount("/demo", StaticFiles(directory=settings.demo_dir, html=True), name="demo")
    app.add_middleware(_SafeHeaders)
    app.add_middleware(_SmallBodies, pictures_bytes=_pictures_limit(settings))
    return app


@_health.get("/health", summary="Extension: whether the backend answers, and its time")
def health(ctx: Ctx) -> Health:
    return Health(status="ok", time=time_text(ctx.now_ns()))


def _pictures_limit(settings: BackendSettings) -> int:
    """Two base64 images and some text."""
    return settings.max_image_bytes * 3 + MIB


class _SafeHeaders:
    """Headers that keep browsers from guessing types, leaking links, or caching what only a key may see."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        demo = scope.get("path", "").startswith("/demo")

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                if not demo:
                    headers.setdefault("Cache-Control", "no-store")
                    headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
            await send(message)

        await self._app(scope, receive, send_safely)


class _SmallBodies:
    """Refuses bodies that no endpoint but the upload ones, which bound themselves, could want.

    Pictures are long texts: what is long and has many parts is none, and would take long to read.
    """

    def __init__(self, app: ASGIApp, pictures_bytes: int) -> None:
        self._app = app
        self._pictures_bytes = pictures_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].endswith(_BIG_BODIES):
            await self._app(scope, receive, send)
            return
        limit_bytes = self._pictures_bytes if scope["path"] == _PICTURES else _BODY_MAX_BYTES
        body = await _whole(scope, receive, limit_bytes)
        refusal = too_large("body", limit_bytes) if body is None else _wrong(body)
        if refusal is not None:
            await error_response(refusal)(scope, receive, send)
            return
        first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return first.pop() if first else await receive()

        await self._app(scope, replay, send)


async def _whole(scope: Scope, receive: Receive, limit_bytes: int) -> bytes | None:
    """The whole body; None when it is longer than allowed, by its own word at once."""
    declared = Headers(scope=scope).get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > limit_bytes:
        return None
    body = bytearray()
    while len(body) <= limit_bytes:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
    return None


def _wrong(body: bytes) -> ApiError | None:
    """What no endpoint can take, whatever it is for."""
    if len(body) > _BODY_MAX_BYTES and body.count(b",") > _COMMAS_MAX:
        return invalid("body", "The body has far more parts than two pictures need")
    if is_deep(body):
        return invalid("body", f"The body is nested deeper than {DEPTH_MAX} levels")
    return bad_text() if has_broken_text(body) else None
