"""The demo's scripted candidate: reads what the client shows and answers with real key presses."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import InvigilError
from app.core.types import Json
from app.runtime.status import StatusReader
from app.runtime.virtual_desktop import VirtualDesktop

Look = Callable[[str, VirtualDesktop], None]
"""Called with what the screen shows now: a page's name (``checks``, ``consent``, ``identity``, ``done``), or in the
exam the words of the deed that was just done."""

STEP_WAIT_S = 60.0
EXAM_S = 46.0
"""How long the candidate stays in the exam: until the film's last scene."""
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Deed:
    """Something the candidate does, ``at_s`` after monitoring began. ``keys`` are xdotool's names."""

    at_s: float
    says: str
    keys: tuple[str, ...] = ()
    text: str = ""
    then: tuple[str, ...] = ()
    talks: bool = False


DEEDS: tuple[Deed, ...] = (
    Deed(2.0, "answers the first question", keys=("Down", "Return")),
    Deed(4.0, "ticks two boxes", keys=("space", "Tab", "space", "Return")),
    Deed(6.5, "tries Alt-Tab", keys=("alt+Tab",)),
    Deed(8.0, "reads the table and chooses", keys=("Down", "Down", "Return")),
    Deed(17.0, "tries PrintScreen", keys=("Print",)),
    Deed(18.0, "works out a number", text="500", then=("Return",)),
    Deed(28.0, "ticks two boxes", keys=("space", "Tab", "Tab", "space", "Return")),
    Deed(31.0, "writes", text="I would look for the source, because ", then=()),
    Deed(39.0, "talks while writing", talks=True),
    Deed(41.0, "writes", text="others may only repeat it.", then=("ctrl+Return",)),
)


def look_away(_scene: str, _desktop: VirtualDesktop) -> None:
    """Nobody looks."""


class ScriptedCandidate:
    """Drives one client through a whole attempt. ``run()`` returns when the client has ended."""

    def __init__(
        self,
        desktop: VirtualDesktop,
        status: StatusReader,
        speech: Path,
        client: subprocess.Popen[bytes],
        say: Callable[[str], None],
        deeds: Sequence[Deed] = DEEDS,
        look: Look = look_away,
    ) -> None:
        self._desktop = desktop
        self._status = status
        self._speech = speech
        self._client = client
        self._say = say
        self._deeds = deeds
        self._look = look
        self._page = ""
        self._facts: list[dict[str, Json]] = []
        self._talk: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Raises InvigilError when the client does not get on."""
        try:
            self._until("the system check to pass", lambda: self._has("checks", "passed"))
            self._look("checks", self._desktop)
            self._press("Return")
            self._until("the consent page", lambda: self._page == "consent")
            self._say("The candidate reads the notice and agrees.")
            self._press("space")
            self._look("consent", self._desktop)
            self._press("Return")
            self._until("the photo page", lambda: self._page == "identity")
            self._look("identity", self._desktop)
            self._until("the photo", self._photo_taken)
            self._until("monitoring to start", lambda: self._has("command", "start_monitoring"))
            self._exam()
            self._until("the upload", lambda: self._page == "done")
            self._look("done", self._desktop)
            self._press("Return")
            self._client.wait(STEP_WAIT_S)
        finally:
            self._end()

    def _exam(self) -> None:
        self._say("The exam runs; the candidate works, looks away, leaves, gets a visitor, talks.")
        begun = time.monotonic()
        for deed in self._deeds:
            self._until_time(begun + deed.at_s)
            self._say(f"  {deed.at_s:4.1f} s  {deed.says}")
            self._do(deed)
            self._look(deed.says, self._desktop)
        self._until_time(begun + EXAM_S)
        self._say("The candidate hands in.")
        self._hand_in()

    def _hand_in(self) -> None:
        """From the review's heading past six answers and "Back" to "Finish", and through its confirmation."""
        for _ in range(8):
            self._press("Tab")
        self._press("Return")
        self._press("Return")

    def _do(self, deed: Deed) -> None:
        for key in deed.keys:
            self._press(key)
        if deed.text:
            self._xdotool("type", "--delay", "40", deed.text)
        for key in deed.then:
            self._press(key)
        if deed.talks:
            self._talk = self._desktop.play(self._speech)

    def _photo_taken(self) -> bool:
        """Presses Return until the photo was taken and accepted: the camera may need a moment."""
        if self._page != "identity":
            return True
        self._press("Return")
        time.sleep(0.7)
        return False

    # ---- what the client shows

    def _until(self, what: str, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + STEP_WAIT_S
        while True:
            self._read()
            if reached():
                return
            if self._client.poll() is not None:
                raise InvigilError(f"The client ended while the candidate waited for {what}.{self._last_problem()}")
            if time.monotonic() > deadline:
                raise InvigilError(f"The candidate waited too long for {what}.{self._last_problem()}")
            time.sleep(POLL_S)

    def _until_time(self, moment: float) -> None:
        while time.monotonic() < moment:
            self._read()
            if self._client.poll() is not None:
                raise InvigilError(f"The client ended during the exam.{self._last_problem()}")
            time.sleep(POLL_S)

    def _read(self) -> None:
        for fact in self._status.new():
            self._facts.append(fact)
            page = fact.get("page")
            if isinstance(page, str):
                self._page = page

    def _has(self, name: str, value: Json) -> bool:
        return any(fact.get(name) == value for fact in self._facts)

    def _last_problem(self) -> str:
        problems = [str(f["problem"]) for f in self._facts if "problem" in f]
        return f" It last said: {problems[-1]}" if problems else ""

    # ---- hands

    def _press(self, key: str) -> None:
        self._xdotool("key", "--clearmodifiers", key)
        time.sleep(0.15)  # no person types faster, and focus has to follow

    def _xdotool(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], env=self._desktop.programs_environment(), check=True, timeout=20)

    def _end(self) -> None:
        if self._talk is not None:
            self._talk.terminate()
            self._talk.wait()
        if self._client.poll() is None:
            self._client.terminate()
            try:
                self._client.wait(15)
            except subprocess.TimeoutExpired:
                self._client.kill()
