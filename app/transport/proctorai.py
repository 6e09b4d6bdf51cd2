"""The ProctorAI REST contract as an ExamBackend, with our extensions where the server has them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote, urlsplit

import requests
from urllib3.exceptions import HTTPError

from app.core.errors import BackendError, BadInput
from app.core.ports import AttemptRegistration, UploadJob
from app.core.types import Json, Stream
from app.transport.addresses import checked_endpoint, is_loopback
from app.transport.answers import http_date, json_object, no_answer, read_bounded
from app.transport.bodies import FilePart, JsonBody, MultipartBody
from app.transport.credentials import Bearer
from app.transport.interrupts import InterruptibleAdapter, Interrupts

_CONNECT_TIMEOUT_S = 5.0
_NOT_OFFERED = frozenset({404, 405, 501})
_MEDIA = frozenset({"webcam", "screen"})
_TYPES = {Stream.CAMERA.value: "webcam", Stream.SCREEN.value: "screen"}
_SUFFIXES = {
    "video/webm": ".webm",
    "audio/webm": ".webm",
    "video/mp4": ".mp4",
    "image/jpeg": ".jpg",
    "image/png": ".png",
}
_USER_AGENT = "Invigil"
_Answer = TypeVar("_Answer")


class ProctorAiBackend:
    """Implements ``ports.ExamBackend``; every call opens a connection of its own and may come from any thread.

    TLS certificates are verified, redirects are not followed, and the token appears in no error or log. Plain http
    is for loopback only. Proxies and certificate bundles from the environment are used, except on loopback.
    ``submit_form``: multipart (files sent as they are) or json (files as base64 inside one JSON object).
    ``ca_file``: certificates (PEM) to trust instead of the usual ones, for an institution with its own authority.
    ``size_is_receipt``: accept a server's word on the size where it does not return the SHA-256 (plain contract).
    """

    def __init__(
        self,
        endpoint: str,
        token: str,
        timeout_s: float = 30.0,
        *,
        attempt_id: str | None = None,
        submit_form: Literal["multipart", "json"] = "multipart",
        size_is_receipt: bool = False,
        ca_file: Path | None = None,
        utc_s: Callable[[], float] = time.time,
    ) -> None:
        if not token or not all("!" <= char <= "~" for char in token):
            raise BadInput("The key's access token for the exam server can't be used; ask for a new key.")
        self._base = checked_endpoint(endpoint)
        self._host = urlsplit(self._base).hostname or ""
        self._token = token
        self._timeout_s = timeout_s
        self._attempt_id = attempt_id
        self._submit_form = submit_form
        self._size_is_receipt = size_is_receipt
        self._ca_file = ca_file
        self._utc_s = utc_s
        self._interrupts = Interrupts()

    def register_attempt(self, exam_id: str, attempt: Mapping[str, Json]) -> AttemptRegistration | None:
        """None when the server has no attempts (404, 405 or 501). The attempt's id goes with later uploads."""
        body = json.dumps(dict(attempt)).encode("utf-8")
        try:
            answer = self._send("POST", f"/exams/{quote(exam_id, safe='')}/attempts", body, "application/json")
        except BackendError as error:
            if error.status in _NOT_OFFERED:
                return None
            raise
        attempt_id, number = answer.get("attemptId"), answer.get("attemptNumber")
        if not isinstance(attempt_id, str) or not isinstance(number, int):
            raise BackendError(f"The exam server {self._host} did not confirm the attempt.")
        self._attempt_id = attempt_id
        return AttemptRegistration(attempt_id, number)

    def upload_recording(self, exam_id: str, user_id: str, job: UploadJob, progress: Callable[[int], None]) -> str:
        """``progress`` hears the bytes of the file sent so far; what it raises ends the transfer and comes out here.

        LocalFileError when the file is gone or differs from the job's hash.
        """
        fields = [
            ("examId", exam_id),
            ("userId", user_id),
            ("type", _TYPES.get(job.stream, job.stream) if job.kind == "segment" else job.kind),
            ("sha256", job.sha256),
            ("stream", job.stream),
            ("startUtcNs", str(job.start_utc_ns)),
            ("endUtcNs", str(job.end_utc_ns)),
        ]
        if self._attempt_id is not None:
            fields.append(("attemptId", self._attempt_id))
        name = f"{job.kind}-{job.stream}{_SUFFIXES.get(job.mime, '.bin')}"
        part = FilePart("file", job.path, job.size_bytes, job.mime, name, job.sha256, progress)
        body = MultipartBody(fields, [part])
        answer = self._send("POST", "/recordings", body, body.content_type)
        return self._receipt(answer, job)

    def submit(self, exam_id: str, payload: Mapping[str, Json], files: Mapping[str, Path]) -> Mapping[str, Json]:
        """``payload``: stats, warnings, and ours: report, manifest (lines), seal, userId, attemptId.

        ``files``: webcam and screen; report, manifest and seal may be given as files too.
        """
        values = dict(payload)
        if self._attempt_id is not None:
            values.setdefault("attemptId", self._attempt_id)
        body = self._as_json(values, files) if self._submit_form == "json" else self._as_form(values, files)
        return self._send("POST", f"/exams/{quote(exam_id, safe='')}/submit", body, body.content_type)

    def reachable(self) -> None:
        """Any HTTP answer counts: a server without ``/health`` is a server."""
        self._exchange("GET", "/health", None, None, lambda response: read_bounded(response, self._host))

    def server_time_offset_s(self) -> float | None:
        """How far the server's clock is ahead of this machine's, to about a second; None when it can't be told."""
        before_s = self._utc_s()
        try:
            date = self._exchange("GET", "/health", None, None, lambda response: response.headers.get("Date", ""))
        except BackendError:
            return None
        after_s = self._utc_s()
        found = http_date(date)
        return None if found is None else found.timestamp() + 0.5 - (before_s + after_s) / 2

    def interrupt(self, thread: int) -> None:
        """Breaks off the call that the thread with this ident is in; it raises BackendError. Any thread."""
        self._interrupts.interrupt(thread)

    def _receipt(self, answer: Mapping[str, Json], job: UploadJob) -> str:
        sha256 = answer.get("sha256")
        if isinstance(sha256, str):
            return sha256.lower()
        if self._size_is_receipt and answer.get("size") == job.size_bytes:
            return job.sha256
        raise BackendError(f"The exam server {self._host} did not confirm the file's SHA-256; the file is kept.")

    def _as_form(self, values: Mapping[str, Json], files: Mapping[str, Path]) -> MultipartBody:
        fields = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in values.items()]
        return MultipartBody(fields, [FilePart.of(name, path, _mime_of(path)) for name, path in files.items()])

    def _as_json(self, values: Mapping[str, Json], files: Mapping[str, Path]) -> JsonBody:
        texts = {name: path for name, path in files.items() if name not in _MEDIA}
        read: dict[str, Json] = {}
        for name, path in texts.items():
            text = b"".join(FilePart.of(name, path, "text/plain").chunks()).decode("utf-8")
            read[name] = text if name == "manifest" else json.loads(text)
        media = [FilePart.of(name, path, _mime_of(path)) for name, path in files.items() if name in _MEDIA]
        return JsonBody(dict(values) | read, media)

    def _send(self, method: str, path: str, body: bytes | MultipartBody | JsonBody, kind: str) -> dict[str, Json]:
        return self._exchange(method, path, body, kind, lambda response: json_object(response, self._host))

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | MultipartBody | JsonBody | None,
        kind: str | None,
        read: Callable[[requests.Response], _Answer],
    ) -> _Answer:
        headers = {"User-Agent": _USER_AGENT, "Accept": "application/json"}
        if kind is not None:
            headers["Content-Type"] = kind
        try:
            with self._interrupts.watching(), self._session() as session:
                response = session.request(
                    method,
                    self._base + path,
                    data=body,
                    headers=headers,
                    auth=Bearer(self._token),
                    timeout=(_CONNECT_TIMEOUT_S, self._timeout_s),
                    allow_redirects=False,
                    stream=True,
                )
                with response:
                    return read(response)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise BackendError(no_answer(error, self._host)) from error

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = not is_loopback(self._host)
        if self._ca_file is not None:
            session.verify = str(self._ca_file)
        adapter = InterruptibleAdapter(self._interrupts, _CONNECT_TIMEOUT_S, self._timeout_s)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session


def _mime_of(path: Path) -> str:
    by_suffix = {".webm": "video/webm", ".mp4": "video/mp4", ".json": "application/json", ".jsonl": "application/jsonl"}
    return by_suffix.get(path.suffix.lower(), "application/octet-stream")
