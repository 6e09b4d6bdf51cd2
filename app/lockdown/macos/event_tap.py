"""Keys seen, and some swallowed, before macOS does anything with them: an event tap of the login session."""

from __future__ import annotations

import logging
import os
import queue
import threading

import objc
import Quartz
from AppKit import NSEvent

from app.core.errors import LockdownError
from app.lockdown.input_log import InputLog
from app.lockdown.macos import keys
from app.lockdown.macos.keys import Answer, Key, KeyFilter
from app.lockdown.macos.system import may_see_keys

logger = logging.getLogger(__name__)

INJECTED_KEYS = "keys made by a program"
_SESSION_TAP, _BEFORE_OTHERS, _MAY_SWALLOW = 1, 0, 0
"""kCGSessionEventTap, kCGHeadInsertEventTap and kCGEventTapOptionDefault (CoreGraphics, CGEventTypes.h), as what follows."""
_KEY_DOWN, _KEY_UP = 10, 11
_SWITCHED_OFF = frozenset({0xFFFFFFFE, 0xFFFFFFFF})
"""kCGEventTapDisabledByTimeout and kCGEventTapDisabledByUserInput."""
_FIELD_KEY_CODE, _FIELD_SOURCE_PID = 9, 41
"""kCGKeyboardEventKeycode and kCGEventSourceUnixProcessID."""
_DEFAULT_MODE = "kCFRunLoopDefaultMode"
_SYSTEM_DEFINED = 14
"""NSEventTypeSystemDefined, which media keys are; CGEventType has no name for it."""
_MASK = 1 << _KEY_DOWN | 1 << _KEY_UP | 1 << _SYSTEM_DEFINED
_LOOK_EVERY_S = 0.5
_CHARACTERS = 4


class EventTap:
    """Answers ``KeyTap``, on a thread of its own with a run loop (``event-tap``).

    macOS switches a tap off whose answer is late; it is switched on again at once, and looked after every 0.5 s. While a
    password is typed (secure input) macOS shows nobody any key; ways out are then what the presentation options leave.
    """

    def __init__(self, log: InputLog, *, count_injected: bool) -> None:
        self._log = log
        self._count_injected = count_injected
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._tap: Quartz.CFMachPort | None = None
        self._keys = KeyFilter(os.getpid(), count_injected=count_injected)
        self.dropped = 0
        """How often macOS switched it off."""

    def start(self) -> None:
        if self._thread is not None:
            return
        self._stopped.clear()
        self._keys = KeyFilter(os.getpid(), count_injected=self._count_injected)
        answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(answers,), name="event-tap", daemon=True)
        self._thread.start()
        if not answers.get():
            self._thread.join()
            self._thread = None
            raise LockdownError(
                "macOS does not let the exam hold the keyboard; allow it in System Settings, Privacy & Security, "
                "Accessibility, and start the exam again."
            )

    def stop(self) -> None:
        """Returns when the keyboard is everybody's again. Safe to call twice, and without a start."""
        if self._thread is not None:
            self._stopped.set()
            self._thread.join()
            self._thread = None

    def _run(self, answers: queue.SimpleQueue[bool]) -> None:
        tap = Quartz.CGEventTapCreate(
            _SESSION_TAP,
            _BEFORE_OTHERS,
            _MAY_SWALLOW,
            _MASK,
            self._on_event,
            None,
        )
        if tap is None:
            answers.put(False)
            return
        self._tap = tap
        loop, source = Quartz.CFRunLoopGetCurrent(), Quartz.CFMachPortCreateRunLoopSource(None, tap, 0)
        Quartz.CFRunLoopAddSource(loop, source, _DEFAULT_MODE)
        Quartz.CGEventTapEnable(tap, True)
        answers.put(True)
        while not self._stopped.is_set():
            with objc.autorelease_pool():
                Quartz.CFRunLoopRunInMode(_DEFAULT_MODE, _LOOK_EVERY_S, False)
            if not may_see_keys():  # without the permission macOS goes on asking the tap, and each key waits for it
                logger.warning("the permission to see keys was taken away; the keyboard is not held any more")
                break
            if not Quartz.CGEventTapIsEnabled(tap):
                self._switch_on(tap)
        Quartz.CGEventTapEnable(tap, False)
        Quartz.CFRunLoopRemoveSource(loop, source, _DEFAULT_MODE)
        Quartz.CFMachPortInvalidate(tap)
        self._tap = None

    def _switch_on(self, tap: Quartz.CFMachPort) -> None:
        self.dropped += 1
        Quartz.CGEventTapEnable(tap, True)

    def _on_event(self, proxy: object, kind: int, event: Quartz.CGEvent | None, info: object) -> Quartz.CGEvent | None:
        del proxy, info
        if kind in _SWITCHED_OFF:
            if self._tap is not None:
                self._switch_on(self._tap)
            return event
        if event is None:
            return None
        try:
            answer = self._answer(kind, event)
        except Exception:
            # A key that we don't understand is everybody's; without an answer the keyboard would be dead.
            logger.exception("an event of the keyboard could not be judged")
            return event
        if answer.injected:
            self._log.injected(INJECTED_KEYS)
        if answer.press is not None:
            self._log.blocked(answer.press)
        return None if answer.swallow else event

    def _answer(self, kind: int, event: Quartz.CGEvent) -> Answer:
        if kind != _SYSTEM_DEFINED:
            return self._keys.decide(_key(kind, event))
        media = NSEvent.eventWithCGEvent_(event)
        if media is None or media.subtype() != keys.MEDIA_SUBTYPE:
            return Answer()
        return keys.media_answer(media.data1())


def _key(kind: int, event: Quartz.CGEvent) -> Key:
    flags = Quartz.CGEventGetFlags(event)
    character = ""
    if flags & keys.COMMAND:
        _, character = Quartz.CGEventKeyboardGetUnicodeString(event, _CHARACTERS, None, None)
    return Key(
        Quartz.CGEventGetIntegerValueField(event, _FIELD_KEY_CODE),
        flags,
        kind == _KEY_DOWN,
        character,
        Quartz.CGEventGetIntegerValueField(event, _FIELD_SOURCE_PID),
    )
