"""The exam's side of ``invigil bench lockdown``: a locked Qt window, and the watchers of a strict policy.

A process of its own. Its argument is the name of a program to deny. It prints lines of JSON: one when it is ready, one for
each command on its input, ``cpu SECONDS`` (the processor time that it takes meanwhile) or ``watch``, and one for each
observation.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import TextIO

from PySide6.QtCore import QMetaObject, Qt
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow

from app.core.lockdown import plan
from app.core.policy import Policy
from app.core.types import (
    ClipboardUsed,
    DisplaysSeen,
    FocusChanged,
    Json,
    Observation,
    ProcessesSeen,
    WindowsSeen,
)
from app.keys.policy_model import parse_policy
from app.keys.presets import PRESETS
from app.lockdown.platform import active_window, machine_facts, watchers_for
from app.lockdown.setting import WatchSetting
from app.lockdown.watch import WatchLoop
from app.runtime.clock import SteadyClock
from app.runtime.lists import list_folders, load_lists
from app.ui.interpreter import keep_singletons_alive
from app.ui.kiosk import Kiosk


class Subject:
    """``serve`` obeys until the input ends, on a thread of its own. ``denied`` is the name of a program."""

    def __init__(self, kiosk: Kiosk, denied: str, commands: TextIO, answers: TextIO) -> None:
        self._kiosk = kiosk
        self._denied = denied
        self._policy = strict_policy(denied)
        self._commands = commands
        self._answers = answers
        self._writing = threading.Lock()
        self._clock = SteadyClock()

    def serve(self) -> None:
        loop: WatchLoop | None = None
        self._kiosk.set_kiosk(True)
        self._kiosk.grab_keyboard(True)
        self._say({"ready": True})
        for line in self._commands:
            command, *words = line.split()
            if command == "watch" and loop is None:
                loop = self._watch()
            elif command == "cpu":
                self._cpu(float(words[0]))
        if loop is not None:
            loop.stop()
        self._kiosk.release()

    def observed(self, seen: Observation) -> None:
        """Any thread. The time is taken first: what follows is the bench's own work."""
        at_ns = time.monotonic_ns()
        self._say({"seen": word_of(seen, self._denied), "at_ns": at_ns})

    def focus_changed(self, focused: bool, detail: str) -> None:
        self.observed(FocusChanged(self._clock.now().mono_ns, focused, detail))

    def _watch(self) -> WatchLoop:
        lists = load_lists(list_folders())
        setting = WatchSetting(self._policy, lists.programs, window=self._kiosk, signs=lists.signs)
        watchers = watchers_for(plan(self._policy, machine_facts()), setting)
        loop = WatchLoop(watchers, self._clock, self.observed, interval_s=1.0)
        loop.start()
        self._say({"watchers": [each.name for each in watchers]})
        return loop

    def _cpu(self, seconds: float) -> None:
        start_s, since_s = time.process_time(), time.monotonic()
        time.sleep(seconds)
        self._say({"cpu_s": time.process_time() - start_s, "passed_s": time.monotonic() - since_s})

    def _say(self, body: dict[str, Json]) -> None:
        with self._writing:
            self._answers.write(f"{json.dumps(body)}\n")
            self._answers.flush()


def word_of(seen: Observation, denied: str) -> str:
    """What came or went, in a word that both sides know; empty for what the bench does not ask for.

    Of programs only ``denied`` counts: another one of the list may be running here.
    """
    match seen:
        case FocusChanged(focused=focused):
            return "no focus" if not focused else "focus"
        case WindowsSeen(found=found):
            return "window" if found else "no window"
        case DisplaysSeen(count=count):
            return "monitor" if count > 1 else "no monitor"
        case ProcessesSeen(found=found):
            return "process" if denied in dict(found) else "no process"
        case ClipboardUsed():
            return "clipboard"
        case _:
            return ""


def strict_policy(denied: str) -> Policy:
    """The preset for strict exams, which denies one program more."""
    groups: dict[str, Json] = {name: dict(group) for name, group in PRESETS["strict"].policy.items()}
    lockdown = groups["lockdown"]
    names = lockdown["denied_processes"] if isinstance(lockdown, dict) else []
    if not isinstance(lockdown, dict) or not isinstance(names, list):
        raise TypeError("a preset's lockdown has a list of denied programs")
    lockdown["denied_processes"] = [*names, denied]
    groups["exam"] = {"id": "bench", "title": "Bench", "start_url": "https://exams.example.org"}
    groups["upload"] = {"endpoint": "https://proctoring.example.org", "token": "t" * 43, "exam_id": "bench"}
    return parse_policy(groups)


def main() -> int:
    keep_singletons_alive()
    application = QApplication(["invigil-bench"])
    window = QMainWindow()
    window.setCentralWidget(QLabel("Exam"))
    kiosk = Kiosk(window, active_window=active_window)
    subject = Subject(kiosk, sys.argv[1], sys.stdin, sys.stdout)
    kiosk.focus_changed.connect(subject.focus_changed)

    def serve() -> None:
        try:
            subject.serve()
        finally:
            QMetaObject.invokeMethod(application, "quit", Qt.ConnectionType.QueuedConnection)

    thread = threading.Thread(target=serve, name="bench-commands")
    thread.start()
    application.exec()
    thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
