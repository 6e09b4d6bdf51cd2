"""A locked window in a process of its own: says so, ends when its input closes."""

from __future__ import annotations

import sys

from PySide6.QtCore import QSocketNotifier
from PySide6.QtWidgets import QApplication, QLabel

from app.lockdown.linux.x11_kiosk import KioskWindowOperation
from app.ui.kiosk import Kiosk


def main() -> None:
    application = QApplication(sys.argv)
    window = QLabel("the exam")
    kiosk = Kiosk(window)
    locked = KioskWindowOperation(kiosk)
    locked.perform()
    sys.stdout.write("locked\n")
    sys.stdout.flush()
    end = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    end.activated.connect(application.quit)
    application.exec()
    locked.revert({})


if __name__ == "__main__":
    main()
