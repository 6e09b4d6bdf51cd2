"""What an input hook swallowed, and what programs typed or clicked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.core import lockdown
from app.core.key_combinations import is_capture
from app.core.types import InputInjected, KeyBlocked, Observation
from app.lockdown.input_log import InputLog


class InputUse:
    """Reports what the hooks wrote into the log since the poll before: each blocked press, and counts of injected input."""

    name = lockdown.INPUT

    def __init__(self, log: InputLog) -> None:
        self._log = log

    def poll(self, now_ns: int) -> Sequence[Observation]:
        presses, injected = self._log.take()
        blocked = (KeyBlocked(now_ns, str(press), is_capture(press)) for press in presses)
        counted = (InputInjected(now_ns, source, injected[source]) for source in sorted(injected))
        return (*blocked, *counted)

    def listen(self, wake: Callable[[], None]) -> int | None:
        self._log.listen(wake)
        return None

    def close(self) -> None:
        self._log.listen(None)
