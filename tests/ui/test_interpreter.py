"""What the interpreter has to survive."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
from app.ui.interpreter import keep_singletons_alive
keep_singletons_alive()
keep_singletons_alive()
from PySide6.QtCore import QObject, Signal
class Bell(QObject):
    rung = Signal()
bell = Bell()
for _ in range(30_000):
    bell.setObjectName("bell")
    bell.rung.emit()
    bell == 1
print("alive")
"""


def test_an_exams_worth_of_calls_into_qt_does_not_abort_the_client() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("alive\n", "", 0)
