"""What a backend's answers mean to us: bounded, read once, errors turned into sentences."""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import parsedate_to_datetime

import requests

from app.core.errors import BackendError
from app.core.types import Json

ANSWER_MAX_BYTES = 1024 * 1024
_MESSAGE_MAX = 200
_MEANINGS = {
    401: "the access token is not valid any more; ask the institution for a new key",
    403: "the access token does not allow it; ask the institution for a new key",
    404: "it does not know this exam or address; ask the institution",
    413: "the file is larger than it accepts",
    429: "it is asked too often and will be tried again",
}


def json_object(response: requests.Response, host: str, max_bytes: int = ANSWER_MAX_BYTES) -> dict[str, Json]:
    """The answer's JSON object. BackendError when it is an error, a redirect, too long, or no JSON object."""
    body = read_bounded(response, host, max_bytes)
    if not 200 <= response.status_code < 300:
        raise _refusal(response, body, host)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BackendError(f"The exam server {host} answered with something that is not JSON.") from error
    if not isinstance(value, dict):
        raise BackendError(f"The exam server {host} answered with JSON that is not an object.")
    return value


def read_bounded(response: requests.Response, host: str, max_bytes: int = ANSWER_MAX_BYTES) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(16 * 1024):
        body += chunk
        if len(body) > max_bytes:
            raise BackendError(f"The exam server {host} sent a longer answer than can be right.")
    return bytes(body)


def retry_after_s(response: requests.Response) -> float | None:
    """Seconds to wait from a Retry-After header; a date in it is measured by the server's own clock."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    wanted, now = http_date(text), http_date(response.headers.get("Date", ""))
    return None if wanted is None or now is None else max(0.0, (wanted - now).total_seconds())


def http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def no_answer(error: Exception, host: str) -> str:
    """Why there was none, as a sentence. ``error`` is of requests, urllib3 or the system."""
    if isinstance(error, requests.exceptions.SSLError):
        return f"The exam server {host} has no valid certificate; check this computer's date, then ask the institution."
    if isinstance(error, requests.exceptions.ProxyError):
        return f"The network's proxy does not let this computer reach the exam server {host}; ask its administrator."
    if isinstance(error, requests.Timeout):
        return f"The exam server {host} does not answer in time; check the network connection."
    return f"The exam server {host} can't be reached; check the network connection."


def _refusal(response: requests.Response, body: bytes, host: str) -> BackendError:
    status = response.status_code
    if 300 <= status < 400:
        text = f"The exam server {host} points to another address, which is not followed; ask for a key with the right one."
        return BackendError(text, status)
    reason = _MEANINGS.get(status) or _message(body) or "no reason given"
    return BackendError(
        f"The exam server {host} answered with error {status}: {reason}.", status, retry_after_s(response)
    )


def _message(body: bytes) -> str:
    """The error body's own words in one line: the message and its first details."""
    try:
        error = json.loads(body)["error"]
        details = [f"{one['field']}: {one['issue']}" for one in error.get("details", [])[:3]]
        text = "; ".join([str(error["message"]), *details])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return "".join(char if char.isprintable() else " " for char in text)[:_MESSAGE_MAX].rstrip(".")
