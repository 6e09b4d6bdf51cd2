"""Makes what a session needs, when it needs it: the composition root's hands."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cached_property

from app import __version__
from app.core.checks import CheckResult
from app.core.control import ControlMessage
from app.core.policy import Policy
from app.core.ports import Clock, Closer
from app.core.types import AudioChunk, Frame, Json, Observation
from app.core.unlock import matches
from app.lockdown.platform import closer
from app.runtime.attempts import Attempt
from app.runtime.checks import CheckContext, run_checks
from app.runtime.control_line import Greet
from app.runtime.delivery import Delivery, DeliveryListener
from app.runtime.lists import Lists, list_folders, load_lists
from app.runtime.models import Models
from app.runtime.options import ClientOptions
from app.runtime.preview import Preview
from app.runtime.protection import Protection
from app.runtime.recording import Recording, RecordingListener, Sources, chosen_sources
from app.transport.control import ControlChannel
from app.transport.proctorai import ProctorAiBackend
from app.ui.kiosk import Kiosk


class ClientParts:
    """Makes the parts of one session from its policy and the command line's choices."""

    def __init__(self, policy: Policy, options: ClientOptions, clock: Clock, models: Models, kiosk: Kiosk) -> None:
        self._policy = policy
        self._options = options
        self._clock = clock
        self._models = models
        self._kiosk = kiosk

    @cached_property
    def _lists(self) -> Lists:
        return load_lists(list_folders())

    def _backend(self, attempt_id: str | None = None) -> ProctorAiBackend:
        upload = self._policy.upload
        return ProctorAiBackend(upload.endpoint, upload.token, upload.connection_timeout_s, attempt_id=attempt_id)

    def sources(self) -> Sources:
        """Raises BadInput when a source was asked for that the key does not allow."""
        return chosen_sources(
            self._policy.capture, self._options.camera, self._options.microphone, self._options.screen, self._clock
        )

    def preview(self, on_frame: Callable[[Frame], None], on_sound: Callable[[AudioChunk], None]) -> Preview:
        return Preview(self.sources(), self._clock, on_frame, on_sound)

    def checks(self, preview: Preview) -> list[CheckResult]:
        return run_checks(
            CheckContext(
                self._policy,
                self._options.data_dir,
                preview,
                preview.streams,
                self._backend(),
                self._clock,
                self._lists,
            )
        )

    def recording(self, attempt: Attempt, listener: RecordingListener) -> Recording:
        faces, sound = self._models.faces(), self._models.sound()
        return Recording(self._policy, self.sources(), attempt.store, self._clock, faces, sound, listener)

    def delivery(self, attempt: Attempt, listener: DeliveryListener) -> Delivery:
        policy = self._policy
        announced: dict[str, Json] = {
            "attemptId": attempt.id,
            "candidate": {
                "id": policy.candidate.id,
                "name": policy.candidate.name,
                "email": policy.candidate.email,
                "group": policy.candidate.group,
            },
            "exam": policy.exam.id,
            "attemptNumber": policy.candidate.attempt_number,
            "publicKey": attempt.key.public_key_hex,
            "client": __version__,
        }
        return Delivery(
            exam_id=policy.upload.exam_id,
            user_id=policy.candidate.id,
            attempt=announced,
            queue=attempt.store,
            backend=self._backend(attempt.id),
            clock=self._clock,
            random=random.SystemRandom().random,
            listener=listener,
        )

    def control(
        self, attempt: Attempt, greet: Greet, on_message: Callable[[ControlMessage], None]
    ) -> ControlChannel | None:
        live = self._policy.live
        if not live.endpoint:
            return None
        token = self._policy.upload.token
        return ControlChannel(live.endpoint, token, attempt.id, greet, on_message, random.SystemRandom().random)

    def protection(self, on_observation: Callable[[Observation], None]) -> Protection:
        return Protection(self._policy, self._options.journal, self._kiosk, self._clock, on_observation, self._lists)

    def closer(self) -> Closer:
        """Raises LockdownError where programs can't be closed."""
        return closer()

    def unlock_matches(self, stored: str, password: str) -> bool:
        return matches(stored, password)
