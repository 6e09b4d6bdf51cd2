"""The window under test, on a virtual desktop, with its theme."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.runtime.resources import resources_dir
from app.ui.main_window import ClientWindow
from app.ui.theme import apply_theme


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> Iterator[ClientWindow]:
    """A window of 1024 x 600 that the window manager has given the focus to."""
    apply_theme(qapp, "light", 1.0)
    client = ClientWindow(resources_dir() / "ui")
    qtbot.addWidget(client, before_close_func=_let_close)
    client.resize(1024, 600)
    with qtbot.waitExposed(client):
        client.show()
    client.activateWindow()
    qtbot.waitUntil(client.isActiveWindow)
    yield client
    apply_theme(qapp, "light", 1.0)


def _let_close(client: ClientWindow) -> None:
    client.allow_close = True


@pytest.fixture
def press() -> Callable[..., None]:
    """Presses real keys, by their X names, on the virtual desktop."""

    def keys(*names: str) -> None:
        subprocess.run(["xdotool", "key", "--clearmodifiers", *names], check=True, timeout=10)

    return keys
