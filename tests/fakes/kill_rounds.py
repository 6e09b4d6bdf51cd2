"""Kills a client, its guardian or both at chosen points of locking and unlocking, again and again, without a new interpreter
for each: clients and guardians are forks of this process.

Arguments: the folder to work in, ``client``, ``guardian`` or ``both``, how many kills, and the seed that chooses the points. A
point is a line of the lockdown's code (or of the operations') that is about to run. Prints one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.core.ports import LockdownOperation
from app.core.types import Json
from app.lockdown.journal import RestoreJournal
from app.lockdown.linux.autostart import AutostartEntry
from app.lockdown.linux.x11 import KeepAwake
from app.lockdown.sequence import perform_all, revert_all
from app.runtime.child import Child
from app.runtime.guardian import Guardian
from tests.fakes.lockdown import FileOperation

ROOT = Path(__file__).resolve().parents[2]
WHERE = (str(ROOT / "app" / "lockdown"), str(ROOT / "tests" / "fakes" / "lockdown.py"))


class Fork:
    """A child process (``app.runtime.child``) that runs ``work`` and ends with what it returns."""

    def __init__(self, work: Callable[[], int]) -> None:
        self._code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            code = 99
            try:
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_DFL)
                code = work()
            finally:
                os._exit(code)

    def poll(self) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        if self._code is None and timeout is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if self._code is None:
            raise subprocess.TimeoutExpired("fork", timeout or 0)
        return self._code

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


class Points:
    """Counts the lines that run, and calls ``at_point`` when the chosen one is next."""

    def __init__(self, point: int | None, at_point: Callable[[], None] = lambda: None) -> None:
        self._point = point
        self._at_point = at_point
        self.count = 0

    def __enter__(self) -> Points:
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, arg: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(WHERE) else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self.count += 1
            if self.count == self._point:
                sys.settrace(None)
                self._at_point()
        return self._line


class Machine:
    """What an exam changes here: a real autostart entry, real settings of the X server, and two files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = RestoreJournal(folder / "restore.jsonl")
        self.files = [folder / "shortcuts", folder / "shell"]
        made: list[LockdownOperation] = [AutostartEntry(("restore", str(folder)))]
        made += [FileOperation(self.files[0]), KeepAwake(), FileOperation(self.files[1])]
        self.operations = {operation.name: operation for operation in made}

    def state(self) -> dict[str, Json]:
        entries = sorted((Path(os.environ["XDG_CONFIG_HOME"]) / "autostart").glob("*.desktop"))
        return {
            "entries": [entry.name for entry in entries],
            "files": [file.read_text() for file in self.files],
            "x": KeepAwake().before(),
            "outstanding": [op for op, _ in self.journal.outstanding()],
        }

    def cycle(self) -> None:
        """Locks and unlocks."""
        perform_all(list(self.operations.values()), self.journal)
        revert_all(self.journal, self.operations)

    def guard(self, client: Callable[[Sequence[str]], int]) -> int:
        def start(command: Sequence[str], environ: Mapping[str, str]) -> Child:
            return Fork(lambda: client(command))

        return Guardian(("client",), self.folder / "restore.jsonl", self.operations, start=start).run()


def main() -> None:
    folder, kind, rounds, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    machine = Machine(folder)
    for file in machine.files:
        file.write_text("as it was")
    machine.cycle()  # the first one makes folders, which takes some lines that later ones do not have
    untouched = machine.state()
    with Points(None) as counted:
        machine.cycle()
    points = chosen(counted.count, rounds, seed)
    left_changed, wrong = 0, list[Json]()
    for point in points:
        left_changed += _round(machine, kind, point, untouched)
        found = machine.state()
        if found != untouched:
            wrong.append({"point": point, "found": found})
    print(json.dumps({"points": counted.count, "rounds": rounds, "left_changed": left_changed, "wrong": wrong}))


def chosen(count: int, rounds: int, seed: int) -> list[int]:
    """Different points, the same ones each time."""
    return sorted(range(1, count + 1), key=lambda n: hashlib.sha256(f"{seed} {n}".encode()).digest())[:rounds]


def _round(machine: Machine, kind: str, point: int, untouched: dict[str, Json]) -> bool:
    """One kill and what follows it; whether the machine was left changed by it."""
    us = os.getpid()
    changed: list[bool] = []

    def look() -> int:
        return 0 if machine.state() == untouched else 1

    def die() -> None:
        if kind in ("guardian", "both"):
            guardian = os.getppid()
            assert guardian != us
            os.kill(guardian, signal.SIGKILL)
            while os.getppid() == guardian:
                time.sleep(0.001)
        if kind in ("client", "both"):
            os.kill(os.getpid(), signal.SIGKILL)

    def client(command: Sequence[str]) -> int:
        if "--resume" in command:  # the guardian has restored before it starts the client again
            return look()
        with Points(point, die):
            machine.cycle()
        return 0

    if kind == "client":
        assert machine.guard(client) == 0
        return False
    reader, writer = os.pipe()
    guardian = Fork(lambda: machine.guard(client))
    os.close(writer)
    os.read(reader, 1)  # ends when neither guardian nor client is there
    os.close(reader)
    assert guardian.wait() == -signal.SIGKILL
    changed.append(machine.state() != untouched)
    assert changed != [True] or kind == "both", "a client without its guardian gives the machine back itself"
    assert machine.guard(lambda _: look()) == 0
    return changed[0]


if __name__ == "__main__":
    main()
