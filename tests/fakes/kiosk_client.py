"""A client that locks the real desktop. The first run is killed while locked, the resumed one ends well.

Arguments: the folder for its journal and for ``seen``, the lines of what it found and did.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PySide6.QtCore import QMetaObject, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QMainWindow

from app.core.lockdown import CLIPBOARD, KEEP_AWAKE, KEYBOARD, KIOSK, Plan
from app.lockdown.journal import RestoreJournal
from app.lockdown.linux.x11 import KeepAwake
from app.lockdown.platform import all_operations, operations_for
from app.lockdown.sequence import perform_all, revert_all
from app.lockdown.setting import OperationSetting
from app.ui.kiosk import Kiosk

LOCKED = (CLIPBOARD, KEEP_AWAKE, KIOSK, KEYBOARD)


def main() -> int:
    folder = Path(sys.argv[1])
    application = QApplication(["client"])
    window = QMainWindow()
    window.setCentralWidget(QLineEdit())
    kiosk = Kiosk(window)
    journal = RestoreJournal(folder / "restore.jsonl")
    operations = operations_for(Plan(operations=LOCKED), OperationSetting(kiosk))

    def note(what: str) -> None:
        with (folder / "seen").open("a") as file:
            file.write(f"{what} {KeepAwake().before()['timeout_s']}\n")

    def work() -> None:
        """On a thread of its own, as in the real client: the keyboard is asked for again while another program has it."""
        note("started")
        perform_all(operations, journal)
        note("locked")
        if "--resume" not in sys.argv:
            os.kill(os.getpid(), signal.SIGKILL)
        problems = revert_all(journal, all_operations() | {o.name: o for o in operations})
        note(f"released{len(problems)}")

    def locked_and_released() -> None:
        try:
            work()
        finally:
            QMetaObject.invokeMethod(application, "quit", Qt.ConnectionType.QueuedConnection)

    window.show()
    threading.Thread(target=locked_and_released, daemon=True).start()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
