"""The client's look at itself and its guardian: stops, stalls, debuggers, and the environment that it was started in.

A stop by a signal is tampering, as the guardian saw who else could have done it: nobody but another program. That the
client did not run for a while although the machine was awake, that a tracer is attached, and which variables were kept
from it, are only written down: a slow disk, IT's strace or a developer's shell are no violation. Denied debuggers are the
process list's business.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
import structlog

from app.core.ports import Clock
from app.core.types import NS_PER_S, Json, Observation
from app.lockdown.watch import WatchLoop
from app.lockdown.win32 import kernel32_self
from app.runtime.clock import awake_ns
from app.runtime.guardian_watch import GuardianWatch, GuardianWatcher
from app.runtime.run_book import RunBook

log = structlog.get_logger()

STALL_NS = 5 * NS_PER_S
"""Between two looks that are a second apart. A busy machine comes late by less."""
_STATUS = Path("/proc/self/status")

Note = Callable[[dict[str, Json]], None]


class Stalls:
    """A watcher that notes ``stalled`` when this process did not run although the machine was awake."""

    name = "stalls"

    def __init__(self, note: Note, judged: Callable[[], bool], awake: Callable[[], int] = awake_ns) -> None:
        self._note = note
        self._judged = judged
        self._awake = awake
        self._last_ns: int | None = None

    def listen(self, wake: Callable[[], None]) -> int | None:
        return None

    def poll(self, now_ns: int) -> Sequence[Observation]:
        awake_now_ns = self._awake()
        last_ns, self._last_ns = self._last_ns, awake_now_ns
        if last_ns is not None and awake_now_ns - last_ns > STALL_NS and self._judged():
            self._note({"event": "stalled", "seconds": round((awake_now_ns - last_ns) / NS_PER_S, 1)})
        return ()

    def close(self) -> None:
        return None


class Circumstances:
    """A watcher that notes, once each: the variables that were kept from the client, that it runs without a guardian, and
    the program of each tracer (debugger, strace) that is attached to it."""

    name = "circumstances"

    def __init__(
        self,
        note: Note,
        judged: Callable[[], bool],
        scrubbed: Sequence[str],
        *,
        guarded: bool,
        status: Path = _STATUS,
    ) -> None:
        self._note = note
        self._judged = judged
        self._scrubbed = tuple(scrubbed)
        self._guarded = guarded
        self._status = status
        self._begun = False
        self._tracer = 0

    def listen(self, wake: Callable[[], None]) -> int | None:
        return None

    def poll(self, now_ns: int) -> Sequence[Observation]:
        if not self._judged():
            return ()
        if not self._begun:
            self._begun = True
            if self._scrubbed:
                self._note({"event": "environment_scrubbed", "names": list[Json](self._scrubbed)})
            if not self._guarded:
                self._note({"event": "unguarded"})
        tracer = tracer_pid(self._status)
        if tracer and tracer != self._tracer:
            self._note({"event": "traced", "program": _program(tracer)})
        self._tracer = tracer
        return ()

    def close(self) -> None:
        return None


class SelfWatch:
    """``start()`` and ``stop()`` from one thread. ``note`` writes an event into the evidence, from any thread.

    ``judged`` says whether observations count now; what happens at other times is not looked at.
    """

    def __init__(
        self,
        journal: Path,
        clock: Clock,
        on_observation: Callable[[Observation], None],
        note: Note,
        judged: Callable[[], bool],
        environ: Mapping[str, str],
        scrubbed: Sequence[str],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._on_observation = on_observation
        self._note = note
        self._judged = judged
        self._guardian = GuardianWatch(environ)
        self._scrubbed = scrubbed
        self._loop: WatchLoop | None = None

    def start(self) -> None:
        self._guardian.start()
        watchers = (
            GuardianWatcher(self._guardian, self._journal, self._judged),
            Stalls(self._note, self._judged),
            Circumstances(self._note, self._judged, self._scrubbed, guarded=self._guardian.guarded),
        )
        self._loop = WatchLoop(watchers, self._clock, self._on_observation, name="self-watch")
        self._loop.start()

    def tell_guardian(self, *, restart: bool) -> None:
        """Whether this client is to be started again, should it crash. After ``start()``."""
        if self._guardian.pid is not None:
            try:
                RunBook(self._journal, self._guardian.pid).set_restart(wanted=restart)
            except OSError as error:
                log.warning("the guardian can't be told whether to start the client again", error=str(error))

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.stop()
            self._loop = None


def tracer_pid(status: Path = _STATUS) -> int:
    """The process that traces this one (Linux: proc(5)), -1 where only its presence is told (Windows); 0 for none, and
    on macOS, where it is not looked for."""
    return -int(kernel32_self.debugged()) if sys.platform == "win32" else _traced_by(status)


def _traced_by(status: Path) -> int:
    try:
        lines = status.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    found = next((line.partition(":")[2].strip() for line in lines if line.startswith("TracerPid:")), "0")
    return int(found) if found.isdecimal() else 0


def _program(pid: int) -> str:
    try:
        return psutil.Process(pid).name()
    except (psutil.Error, ValueError):
        return ""
