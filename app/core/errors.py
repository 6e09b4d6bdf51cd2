"""Errors that a person is told of. Each message is one sentence: what is wrong, where, what to do."""

from __future__ import annotations


class InvigilError(Exception):
    """A failure with a sentence for the person. ``exit_code`` follows the command line's contract."""

    exit_code = 1


class BadInput(InvigilError):
    """The given key, file, address or option can't be used."""

    exit_code = 2


class SourceError(InvigilError):
    """A camera, microphone or screen can't be opened or read. ``code`` is the error code (4002-4014)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class BackendError(InvigilError):
    """The backend could not be reached or answered with an error.

    ``status`` is the HTTP status, None when there was no answer; ``retry_after_s`` is the server's wish.
    """

    def __init__(self, message: str, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class EvidenceError(InvigilError):
    """Evidence can't be written, read or verified."""


class LockdownError(InvigilError):
    """A protection can't be put in place on this machine."""
