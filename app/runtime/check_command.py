"""The system check without windows and without an exam."""

from __future__ import annotations

from app.core.checks import CheckResult
from app.core.policy import Capture
from app.core.types import AudioChunk, Frame
from app.runtime.checks import CheckContext, run_checks
from app.runtime.clock import SystemClock
from app.runtime.lists import list_folders, load_lists
from app.runtime.options import default_data_dir
from app.runtime.preview import Preview
from app.runtime.recording import chosen_sources


def check_machine(camera: str | None, microphone: str | None, screen: str | None) -> list[CheckResult]:
    """Checks everything that any exam may ask for. Files are allowed as sources: nothing is at stake here."""
    clock = SystemClock()
    capture = Capture(allow_file_sources=True)
    sources = chosen_sources(capture, camera, microphone, screen, clock)
    preview = Preview(sources, clock, _ignore_frame, _ignore_sound)
    preview.start()
    try:
        return run_checks(
            CheckContext(None, default_data_dir(), preview, preview.streams, None, clock, load_lists(list_folders()))
        )
    finally:
        preview.stop()


def _ignore_frame(_frame: Frame) -> None: ...


def _ignore_sound(_chunk: AudioChunk) -> None: ...
