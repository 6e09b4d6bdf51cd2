"""Opens keys beside the window: the steps wait on a thread of their own, and what they ask is asked on the UI thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from app.core.errors import InvigilError
from app.core.policy import Candidate
from app.runtime.open_key import Opened
from app.runtime.opening import Asker, OpeningLeft
from app.ui.main_window import ClientWindow

log = structlog.get_logger()

_CLOSING_WAIT_S = 2.0
"""Longer only looking up a server's name can take, which nothing can break off."""
Answer = str | bool | Candidate


class KeyOpener(Protocol):
    def open(self, argument: str) -> Opened: ...


@dataclass(frozen=True, slots=True)
class Openers:
    """``make`` gives an opener that asks through the given asker, and what breaks off its calls to servers."""

    make: Callable[[Asker], tuple[KeyOpener, Callable[[], None]]]
    on_opened: Callable[[str, Opened], None]
    on_refused: Callable[[str, InvigilError], None]


class KeyOpening:
    """At most one opening at a time. UI thread. ``on_opened`` and ``on_refused`` are called there, never both."""

    def __init__(self, window: ClientWindow, run: Callable[[Callable[[], None]], None], openers: Openers) -> None:
        """``run`` queues work for the UI thread, from any thread."""
        self._window = window
        self._run = run
        self._openers = openers
        self._current: _Opening | None = None
        window.password_entered.connect(self._answered)
        window.trust_answered.connect(self._answered)
        window.candidate_entered.connect(self._answered)
        window.opening_left.connect(self._left)

    def begin(self, argument: str) -> None:
        """Drops what is being opened."""
        self.stop()
        self._window.show_opening("")
        self._current = _Opening(argument, self._window, self._run, self._openers, self._ended)
        self._current.start()

    def stop(self) -> None:
        """What was under way has no consequences any more."""
        current, self._current = self._current, None
        if current is not None:
            current.leave()

    def close(self) -> None:
        """The same, and waits for its thread."""
        current = self._current
        self.stop()
        if current is not None:
            current.join()

    def _answered(self, answer: Answer) -> None:
        if self._current is not None and self._current.answer(answer):
            self._window.show_opening("")

    def _left(self) -> None:
        self.stop()
        self._window.show_start()

    def _ended(self, opening: _Opening, result: Opened | InvigilError) -> None:
        if opening is not self._current:
            return
        self._current = None
        if isinstance(result, Opened):
            self._openers.on_opened(opening.argument, result)
        else:
            self._openers.on_refused(opening.argument, result)


class _Opening:
    """One key, one thread. Implements ``Asker`` for it."""

    def __init__(
        self,
        argument: str,
        window: ClientWindow,
        run: Callable[[Callable[[], None]], None],
        openers: Openers,
        ended: Callable[[_Opening, Opened | InvigilError], None],
    ) -> None:
        self.argument = argument
        self._window = window
        self._run = run
        self._ended = ended
        self._opener, self._break_off = openers.make(self)
        self._answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        self._asks = False
        self._over = False
        self._thread = threading.Thread(target=self._work, name="opening", daemon=True)

    # ---- UI thread

    def start(self) -> None:
        self._thread.start()

    def answer(self, answer: Answer) -> bool:
        """Whether something was asked. Each question takes one answer, however often a button is pressed."""
        asked, self._asks = self._asks, False
        if asked:
            self._answers.put(answer)
        return asked

    def leave(self) -> None:
        self._over = True
        self._answers.put(None)
        self._break_off()

    def join(self) -> None:
        self._thread.join(_CLOSING_WAIT_S)

    def _show(self, show: Callable[[], None]) -> None:
        if not self._over:
            self._asks = True
            show()

    # ---- its own thread

    def password(self, problem: str, wait_s: int) -> str:
        return str(self._asked(lambda: self._window.show_password(problem, wait_s)))

    def server(self, address: str) -> bool:
        return self._asked(lambda: self._window.show_server(address)) is True

    def issuer(self, name: str, fingerprint: str, address: str) -> bool:
        return self._asked(lambda: self._window.show_issuer(name, fingerprint, address)) is True

    def candidate(self, exam: str, group: str, problem: str) -> Candidate:
        answer = self._asked(lambda: self._window.show_candidate(exam, group, problem))
        if not isinstance(answer, Candidate):
            raise OpeningLeft
        return answer

    def _asked(self, show: Callable[[], None]) -> Answer:
        self._run(lambda: self._show(show))
        answer = self._answers.get()
        if answer is None:
            raise OpeningLeft
        return answer

    def _work(self) -> None:
        result: Opened | InvigilError = InvigilError("The key can't be opened: Invigil failed, and its log says how.")
        try:
            result = self._opener.open(self.argument)
        except InvigilError as error:
            result = error
        except OpeningLeft:
            return
        finally:  # whatever happened, nobody is left before a window that waits for ever
            self._run(lambda: self._ended(self, result))
