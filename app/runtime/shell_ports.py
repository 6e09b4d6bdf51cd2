"""What the shell asks of the windows, of the composition root and of the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from app.core.checks import CheckResult
from app.core.control import ControlMessage
from app.core.policy import Policy
from app.core.ports import Closer
from app.core.session import Event
from app.core.types import AudioChunk, Frame, Json, Observation, Stream
from app.runtime.attempts import Attempt
from app.runtime.control_line import Greet
from app.runtime.delivery import Delivery, DeliveryListener
from app.runtime.hand_in import HandInFace
from app.runtime.holding import HoldFace
from app.runtime.identity_step import IdentityFace
from app.runtime.preview import Preview
from app.runtime.protection import Protection
from app.runtime.recording import Recording, RecordingListener
from app.runtime.verdict import VerdictFace
from app.transport.control import ControlChannel


class Face(IdentityFace, HandInFace, HoldFace, VerdictFace, Protocol):
    """What the shell asks of the windows. Any thread; nothing waits for the UI."""

    def show_checks(self, results: list[CheckResult], running: bool) -> None: ...
    def show_consent(self, policy: Policy) -> None: ...
    def show_identity(self, policy: Policy) -> None: ...
    def show_exam(self, policy: Policy) -> None: ...
    def show_lockdown_problem(self, sentence: str) -> None: ...
    def show_paused(self, reason: str) -> None: ...
    def hide_paused(self) -> None: ...
    def show_aborted(self, reason: str) -> None: ...
    def notice(self, text: str, warning: bool) -> None: ...
    def indicators(self, streams: frozenset[Stream]) -> None: ...
    def message(self, text: str) -> None:
        """From the people who give the exam; stays until it is dismissed, or until an empty one takes it away."""

    def time_left(self, seconds: int | None) -> None: ...
    def page_event(self, name: str, detail: Mapping[str, Json] | None = None) -> None: ...


class Parts(Protocol):
    """Makes the parts that a session needs, when it needs them: the composition root behind an interface."""

    def preview(self, on_frame: Callable[[Frame], None], on_sound: Callable[[AudioChunk], None]) -> Preview: ...
    def checks(self, preview: Preview) -> list[CheckResult]: ...
    def recording(self, attempt: Attempt, listener: RecordingListener) -> Recording: ...
    def delivery(self, attempt: Attempt, listener: DeliveryListener) -> Delivery: ...
    def control(
        self,
        attempt: Attempt,
        greet: Greet,
        on_message: Callable[[ControlMessage], None],
    ) -> ControlChannel | None:
        """The line to the backend; None where the policy names none."""

    def protection(self, on_observation: Callable[[Observation], None]) -> Protection: ...
    def closer(self) -> Closer:
        """Raises LockdownError where programs can't be closed."""

    def unlock_matches(self, stored: str, password: str) -> bool:
        """Whether the supervisor's password is the policy's."""


class Session(Protocol):
    """The controller, as far as the shell speaks to it. Any thread."""

    def post_event(self, event: Event) -> None: ...
    def post_observation(self, seen: Observation) -> None: ...
    def call(self, work: Callable[[], None]) -> None: ...
    @property
    def dropped(self) -> int:
        """Observations that found no room."""

    def use_policy(self, policy: Policy) -> None:
        """Judges by it from now on. Session thread."""
