"""Newer keys for an exam that runs: verified as the first one was, applied as far as they may be, and written down.

What was taken over outlives a crash: the tokens lie beside the evidence, and are verified again at the next start.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from app import __version__
from app.core.control import Answer, ControlMessage, hello, update_refusal
from app.core.errors import BadInput
from app.core.policy import Policy
from app.core.policy_change import Change, applied
from app.core.ports import Clock
from app.core.types import NS_PER_S, EntryKind, Json
from app.keys.tokens import ConfigKey
from app.runtime.attempts import Attempt
from app.runtime.session_facts import key_facts, policy_body

log = structlog.get_logger()

ANSWERS_KEPT = 50
_UPDATES, _ANSWERS = "key_updates", "control_answers"

Verify = Callable[[str, datetime], ConfigKey]
"""A token and the time at which it has to be valid; BadInput with a sentence when it is not to be used."""


@dataclass(frozen=True, slots=True)
class Updated:
    """``policy`` is in force from now on; ``changes`` is what differed, refused fields included."""

    policy: Policy
    changes: tuple[Change, ...]


class KeyUpdates:
    """Session thread. ``policy`` is what is in force, the updates of earlier sessions included.

    ``key`` names the key in the session's entry; updates have entries of their own.
    """

    def __init__(self, key: ConfigKey, attempt: Attempt, clock: Clock, verify: Verify) -> None:
        self._first = key
        self._attempt = attempt
        self._clock = clock
        self._verify = verify
        self.key = key_facts(key)
        self._serial = key.serial
        self._key_id = key.key_id
        self.policy = key.policy
        self._restore()

    def greeting(self) -> list[Mapping[str, Json]]:
        """What is said first on a connection: the last message that was handled, and the answers, again. Any thread."""
        return [hello(self._after(), __version__, self._key_id, self._serial), *self._answers().values()]

    def handle(
        self, message: ControlMessage, otherwise: Callable[[ControlMessage], Answer | None] = lambda _: None
    ) -> tuple[Mapping[str, Json], Updated | None]:
        """The answer, and what changed. A message that comes again is answered as before and changes nothing.

        What is no key goes to ``otherwise``; what that does not know is refused.
        """
        known = self._answers().get(message.seq)
        if known is not None:
            return known, None
        if message.seq <= self._after():
            return Answer(message.seq, "refused", "it was answered before").to_json(), None
        answer, updated = self._judged(message, otherwise)
        body = answer.to_json()
        self._remember(message.seq, body)
        return body, updated

    def _judged(
        self, message: ControlMessage, otherwise: Callable[[ControlMessage], Answer | None]
    ) -> tuple[Answer, Updated | None]:
        if message.type != "key":
            return otherwise(message) or Answer(message.seq, "refused", "unknown message"), None
        token = str(message.body.get("key"))
        try:
            update = self._verify(token, self._now())
        except BadInput as error:
            return self._refused(message, str(error)), None
        refusal = self._refusal(update)
        if refusal is not None:
            return self._refused(message, f"This key is no update: {refusal}."), None
        policy, changes = applied(self.policy, self._comparable(update.policy))
        answer = Answer.of_changes(message.seq, changes)
        self._serial, self._key_id = update.serial, update.key_id
        if answer.status != "refused":
            self._keep(token)
        self._journal(answer, update, changes, policy)
        self.policy = policy
        return answer, Updated(policy, tuple(changes))

    def _refusal(self, update: ConfigKey) -> str | None:
        person = self.policy.candidate
        return update_refusal(
            running_exam=self.policy.exam.id,
            running_issuer=self._first.issuer_name,
            running_serial=self._serial,
            exam=update.policy.exam.id,
            issuer=update.issuer_name,
            serial=update.serial,
        ) or update.audience.refusal(self.policy.exam.id, person)

    def _comparable(self, update: Policy) -> Policy:
        """A key for many names no candidate and carries another token: neither is a change for this one."""
        upload = replace(update.upload, token=self.policy.upload.token)
        candidate = update.candidate if update.candidate.id else self.policy.candidate
        return replace(update, upload=upload, candidate=candidate)

    def _refused(self, message: ControlMessage, reason: str) -> Answer:
        log.warning("a key update was refused", reason=reason)
        body: dict[str, Json] = {"event": "key_update", "status": "refused", "reason": reason}
        self._attempt.note(EntryKind.EVENT, body, self._clock.now())
        return Answer(message.seq, "refused", reason)

    def _journal(self, answer: Answer, update: ConfigKey, changes: list[Change], policy: Policy) -> None:
        body: dict[str, Json] = {
            "event": "key_update",
            "status": answer.status,
            "key_id": update.key_id,
            "serial": update.serial,
            "applied": [{"path": c.path, "old": c.old, "new": c.new} for c in changes if not c.refusal],
            "refused": [{"path": c.path, "reason": c.refusal} for c in changes if c.refusal],
            "policy": policy_body(policy),
        }
        self._attempt.note(EntryKind.EVENT, body, self._clock.now())

    # ---- what outlives a crash

    def _restore(self) -> None:
        for at_utc_ns, token in self._kept():
            try:
                update = self._verify_of_then(token, at_utc_ns)
            except BadInput as error:
                log.error("a kept key update can't be used any more", error=str(error))
                continue
            if self._refusal(update) is None:
                self.policy, _ = applied(self.policy, self._comparable(update.policy))
                self._serial, self._key_id = update.serial, update.key_id

    def _verify_of_then(self, token: str, at_utc_ns: int) -> ConfigKey:
        """A key that was valid when it came stays in force, however long the exam takes."""
        return self._verify(token, datetime.fromtimestamp(0, UTC) + timedelta(seconds=at_utc_ns / NS_PER_S))

    def _kept(self) -> list[tuple[int, str]]:
        try:
            data = json.loads(self._attempt.store.get_meta(_UPDATES) or "[]")
            return [(int(entry["at"]), str(entry["key"])) for entry in data if 0 <= int(entry["at"]) < 2**62]
        except (ValueError, TypeError, KeyError) as error:
            log.error("the kept key updates are damaged", error=str(error))
            return []

    def _keep(self, token: str) -> None:
        kept = [{"at": str(at), "key": key} for at, key in self._kept()]
        kept.append({"at": str(self._clock.now().utc_ns), "key": token})
        self._attempt.store.set_meta(_UPDATES, json.dumps(kept))

    def _after(self) -> int:
        return max(self._answers(), default=0)

    def _answers(self) -> dict[int, Mapping[str, Json]]:
        try:
            data = json.loads(self._attempt.store.get_meta(_ANSWERS) or "[]")
            return {int(body["seq"]): body for body in data}
        except (ValueError, TypeError, KeyError) as error:
            log.error("the kept answers of the control channel are damaged", error=str(error))
            return {}

    def _remember(self, seq: int, body: Mapping[str, Json]) -> None:
        answers = [*self._answers().values(), body][-ANSWERS_KEPT:]
        self._attempt.store.set_meta(_ANSWERS, json.dumps(answers))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now().utc_ns / NS_PER_S, UTC)


def told_changes(before: Policy, after: Policy, before_min: int | None, after_min: int | None) -> list[str]:
    """What the candidate is told of an update besides its message: more time, and what is permitted from now on."""
    told = []
    if after_min is None and before_min is not None:
        told.append("The exam has no end of its own any more: take the time that its page gives you.")
    elif after_min is not None and before_min is not None and after_min > before_min:
        more = after_min - before_min
        told.append("You have one more minute." if more == 1 else f"You have {more} more minutes.")
    granted = (
        ("looking_away", "Looking away is permitted from now on."),
        ("second_person", "A second person is permitted from now on."),
        ("reading_aloud", "Reading aloud is permitted from now on."),
        ("screen_reader", "Sound is not judged from now on, so that you can use a screen reader."),
    )
    for name, sentence in granted:
        if getattr(after.accessibility, name) and not getattr(before.accessibility, name):
            told.append(sentence)
    return told
