"""The low-level hooks into keyboard and mouse, on a thread that does nothing else."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from app.core.errors import LockdownError
from app.lockdown.input_log import InputLog
from app.lockdown.win32 import kernel32_processes as kernel32
from app.lockdown.win32 import user32 as machine
from app.lockdown.win32 import user32_input as user32
from app.lockdown.windows.keys import Key, KeyFilter

INJECTED_KEYS = "key presses made by a program"
INJECTED_CLICKS = "clicks made by a program"
_LOOK_EVERY_MS = 500
_LATE_MS = 200
"""Input this much newer than what the hooks were told means that Windows has dropped them."""
_DOWN = frozenset({user32.WM_KEYDOWN, user32.WM_SYSKEYDOWN})


class InputHooks:
    """Swallows what ``KeyFilter`` says, and clicks that a program makes, on the whole desktop. Ends with the process.

    Windows calls the thread ``input-hooks`` for each key and mouse event and waits for its answer. If that took too long
    (LowLevelHooksTimeout in the registry), Windows drops the hook without a word: so twice a second it is looked whether
    there was input that the hooks were not told of, and then they are set anew; ``dropped`` counts it. Input on the
    password screen looks the same, and costs nothing but the setting anew.

    Windows makes the clicks of a touch screen or a pen itself, and marks them as made, with a signature: where there is
    such a device they are let through and not counted. A program can give its clicks that signature, there alone.
    """

    def __init__(self, log: InputLog, *, allow_injected: bool) -> None:
        self._log = log
        self._allow_injected = allow_injected
        self._thread: threading.Thread | None = None
        self._thread_id = 0
        self._hooks: tuple[int, ...] = ()
        self._told_ms = 0
        self._touch = False
        self.dropped = 0

    @property
    def hooks(self) -> tuple[int, ...]:
        """The handles of the hooks that are set; empty while stopped."""
        return self._hooks

    def start(self) -> None:
        """Returns when the hooks work. Raises LockdownError when Windows refuses them. Does nothing while they are set."""
        if self._thread is not None:
            return
        answer: queue.SimpleQueue[OSError | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(answer.put,), name="input-hooks", daemon=True)
        self._thread.start()
        problem = answer.get()
        if problem is not None:
            self._thread.join()
            self._thread = None
            raise LockdownError(
                f"Windows does not let the exam see the keyboard ({problem}), so it can't be locked; "
                f"close programs that protect or change the keyboard, and try again."
            ) from problem

    def stop(self) -> None:
        """Returns when the keyboard is everybody's again. Safe to call twice, and without a start."""
        if self._thread is not None:
            user32.post_to_thread(self._thread_id, user32.WM_QUIT)
            self._thread.join()
            self._thread = None

    def _run(self, answer: Callable[[OSError | None], None]) -> None:
        keys = KeyFilter(user32.key_is_down, allow_injected=self._allow_injected)
        procedures = (user32.HookProcedure(self._key_procedure(keys)), user32.HookProcedure(self._on_mouse))
        try:
            kernel32.raise_thread_priority()
            user32.make_message_queue()
            self._thread_id = kernel32.current_thread_id()
            timer = user32.start_timer(_LOOK_EVERY_MS)
            self._told_ms = user32.last_input_ms()
            self._touch = machine.has_touch_or_pen()
            self._hooks = _set(procedures)
        except OSError as error:
            answer(error)
            return
        answer(None)
        self._pump(procedures)
        user32.stop_timer(timer)
        _remove(self._hooks)
        self._hooks = ()

    def _pump(self, procedures: tuple[Any, Any]) -> None:
        message = user32.next_message()
        while message is not None:
            if message[0] == user32.WM_TIMER:
                self._look(procedures)
            message = user32.next_message()

    def _look(self, procedures: tuple[Any, Any]) -> None:
        self._touch = machine.has_touch_or_pen()
        last_ms = user32.last_input_ms()
        late_ms = (last_ms - self._told_ms) & 0xFFFFFFFF  # the clock starts anew every 49.7 days
        if not _LATE_MS < late_ms < 0x80000000:
            return
        self._told_ms = last_ms
        self.dropped += 1
        old, self._hooks = self._hooks, _set(procedures)
        _remove(old)

    def _key_procedure(self, keys: KeyFilter) -> Callable[[int, int, int], int]:
        def on_key(code: int, message: int, data: int) -> int:
            if code == 0:
                self._told_ms = kernel32.tick_count_ms()  # an injected event tells any time it likes
                event = user32.KeyboardHookData.from_address(data)
                injected = bool(event.flags & user32.LLKHF_INJECTED)
                answer = keys.decide(Key(event.vk, message in _DOWN, event.scan, injected), time.monotonic_ns())
                if answer.injected:
                    self._log.injected(INJECTED_KEYS)
                if answer.press is not None:
                    self._log.blocked(answer.press)
                if answer.swallow:
                    return 1
            return user32.next_hook(code, message, data)

        return on_key

    def _on_mouse(self, code: int, message: int, data: int) -> int:
        if code == 0:
            self._told_ms = kernel32.tick_count_ms()
            event = user32.MouseHookData.from_address(data)
            made = event.flags & user32.LLMHF_INJECTED and message != user32.WM_MOUSEMOVE
            of_touch = self._touch and user32.is_of_touch_or_pen(event.extra)
            if made and not of_touch and not self._allow_injected:
                if message in user32.MOUSE_PRESSES:
                    self._log.injected(INJECTED_CLICKS)
                return 1
        return user32.next_hook(code, message, data)


def _set(procedures: tuple[Any, Any]) -> tuple[int, int]:
    keyboard = user32.set_hook(user32.WH_KEYBOARD_LL, procedures[0])
    try:
        return keyboard, user32.set_hook(user32.WH_MOUSE_LL, procedures[1])
    except OSError:
        user32.remove_hook(keyboard)
        raise


def _remove(hooks: tuple[int, ...]) -> None:
    for hook in hooks:
        user32.remove_hook(hook)
