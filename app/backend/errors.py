"""Every error that leaves the backend has one body: ``{"error": {"code", "message", "details"}}``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

_NAMES = {
    400: ("invalid_request", "The request was invalid"),
    401: ("unauthorized", "Authentication failed or the key does not have permission"),
    404: ("not_found", "The requested resource could not be found"),
    405: ("method_not_allowed", "This address does not support the request's method"),
    409: ("conflict", "The request contradicts what the backend keeps"),
    416: ("range_not_satisfiable", "The requested range is outside of the file"),
    429: ("rate_limited", "Rate limit exceeded"),
    500: ("server_error", "Something went wrong on our end"),
    501: ("not_configured", "This backend is not configured for the request"),
}


@dataclass(frozen=True, slots=True)
class Detail:
    field: str
    issue: str


class ApiError(Exception):
    """An answer with an error status. ``message`` empty means the status's usual one."""

    def __init__(
        self, status: int, *details: Detail, message: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, message, details)
        self.status = status
        self.details = details
        self.message = message
        self.headers = dict(headers or {})


def invalid(field: str, issue: str) -> ApiError:
    """400 with one detail."""
    return ApiError(400, Detail(field, issue))


def too_large(field: str, limit_bytes: int) -> ApiError:
    return invalid(field, f"File size exceeds the maximum allowed ({size_text(limit_bytes)})")


def size_text(size_bytes: int) -> str:
    """100 MiB is said as ``100MB``, the seed's way; what is less than that in kB or bytes."""
    for unit_bytes, unit in ((1024 * 1024, "MB"), (1024, "kB")):
        if size_bytes >= unit_bytes:
            return f"{size_bytes / unit_bytes:.4g}{unit}"
    return f"{size_bytes} bytes"


def bad_text() -> ApiError:
    """JSON can spell half of a character ("\\ud800"), which no database or file can hold."""
    return invalid("body", "The text contains characters that are not valid Unicode")


def unauthorized(message: str = "") -> ApiError:
    return ApiError(401, message=message, headers={"WWW-Authenticate": "Bearer"})


def rate_limited(wait_s: float) -> ApiError:
    return ApiError(429, headers={"Retry-After": str(max(1, round(wait_s + 0.5)))})


def error_response(error: ApiError) -> JSONResponse:
    code, usual = _NAMES.get(error.status, ("invalid_request", "The request was invalid"))
    details = [{"field": one.field, "issue": one.issue} for one in error.details]
    body = {"error": {"code": code, "message": error.message or usual, "details": details}}
    return JSONResponse(body, status_code=error.status, headers=error.headers)


def add_error_handlers(app: FastAPI) -> None:
    """Routes every failure, expected or not, to the one body."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(UnicodeEncodeError, _on_bad_text)
    app.add_exception_handler(Exception, _on_crash)


async def _on_api_error(_: Request, error: Exception) -> Response:
    return error_response(error) if isinstance(error, ApiError) else error_response(ApiError(500))


async def _on_http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return error_response(ApiError(500))
    return error_response(ApiError(error.status_code, headers=error.headers))


async def _on_invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        return error_response(ApiError(500))
    return error_response(ApiError(400, *(_detail(one) for one in error.errors())))


async def _on_disconnect(_: Request, __: Exception) -> Response:
    """Nobody reads this answer; it keeps a client that went away out of the error log."""
    return error_response(invalid("body", "The connection was closed before the request was complete"))


async def _on_bad_text(_: Request, __: Exception) -> Response:
    return error_response(bad_text())


async def _on_crash(_: Request, __: Exception) -> Response:
    """Says nothing of the cause; the server writes it to its own log."""
    return error_response(ApiError(500))


def _detail(error: Mapping[str, Any]) -> Detail:
    location: tuple[str | int, ...] = error["loc"]
    if error["type"] == "json_invalid":
        return Detail("body", f"The body is not valid JSON, from character {location[-1]} on")
    path = location[1:] if location and location[0] in ("body", "query", "path", "header") else location
    return Detail(".".join(str(part) for part in path) or "body", error["msg"])
