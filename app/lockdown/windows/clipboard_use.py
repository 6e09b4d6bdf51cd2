"""What other programs put into the clipboard: noticed, named and taken out again. What it is, is never read."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Collection, Sequence

from app.core import lockdown
from app.core.lockdown import program_name
from app.core.types import NS_PER_S, ClipboardUsed, Observation
from app.lockdown.win32 import kernel32, user32, user32_windows
from app.lockdown.windows.listener import Ear, Listener, Topic

ENDED = "a program that has ended"
_AT_ONCE = 5
_AT_ONCE_WITHIN_NS = 10 * NS_PER_S
_PAUSE_NS = 2 * NS_PER_S


class ClipboardUse:
    """Reports each time that another program put something in, and empties the clipboard then. One thread.

    What is there at the first poll is not reported: the exam emptied the clipboard before. Copying inside the exam is
    no report. Five times in 10 s it looks at once and then every 2 s, so that a clipboard manager that puts back what
    was taken does not keep both busy. ``granted`` programs, by ``program_name``, are assistive ones, which may use it
    to write.
    """

    name = lockdown.CLIPBOARD_USE

    def __init__(self, listener: Listener, own_pids: Collection[int], granted: Collection[str]) -> None:
        self._ear = Ear(listener, Topic.CLIPBOARD)
        self._own_pids = frozenset(own_pids)
        self._granted = frozenset(granted)
        self._changes: int | None = None
        self._to_empty = False
        self._found_at_ns: deque[int] = deque(maxlen=_AT_ONCE)

    def poll(self, now_ns: int) -> Sequence[Observation]:
        self._ear.take()
        if self._is_busy(now_ns):
            return ()
        before, self._changes = self._changes, user32.clipboard_changes()
        program = None
        if before not in {None, self._changes} and user32.clipboard_formats():
            program = self._foreign_program()
            self._to_empty = program is not None
        self._empty()
        if program is None:
            return ()
        self._found_at_ns.append(now_ns)
        return (ClipboardUsed(now_ns, program),)

    def listen(self, wake: Callable[[], None]) -> int | None:
        self._ear.listen(wake)
        return None

    def close(self) -> None:
        self._ear.close()

    def _is_busy(self, now_ns: int) -> bool:
        found = self._found_at_ns
        many = len(found) == _AT_ONCE and now_ns - found[0] < _AT_ONCE_WITHIN_NS
        return many and now_ns - found[-1] < _PAUSE_NS

    def _foreign_program(self) -> str | None:
        """The program that put in what is there; None when it is ours or granted."""
        owner = user32.clipboard_owner()
        pid = user32_windows.process_of(owner) if owner else 0
        if pid in self._own_pids:
            return None
        program = program_name(kernel32.program_of(pid)) or ENDED
        return None if program in self._granted else program

    def _empty(self) -> None:
        """Tried again at the next poll where the other program still has it open."""
        if self._to_empty:
            with contextlib.suppress(OSError):
                user32.empty_clipboard()
                self._to_empty = False
                self._changes = user32.clipboard_changes()
