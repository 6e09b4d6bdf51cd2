"""Packages that only some commands need, and how to say that they are missing."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from app.core.errors import InvigilError

BACKEND = ("fastapi", "python_multipart", "sqlalchemy", "uvicorn")


def require_backend(modules: Sequence[str] = BACKEND) -> None:
    """Raises InvigilError when the backend's packages are not installed: the optional part ``invigil[backend]``."""
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    if absent:
        raise InvigilError(
            f"The reference backend needs Python packages that are not installed ({', '.join(absent)}); "
            "install them with pip install 'invigil[backend]'."
        )
