"""Where the product's own files are: in a source tree, an installed wheel, or a frozen application."""

from __future__ import annotations

import sys
from pathlib import Path


def resources_dir() -> Path:
    """The folder that holds models, page scripts, the sample exam and lists."""
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen is not None:
        return Path(str(frozen)) / "resources"
    package = Path(__file__).resolve().parent.parent
    installed = package / "_resources"
    return installed if installed.is_dir() else package.parent / "resources"


def model_path(name: str) -> Path:
    """A model file; it may be missing, which its user reports in a sentence."""
    return resources_dir() / "models" / name
