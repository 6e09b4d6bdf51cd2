"""Keeps the native libraries' own chatter out of a command's standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def native_log_silenced() -> Iterator[None]:
    """Within it, only Python writes to standard error: MediaPipe, TensorFlow Lite and FFmpeg write to nowhere.

    For a command's own process: it changes file descriptor 2. Does nothing where Python's standard error is
    not that descriptor (a test that captures it).
    """
    if not _owns_descriptor():
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        with (
            os.fdopen(os.dup(kept), "w", encoding="utf-8", errors="backslashreplace", buffering=1) as ours,
            contextlib.redirect_stderr(ours),
        ):
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def _owns_descriptor() -> bool:
    try:
        return sys.stderr.fileno() == 2
    except (OSError, ValueError, AttributeError):
        return False
