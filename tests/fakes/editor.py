"""The key editor's window with its real desk, for tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent

from app.keys.tries import Tries
from app.runtime.editor import EditorDesk, vendor_names
from app.runtime.resources import resources_dir
from app.ui.editor.catalogue import catalogue
from app.ui.editor.window import EditorWindow


def make_editor(folder: Path, now: Callable[[], datetime]) -> EditorWindow:
    """Not shown yet; files are suggested in ``folder``, and wrong passwords counted there."""
    desk = EditorDesk(Tries(folder / "tries.json"), now)
    window = EditorWindow(resources_dir() / "ui", desk, catalogue(vendor_names()))
    window.files.folder = folder
    return window


def destroy_editor(window: EditorWindow) -> None:
    """Closes it whatever was changed, and frees its widgets now: Qt styles all of them anew with every theme."""
    window.history.set_clean()
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
