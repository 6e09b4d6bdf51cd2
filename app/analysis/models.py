"""Model files: there, or a sentence."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from app.core.errors import InvigilError

_Task = TypeVar("_Task")


def require_model(path: Path) -> Path:
    """``path`` when the file is there; InvigilError that says what to do otherwise."""
    if not path.is_file():
        raise InvigilError(
            f"The model file {path.name} is missing in {path.parent}; "
            "run python3 build_scripts/dev.py setup, or install the application again."
        )
    return path


def broken_model(path: Path, cause: str) -> InvigilError:
    """The error for a model file that is there but that its library refuses."""
    return InvigilError(
        f"The model file {path.name} can't be loaded ({cause.splitlines()[0][:120] if cause else 'no reason given'}); delete it and run "
        "python3 build_scripts/dev.py setup, or install the application again."
    )


def created_task(create: Callable[[], _Task], path: Path) -> _Task:
    """A MediaPipe task; InvigilError when its model is broken.

    A task that fails to load leaves its thread waiting in a reference cycle: it is collected here.
    """
    try:
        return create()
    except (RuntimeError, ValueError) as error:
        problem = str(error)
    gc.collect()
    raise broken_model(path, problem)
