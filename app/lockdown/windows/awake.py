"""The screen and the machine kept awake."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from ctypes import c_int

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.types import Json
from app.lockdown.win32 import kernel32_processes as kernel32
from app.lockdown.win32 import user32

_AWAKE = kernel32.ES_CONTINUOUS | kernel32.ES_SYSTEM_REQUIRED | kernel32.ES_DISPLAY_REQUIRED


class KeepAwake:
    """A thread of this process asks Windows to stay awake, which ends with the thread; the screen saver is switched off
    for this login session, which is given back. Idle time on battery and a closed lid still put the machine to sleep."""

    name = lockdown.KEEP_AWAKE

    def __init__(self) -> None:
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._problem: OSError | None = None

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        return {"screen_saver": _screen_saver()}

    def perform(self) -> None:
        _set_screen_saver(on=False)
        if self._thread is not None:
            return
        asked = threading.Event()
        self._done.clear()
        self._thread = threading.Thread(target=self._hold, args=(asked,), name="keep-awake", daemon=True)
        self._thread.start()
        asked.wait()
        if self._problem is not None:
            raise LockdownError(f"Windows does not let the exam keep the machine awake ({self._problem}); try again.")

    def revert(self, before: Mapping[str, Json]) -> None:
        if self._thread is not None:
            self._done.set()
            self._thread.join()
            self._thread = None
        on = before.get("screen_saver")
        if not isinstance(on, bool):
            raise LockdownError(
                "The restore journal has no usable screen saver setting; see the screen saver settings."
            )
        _set_screen_saver(on=on)

    def _hold(self, asked: threading.Event) -> None:
        before, self._problem = 0, None
        try:
            before = kernel32.set_thread_execution_state(_AWAKE)
        except OSError as error:
            self._problem = error
        asked.set()
        if before:
            self._done.wait()
            kernel32.set_thread_execution_state(before)


def _screen_saver() -> bool:
    on = c_int(0)
    try:
        user32.system_parameter(user32.SPI_GETSCREENSAVEACTIVE, 0, on)
    except OSError as error:
        raise LockdownError(f"Windows does not tell whether the screen saver is on ({error}); try again.") from error
    return bool(on.value)


def _set_screen_saver(*, on: bool) -> None:
    try:
        user32.system_parameter(user32.SPI_SETSCREENSAVEACTIVE, int(on))
    except OSError as error:
        raise LockdownError(
            f"The screen saver can't be switched {'on' if on else 'off'} ({error}); do so in the screen saver settings."
        ) from error
